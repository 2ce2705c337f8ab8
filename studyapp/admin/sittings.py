"""What people did, to look at only: sittings, trials, responses, refused second answers, panel identities.

No source of a picture appears beside an answer here: who runs a study stays blind until the export.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from studyapp.admin.columns import (
    NOTHING,
    count,
    hash_start,
    labelled,
    list_url,
    readable_json,
    status_mark,
    utc_column,
)
from studyapp.admin.read_only import ReadOnlyAdmin
from studyapp.admin.unsent_pages import UnsentPages
from studyapp.models import ConflictingResponse, PanelIdentity, Response, Sitting, Trial
from studyapp.quality import MEANINGS, quality_of
from studyapp.roles import DATA, NAMES


def milliseconds(value: float | None) -> str:
    """A duration to a tenth of a millisecond."""
    return NOTHING if value is None else f"{value:,.1f}"


def place_of(trial: Trial) -> str:
    """A trial by the beginning of its sitting's id and its ordinal: short enough for a table."""
    return f"{trial.sitting.public_id[:8]} #{trial.ordinal}"


def who(sitting: Sitting) -> str:
    """Who sat: a person or a bot, and whether in the pilot."""
    kind = "simulated" if sitting.is_simulated else "person"
    return f"{kind}, pilot" if sitting.is_pilot else kind


CONSENTED, ENDED = utc_column("consent_utc", "consented"), utc_column("finished_utc", "ended")
RECEIVED = utc_column("received_utc", "received")
MESSAGE_HASH = labelled("body_sha256", "SHA-256 of the message")


class SittingAdmin(UnsentPages, ReadOnlyAdmin):
    study_path, right = "study", DATA
    nothing_yet = "Nobody has taken part yet. An open study has a link for participants on its page."
    list_display = (
        "person",
        "study",
        "mark",
        "kind",
        CONSENTED,
        "n_answered",
        "refresh_hz",
    )
    list_filter = ("study", "status", "is_simulated", "is_pilot")
    list_select_related = ("study", "participant", "tally")
    search_fields = ("public_id", "participant__pseudonym", "completion_code")
    search_help_text = "sitting, participant or completion code"
    fieldsets = (
        (None, {"fields": ("public_id", "person", "study", "mark", "kind", "rows")}),
        ("Times", {"fields": (CONSENTED, ENDED, "completion_code")}),
        (
            "Versions",
            {"fields": ("study_version", labelled("consent_sha256", "SHA-256 of the consent text"))},
        ),
        ("Screen and keys", {"fields": ("real_key", "screen_facts")}),
        ("Are its answers plausible?", {"fields": ("pace", "pattern", "catch", "flags")}),
    )
    readonly_fields = ("person", "mark", "kind", "rows", "screen_facts", "pace", "pattern", "catch", "flags")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sitting]:
        return super().get_queryset(request).select_related("study", "participant", "tally")

    @admin.display(description="participant", ordering="participant__pseudonym")
    def person(self, sitting: Sitting) -> str:
        return sitting.participant.pseudonym

    @admin.display(description="status", ordering="status")
    def mark(self, sitting: Sitting) -> SafeString:
        return status_mark(sitting.status)

    @admin.display(description="who", ordering="is_simulated")
    def kind(self, sitting: Sitting) -> str:
        return who(sitting)

    @admin.display(description="trials answered")
    def n_answered(self, sitting: Sitting) -> str:
        return count(sitting.tally.answered)

    @admin.display(description="refresh (Hz)")
    def refresh_hz(self, sitting: Sitting) -> str:
        frame_ms = sitting.screen.get("frame_ms") if isinstance(sitting.screen, dict) else None
        return f"{1000 / frame_ms:.1f}" if isinstance(frame_ms, int | float) and frame_ms > 0 else NOTHING

    @admin.display(description="its rows")
    def rows(self, sitting: Sitting) -> SafeString:
        return format_html(
            '<a href="{}">Trials</a> · <a href="{}">Responses</a> · <a href="{}">Refused second answers</a>',
            list_url("trial", sitting__id__exact=sitting.pk),
            list_url("response", trial__sitting__id__exact=sitting.pk),
            list_url("conflictingresponse", trial__sitting__id__exact=sitting.pk),
        )

    @admin.display(description="pace")
    def pace(self, sitting: Sitting) -> str:
        found = quality_of(sitting.pk)
        return f"{found.too_fast} of {found.answers} answers came sooner than anybody can see and press"

    @admin.display(description="pattern")
    def pattern(self, sitting: Sitting) -> str:
        found = quality_of(sitting.pk)
        return f"at most {found.longest_run} times the same answer in a row, {found.switches} switches"

    @admin.display(description="catch trials")
    def catch(self, sitting: Sitting) -> str:
        found = quality_of(sitting.pk)
        if not found.catch:
            return "none answered"
        return f"{found.catch_missed} of {found.catch} answered with real, though plainly no photo"

    @admin.display(description="noticed")
    def flags(self, sitting: Sitting) -> SafeString | str:
        """In words, without a number that would tell how well somebody does while the study runs."""
        found = quality_of(sitting.pk).flags
        return format_html_join("", "<div>{}</div>", ((MEANINGS[flag],) for flag in found)) or "nothing"

    @admin.display(description="screen, as measured")
    def screen_facts(self, sitting: Sitting) -> SafeString:
        return readable_json(sitting.screen)


