"""Jobs: what workers were asked for, how far they are, and what went wrong."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Avg, Count, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from studyapp.admin.alarm_table import alarm_table
from studyapp.admin.columns import NOTHING, count, list_url, share, status_mark, utc_column
from studyapp.admin.loss_plot import loss_plots
from studyapp.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from studyapp.admin.training_form import TrainingForm, recipe_names, shipped_recipe
from studyapp.jobs import JobError, retry_job, stop_job
from studyapp.models import Job, JobSlice
from studyapp.training import alarms_of, checkpoint_file, losses_of


def with_progress(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with the images and slices done and the share of their budgets, as columns of the query."""
    return jobs.annotate(
        images_done=Sum("slices__done"),
        share_done=Avg("slices__share"),
        slices_done=Count("slices", filter=Q(slices__status=JobSlice.Status.DONE)),
        slices_all=Count("slices"),
    )


def _images_made(job: Job) -> tuple[float, float, str]:
    total, done = job.arguments.get("count") or 0, getattr(job, "images_done", None) or 0
    return done, total, f"{count(done)} of {count(total)}"


def _budget_used(job: Job) -> tuple[float, float, str]:
    seen, used = getattr(job, "images_done", None) or 0, getattr(job, "share_done", None) or 0.0
    return used, 1, f"{100 * used:.0f} %, {count(seen)} images seen"


def _step_of_product(job: Job) -> tuple[float, float, str]:
    share_done = getattr(job, "share_done", None) or 0.0
    return share_done, bool(share_done), job.outcome.get("step", "")


# What a job has done, what it has to do, and both in words, by its kind.
PROGRESS: dict[str, Callable[[Job], tuple[float, float, str]]] = {
    Job.Kind.GENERATE: _images_made,
    Job.Kind.TRAIN: _budget_used,
    Job.Kind.REPORT: _step_of_product,
    Job.Kind.EXPORT: _step_of_product,
    Job.Kind.BOTS: _step_of_product,
}


def progress_bar(job: Job) -> SafeString | str:
    """How far a job is, as a bar and in words; in words alone where no share is known."""
    done, total, words = PROGRESS[job.kind](job)
    if not total:
        return words
    return format_html(
        '<progress max="{}" value="{}">{}</progress> <span class="aside">{}</span>', total, done, words, words
    )


def wish(job: Job) -> str:
    """What was asked for, in words."""
    arguments = job.arguments
    if job.kind == Job.Kind.TRAIN:
        plan = arguments.get("plan", {})
        return f"training of {plan.get('source')} on {plan.get('dataset')}: {arguments.get('name')}"
    if job.kind == Job.Kind.BOTS:
        return f"{count(arguments.get('count'))} simulated people through {arguments.get('slug')}"
    if job.freeze is not None:
        return f"{job.kind} of {job.freeze.study}"
    return f"{count(arguments.get('count'))} images of {arguments.get('checkpoint')}"


# Where what a job has made of a study's answers can be had, for whoever may see them.
PRODUCT_PAGES: dict[str, str] = {
    Job.Kind.REPORT: "admin:studyapp_study_reports",
    Job.Kind.EXPORT: "admin:studyapp_study_export",
}
LEASED_UNTIL = utc_column("lease_until_utc", "leased until")


class SliceInline(ReadOnlyInline):
    model = JobSlice
    verbose_name_plural = "slices"
    fields = ("what", "mark", "n_done", "n_share", "attempts", "lease_owner", LEASED_UNTIL, "error")
    readonly_fields = ("what", "mark", "n_done", "n_share", LEASED_UNTIL)

    @admin.display(description="part")
    def what(self, item: JobSlice) -> str:
        return item.part or f"images {count(item.first)} to {count(item.last - 1)}"

    @admin.display(description="images done")
    def n_done(self, item: JobSlice) -> str:
        return count(item.done)

    @admin.display(description="share")
    def n_share(self, item: JobSlice) -> str:
        return f"{100 * item.share:.0f} %" if item.part else share(item.done, item.last - item.first)

    @admin.display(description="status")
    def mark(self, item: JobSlice) -> SafeString:
        return status_mark(item.status)


