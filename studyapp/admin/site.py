"""Our own admin site."""

from django.contrib.admin import AdminSite


class TachistoAdminSite(AdminSite):
    site_header = "Tachisto"
    site_title = "Tachisto"
    index_title = "Studies and their data"
