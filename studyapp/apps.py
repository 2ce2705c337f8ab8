"""The two Django apps of the site: ours, and the admin with our own site class."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StudyAppConfig(AppConfig):
    name = "studyapp"
    verbose_name = "Tachisto"

    def ready(self) -> None:
        from studyapp import system_checks  # noqa: F401  registers the checks


class StudyAdminConfig(AdminConfig):
    default_site = "studyapp.admin.site.TachistoAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib.admin import site

        from studyapp.admin.registry import register_all

        register_all(site)
