"""The study editor's form: a design in plain words, with errors at the field that causes them."""

from collections.abc import Callable
from copy import copy
from dataclasses import asdict
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest

from studyapp.admin.columns import count
from studyapp.exclusions import RULES
from studyapp.models import (
    OPTIONAL_TEXTS,
    TEXT_FIELDS,
    ImageSet,
    Study,
    StudySource,
    default_exposures,
    default_panels,
)
from studyapp.presets import PRESETS, PresetError, create_study
from studyapp.protocols import DesignError, Settings
from studyapp.protocols.trial import REAL
from studyapp.roles import EDIT, SEE, may, studies_with
from studyapp.texts import usual
from studyapp.versions import fingerprint


class ExposuresField(forms.CharField):
    """Durations in whole milliseconds, written `50, 75, 100`; a list of int in Python."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = (super().to_python(value) or "").replace(",", " ").split()
        try:
            return [int(word) for word in words]
        except ValueError:
            raise forms.ValidationError(
                f"expected whole milliseconds such as 50, 75, 100, got {value!r:.80}"
            ) from None


class PanelsField(forms.CharField):
    """Recruiting panels and the URL parameter that carries a person's id, one `panel = PARAMETER` a line."""

    widget = forms.Textarea(attrs={"rows": 6})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{panel} = {parameter}" for panel, parameter in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        panels: dict[str, str] = {}
        for number, line in enumerate((super().to_python(value) or "").splitlines(), start=1):
            panel, _, parameter = (part.strip() for part in line.partition("="))
            if not panel and not parameter:
                continue
            if not panel or not parameter:
                raise forms.ValidationError(
                    f"line {number}: expected a panel and its parameter, such as prolific = PROLIFIC_PID, "
                    f"got {line!r:.80}"
                )
            if panel in panels:
                raise forms.ValidationError(f"line {number}: expected each panel once, got {panel} again")
            if len(panel) > 30:
                raise forms.ValidationError(f"line {number}: expected a panel name of at most 30 letters")
            panels[panel] = parameter
        return panels


# Each is checked by the protocol's own rule, on its own, so that the error stands at its field.
DESIGN_FIELDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    # Whether there may be none is a matter of the protocol: the study says so.
    "exposures_ms": lambda value: {"exposures_ms": tuple(value), "n_trials": 1, "is_timed": bool(value)},
    "n_trials": lambda value: {"exposures_ms": (100,), "n_trials": value},
    "practice_trials": lambda value: {"exposures_ms": (100,), "n_trials": 1, "practice_trials": value},
    "catch_trials": lambda value: {
        "exposures_ms": (100,),
        "n_trials": 5000,
        "catch_trials": value,
        "catch_sources": ("any",) * bool(value),
    },
}
# Whole numbers that no protocol checks: least and most that a page can run.
LIMITS = {"n_examples": (0, 200), "break_every": (1, 5000), "fixation_ms": (0, 5000), "blank_ms": (0, 5000)}


LANGUAGE_NAMES = dict(settings.LANGUAGES)
# The fields of a study's texts as they stand in the form: label, lines of the field, None for one line alone.
TEXTS: dict[str, tuple[str, int | None]] = {
    "title": ("Title", None),
    "description": ("Description", 4),
    "consent_text": ("Consent text", 14),
    "debrief_text": ("Debrief text", 8),
    "eligibility": ("Who can take part", 3),
}


def translation_fields(language: str) -> list[str]:
    """The form's fields for one more language, in their order on the page."""
    return [f"offers_{language}", *(f"{name}_{language}" for name in TEXT_FIELDS)]


def _translation_form() -> type[forms.Form]:
    """A form with the fields of every language, so that the admin finds them declared."""
    fields: dict[str, Any] = {}
    for language, own_name in LANGUAGE_NAMES.items():
        fields[f"offers_{language}"] = forms.BooleanField(
            label=f"Offer the study in {own_name}",
            required=False,
            help_text="The pages follow by themselves. Participants choose on the first page; what their browser "
            "prefers comes first.",
        )
        for name, (label, rows) in TEXTS.items():
            widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput
            fields[f"{name}_{language}"] = forms.CharField(
                label=f"{label} ({own_name})",
                required=False,
                widget=widget,
                max_length=getattr(Study._meta.get_field(name), "max_length", None),
            )
    return type("TranslationForm", (forms.Form,), fields)