class TrialAdmin(ReadOnlyAdmin):
    study_path, right = "sitting__study", DATA
    linked_by = ("sitting__id__exact",)
    list_display = ("place", "study", "kind", "shown_for_ms", "mark", "who")
    list_filter = ("sitting__study", "status", "kind", "sitting__is_simulated", "sitting__is_pilot")
    list_select_related = ("sitting__study",)
    search_fields = ("=token", "=sitting__public_id")
    search_help_text = "a trial's token or a sitting's id, in full"
    ordering = ("-pk",)
    fields = ("token", "study", "sitting", "ordinal", "kind", "exposure_ms", "mark", "answer")
    readonly_fields = ("study", "mark", "answer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trial]:
        return super().get_queryset(request).select_related("sitting__study")

    @admin.display(ordering="sitting__study__slug")
    def study(self, trial: Trial) -> str:
        return trial.sitting.study.slug

    @admin.display(description="sitting and trial", ordering="pk")
    def place(self, trial: Trial) -> str:
        return place_of(trial)

    @admin.display(description="exposure (ms)", ordering="exposure_ms")
    def shown_for_ms(self, trial: Trial) -> int | None:
        return trial.exposure_ms

    @admin.display(description="status", ordering="status")
    def mark(self, trial: Trial) -> SafeString:
        return status_mark(trial.status)

    @admin.display(ordering="sitting__is_simulated")
    def who(self, trial: Trial) -> str:
        return who(trial.sitting)

    @admin.display(description="what came back")
    def answer(self, trial: Trial) -> SafeString | str:
        if trial.status in Trial.OPEN:
            return "nothing yet"
        return format_html(
            '<a href="{}">Response</a> · <a href="{}">Refused second answers</a>',
            list_url("response", trial__id__exact=trial.pk),
            list_url("conflictingresponse", trial__id__exact=trial.pk),
        )


class KindFilter(admin.SimpleListFilter):
    """Responses by the kind of their trial."""

    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Trial.Kind.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        kind = self.value()
        if kind == Trial.Kind.MAIN:
            # Nearly all are: left to itself, SQLite begins with the trials and sorts a million responses.
            return queryset.filter(Exists(Trial.objects.filter(pk=OuterRef("trial"), kind=kind)))
        return queryset.filter(trial__kind=kind) if kind else queryset


class ResponseAdmin(ReadOnlyAdmin):
    study_path, right = "trial__sitting__study", DATA
    linked_by = ("trial__sitting__id__exact", "trial__id__exact")
    list_display = (
        "place",
        "study",
        "exposure_ms",
        "shown_ms",
        "answer_given",
        "reaction",
        "timing_ok",
        "flag_words",
        "who",
    )
    list_filter = (
        "trial__sitting__study",
        "status",
        "timing_ok",
        "lost_focus",
        KindFilter,
        "trial__sitting__is_simulated",
        "trial__sitting__is_pilot",
    )
    list_select_related = ("trial__sitting__study",)
    search_fields = ("=receipt", "=trial__token", "=trial__sitting__public_id")
    search_help_text = "a receipt, a trial's token or a sitting's id, in full"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("trial", "study", "status", "answer", "receipt", RECEIVED, MESSAGE_HASH)}),
        ("Reaction", {"fields": ("reaction_ms", "reaction_origin", "input_kind")}),
        (
            "What was really shown",
            {
                "fields": (
                    "exposure_ms",
                    "planned_frames",
                    "measured_frames",
                    "measured_ms",
                    "frame_ms",
                    "timing_ok",
                    "timing_witness",
                    "flag_words",
                    "lost_focus",
                    utc_column("shown_utc", "shown"),
                )
            },
        ),
    )
    readonly_fields = ("study", "exposure_ms", "flag_words")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        return super().get_queryset(request).select_related("trial__sitting__study")

    @admin.display(ordering="trial__sitting__study__slug")
    def study(self, response: Response) -> str:
        return response.trial.sitting.study.slug

    @admin.display(description="sitting and trial", ordering="pk")
    def place(self, response: Response) -> str:
        return place_of(response.trial)

    @admin.display(description="exposure (ms)", ordering="trial__exposure_ms")
    def exposure_ms(self, response: Response) -> int | None:
        return response.trial.exposure_ms

    @admin.display(description="shown (ms)", ordering="measured_ms")
    def shown_ms(self, response: Response) -> str:
        return milliseconds(response.measured_ms)

    @admin.display(description="answer", ordering="answer")
    def answer_given(self, response: Response) -> str:
        return response.answer or response.get_status_display()

    @admin.display(description="reaction (ms)", ordering="reaction_ms")
    def reaction(self, response: Response) -> str:
        return milliseconds(response.reaction_ms)

    @admin.display(description="flags")
    def flag_words(self, response: Response) -> str:
        return ", ".join(str(flag).replace("_", " ") for flag in response.flags) or NOTHING

    @admin.display(ordering="trial__sitting__is_simulated")
    def who(self, response: Response) -> str:
        return who(response.trial.sitting)


