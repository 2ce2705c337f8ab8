"""How long a study keeps what could lead back to people: panel identities and answers go after the day that was set.

Only of studies that have ended: while people can come, an identity keeps them from taking part twice.
"""

from collections.abc import Iterator
from datetime import date

from django.db import transaction

from studyapp import audit, sittings
from studyapp.models import NamedLink, PanelIdentity, Retention, Sitting, Study

ENDED = (Study.Status.CLOSED, Study.Status.ARCHIVED)
BY = "retention"


def overdue(today: date) -> Iterator[str]:
    """What should have been deleted by today and was not, in words, for whoever looks after the site."""
    for kept in Retention.objects.select_related("study").order_by("study__slug"):
        if kept.identities_until and kept.identities_until < today and n_identities(kept.study):
            yield f"study {kept.study}: panel identities were to be kept until {kept.identities_until}"
        if kept.answers_until and kept.answers_until < today and n_answered(kept.study):
            yield f"study {kept.study}: answers were to be kept until {kept.answers_until}"


def n_identities(study: Study) -> int:
    return PanelIdentity.objects.filter(study=study).count()


def n_answered(study: Study) -> int:
    return study.sittings.exclude(status=Sitting.Status.ERASED).count()


def keep_promises(today: date) -> list[str]:
    """Delete what ended studies were to keep until before today; what was done, in words."""
    done = []
    for kept in Retention.objects.select_related("study").filter(study__status__in=ENDED):
        if kept.identities_until and kept.identities_until < today:
            done += delete_identities(kept.study)
        if kept.answers_until and kept.answers_until < today:
            done += erase_answers(kept.study)
    return done


def delete_identities(study: Study) -> list[str]:
    """Delete how panels call people, and the labels of personal links."""
    with transaction.atomic():
        _, deleted = PanelIdentity.objects.filter(study=study).delete()
        n_deleted = deleted.get(PanelIdentity._meta.label, 0)
        n_labels = NamedLink.objects.filter(study=study).exclude(label="").update(label="")
        if not n_deleted and not n_labels:
            return []
        audit.note(BY, "deleted identities", study=study.slug, identities=n_deleted, labels=n_labels)
    return [f"study {study}: {n_deleted} panel identities and {n_labels} labels of links deleted"]


def erase_answers(study: Study) -> list[str]:
    """Erase every sitting as its person could have: the emptied rows keep counts true."""
    waiting = list(study.sittings.exclude(status=Sitting.Status.ERASED).order_by("pk"))
    for sitting in waiting:
        sittings.erase_sitting(sitting, by=BY)
    return [f"study {study}: {len(waiting)} sittings erased"] if waiting else []
