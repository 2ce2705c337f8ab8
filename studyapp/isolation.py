"""Cross-origin isolation: the browser then gives time stamps 5 microseconds fine to the trial page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class CrossOriginIsolationMiddleware:
    """Adds the embedder and resource policies beside Django's opener policy to every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response
