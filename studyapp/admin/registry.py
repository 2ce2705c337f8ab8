"""What the admin shows: a table from model to the class that shows it. A new table of the site is a line here."""

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django_otp.plugins.otp_totp.models import TOTPDevice

from studyapp.admin.api_tokens import ApiTokenAdmin
from studyapp.admin.audit_log import AuditLogAdmin
from studyapp.admin.audited import Audited
from studyapp.admin.images import ImageSetAdmin
from studyapp.admin.jobs import JobAdmin
from studyapp.admin.people import PeopleAdmin, RoleAdmin
from studyapp.admin.sittings import (
    ConflictingResponseAdmin,
    PanelIdentityAdmin,
    ResponseAdmin,
    SittingAdmin,
    TrialAdmin,
)
from studyapp.admin.studies import StudyAdmin
from studyapp.admin.within_roles import WithinRoles
from studyapp.models import (
    ApiToken,
    AuditEntry,
    ConflictingResponse,
    ImageSet,
    Job,
    PanelIdentity,
    Response,
    Sitting,
    Study,
    Trial,
)

ADMINS: dict[type[Model], type[ModelAdmin]] = {
    Study: StudyAdmin,
    ImageSet: ImageSetAdmin,
    Job: JobAdmin,
    Sitting: SittingAdmin,
    Trial: TrialAdmin,
    Response: ResponseAdmin,
    ConflictingResponse: ConflictingResponseAdmin,
    PanelIdentity: PanelIdentityAdmin,
    User: PeopleAdmin,
    Group: RoleAdmin,
    ApiToken: ApiTokenAdmin,
    AuditEntry: AuditLogAdmin,
}


def register_all(site: AdminSite) -> None:
    """Register every line of the table, in place of what another app has registered for its model."""
    site.unregister(
        TOTPDevice
    )  # a page that would show people's secrets to others; theirs is `second_factor_pages`
    for model, model_admin in ADMINS.items():
        if site.is_registered(model):
            site.unregister(model)
        site.register(model, type(model_admin.__name__, (Audited, model_admin, WithinRoles), {}))
