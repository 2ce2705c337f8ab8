"""How somebody comes to a study: what the parameters of their link say of them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core import signing
from django.http import QueryDict
from django.urls import reverse

from studyapp import links
from studyapp.languages import PARAMETER as LANGUAGE
from studyapp.models import Study
from studyapp.panels import in_order

SIMULATED_SALT = "simulated participant"
LONGEST_QUERY, LONGEST_VALUE = 2000, 128


@dataclass(frozen=True)
class Arrival:
    """The panel and its id of the person, the token of a named link, and whether a bot of this installation comes."""

    panel: str = ""
    external_id: str = ""
    link: str = ""
    is_simulated: bool = False

    @property
    def is_invited(self) -> bool:
        """Whether somebody sent them, of whatever worth that is: who has the open link alone comes by themselves."""
        return bool(self.external_id or self.link or self.is_simulated)


# Who comes by the open link, and nobody knows from where.
ALONE = Arrival()


def arrival(study: Study, query: str) -> Arrival:
    """How somebody came, out of the query string of their link."""
    parameters = QueryDict(query[:LONGEST_QUERY])
    found = ((panel, value_of(parameters, name)) for panel, name in in_order(study.panels).items())
    panel, external_id = next(((panel, value) for panel, value in found if value), ("", ""))
    return Arrival(panel, external_id, value_of(parameters, links.PARAMETER), is_simulated(parameters))


def value_of(parameters: QueryDict, name: str) -> str:
    # No database takes NUL, which an address can carry as %00.
    return parameters.get(name, "").replace("\0", "").strip()[:LONGEST_VALUE]


def is_simulated(parameters: QueryDict) -> bool:
    """Whether a bot of this installation came: it carries a signed mark, which people cannot make."""
    try:
        signing.loads(parameters.get("simulated", ""), salt=SIMULATED_SALT, max_age=24 * 3600)
    except signing.BadSignature:
        return False
    return True


# ---- to try an arrival ----


@dataclass(frozen=True)
class Said:
    """One thing that an arrival address says: what, its value, and whether it is as it should be."""

    what: str
    value: str
    is_fine: bool = True


UNFILLED = ("{{", "}}", "%", "${", "[", "]")


def what_an_arrival_says(study: Study, address: str) -> list[Said]:
    """An address as the study would read it, in the order in which it is read; nothing is stored or begun."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return [Said("leads to", "nowhere: this is no address", False)]
    here = reverse("study:welcome", args=[study.slug])
    found = [Said("leads to", parts.path or "nowhere", parts.path.startswith(here))]
    if not parts.path.startswith(here):
        found.append(Said("should lead to", here, False))
    parameters = QueryDict(parts.query[:LONGEST_QUERY])
    came = arrival(study, parts.query)
    if came.link:
        link = links.named_link(study, came.link)
        kind = "unknown" if link is None else "a tester's" if link.is_tester else "a person's"
        found.append(Said("personal link", kind, link is not None))
    elif came.external_id:
        found.append(Said("panel", came.panel))
        found.append(Said("id of the person", came.external_id, not _is_unfilled(came.external_id)))
        if _is_unfilled(came.external_id):
            found.append(Said("the panel has not filled in its place", came.external_id, False))
    else:
        expected = ", ".join(in_order(study.panels).values()) or "no panel is set"
        found.append(Said("id of the person", f"none: expected one of the parameters {expected}", False))
    for name in in_order(study.panels).values():
        if len(values := parameters.getlist(name)) > 1:
            found.append(Said(f"{name} comes {len(values)} times", values[-1], False))
    known = {*study.panels.values(), links.PARAMETER, LANGUAGE, "simulated"}
    found += [
        Said(f"parameter {name[:60]}", "not read, not stored") for name in parameters if name not in known
    ]
    if language := parameters.get(LANGUAGE):
        found.append(Said("language", language[:20], language in study.languages))
    return found


def _is_unfilled(value: str) -> bool:
    """Whether a value is still the panel's placeholder: no panel's id has such signs."""
    return any(sign in value for sign in UNFILLED)
