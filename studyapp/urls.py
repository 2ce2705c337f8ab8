"""Every address of the site: the home page, a study's pages and their API, the admin."""

from django.contrib import admin
from django.urls import include, path

from studyapp.views import api, pages, research_api, research_work
from studyapp.views.research_api import for_tokens

study_patterns = [
    path("", pages.welcome, name="welcome"),
    path("consent/", pages.consent, name="consent"),
    path("landed/", pages.landed, name="landed"),
    path("declined/", pages.declined, name="declined"),
    *(path(f"{name}/", pages.step(name), name=name) for name in pages.STEPS),
    path("thanks/", pages.thanks, name="thanks"),
    path("ineligible/", pages.ineligible, name="ineligible"),
    path("withdraw/", pages.withdraw, name="withdraw"),
    path("erase/", pages.erase, name="erase"),
    *(
        path(f"api/{view.__name__}", view, name=f"api-{view.__name__}")
        for view in (
            api.screen,
            api.examples,
            api.resume,
            api.block,
            api.pictures,
            api.responses,
            api.finish,
        )
    ),
]

research_patterns = [
    path("studies", for_tokens(GET=research_api.list_studies)),
    path("studies/<slug:slug>", for_tokens(GET=research_api.one_study)),
    path("studies/<slug:slug>/live", for_tokens(GET=research_api.live)),
    path(
        "studies/<slug:slug>/exports",
        for_tokens(GET=research_api.list_exports, POST=research_api.make_export),
    ),
    path("studies/<slug:slug>/links", for_tokens(POST=research_api.add_links)),
    path(
        "studies/<slug:slug>/reports",
        for_tokens(GET=research_work.list_reports, POST=research_work.make_report),
    ),
    path("reports/<int:number>", for_tokens(GET=research_work.download_report)),
    path("exports/<slug:name>", for_tokens(GET=research_api.download)),
    path(
        "exports/<slug:name>/builds",
        for_tokens(GET=research_work.list_builds, POST=research_work.make_build),
    ),
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("diagnostics/", pages.diagnostics, name="diagnostics"),
    path("s/<slug:slug>/", include((study_patterns, "study"))),
    path("api/v1/", include((research_patterns, "research"))),
    path("admin/", admin.site.urls),
]
handler404 = "studyapp.views.pages.not_found"
handler500 = "studyapp.views.pages.server_error"
