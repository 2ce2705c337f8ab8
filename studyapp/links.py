"""Named links: one for each person that is invited, and one for those who try a study out.

A link is an address with a random token; to open it changes nothing, a sitting begins with the consent alone. The
sitting of a person's link is remembered as that of the panel `link`, with the token as its id.
"""

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import segno
from django.db import transaction
from django.urls import reverse
from django.utils.text import slugify

from studyapp.csv_tables import Table, written
from studyapp.models import NamedLink, PanelIdentity, Study

PARAMETER = PANEL = "link"


def versions_until(study: Study) -> list[int]:
    """Primary keys of a study and of the versions before it, newest first."""
    found, previous = [study.pk], study.previous_id
    while previous is not None:
        found.append(previous)
        previous = Study.objects.filter(pk=previous).values_list("previous", flat=True).get()
    return found


def named_link(study: Study, token: str) -> NamedLink | None:
    """The link with this token if it leads into this study; testers keep theirs through all versions."""
    link = NamedLink.objects.filter(token=token).only("token", "study", "is_tester").first()
    if link is None:
        return None
    is_here = link.study_id == study.pk or (link.is_tester and link.study_id in versions_until(study))
    return link if is_here else None


def hand_on_links(earlier_pk: int, study: Study) -> None:
    """Give the links that nobody has used yet to the version that takes over."""
    unused = NamedLink.objects.filter(study=earlier_pk).exclude(
        token__in=PanelIdentity.objects.filter(study=earlier_pk, panel=PANEL).values("external_id")
    )
    unused.update(study=study)


def address_of(link: NamedLink) -> str:
    """The path of a link on this site; to open it changes nothing."""
    return reverse("study:welcome", args=[link.study.slug], query={PARAMETER: link.token})


# ---- making and handing out ----

MOST_AT_ONCE = 100_000
LONGEST_LABEL = 200
LABEL_COLUMNS = ("label", "name", "for whom", "email", "e-mail", "participant")


class LinkError(ValueError):
    """Links that cannot be made; the message says why."""


class EndedStudyError(LinkError):
    """The study takes nobody any more."""


@dataclass(frozen=True)
class Made:
    """How many links were made, and how many labels had one already."""

    new: int
    already: int


def labels_of(table: Table) -> list[str]:
    """Whom the lines of a table name: by its column of labels, else by the first one of every line."""
    place = table.column(LABEL_COLUMNS)
    rows = table.rows if place is not None else [table.header, *table.rows]
    return [row[place or 0] for row in rows if len(row) > (place or 0) and row[place or 0]]


def make_links(study: Study, labels: Sequence[str], *, is_tester: bool = False) -> Made:
    """A link for each label that has none in this study yet, all of them or none; empty labels get one each.

    Raises LinkError for a draft's successor that has ended, too many links, or labels that are too long.
    """
    if study.status in (Study.Status.CLOSED, Study.Status.ARCHIVED):
        raise EndedStudyError(f"study {study.slug} is {study.status}: nobody could take part with a new link")
    if not 1 <= len(labels) <= MOST_AT_ONCE:
        raise LinkError(f"expected 1 to {MOST_AT_ONCE:,} links at once, got {len(labels):,}")
    for number, label in enumerate(labels, start=1):
        if "\0" in label or any("\ud800" <= letter <= "\udfff" for letter in label):
            raise LinkError(f"link {number}: expected text for whom it is, got {label[:40]!r}")
        if len(label) > LONGEST_LABEL:
            raise LinkError(
                f"link {number}: expected at most {LONGEST_LABEL} letters for whom it is, got {len(label)}: "
                f"{label[:40]!r}..."
            )
    with transaction.atomic():
        # Whoever brings the same list at the same moment waits, and finds these.
        Study.objects.select_for_update().get(pk=study.pk)
        there = set(study.links.exclude(label="").values_list("label", flat=True))
        wanted = [label for label in labels if not label] + [
            label for label in dict.fromkeys(labels) if label and label not in there
        ]
        NamedLink.objects.bulk_create(
            [NamedLink(study=study, label=label, is_tester=is_tester) for label in wanted], batch_size=1000
        )
    return Made(len(wanted), len(labels) - len(wanted))


HEADER = ("label", "kind", "address", "state")


def link_rows(study: Study, site: str) -> Iterator[tuple[str, str, str, str]]:
    """A row of HEADER for every link of a study, in the order in which they were made; `site` goes before the path."""
    states = dict(
        PanelIdentity.objects.filter(study=study, panel=PANEL).values_list(
            "external_id", "participant__sitting__status"
        )
    )
    path = reverse("study:welcome", args=[study.slug])
    for label, token, is_tester in study.links.values_list("label", "token", "is_tester"):
        address = f"{site.rstrip('/')}{path}?{PARAMETER}={token}"
        if is_tester:
            yield label, "tester", address, "as often as you like"
        else:
            yield label, "person", address, states.get(token, "unused")


def links_csv(study: Study, site: str) -> bytes:
    return written(HEADER, link_rows(study, site))


def qr_svg(address: str) -> bytes:
    """An address as a QR code: SVG that scales, black on white with its margin."""
    file = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        file, kind="svg", border=4, light="#fff", xmldecl=False, svgclass=None, omitsize=True
    )
    return file.getvalue()


def qr_zip(study: Study, site: str) -> IO[bytes]:
    """A zip with an SVG for each link, numbered and named as the links are; at its beginning, gone when closed."""
    file = tempfile.TemporaryFile(prefix="tachisto-links-")  # noqa: SIM115  the answer closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (label, _kind, address, _state) in enumerate(link_rows(study, site), start=1):
            name = slugify(label)[:60]
            archive.writestr(f"{number:05d}{'-' if name else ''}{name}.svg", qr_svg(address))
    file.seek(0)
    return file
