"""What a design comes to, asked by the study editor while it is being written; nothing is stored."""

from dataclasses import asdict, dataclass, field
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import URLPattern, path

from studyapp.admin.design_numbers import (
    RATES_HZ,
    Number,
    Source,
    cell_rows,
    frames_row,
    image_rows,
    settings_of,
)
from studyapp.admin.study_form import StudyForm
from studyapp.durations import minutes
from studyapp.models import ImageSet, Study
from studyapp.protocols import DesignError
from studyapp.roles import EDIT, studies_with

MOST_SOURCES = 50
# What the numbers follow from; the rest of the form may be as unfinished as it likes.
ASKED = (
    *(
        "protocol",
        "exposures_ms",
        "n_trials",
        "practice_trials",
        "catch_trials",
        "repeat_percent",
        "n_examples",
    ),
    *("fixation_ms", "blank_ms"),
)


@dataclass(frozen=True)
class Group:
    """Numbers that belong together, as the page shows them."""

    title: str
    rows: list[Number]
    note: str = ""


@dataclass
class Sent:
    """The part of a form that could be read, and what is wrong with the rest."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Number] = field(default_factory=list)


class NumberPages(admin.ModelAdmin):
    """The endpoint of the numbers, for whoever may write studies."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.numbers_view)
        return [path("numbers/", view, name="studyapp_study_numbers"), *super().get_urls()]

    def numbers_view(self, request: HttpRequest) -> HttpResponse:
        """Groups of numbers for the form as it was sent."""
        if not (
            request.user.has_perm("studyapp.add_study")
            or request.user.has_perm("studyapp.change_study")
            or studies_with(request.user, EDIT)
        ):
            raise PermissionDenied
        return JsonResponse({"groups": [asdict(group) for group in groups(request.POST)]})


def groups(sent: QueryDict) -> list[Group]:
    """Numbers for a design as it stands in the form; a fault is said in the place of what it hinders."""
    read = read_form(sent)
    if read.faults:
        return [Group("Not yet", read.faults)]
    sources = read_sources(sent)
    values = read.values
    study = Study(**values)
    n_test = study.n_test_trials
    length = [
        Number("takes about", f"{minutes(study)} minutes"),
        Number(
            "trials of the test", f"{n_test:,}" + (f", {study.catch_trials} catch" * bool(study.catch_trials))
        ),
    ]
    frames = [frames_row(exposure_ms) for exposure_ms in values["exposures_ms"]]
    told = [Group("A sitting", length)]
    try:
        settings = settings_of(
            sources,
            values["exposures_ms"],
            is_timed=study.is_timed,
            **{
                name: values[name]
                for name in ("n_trials", "practice_trials", "repeat_percent", "catch_trials")
            },
        )
    except DesignError as error:
        told.append(Group("Not yet", [Number("the design", str(error), is_short=True)]))
    else:
        told.append(Group("Trials of one person, by source", cell_rows(settings)))
        told.append(Group("Images", image_rows(settings, sources, values["n_examples"])))
    if frames:
        told.append(Group(f"Frames at {' · '.join(map(str, RATES_HZ))} Hz", frames, "Halves go down."))
    return told


def read_form(sent: QueryDict) -> Sent:
    """The fields of ASKED, each by its own rule."""
    form, read = StudyForm(), Sent()
    for name in ASKED:
        wanted = form.fields[name]
        try:
            read.values[name] = wanted.clean(wanted.widget.value_from_datadict(sent, {}, name))
        except forms.ValidationError as error:
            read.faults.append(Number(str(wanted.label or name), " ".join(error.messages), is_short=True))
    return read


def read_sources(sent: QueryDict) -> list[Source]:
    """The rows of sources that are filled in and not to be deleted; a weight that is none counts as 1."""
    rows = []
    for number in range(MOST_SOURCES):
        row = {
            name: sent.get(f"sources-{number}-{name}", "")
            for name in ("name", "image_set", "weight", "is_catch", "DELETE")
        }
        if row["name"].strip() and not row["DELETE"]:
            rows.append(row)
    chosen = [
        int(row["image_set"]) for row in rows if row["image_set"].isascii() and row["image_set"].isdigit()
    ]
    n_images = dict(
        ImageSet.objects.filter(pk__in=[pk for pk in chosen if pk < 2**63]).values_list("pk", "n_images")
    )
    return [
        Source(
            row["name"].strip()[:50],
            _weight(row["weight"]),
            n_images.get(int(row["image_set"]))
            if row["image_set"].isascii() and row["image_set"].isdigit()
            else None,
            bool(row["is_catch"]),
        )
        for row in rows
    ]


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return weight if 0 < weight < float("inf") else 1.0
