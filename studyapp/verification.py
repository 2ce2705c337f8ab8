"""Whether what is stored still is what it was: packs, image sets, exports, reports, counters, the audit log.

Each part looks at one kind of thing and says what is wrong with it, and what to do.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studyapp import audit, tallies
from studyapp.catalogue import CatalogueError, decoded_pixels
from studyapp.export import ExportError, export_freeze, one_moment
from studyapp.files import sha256_of
from studyapp.freezes import n_erased_since, with_erased
from studyapp.models import ExportFreeze, ImageSet, Job, Study
from studyapp.products import file_of, is_stale, made_products


@dataclass(frozen=True)
class Part:
    """What was looked at: how many things, in words, and what is wrong with them."""

    name: str
    looked_at: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        if not self.problems:
            return f"{self.name}: {self.looked_at}, all as it should be"
        return "\n".join(
            [f"{self.name}: {self.looked_at}, {len(self.problems)} wrong", *(f"  {p}" for p in self.problems)]
        )


def verify(names: Sequence[str], *, mend: bool = False, head: audit.Head | None = None) -> Iterator[Part]:
    """The parts of PARTS with these names, one after the other; `mend` sets counters right."""
    for name in names:
        yield PARTS[name](mend, head)


def packs(mend: bool, head: audit.Head | None) -> Part:
    """Every opened study's pack has the bytes it was opened with."""
    problems = []
    studies = list(Study.objects.exclude(pack_sha256="").order_by("slug"))
    for study in studies:
        path = study.pack_path
        if not path.is_file():
            problems.append(f"study {study.slug}: {path} is missing; bring it back from a backup")
        elif sha256_of(path) != study.pack_sha256:
            problems.append(f"study {study.slug}: {path} was changed; bring it back from a backup")
    return Part("packs", f"{len(studies)} studies", tuple(problems))


def image_sets(mend: bool, head: audit.Head | None) -> Part:
    """Every image set's zip has the bytes that came in, and its pixels are those that were catalogued."""
    sets = list(ImageSet.objects.order_by("name"))
    problems = [problem for image_set in sets for problem in faults_of_set(image_set)]
    return Part("image-sets", f"{len(sets)} image sets", tuple(problems))


def faults_of_set(image_set: ImageSet) -> Iterator[str]:
    """What is wrong with an image set's zip: one sentence, or none."""
    remedy = "import the same set again"
    if not image_set.path.is_file():
        yield f"image set {image_set}: {image_set.path} is missing; {remedy}"
        return
    if sha256_of(image_set.path) == image_set.file_sha256:
        return
    try:
        n_images = sum(1 for _ in decoded_pixels(image_set))
    except CatalogueError as error:
        yield f"image set {image_set}: {error}"
    else:
        yield f"image set {image_set}: the zip was changed, its {n_images} pictures were not; {remedy}"


def exports(mend: bool, head: audit.Head | None) -> Part:
    """Every frozen export gives the files that it gave first; those with erased people cannot any more."""
    freezes = list(with_erased(ExportFreeze.objects.select_related("study")).exclude(files={}))
    problems: list[str] = []
    n_checked = 0
    for freeze in freezes:
        if n_erased_since(freeze):
            continue
        n_checked += 1
        problems += faults_of_freeze(freeze)
    left_out = f", {len(freezes) - n_checked} left out for erasures since" if n_checked < len(freezes) else ""
    return Part("exports", f"{n_checked} exports{left_out}", tuple(problems))


def faults_of_freeze(freeze: ExportFreeze) -> Iterator[str]:
    """The files of a freeze that are not what they were, written anew to be compared."""
    for file_format, listed in freeze.files.items():
        with tempfile.TemporaryDirectory(prefix="tachisto-verify-") as folder:
            try:
                export_freeze(freeze, Path(folder), file_format=file_format)
            except ExportError as error:
                yield f"export {freeze.name[:8]} of {freeze.study}: {error}"
                continue
            for name, file in listed.items():
                if sha256_of(Path(folder) / name) != file["sha256"]:
                    yield (
                        f"export {freeze.name[:8]} of {freeze.study}: {name} is another than at first "
                        f"({freeze.created_utc:%Y-%m-%d}): stored answers were changed, or another version wrote it"
                    )


def reports(mend: bool, head: audit.Head | None) -> Part:
    """Every report that was made and not deleted is there, with the bytes that were written."""
    made = [job for job in made_products(Job.Kind.REPORT) if not is_stale(job)]
    problems = tuple(problem for job in made for problem in faults_of_report(job))
    return Part("reports", f"{len(made)} reports", problems)


def faults_of_report(job: Job) -> Iterator[str]:
    """What is wrong with a report's file: one sentence, or none."""
    path, remedy = file_of(job), "delete it on its page and make it again"
    if not path.is_file():
        yield f"report {job.pk} of {job.freeze}: {path} is missing; bring it back from a backup, or {remedy}"
    elif sha256_of(path) != job.outcome["file_sha256"]:
        yield f"report {job.pk} of {job.freeze}: {path} was changed; {remedy}"


def counts(mend: bool, head: audit.Head | None) -> Part:
    """Every counter says what the rows say."""
    problems: list[str] = []
    studies = list(Study.objects.exclude(status=Study.Status.DRAFT).order_by("slug"))
    for study in studies:
        with one_moment():
            found = tallies.differences(study)
        if found and mend:
            tallies.differences(study, mend=True)
        done = "; set right" if mend else "; `verify counts --mend` sets it right"
        problems += [f"study {study.slug}, {difference}{done}" for difference in found]
    return Part("counts", f"{len(studies)} studies", tuple(problems))


def audit_log(mend: bool, head: audit.Head | None) -> Part:
    """The chain of the audit log holds, and has the head that was written down."""
    problems = tuple(str(fault) for fault in audit.faults(head))
    now = audit.head()
    return Part("audit", f"{now.number} entries, head {now}", problems)


PARTS: dict[str, Callable[[bool, audit.Head | None], Part]] = {
    "packs": packs,
    "image-sets": image_sets,
    "counts": counts,
    "audit": audit_log,
    "exports": exports,
    "reports": reports,
}


def faults_of_folder(folder: Path) -> Iterator[str]:
    """What is wrong with an export's folder: files that are missing, or are not those that study.json lists."""
    try:
        listed = json.loads((folder / "study.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{folder}: expected an export with its study.json, got: {error!r}"
        return
    for name, file in listed.items():
        path = folder / name
        if not path.is_file():
            yield f"{path}: is missing"
        elif sha256_of(path) != file["sha256"]:
            yield f"{path}: was changed since it was exported"
