"""Named links: one for each person that is invited, and one for those who try a study out.

A link is an address with a random token; to open it changes nothing, a sitting begins with the consent alone. The
sitting of a person's link is remembered as that of the panel `link`, with the token as its id.
"""

from django.urls import reverse

from studyapp.models import NamedLink, PanelIdentity, Study

PARAMETER = PANEL = "link"


def versions_until(study: Study) -> list[int]:
    """Primary keys of a study and of the versions before it, newest first."""
    found, previous = [study.pk], study.previous_id
    while previous is not None:
        found.append(previous)
        previous = Study.objects.filter(pk=previous).values_list("previous", flat=True).get()
    return found


def named_link(study: Study, token: str) -> NamedLink | None:
    """The link with this token if it leads into this study; testers keep theirs through all versions."""
    link = NamedLink.objects.filter(token=token).only("token", "study", "is_tester").first()
    if link is None:
        return None
    is_here = link.study_id == study.pk or (link.is_tester and link.study_id in versions_until(study))
    return link if is_here else None


def hand_on_links(earlier_pk: int, study: Study) -> None:
    """Give the links that nobody has used yet to the version that takes over."""
    unused = NamedLink.objects.filter(study=earlier_pk).exclude(
        token__in=PanelIdentity.objects.filter(study=earlier_pk, panel=PANEL).values("external_id")
    )
    unused.update(study=study)


def address_of(link: NamedLink) -> str:
    """The path of a link on this site; to open it changes nothing."""
    return reverse("study:welcome", args=[link.study.slug], query={PARAMETER: link.token})
