"""The page that watches a study: polled every few seconds, answered in full only when something has changed.

The figures are `live`, the results `results`, the charts `live_plots`. Whoever looks stays blind to the results
until they ask for them, which is written down.
"""

import hashlib
import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from studyapp.accounts import person
from studyapp.admin.columns import count, share
from studyapp.admin.live_plots import bars, judged_real_plot, still_there
from studyapp.admin.step_pages import study_or_404
from studyapp.live import live_figures
from studyapp.models import Study
from studyapp.results import Cells, is_unblinded, judged_real, unblind
from studyapp.roles import DATA, may

STAGES = (
    ("landed", "saw the first page"),
    ("consented", "agreed"),
    ("screened", "had their screen checked"),
    ("begun", "began the trials"),
    ("finished", "finished"),
)
ENDS = (("declined", "did not agree"), ("withdrawn", "withdrew, answers kept"), ("erased", "had all erased"))


class LivePage(admin.ModelAdmin):
    """A study at this moment, for whoever may look at it."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"studyapp_study_{name}")
            for name, view in (("live", self.live_view), ("unblind", self.unblind_view))
        ]
        return pages + super().get_urls()

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page; its changing part alone for its script, which says what it has already."""
        study = study_or_404(self, request, object_id)
        if not self.has_view_permission(request, study):
            raise PermissionDenied
        state = live_state(study, is_unblinded=is_unblinded(study, person(request)))
        if request.headers.get("X-Part") != "live":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"{study} now",
                "study": study,
                **shown(study, state),
            }
            return TemplateResponse(request, "admin/studyapp/study/live.html", context)
        etag = f'"{hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == etag:
            return HttpResponseNotModified(headers={"ETag": etag, "Cache-Control": "no-cache, private"})
        part = render_to_string("admin/studyapp/study/live_part.html", shown(study, state), request)
        return HttpResponse(part, headers={"ETag": etag, "Cache-Control": "no-cache, private"})

    def unblind_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and on POST end this person's blindness to the results of the study."""
        study = study_or_404(self, request, object_id)
        if not may(request.user, study, DATA):
            raise PermissionDenied
        if request.method == "POST":
            self.end_blindness(request, study)
            return redirect("admin:studyapp_study_live", study.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Look at the results?",
            "study": study,
        }
        return TemplateResponse(request, "admin/studyapp/study/unblind.html", context)

    def end_blindness(self, request: HttpRequest, study: Study) -> None:
        """This person is to see results: written down where they saw none before."""
        how = f"Looked at results while it was {study.status} (unblinded)."
        if unblind(study, person(request), how=how):
            admin.ModelAdmin.log_change(self, request, study, how)  # ours would tell the audit log again
            messages.warning(request, "You see the results now. It stands in the study's history.")


def live_state(study: Study, *, is_unblinded: bool) -> dict[str, Any]:
    """All that the page shows, as JSON can carry it: what did not change needs no drawing."""
    figures = live_figures(study)
    results = (
        judged_real(study, is_simulated=figures["is_simulated"], is_pilot=figures["is_pilot"])
        if is_unblinded
        else None
    )
    return {**figures, "results": results}


def shown(study: Study, state: dict[str, Any]) -> dict[str, Any]:
    """The state as the template needs it: words, shares and charts."""
    funnel, timing, trials = state["funnel"], state["timing"], state["trials"]
    first = max(funnel["landed"], funnel["consented"])
    n_measured = timing["timing_ok"] + timing["timing_wrong"]
    n_reported = n_measured + timing["timing_unknown"]
    return {
        "study": study,
        "live": state,
        "stages": [
            (label, count(funnel[name]), share(funnel[name], first), funnel[name]) for name, label in STAGES
        ],
        "first": max(first, 1),
        "ends": [(label, count(funnel[name])) for name, label in ENDS],
        "over_time": bars(
            state["sittings_over_time"], "Sittings that began, by hour or day (UTC); darker: finished"
        ),
        "still_there": still_there(
            funnel["finished"] + sum(n for _, n in state["left_after"]),
            state["left_after"],
            study.n_test_trials + study.practice_trials,
        ),
        "trials": [(name.replace("_", " "), count(trials[name])) for name in trials],
        "timing": [
            ("shown as planned, of those measured", share(timing["timing_ok"], n_measured)),
            ("mistimed, flagged and kept", count(timing["timing_wrong"])),
            ("not measured", count(timing["timing_unknown"])),
            ("without a witness of the frames", share(timing["by_callback"], n_reported)),
        ],
        "refresh": [(f"{hz} Hz", count(n)) for hz, n in state["refresh_hz"]],
        "reactions": bars([(name, n, 0) for name, n in state["reactions"]], "Reaction times in ms"),
        "results_plot": _results_plot(state["results"]),
        "results_rows": _results_rows(state["results"]),
    }


def _results_plot(results: Cells | None) -> SafeString | str:
    return judged_real_plot(results) if results else ""


def _results_rows(results: Cells | None) -> list[tuple[str, str, str]]:
    """Source, answers and percent judged real over all exposures."""
    rows = []
    for source, by_ms in (results or {}).items():
        n, n_real = (sum(column) for column in zip(*by_ms.values(), strict=True))
        rows.append((source, count(n), share(n_real, n)))
    return rows