# One field for each rule by which sittings are left out: its percent, empty where the study does not use it.
RULE_FIELDS = tuple(f"exclude_{name}" for name in RULES)


def _rules_form() -> type[forms.Form]:
    fields: dict[str, Any] = {
        f"exclude_{name}": forms.FloatField(
            label=f"Left out: {rule.sentence.format(percent='…')}",
            required=False,
            min_value=0,
            max_value=100,
            help_text=f"Percent; empty: no such rule. {rule.usual} is usual.",
        )
        for name, rule in RULES.items()
    }
    return type("RulesForm", (forms.Form,), fields)


class StudyForm(_translation_form(), _rules_form(), forms.ModelForm):  # type: ignore[misc]
    exposures_ms = ExposuresField(
        label="Exposures (ms)",
        required=False,
        max_length=2000,
        initial=default_exposures,
        help_text="How long a picture is shown: whole milliseconds, separated by commas. None with an untimed "
        "protocol: the picture stays until the answer.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    panels = PanelsField(
        label="Recruiting panels",
        required=False,
        max_length=5000,
        initial=default_panels,
        help_text="One line each: a name, and the parameter of the link in which the panel sends a person's id.",
    )

    # The state of the draft that whoever fills this in was shown.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Study
        exclude = ("translations", "exclusions")  # noqa: DJ006  the others' place is said in the admin's fieldsets
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "consent_text": forms.Textarea(attrs={"rows": 14}),
            "debrief_text": forms.Textarea(attrs={"rows": 8}),
            "eligibility": forms.Textarea(attrs={"rows": 3}),
            "sample_size_rule": forms.Textarea(attrs={"rows": 3}),
            "analysis_plan": forms.Textarea(attrs={"rows": 6}),
        }
        labels = {
            "slug": "Short name",
            "quota": "Sittings wanted",
            "mask_gray": "Gray of the mask",
            "practice_trials": "Practice trials",
        }
        help_texts = {
            "slug": "In the address of the study: /s/short-name/.",
            "title": "Participants read it first.",
            "n_trials": "220, or 660 as in the paper's form. Practice is not counted.",
            "description": "What it is about, in two sentences. Never say which pictures are generated.",
            "mask_gray": "The page around the picture, and a plain mask; patterns vary around it.",
            "mask_kind": "What replaces the picture. A pattern is another in each trial.",
            "most_refresh_hz": "Exposures are whole frames: at 60 Hz to 8 ms of what was asked, at 240 Hz to 2 ms.",
            "least_width_px": "Room for the picture and the buttons is asked for in any case.",
            "consent_text": "Empty lines part paragraphs. Its hash is stored with every consent.",
            "debrief_text": "Shown at the end. Empty lines part paragraphs.",
            "language": "Of title, description, consent and debrief. More languages stand below them.",
            "quota": "Finished sittings wanted; empty: no limit. Simulated and pilot ones are not counted.",
            "sample_size_rule": "When recruiting ends, and why then. Empty: with the sittings wanted.",
            "analysis_plan": "What will be tested and how. Empty: the report as it comes.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = fingerprint(self.instance)
        for name, (least, most) in LIMITS.items():
            if name in self.fields:
                self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]
        for name, percent in self.instance.exclusions.items():
            self.initial[f"exclude_{name}"] = percent
        for language in LANGUAGE_NAMES:
            told = self.instance.translations.get(language)
            self.initial[f"offers_{language}"] = told is not None
            usual_texts = usual(is_timed=self.instance.is_timed)[language]
            for name, text in (told or asdict(usual_texts)).items():
                self.initial[f"{name}_{language}"] = text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._require_seen(cleaned.get("seen"))
        for name, settings_of in DESIGN_FIELDS.items():
            if cleaned.get(name) in (None, ""):
                continue
            try:
                Settings(source_weights={REAL: 1.0}, **settings_of(cleaned[name]))
            except DesignError as error:
                self.add_error(name, str(error))
        self.instance.exclusions = {
            name: percent for name in RULES if (percent := cleaned.get(f"exclude_{name}")) is not None
        }
        self.instance.translations = {
            language: self._translation(language, cleaned)
            for language in LANGUAGE_NAMES
            if cleaned.get(f"offers_{language}")
        }
        return cleaned

    def _require_seen(self, seen: str | None) -> None:
        """Let nobody overwrite what somebody else has saved meanwhile, unless they say so by saving again."""
        now = self.initial.get("seen")
        if seen and now and seen != now:
            self.add_error(
                None,
                "Nothing was saved: somebody has changed this study since you opened this page, see its history. "
                "Open it in another tab to look at their changes; saving here once more puts your entries in their "
                "place.",
            )
            entries: Any = copy(self.data)
            entries[self.add_prefix("seen")] = now
            self.data = entries

    def _translation(self, language: str, cleaned: dict[str, Any]) -> dict[str, str]:
        """The texts of one more language, with an error at each that is missing."""
        if language == cleaned.get("language"):
            self.add_error(f"offers_{language}", "The texts above are in this language already.")
        told = {name: cleaned.get(f"{name}_{language}") or "" for name in TEXT_FIELDS}
        for name, text in told.items():
            if not text and name not in OPTIONAL_TEXTS and f"{name}_{language}" not in self.errors:
                self.add_error(
                    f"{name}_{language}", "expected a text, since the study is offered in this language"
                )
        return told


