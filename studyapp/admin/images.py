"""Image sets: where pictures come from, how they look, and how new ones come in."""

import json
import zipfile
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from studyapp.admin.check_pages import CheckPages
from studyapp.admin.columns import NOTHING, count, hash_start, labelled, list_url, readable_json, utc_column
from studyapp.admin.contact_sheet import LAYOUTS, contact_sheet, sheet_px
from studyapp.admin.image_forms import GenerationForm, UploadForm
from studyapp.catalogue import remove_image_set
from studyapp.image_files import ImageSetError
from studyapp.models import ImageSet

A_DAY_S = 24 * 3600
# Parts of the manifest that the page shows in words; the rest is shown as it is.
TOLD_ELSEWHERE = ("checkpoint", "credits", "notes", "class_names")
NO_CHECKPOINT = (
    "No checkpoint came with this installation: expected *.safetensors files in generator/weights. "
    "`python -m generator train` makes one, `manage.py generate --checkpoint PATH` uses it."
)


def picture_of(image_set: ImageSet, layout_name: str) -> SafeString:
    """The <img> of a contact sheet, in whole multiples of its pixels."""
    layout = LAYOUTS[layout_name]
    width_px, height_px = (side * layout.enlargement for side in sheet_px(image_set, layout))
    return format_html(
        '<img class="pixels" loading="{}" alt="The first pictures of {}" src="{}" width="{}" height="{}">',
        "lazy" if layout.rows == 1 else "eager",
        image_set.name,
        reverse("admin:studyapp_imageset_sheet", args=[image_set.pk, layout_name]),
        width_px,
        height_px,
    )


def study_with(image_set: ImageSet) -> str:
    """Where a study is made of this set and of others."""
    return f"{reverse('admin:studyapp_study_preset')}?{urlencode({'set': image_set.pk})}"