# What somebody may do to a job: how, what the log says, what the person reads.
CHANGES: dict[str, tuple[Callable[[Job], None], str, str]] = {
    "retry": (retry_job, "Tried again.", "waiting for a worker again."),
    "stop": (stop_job, "Stopped.", "stopped; what was done is kept."),
}
TIMES = (utc_column("created_utc", "queued"), utc_column("finished_utc", "ended"))
PRODUCT_FIELDS = ("what", "mark", "progress", "result", "problem", "created_by", *TIMES)
# What the page of a job shows, by its kind.
FIELDS: dict[str, tuple[Any, ...]] = {
    Job.Kind.GENERATE: (
        *("what", "n_seed", "mark", "progress", "n_slices", "result", "problem", "created_by"),
        *TIMES,
    ),
    Job.Kind.TRAIN: (
        *("what", "mark", "progress", "result", "problem", "alarms", "losses", "sheet", "file", "data"),
        "created_by",
        *TIMES,
        "recipe",
    ),
    Job.Kind.REPORT: PRODUCT_FIELDS,
    Job.Kind.EXPORT: PRODUCT_FIELDS,
    Job.Kind.BOTS: PRODUCT_FIELDS,
}


class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "what",
        "mark",
        "progress",
        "result",
        "problem",
        utc_column("created_utc", "queued"),
    )
    list_filter = ("status", "kind")
    readonly_fields = (
        *("what", "n_seed", "mark", "progress", "n_slices", "result", "problem"),
        *("alarms", "losses", "sheet", "file", "data", "recipe"),
    )
    inlines = (SliceInline,)
    change_list_template = "admin/studyapp/job/change_list.html"
    change_form_template = "admin/studyapp/job/change_form.html"
    actions = ("retry_selected",)
    nothing_yet = (
        "No job yet. “Queue generation” asks a worker for a new image set, “Queue training” for a new model."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return with_progress(super().get_queryset(request)).select_related("image_set", "freeze__study")

    @admin.display(description="job", ordering="pk")
    def what(self, job: Job) -> str:
        return wish(job)

    @admin.display(description="status", ordering="status")
    def mark(self, job: Job) -> SafeString:
        return status_mark(job.status)

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        return FIELDS[obj.kind if obj else Job.Kind.GENERATE]

    @admin.display(description="done")
    def progress(self, job: Job) -> SafeString | str:
        return progress_bar(job)

    @admin.display(description="slices done")
    def n_slices(self, job: Job) -> str:
        return f"{getattr(job, 'slices_done', 0)} / {getattr(job, 'slices_all', 0)}"

    @admin.display(description="seed")
    def n_seed(self, job: Job) -> str:
        return str(job.arguments.get("seed", NOTHING))

    @admin.display(description="result")
    def result(self, job: Job) -> SafeString | str:
        if job.kind == Job.Kind.TRAIN:
            return self._checkpoint(job)
        if job.freeze is not None:
            url = reverse(PRODUCT_PAGES[job.kind], args=[job.freeze.study_id])
            return format_html(
                '<a href="{}">{} of {}</a>', url, PRODUCT_PAGES[job.kind].rpartition("_")[2], job.freeze.study
            )
        if job.image_set is None:
            return NOTHING
        url = reverse("admin:studyapp_imageset_change", args=[job.image_set_id])
        return format_html('<a href="{}">{}</a>', url, job.image_set.name)

    def _checkpoint(self, job: Job) -> SafeString | str:
        """The model that a job has trained, by its name."""
        if job.status != Job.Status.DONE:
            return NOTHING
        name = job.arguments["name"]
        url = reverse("admin:studyapp_imageset_generate")
        return format_html('<a href="{}?{}">Generate from {}</a>', url, urlencode({"checkpoint": name}), name)

    @admin.display(description="checkpoint file")
    def file(self, job: Job) -> SafeString | str:
        """Where the model lies: the finished one, or what its parts were joined to so far."""
        path = checkpoint_file(job)
        return format_html("<code>{}</code>", path) if path.is_file() else NOTHING

    @admin.display(description="losses")
    def losses(self, job: Job) -> SafeString | str:
        return loss_plots(losses_of(job)) or "The first are written after a thousand images of a part."

    @admin.display(description="against collapse")
    def alarms(self, job: Job) -> SafeString | str:
        return alarm_table(alarms_of(job)) or "The first are measured after ten thousand images of a part."

    @admin.display(description="samples")
    def sheet(self, job: Job) -> SafeString | str:
        picture = checkpoint_file(job).with_suffix(".png")
        if not picture.is_file():
            return "The first are drawn when every part has been trained for a while."
        return format_html(
            '<img class="pixels sheet-of-samples" alt="Samples of what is trained, none chosen" src="{}?{}">',
            reverse("admin:studyapp_job_sheet", args=[job.pk]),
            picture.stat().st_mtime_ns,  # a new sheet has a new address
        )

    @admin.display(description="data")
    def data(self, job: Job) -> str:
        return job.arguments.get("data") or NOTHING

    @admin.display(description="recipe")
    def recipe(self, job: Job) -> SafeString:
        return format_html("<pre>{}</pre>", job.arguments.get("recipe", ""))

    @admin.display(description="error")
    def problem(self, job: Job) -> SafeString | str:
        return format_html('<span class="problem">{}</span>', job.error) if job.error else NOTHING

    # ---- queueing, stopping, trying again ----

    def may_queue(self, request: HttpRequest) -> bool:
        return request.user.has_perm("studyapp.add_job")

    def has_queue_permission(self, request: HttpRequest) -> bool:
        return self.may_queue(request)

    @admin.action(description="Try failed jobs again, go on with stopped ones", permissions=["queue"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            self._change(request, job, "retry")

    def _change(self, request: HttpRequest, job: Job, change: str) -> None:
        act, done, told = CHANGES[change]
        try:
            act(job)
        except JobError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, job, done)
            messages.success(request, f"{wish(job)}: {told}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/retry/", view(require_POST(self.retry_view)), name="studyapp_job_retry"),
            path("<int:pk>/stop/", view(require_POST(self.stop_view)), name="studyapp_job_stop"),
            path("<int:pk>/samples.png", view(self.sheet_view), name="studyapp_job_sheet"),
            path("train/", view(self.train_view), name="studyapp_job_train"),
        ]
        return [*own, *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change_view(request, pk, "retry")

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change_view(request, pk, "stop")

    def _change_view(self, request: HttpRequest, pk: int, change: str) -> HttpResponse:
        if not self.may_queue(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=pk).first()
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))  # type: ignore[attr-defined]
        self._change(request, job, change)
        return redirect("admin:studyapp_job_change", pk)

    def train_view(self, request: HttpRequest) -> HttpResponse:
        """Ask workers for a new model."""
        if not self.may_queue(request):
            raise PermissionDenied
        names = recipe_names()
        chosen = request.GET.get("recipe", names[0] if names else "")
        form = TrainingForm(request.POST or None, initial={"recipe": shipped_recipe(chosen)})
        if request.method == "POST" and form.is_valid():
            job = form.queue(by=request.user.get_username())
            if job is not None:
                messages.success(request, "Queued. Workers take its parts as they have time, one each.")
                return redirect("admin:studyapp_job_change", job.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Train a model",
            "form": form,
            "action": "Queue it",
            "back_url": list_url("job"),
            "recipes": names,
            "chosen": chosen,
        }
        return TemplateResponse(request, "admin/studyapp/job/train.html", context)

    def sheet_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The newest samples of a training job, as a PNG file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=pk, kind=Job.Kind.TRAIN).first()
        picture = checkpoint_file(job).with_suffix(".png") if job else None
        if picture is None or not picture.is_file():
            raise Http404
        headers = {"Cache-Control": "private, max-age=3600"}
        return HttpResponse(picture.read_bytes(), content_type="image/png", headers=headers)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_generate": self.may_queue(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        status = row.status if row else None
        context = {
            "may_retry": self.may_queue(request),
            "is_open": status in Job.OPEN,
            "is_over": status in (Job.Status.FAILED, Job.Status.STOPPED),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)
