"""Takes the unique key of the table of responses away. Run as a module, on the database of the environment."""

from django.db import connection, models

from studyapp.models import Response, Trial


def main() -> None:
    guarded = Response._meta.get_field("trial")
    plain = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="response")
    plain.set_attributes_from_name("trial")
    plain.model = Response
    with connection.schema_editor() as editor:
        editor.alter_field(Response, guarded, plain)


if __name__ == "__main__":
    main()
