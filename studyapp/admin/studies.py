"""Studies in the admin: the list, the editor of a draft, and the page that watches a study once it is open.

Its steps are `step_pages`, its export is `export_pages`, its figures are `cards`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from studyapp.admin.bot_pages import BotPages
from studyapp.admin.cards import cards
from studyapp.admin.columns import NOTHING, hash_start, readable_json, status_mark, utc_column
from studyapp.admin.export_pages import ExportPages
from studyapp.admin.number_pages import NumberPages
from studyapp.admin.people_pages import PeoplePages
from studyapp.admin.power_pages import PowerPages
from studyapp.admin.preview_pages import PreviewPages, previews
from studyapp.admin.recruiting_pages import RecruitingPages
from studyapp.admin.report_pages import ReportPages
from studyapp.admin.retention_page import RetentionPage
from studyapp.admin.state_filter import StateFilter
from studyapp.admin.step_pages import StepPages
from studyapp.admin.steps import finished_of_quota, moves, status_line
from studyapp.admin.study_form import (
    LANGUAGE_NAMES,
    RULE_FIELDS,
    PresetForm,
    SourceInline,
    StudyForm,
    translation_fields,
)
from studyapp.admin.version_pages import VersionPages
from studyapp.exclusions import sentences
from studyapp.field_names import said
from studyapp.links import address_of
from studyapp.models import NamedLink, Sitting, Study, StudySource
from studyapp.opening import advice
from studyapp.roles import DATA, NAMES, PEOPLE, may, studies_with


class StudyList(ChangeList):
    """The list alone counts for each study; a page of one study asks for what it shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Study]:
        self.root_queryset = with_counts(self.root_queryset)
        return super().get_queryset(request, exclude_parameters)


def with_counts(studies: QuerySet[Study]) -> QuerySet[Study]:
    """Studies with their finished sittings of people and their sources, as columns of the query."""
    finished = Sitting.objects.filter(
        study=OuterRef("pk"), status=Sitting.Status.FINISHED, is_simulated=False, is_pilot=False
    )
    sources = StudySource.objects.filter(study=OuterRef("pk"))

    def counted(rows: QuerySet[Any]) -> Coalesce:
        return Coalesce(Subquery(rows.order_by().values("study").annotate(n=Count("pk")).values("n")), 0)

    return studies.annotate(finished=counted(finished), sources_n=counted(sources))


