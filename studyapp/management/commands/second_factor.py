"""Helping somebody who has lost the phone of their second factor, and the recovery codes with it."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, CommandParser

from studyapp.accounts import at_the_command_line
from studyapp.second_factor import SecondFactorError, one_more_code, switch_off


class Command(BaseCommand):
    help = (
        "Print one more recovery code for somebody who has lost phone and codes: it stands in for the phone once, and "
        "the password is needed as before. Make sure that it is they who ask. In the admin, under Second factor, they "
        "then set up another phone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--off", action="store_true", help="switch the second factor off: the password is enough"
        )

    def handle(self, *args: Any, username: str, off: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"expected the name of a user, found nobody called {username}")
        try:
            if off:
                switch_off(user, by=at_the_command_line())
                self.stdout.write(
                    f"{username}: the second factor is off; they can set it up again once signed in"
                )
            else:
                self.stdout.write(one_more_code(user, by=at_the_command_line()))
        except SecondFactorError as error:
            raise CommandError(str(error)) from error