class ImageSetAdmin(CheckPages):
    list_display = (
        "name",
        "strip",
        "dataset",
        "n_pictures",
        "size_px",
        "checkpoint",
        "n_seed",
        "n_studies",
        utc_column("imported_utc", "imported"),
    )
    list_filter = ("source", "dataset", "is_real", "provenance")
    search_fields = ("name", "file_sha256", "checkpoint_sha256")
    search_help_text = "a name or a hash"
    list_per_page = 25
    show_facets = admin.ShowFacets.NEVER
    nothing_yet = "No pictures yet. Upload a zip of PNG files, or queue generation with a shipped model."
    change_list_template = "admin/studyapp/imageset/change_list.html"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("sheet", "checked")}),
        (
            "What it is",
            {"fields": ("source", "is_real", "family", "dataset", "n_pictures", "size_px", "used_in")},
        ),
        (
            "Where it comes from",
            {
                "fields": (
                    "origin",
                    labelled("checkpoint_sha256", "SHA-256 of the checkpoint"),
                    "recipe",
                    "n_seed",
                    "credits",
                    "notes",
                    "imported_by",
                    utc_column("imported_utc", "imported"),
                    labelled("file_sha256", "SHA-256 of the zip"),
                )
            },
        ),
        ("Classes", {"fields": ("classes",)}),
        ("Manifest", {"classes": ("collapse",), "fields": ("manifest_text",)}),
    )

    # ---- rights: a set enters whole, is never edited, and leaves only when no study uses it ----

    def has_change_permission(self, request: HttpRequest, obj: ImageSet | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: ImageSet | None = None) -> list[Any]:
        return [name for _, options in self.fieldsets for name in options["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImageSet]:
        return super().get_queryset(request).annotate(studies=Count("used_by__study", distinct=True))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What deleting takes along, in counts: a set has thousands of images."""
        sets = list(objs)
        perms_needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        protected = [
            f"{image_set}: study {source.study}, as source {source.name}"
            for image_set in sets
            for source in image_set.used_by.select_related("study")
        ]
        n_images = sum(image_set.n_images for image_set in sets)
        told = [f"{image_set}: {count(image_set.n_images)} images and their zip" for image_set in sets]
        return told, {"image sets": len(sets), "images": n_images}, perms_needed, protected

    def delete_model(self, request: HttpRequest, obj: ImageSet) -> None:
        remove_image_set(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ImageSet]) -> None:
        for image_set in queryset:
            remove_image_set(image_set)

    # ---- columns and fields ----

    @admin.display(description="first pictures")
    def strip(self, image_set: ImageSet) -> SafeString:
        return picture_of(image_set, "strip")

    @admin.display(description="the first pictures")
    def sheet(self, image_set: ImageSet) -> SafeString | str:
        if not image_set.path.is_file():
            return f"The zip {image_set.path} is missing: import the set again."
        return picture_of(image_set, "sheet")

    @admin.display(description="checks")
    def checked(self, image_set: ImageSet) -> SafeString:
        address = reverse("admin:studyapp_imageset_check", args=[image_set.pk])
        return format_html('<a href="{}">Look at its file and for near-duplicates</a>', address)

    @admin.display(description="images", ordering="n_images")
    def n_pictures(self, image_set: ImageSet) -> str:
        return count(image_set.n_images)

    @admin.display(description="size (px)", ordering="width_px")
    def size_px(self, image_set: ImageSet) -> str:
        return f"{image_set.width_px} × {image_set.height_px}"

    @admin.display(ordering="checkpoint_sha256")
    def checkpoint(self, image_set: ImageSet) -> SafeString | str:
        return hash_start(image_set.checkpoint_sha256)

    @admin.display(description="recipe")
    def recipe(self, image_set: ImageSet) -> SafeString | str:
        checkpoint = image_set.manifest.get("checkpoint")
        config = checkpoint.get("config") if isinstance(checkpoint, dict) else None
        if not isinstance(config, dict):
            return NOTHING
        return _listed([f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in config.items()])

    @admin.display(description="seed")
    def n_seed(self, image_set: ImageSet) -> str:
        seed = image_set.manifest.get("seed")
        return NOTHING if seed is None else str(seed)

    @admin.display(description="studies", ordering="studies")
    def n_studies(self, image_set: ImageSet) -> int:
        return getattr(image_set, "studies", 0)

    @admin.display(description="used in")
    def used_in(self, image_set: ImageSet) -> SafeString | str:
        uses = image_set.used_by.select_related("study").order_by("study__slug")
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a> as {}',
            ((reverse("admin:studyapp_study_change", args=[u.study_id]), u.study.slug, u.name) for u in uses),
        )
        return links or format_html('no study yet: <a href="{}">make one with it</a>', study_with(image_set))

    @admin.display(description="how it came in")
    def origin(self, image_set: ImageSet) -> str:
        if image_set.provenance == "manifest":
            return "with a manifest, hashes checked"
        return "imported without a manifest: nothing is known of how the pictures were made"

    @admin.display(description="credits and licences")
    def credits(self, image_set: ImageSet) -> SafeString | str:
        return _listed(image_set.manifest.get("credits")) or "none stated"

    @admin.display(description="to know before use")
    def notes(self, image_set: ImageSet) -> SafeString | str:
        return _listed(image_set.manifest.get("notes")) or "nothing noted"

    @admin.display(description="images by class")
    def classes(self, image_set: ImageSet) -> SafeString | str:
        rows = image_set.images.order_by("class_index").values_list("class_index").annotate(n=Count("pk"))
        names = image_set.class_names
        named = (
            ("without class" if i is None else str(names[i]) if i < len(names) else f"class {i}", count(n))
            for i, n in rows
        )
        cells = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", named)
        return format_html('<table class="figures">{}</table>', cells)

    @admin.display(description="as it came with the set")
    def manifest_text(self, image_set: ImageSet) -> SafeString:
        rest = {name: value for name, value in image_set.manifest.items() if name not in TOLD_ELSEWHERE}
        return readable_json(rest)

    # ---- pages of its own ----

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("generate/", view(self.generate_view), name="studyapp_imageset_generate"),
            path(
                "<int:pk>/<slug:layout_name>.png",
                view(self.sheet_view, cacheable=True),
                name="studyapp_imageset_sheet",
            ),
        ]
        return own + super().get_urls()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"may_generate": request.user.has_perm("studyapp.add_job"), **(extra_context or {})}
        )

    def sheet_view(self, request: HttpRequest, pk: int, layout_name: str) -> HttpResponse:
        """A contact sheet; the file of an image set never changes, so a browser may keep it for a day."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        image_set = ImageSet.objects.filter(pk=pk).first()
        if image_set is None or layout_name not in LAYOUTS:
            raise Http404
        try:
            png = contact_sheet(image_set, LAYOUTS[layout_name])
        except (OSError, KeyError, ImageSetError, zipfile.BadZipFile) as error:
            raise Http404 from error
        headers = {"Cache-Control": f"private, max-age={A_DAY_S}"}
        return HttpResponse(png, content_type="image/png", headers=headers)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Upload of a zip."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            image_set = form.take_in(by=request.user.get_username())
            if image_set is not None:
                self.log_addition(request, image_set, "Uploaded.")
                messages.success(
                    request,
                    format_html(
                        '{} images are in the catalogue, as {}. <a href="{}">Make a study with them</a>.',
                        *(count(image_set.n_images), image_set, study_with(image_set)),
                    ),
                )
                return redirect("admin:studyapp_imageset_change", image_set.pk)
        return self._form_page(request, form, title="Upload an image set", action="Upload")

    def generate_view(self, request: HttpRequest) -> HttpResponse:
        """Ask a worker for a new image set."""
        if not request.user.has_perm("studyapp.add_job"):
            raise PermissionDenied
        wanted = {"checkpoint": request.GET["checkpoint"]} if "checkpoint" in request.GET else None
        form = GenerationForm(request.POST or None, initial=wanted)
        if request.method == "POST" and form.is_valid():
            job = form.queue(by=request.user.get_username())
            if job is not None:
                messages.success(request, "Queued. The image set appears here when a worker has made it.")
                return redirect("admin:studyapp_job_change", job.pk)
        missing = "" if form.names else NO_CHECKPOINT
        return self._form_page(
            request, form, title="Generate an image set", action="Queue it", missing=missing
        )

    def _form_page(
        self, request: HttpRequest, form: Any, *, title: str, action: str, missing: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "form": form,
            "action": action,
            "back_url": list_url("imageset"),
            "missing": missing,
        }
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)


def _listed(value: Any) -> SafeString | str:
    """Whatever a manifest lists, one line each: texts as they are, objects as `key: value` pairs."""
    rows = value if isinstance(value, list) else [value] if value else []
    lines = (
        "; ".join(f"{k}: {v}" for k, v in row.items()) if isinstance(row, dict) else str(row) for row in rows
    )
    items = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
    return format_html('<ul class="lines">{}</ul>', items) if items else ""
