"""The page that checks an image set: is its file what came in, and do its pictures look like others."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.catalogue import CatalogueError
from studyapp.models import ImageSet
from studyapp.near_duplicates import TooManyImages, near_duplicates
from studyapp.verification import faults_of_set

MOST_SHOWN = 100


class CheckPages(admin.ModelAdmin):
    """Checks of an image set, made when asked for."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.check_view)
        return [path("<int:pk>/check/", view, name="studyapp_imageset_check"), *super().get_urls()]

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What would be looked at; on POST what was found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        image_set = ImageSet.objects.filter(pk=pk).first()
        if image_set is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Check {image_set}",
            "image_set": image_set,
            "is_done": request.method == "POST",
        }
        if request.method == "POST":
            context["faults"] = list(faults_of_set(image_set))
            try:
                found = near_duplicates(image_set)
            except (TooManyImages, CatalogueError) as error:
                context["refusal"] = str(error)
            else:
                context |= {
                    "pairs": found[:MOST_SHOWN],
                    "n_pairs": len(found),
                    "n_across": sum(pair.is_across for pair in found),
                }
        return TemplateResponse(request, "admin/studyapp/imageset/check.html", context)
