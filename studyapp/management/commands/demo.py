"""`manage.py demo`: from an empty data folder to a running demo study. What `make demo` runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from studyapp import demo, serving, system_checks
from studyapp.accounts import one_use_password


class Command(BaseCommand):
    help = (
        "Prepare the demo study (migrations, image sets from the shipped weights, study `demo`) and serve it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", choices=demo.DATASETS, default="photos")
        parser.add_argument("--data", type=Path, help="folder with the CIFAR-10 binary files")
        parser.add_argument("--no-serve", action="store_true", help="stop when all is ready")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, dataset: str, data: Path | None, no_serve: bool, port: int, **options: Any) -> None:
        try:
            if not no_serve:
                serving.require_free(port)
                serving.require_broker()
            self.say(f"data folder {settings.DATA_DIR}")
            for warning in system_checks.sqlite_is_new_enough(None, ["default"]):
                self.say(f"note: {warning.msg} {warning.hint}")
            call_command("migrate", verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            study = demo.prepare(dataset, data, say=self.say)
        except (demo.DemoError, serving.PortInUse, serving.BrokerUnreachable) as error:
            raise CommandError(str(error)) from error
        self.say(f"study {study} is open, version {study.version[:12]}")
        if no_serve:
            return
        address = f"http://127.0.0.1:{port}"
        self.say(f"\n  take part   {address}/s/{study}/")
        self.say(f"  research    {address}/admin/")
        password = one_use_password("admin")
        if password:
            self.say(f"              user admin, password {password} (opens once; you then set your own)")
        else:
            self.say(
                "              user admin, password as you set it (lost: manage.py changepassword admin)"
            )
        self.say("  analyse     .venv/bin/python analysis/report.py")
        self.say(f"  logs        {settings.LOGS_DIR}\n\nCtrl-C ends it; nothing is lost.")
        serving.serve(port)

    def say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
