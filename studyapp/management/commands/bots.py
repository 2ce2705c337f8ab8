"""`python manage.py bots S --participants N`: simulated people take a study through the real web path."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from studyapp.bots.browser import BotError
from studyapp.bots.crowd import AT_ONCE, Crowd, Outcome, require_open
from studyapp.bots.observer import planted_curve
from studyapp.bots.web_server import own_web_server
from studyapp.files import write_whole
from studyapp.models import Study


@contextmanager
def server_url(given: str | None) -> Iterator[str]:
    """The server that was named, else one of our own for as long as it is needed."""
    if given:
        yield given
    else:
        with own_web_server() as server:
            yield server.url


def write_truth(path: Path, study: Study) -> int:
    """Write the planted curve, averaged over people and pictures: source,exposure_ms,p. The number of cells.

    exposure_ms is empty where pictures stay until the answer.
    """
    cells = planted_curve((source.name for source in study.sources.all()), study.exposures_ms or [None])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "exposure_ms", "p"])
    writer.writerows((source, exposure_ms, f"{p:.6f}") for source, exposure_ms, p in cells)
    with write_whole(path) as file:
        file.write(text.getvalue().encode())
    return len(cells)


class Command(BaseCommand):
    help = (
        "Send simulated participants through a study, over HTTP; everything they leave is marked simulated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of an open study")
        parser.add_argument("--participants", type=int, required=True, metavar="N")
        parser.add_argument("--server", metavar="URL", help="a running site; default: one of its own")
        parser.add_argument("--seed", type=int, default=1, metavar="K", help="same seed, same people")
        parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="N", help="people at a time")
        parser.add_argument(
            "--truth", type=Path, metavar="FILE", help="write the planted curve: source,exposure_ms,p"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none"
            raise CommandError(
                f"expected a study named {options['study']}, found none; the studies here: {known}"
            )
        try:
            require_open(study)
            if options["truth"]:  # first: a file that cannot be written shows before the minutes of the crowd
                n_cells = write_truth(options["truth"], study)
                self.stdout.write(f"planted curve: {options['truth']}  {n_cells} cells")
            outcome = self.sent_crowd(study, options)
        except BotError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("stopped; sittings under way stay unfinished, marked simulated") from None
        self.tell(outcome, options["participants"])

    def sent_crowd(self, study: Study, options: dict[str, Any]) -> Outcome:
        n_people = options["participants"]
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        with server_url(options["server"]) as url:
            crowd = Crowd(study, url, n_people=n_people, seed=options["seed"], at_once=options["at_once"])
            with bar:
                task = bar.add_task("answers", total=n_people * (study.n_test_trials + study.practice_trials))
                return crowd.run(lambda n_stored: bar.update(task, completed=n_stored))

    def tell(self, outcome: Outcome, n_people: int) -> None:
        self.stdout.write(
            f"sittings finished: {outcome.finished} of {n_people}\n"
            f"responses sent {outcome.sent}, stored {outcome.acknowledged_new}, replayed {outcome.replayed}, "
            f"requests tried again {outcome.retries}\n"
            f"{outcome.seconds:.1f} seconds, {outcome.responses_per_second:.0f} responses a second\n"
            f"in the database: {outcome.stored.answers} answers, {outcome.stored.lost} lost, "
            f"{outcome.stored.doubled} doubled"
        )
        if not outcome.is_complete:
            reason = (
                outcome.failures[0] if outcome.failures else "what was acknowledged is not what is stored"
            )
            raise CommandError(
                f"{n_people - outcome.finished} sittings did not finish as they should: {reason}"
            )