def said_of(image_set: ImageSet) -> str:
    """An image set by name, with how many images of which size it holds."""
    size = f"{image_set.width_px} × {image_set.height_px} px"
    return f"{image_set.name} ({count(image_set.n_images)} images, {size})"


class ImageSetChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: ImageSet) -> str:
        return said_of(obj)


class ImageSetsChoice(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: ImageSet) -> str:
        return said_of(obj)


class PresetForm(forms.Form):
    """A new draft out of a ready design."""

    preset = forms.ChoiceField(
        choices=[(name, f"{name}: {preset.summary}") for name, preset in PRESETS.items()],
        widget=forms.RadioSelect,
        initial=next(iter(PRESETS)),
    )
    slug = forms.SlugField(
        label="Short name",
        max_length=60,
        help_text="In the address of the study: /s/short-name/.",
        error_messages={"invalid": "Use letters, digits, hyphens and underscores only."},
    )

    only = ImageSetsChoice(
        ImageSet.objects.order_by("-is_real", "source", "-imported_utc"),
        label="Pictures",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tick the sets to compare, one of them with real pictures. None ticked: the newest set of each of "
        "the preset's own sources.",
    )

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"]
        if Study.objects.filter(slug=slug).exists():
            raise forms.ValidationError(f"Study {slug} already exists: choose another short name.")
        return slug

    def create(self) -> Study | None:
        """The draft; None if it cannot be made, then the form says why."""
        try:
            return create_study(
                self.cleaned_data["preset"], self.cleaned_data["slug"], only=list(self.cleaned_data["only"])
            )
        except PresetError as error:
            self.add_error(None, str(error))
            return None


class SourceForm(forms.ModelForm):
    image_set = ImageSetChoice(queryset=ImageSet.objects.order_by("source", "-imported_utc"))

    class Meta:
        model = StudySource
        fields = ("name", "image_set", "weight", "is_catch")
        labels = {"weight": "Share of the trials"}


class SourceInline(admin.TabularInline):
    """The sources of a study. Which pictures each stands for is said by its image set."""

    model = StudySource
    form = SourceForm
    extra = 0
    verbose_name = "source"
    verbose_name_plural = "sources: one named real, and those to compare with it"
    fields = ("name", "image_set", "weight", "is_catch")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("image_set")

    def get_extra(self, request: HttpRequest, obj: Study | None = None, **kwargs: Any) -> int:
        return 4 if obj is None else 0

    # Sources are a part of the study's design: who may edit the draft may edit them.

    def has_view_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        perms = ("studyapp.view_study", "studyapp.change_study")
        by_role = may(request.user, obj, SEE) if obj is not None else bool(studies_with(request.user, SEE))
        return any(map(request.user.has_perm, perms)) or by_role

    def has_add_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        perms = ("studyapp.change_study", "studyapp.add_study")
        is_allowed = any(map(request.user.has_perm, perms)) or (
            obj is not None and may(request.user, obj, EDIT)
        )
        return is_allowed and (obj is None or obj.status == Study.Status.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return self.has_change_permission(request, obj)