class StudyAdmin(
    PowerPages,
    BotPages,
    PreviewPages,
    NumberPages,
    RecruitingPages,
    VersionPages,
    StepPages,
    ExportPages,
    ReportPages,
    PeoplePages,
    RetentionPage,
):
    study_path = ""
    form = StudyForm
    inlines = (SourceInline,)
    list_display = (
        "slug",
        "title",
        "mark",
        "version_start",
        "n_finished",
        "n_trials",
        utc_column("opened_utc", "opened"),
    )
    list_filter = (StateFilter, "protocol")
    search_fields = ("slug", "title", "version")
    search_help_text = "short name, title or version"
    prepopulated_fields = {"slug": ("title",)}
    change_form_template = "admin/studyapp/study/change_form.html"
    change_list_template = "admin/studyapp/study/change_list.html"
    actions = ("open_selected", "pause_selected", "close_selected", "archive_selected", "export_selected")
    show_facets = admin.ShowFacets.NEVER
    nothing_yet = "No study yet. Make one from a preset: its sources take the newest image sets."
    fieldsets: ClassVar[Any] = (
        (
            "What participants read first",
            {"fields": ("title", "slug", "language", "description", "eligibility", "organiser", "contact")},
        ),
        (
            "The design",
            {
                "fields": (
                    "protocol",
                    "exposures_ms",
                    "n_trials",
                    "practice_trials",
                    "practice_feedback",
                    "catch_trials",
                    "keys",
                    "n_examples",
                    "break_every",
                )
            },
        ),
        (
            "How a picture is shown",
            {
                "fields": (
                    "size_css_px",
                    "size_deg",
                    "smoothing",
                    "mask_kind",
                    "mask_ms",
                    "mask_gray",
                    "fixation_ms",
                    "blank_ms",
                )
            },
        ),
        (
            "Which screens will do, and what is asked again",
            {
                "fields": (
                    "least_refresh_hz",
                    "most_refresh_hz",
                    "most_jank_percent",
                    "least_width_px",
                    "least_height_px",
                    "repeat_percent",
                )
            },
        ),
        ("Texts", {"fields": ("consent_text", "debrief_text", "shows_score")}),
        ("In other languages", {"fields": ("translations",)}),
        ("Recruiting", {"fields": ("quota", "panels")}),
        (
            "Declared before the data",
            {
                "description": "Sittings that break a rule are left out of the results. Rules count when they are "
                "written before the data: they are frozen with the design and stand in the preregistration.",
                "fields": ("exclusions", "sample_size_rule", "analysis_plan"),
            },
        ),
    )
    FROZEN = (
        ("Frozen at opening", {"fields": ("version", "pack_sha256", "picture_size")}),
        ("The frozen definition", {"classes": ("collapse",), "fields": ("definition_text",)}),
    )
    # Where nothing can be edited, these are read as words instead of JSON.
    IN_WORDS = {
        "exposures_ms": "exposures_text",
        "panels": "panels_text",
        "translations": "translations_text",
        "exclusions": "exclusions_text",
    }

    # ---- rights: a draft can be edited and deleted, a study that was opened can not ----

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _is_draft(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or _is_draft(obj))

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self._editable(Study() if obj is None else obj)
        readable = tuple(
            (title, {**options, "fields": tuple(self.IN_WORDS.get(name, name) for name in options["fields"])})
            for title, options in self.fieldsets
        )
        return readable if _is_draft(obj) else readable + self.FROZEN

    def _editable(self, study: Study) -> tuple[Any, ...]:
        """The fieldsets with one for every language that is not the study's own, in place of the stored JSON."""
        others = tuple(
            (
                f"Also in {name}",
                {
                    "fields": translation_fields(language),
                    "classes": () if language in study.translations else ("collapse",),
                },
            )
            for language, name in LANGUAGE_NAMES.items()
            if language != study.language
        )
        place = [options["fields"] for _, options in self.fieldsets].index(("translations",))
        fieldsets = (*self.fieldsets[:place], *others, *self.fieldsets[place + 1 :])
        return tuple(
            (title, {**options, "fields": _in_form(options["fields"])}) for title, options in fieldsets
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> tuple[str, ...]:
        return ("version", "pack_sha256", "picture_size", "definition_text", *self.IN_WORDS.values())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StudyList

    # ---- columns and fields ----

    @admin.display(description="status", ordering="status")
    def mark(self, study: Study) -> SafeString:
        return status_mark(study.status)

    @admin.display(description="version", ordering="version")
    def version_start(self, study: Study) -> SafeString | str:
        return hash_start(study.version)

    @admin.display(description="sittings finished", ordering="finished")
    def n_finished(self, study: Study) -> str:
        return finished_of_quota(study, getattr(study, "finished", 0))

    @admin.display(description="exposures (ms)")
    def exposures_text(self, study: Study) -> str:
        return said("exposures_ms", study.exposures_ms)

    @admin.display(description="recruiting panels")
    def panels_text(self, study: Study) -> SafeString | str:
        lines = ((panel, parameter) for panel, parameter in study.panels.items())
        return format_html_join("", "<div>{} = <code>{}</code></div>", lines) or NOTHING

    @admin.display(description="sittings left out")
    def exclusions_text(self, study: Study) -> SafeString | str:
        return (
            format_html_join("", "<div>{}</div>", ((rule,) for rule in sentences(study.exclusions))) or "none"
        )

    @admin.display(description="texts")
    def translations_text(self, study: Study) -> SafeString | str:
        told = (
            (LANGUAGE_NAMES[language], name.removesuffix("_text"), text)
            for language, texts in study.translations.items()
            for name, text in texts.items()
        )
        return format_html_join("", "<p><b>{}, {}:</b> {}</p>", told) or NOTHING

    @admin.display(description="size of a picture")
    def picture_size(self, study: Study) -> str:
        return f"{study.width_px} × {study.height_px} px" if study.width_px else NOTHING

    @admin.display(description="definition")
    def definition_text(self, study: Study) -> SafeString | str:
        return readable_json(study.definition) if study.definition else NOTHING

    # ---- the study's page ----

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        extra_context = {"show_save_and_add_another": False, **(extra_context or {})}
        study = self.get_object(request, unquote(object_id)) if object_id else None
        if study is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST":
            return self._save_draft(request, study, form_url, extra_context)
        context = {**self._head(request, study), **extra_context}
        return super().changeform_view(request, object_id, form_url, context)

    def _save_draft(
        self, request: HttpRequest, study: Study, form_url: str, extra_context: dict[str, Any]
    ) -> Any:
        with transaction.atomic():
            # Held until the end: nobody opens the study between this look and the saving.
            current = Study.objects.select_for_update().get(pk=study.pk)
            if not _is_draft(current) and self.has_view_permission(request, current):
                messages.error(
                    request,
                    f"Nothing was changed: {current} is {current.status}, and its design is frozen under "
                    f"version {current.version[:8]}. Make its next version for another design.",
                )
                return redirect("admin:studyapp_study_change", current.pk)
            context = {**self._head(request, current), **extra_context}
            return super().changeform_view(request, str(study.pk), form_url, context)

    def _head(self, request: HttpRequest, study: Study) -> dict[str, Any]:
        """Status line, moves, cards and advice for the head of the page."""
        row = with_counts(Study.objects.filter(pk=study.pk)).get()
        n_finished, n_sources = getattr(row, "finished", 0), getattr(row, "sources_n", 0)
        may_see_data = may(request.user, study, DATA)
        return {
            "status_line": status_line(study, n_finished=n_finished),
            "moves": [
                move
                for move in moves(
                    study,
                    n_finished=n_finished,
                    n_sources=n_sources,
                    may_change=self.may_take_steps(request, study),
                )
                if may_see_data or not move.url.endswith(("/export/", "/reports/"))
            ],
            "cards": cards(study),
            "may_choose_people": may(request.user, study, PEOPLE),
            "advice": advice(study) if _is_draft(study) else [],
            "previews": previews(study),
            "may_send_bots": self.may_take_steps(request, study),
            "may_recruit": self.may_take_steps(request, study)
            or study.pk in studies_with(request.user, NAMES),
            "testers_link": self._testers_link(request, study),
            "link": request.build_absolute_uri(reverse("study:welcome", args=[study.slug])),
        }

    def _testers_link(self, request: HttpRequest, study: Study) -> str:
        """The address for testers of a study that is frozen, empty if it has none."""
        link = NamedLink.objects.filter(study=study, is_tester=True).first()
        if link is None or study.status not in (Study.Status.PILOTING, Study.Status.OPEN):
            return ""
        return request.build_absolute_uri(address_of(link))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preset_view)
        return [path("preset/", view, name="studyapp_study_preset"), *super().get_urls()]

    # ---- presets ----

    def preset_view(self, request: HttpRequest) -> HttpResponse:
        """A draft out of a ready design."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PresetForm(request.POST or None, initial={"only": request.GET.getlist("set")})
        if request.method == "POST" and form.is_valid():
            study = form.create()
            if study is not None:
                self.log_addition(request, study, "Made from a preset.")
                messages.success(request, f"Study {study} is a draft: look at it, pilot it, then open it.")
                return redirect("admin:studyapp_study_change", study.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New study from a preset",
            "form": form,
            "action": "Make the draft",
            "back_url": reverse("admin:studyapp_study_changelist"),
        }
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)


def _is_draft(study: Study) -> bool:
    return study.status == Study.Status.DRAFT


def _in_form(fields: Sequence[str]) -> tuple[str, ...]:
    """The names of the form's fields for these of the model: the rules have one each."""
    return tuple(name for field in fields for name in (RULE_FIELDS if field == "exclusions" else (field,)))
