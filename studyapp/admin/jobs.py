"""Jobs: what workers were asked for, how far they are, and what went wrong."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from studyapp.admin.columns import NOTHING, count, status_mark, utc_column
from studyapp.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from studyapp.jobs import JobError, retry_job
from studyapp.models import Job, JobSlice


def with_progress(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with the images done and the slices done and planned, as columns of the query."""
    return jobs.select_related("image_set").annotate(
        images_done=Sum("slices__done"),
        slices_done=Count("slices", filter=Q(slices__status=JobSlice.Status.DONE)),
        slices_all=Count("slices"),
    )


def progress_bar(job: Job) -> SafeString | str:
    """How far a job is, as a bar and in words."""
    total = job.arguments.get("count") or 0
    done = getattr(job, "images_done", None) or 0
    return format_html(
        '<progress max="{}" value="{}">{}</progress> <span class="aside">{} of {}</span>',
        total,
        done,
        done,
        count(done),
        count(total),
    )


def wish(job: Job) -> str:
    """What was asked for, in words."""
    arguments = job.arguments
    return f"{count(arguments.get('count'))} images of {arguments.get('checkpoint')}"


LEASED_UNTIL = utc_column("lease_until_utc", "leased until")


class SliceInline(ReadOnlyInline):
    model = JobSlice
    verbose_name_plural = "slices"
    fields = ("images", "mark", "n_done", "attempts", "lease_owner", LEASED_UNTIL, "error")
    readonly_fields = ("images", "mark", "n_done", LEASED_UNTIL)

    @admin.display(description="images")
    def images(self, item: JobSlice) -> str:
        return f"{count(item.first)} to {count(item.last - 1)}"

    @admin.display(description="done")
    def n_done(self, item: JobSlice) -> str:
        return count(item.done)

    @admin.display(description="status")
    def mark(self, item: JobSlice) -> SafeString:
        return status_mark(item.status)


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
    fields = (
        "what",
        "n_seed",
        "mark",
        "progress",
        "n_slices",
        "result",
        "problem",
        "created_by",
        utc_column("created_utc", "queued"),
        utc_column("finished_utc", "ended"),
    )
    readonly_fields = ("what", "n_seed", "mark", "progress", "n_slices", "result", "problem")
    inlines = (SliceInline,)
    change_list_template = "admin/studyapp/job/change_list.html"
    change_form_template = "admin/studyapp/job/change_form.html"
    actions = ("retry_selected",)
    nothing_yet = "No job yet. “Queue generation” asks a worker for a new image set."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return with_progress(super().get_queryset(request))

    @admin.display(description="job", ordering="pk")
    def what(self, job: Job) -> str:
        return wish(job)

    @admin.display(description="status", ordering="status")
    def mark(self, job: Job) -> SafeString:
        return status_mark(job.status)

    @admin.display(description="images done")
    def progress(self, job: Job) -> SafeString | str:
        return progress_bar(job)

    @admin.display(description="slices done")
    def n_slices(self, job: Job) -> str:
        return f"{getattr(job, 'slices_done', 0)} / {getattr(job, 'slices_all', 0)}"

    @admin.display(description="seed")
    def n_seed(self, job: Job) -> str:
        return str(job.arguments.get("seed", NOTHING))

    @admin.display(description="image set")
    def result(self, job: Job) -> SafeString | str:
        if job.image_set is None:
            return NOTHING
        url = reverse("admin:studyapp_imageset_change", args=[job.image_set_id])
        return format_html('<a href="{}">{}</a>', url, job.image_set.name)

    @admin.display(description="error")
    def problem(self, job: Job) -> SafeString | str:
        return format_html('<span class="problem">{}</span>', job.error) if job.error else NOTHING

    # ---- trying again ----

    def may_queue(self, request: HttpRequest) -> bool:
        return request.user.has_perm("studyapp.add_job")

    def has_queue_permission(self, request: HttpRequest) -> bool:
        return self.may_queue(request)

    @admin.action(description="Try failed jobs again", permissions=["queue"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            self._retry(request, job)

    def _retry(self, request: HttpRequest, job: Job) -> None:
        try:
            retry_job(job)
        except JobError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, job, "Tried again.")
            messages.success(request, f"{wish(job)}: waiting for a worker again.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.retry_view))
        return [path("<int:pk>/retry/", view, name="studyapp_job_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.may_queue(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=pk).first()
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))  # type: ignore[attr-defined]
        self._retry(request, job)
        return redirect("admin:studyapp_job_change", pk)

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
        context = {"may_retry": self.may_queue(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)
