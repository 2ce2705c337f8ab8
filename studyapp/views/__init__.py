"""Views: read the request, call one function, answer. Pages are HTML, `api` is what the trial page talks to."""
