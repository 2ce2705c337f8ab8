"""`manage.py participant_role ROLE`: the rights of the participants' web process on PostgreSQL."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection, transaction

from studyapp.participant_role import grants


class Command(BaseCommand):
    help = "Give a role of PostgreSQL what sittings need and nothing that tells which picture is which."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="an existing role, other than the owner of the tables")

    def handle(self, *, role: str, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError(
                f"expected a PostgreSQL database in DATABASE_URL, got {connection.vendor}: it has no roles"
            )
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in grants(role):
                    cursor.execute(statement)
        except ProgrammingError as error:
            raise CommandError(f"role {role}: {str(error).strip()}") from error
        self.stdout.write(
            f"role {role} can run sittings and read no truth; after each `migrate` run this command again"
        )
