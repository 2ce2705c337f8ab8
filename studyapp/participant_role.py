"""What the database lets the participants' web process do, where it has a role of its own (PostgreSQL).

The role reads and writes what sittings need and nothing that says which picture is which (no image, no image set,
no link from a stimulus to its image) or whom a link is for. Planning has to know a stimulus' source, and so does the
debrief.
"""

from django.apps import apps
from django.db import connection

# Table -> the columns that the role cannot read; none named: all of them.
HIDDEN: dict[str, tuple[str, ...]] = {
    "studyapp_image": (),
    "studyapp_imageset": (),
    "studyapp_stimulus": ("image_id",),
    "studyapp_studysource": ("image_set_id",),
    "studyapp_study": ("definition",),
    "studyapp_namedlink": ("label",),
    "studyapp_sittingcells": ("cells",),
    # The chain goes on from its newest entry, whose number and hash are all that is needed.
    "studyapp_auditentry": ("moment_utc", "actor", "action", "study", "detail", "previous_sha256"),
}
# Table -> what the role may do besides reading; in brackets the only columns.
GRANTED: dict[str, tuple[str, ...]] = {
    "studyapp_study": ("UPDATE (bucket_full_s, landings_full_s, n_landed, n_declined)",),
    "studyapp_studysource": (),
    "studyapp_namedlink": ("UPDATE (bucket_full_s)",),
    "studyapp_recruiting": (),
    "studyapp_listedperson": ("INSERT",),
    "studyapp_stimulus": ("UPDATE (times_planned)",),
    "studyapp_participant": ("INSERT",),
    "studyapp_panelidentity": ("INSERT",),
    "studyapp_sitting": ("INSERT", "UPDATE"),
    "studyapp_sittingtally": ("INSERT", "UPDATE"),
    "studyapp_sittingcells": ("DELETE",),
    "studyapp_frozensitting": ("UPDATE",),
    "studyapp_auditentry": ("INSERT",),
    "studyapp_trial": ("INSERT", "UPDATE", "DELETE"),
    "studyapp_trialstimulus": ("INSERT", "DELETE"),
    "studyapp_response": ("INSERT", "DELETE"),
    "studyapp_conflictingresponse": ("INSERT", "DELETE"),
}


def readable_columns(table: str) -> list[str]:
    """The columns of a table of ours that the role reads."""
    (model,) = (m for m in apps.get_app_config("studyapp").get_models() if m._meta.db_table == table)
    columns = [str(field.column) for field in model._meta.concrete_fields]
    return [column for column in columns if column not in HIDDEN.get(table, ())]


def grants(role: str) -> list[str]:
    """The statements that give a role these rights and take away all others on our tables; to be run by their owner."""
    quote = connection.ops.quote_name
    to = quote(role)
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {to}",
        f"GRANT USAGE ON SCHEMA public TO {to}",
    ]
    for table, rights in GRANTED.items():
        columns = ", ".join(map(quote, readable_columns(table)))
        wanted = ", ".join((f"SELECT ({columns})", *rights))
        statements.append(f"GRANT {wanted} ON {quote(table)} TO {to}")
    return statements