class ConflictingResponseAdmin(ReadOnlyAdmin):
    study_path, right = "trial__sitting__study", DATA
    linked_by = ("trial__sitting__id__exact", "trial__id__exact")
    list_display = ("place", "study", RECEIVED, "body_start")
    nothing_yet = "No trial was answered twice in different ways."
    list_filter = ("trial__sitting__study",)
    list_select_related = ("trial__sitting__study",)
    ordering = ("-pk",)
    fields = ("trial", "study", RECEIVED, "message", MESSAGE_HASH)
    readonly_fields = ("study", "message")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConflictingResponse]:
        return super().get_queryset(request).select_related("trial__sitting__study")

    @admin.display(ordering="trial__sitting__study__slug")
    def study(self, conflict: ConflictingResponse) -> str:
        return conflict.trial.sitting.study.slug

    @admin.display(description="sitting and trial", ordering="trial")
    def place(self, conflict: ConflictingResponse) -> str:
        return place_of(conflict.trial)

    @admin.display(description="message", ordering="body_sha256")
    def body_start(self, conflict: ConflictingResponse) -> SafeString | str:
        return hash_start(conflict.body_sha256)

    @admin.display(description="the message that was refused")
    def message(self, conflict: ConflictingResponse) -> SafeString:
        return readable_json(conflict.body)


class PanelIdentityAdmin(ReadOnlyAdmin):
    """How panels call people, for paying them: with the sitting's outcome, without its pseudonym."""

    study_path, right = "study", NAMES

    change_list_template = "admin/studyapp/panelidentity/change_list.html"
    nothing_yet = "Nobody came through a recruiting panel yet."
    list_display = ("external_id", "panel", "study", "outcome", "completion_code")
    list_filter = ("study", "panel", "participant__sitting__status")
    list_select_related = ("study",)
    search_fields = ("=external_id", "=participant__sitting__completion_code")
    search_help_text = "a panel's id or a completion code, in full"
    ordering = ("-pk",)
    fields = ("panel", "external_id", "study", "outcome", "completion_code")
    readonly_fields = ("outcome", "completion_code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PanelIdentity]:
        return (
            super()
            .get_queryset(request)
            .select_related("study")
            .annotate(
                ended_as=F("participant__sitting__status"), code=F("participant__sitting__completion_code")
            )
        )

    @admin.display(ordering="ended_as")
    def outcome(self, identity: PanelIdentity) -> SafeString | str:
        status = getattr(identity, "ended_as", None)
        return status_mark(status) if status else NOTHING

    @admin.display(ordering="code")
    def completion_code(self, identity: PanelIdentity) -> str:
        return getattr(identity, "code", None) or NOTHING
