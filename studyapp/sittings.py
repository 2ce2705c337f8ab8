"""A sitting from consent to debrief: the only writer of participants, sittings, trials and responses.

Which trial comes next is the study's protocol; what a message may say is `messages`; pictures are `packs`.
"""

import base64
import hashlib
import hmac
import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studyapp import audit, doors, links, packs, statements, tallies
from studyapp.arrivals import ALONE, Arrival
from studyapp.exclusions import RULES, broken_rules
from studyapp.life import LIVE_FOR
from studyapp.limits import Limit
from studyapp.links import named_link
from studyapp.messages import ResponseMessage
from studyapp.models import (
    ConflictingResponse,
    FrozenSitting,
    Keys,
    ListedPerson,
    NamedLink,
    PanelIdentity,
    Participant,
    Recruiting,
    Response,
    Sitting,
    SittingCells,
    SittingOutcome,
    Study,
    Trial,
    TrialStimulus,
    token_128,
)
from studyapp.protocols import PROTOCOLS, Outcome
from studyapp.protocols import Trial as PlannedTrial
from studyapp.protocols.trial import REAL, counted
from studyapp.quality import shares_of
from studyapp.recruiting import code_for, recruiting_of
from studyapp.turns import in_turn

BLOCK_TRIALS = 50
# What the study is about; practice and catch trials serve other ends, and no result counts them.
TESTED = (Trial.Kind.MAIN, Trial.Kind.REPEAT)
CLOSED = (Trial.Status.ANSWERED, Trial.Status.TIMED_OUT)
TAKING_NO_ANSWERS = (Sitting.Status.WITHDRAWN, Sitting.Status.ERASED)
# A person asks once in three seconds; a browser that comes back with a thousand answers, twenty times at once.
SITTING_LIMIT = Limit(per_s=20, burst=200)
# What comes over one link without a sitting: consents and receipt codes. A lecture hall may begin at once.
LINK_LIMIT = Limit(per_s=2, burst=300)
# The pages before a sitting, over the open link of a study: everybody of that hall looks at a few of them.
LANDING_LIMIT = Limit(per_s=50, burst=2000)


class SittingError(Exception):
    """A step that this sitting or study does not allow now. `code` is for programs, the text for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


# ---- begin ----


def for_participants(studies: QuerySet[Study]) -> QuerySet[Study]:
    """Studies as far as what people ask for needs them: the frozen definition says which image sets are in them."""
    return studies.defer("definition")


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_of(attempt: str) -> str:
    """The secret of the sitting that this consent page begins: 256 bits that nobody else can work out.

    It follows from the page's own random name, so that the same consent sent again begins nothing new.
    """
    key = hmac.digest(settings.SECRET_KEY.encode(), f"sitting:{attempt}".encode(), "sha256")
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def begin(
    study: Study,
    *,
    attempt: str,
    language: str = "",
    arrival: Arrival = ALONE,
) -> tuple[Sitting, str]:
    """The sitting after consent to the text in `language` (else the study's own), and its browser's secret.

    `attempt` is the consent page's random name: when the reply was lost, the same page leads to the same sitting.
    A personal link leads back to its sitting, too, from any page: its browser lost the secret, so there is a new one,
    and the old one ends. So does a panel's id, as long as no trial was planned. A named link stands before the panel's
    id; a tester's sitting is marked as pilot.
    Raises doors.Refused, also when this id of a panel has sat already; TooOften.
    """
    secret = secret_of(attempt)
    spend_on_link(study, arrival)  # before the transaction: who is refused has asked, too
    with in_turn():
        study = for_participants(Study.objects.select_for_update()).get(pk=study.pk)
        is_tester = doors.is_tester(study, arrival.link)
        panel, external_id = arrival.panel, arrival.external_id
        if arrival.link:
            panel, external_id = ("", "") if is_tester else (links.PANEL, arrival.link)
        language = language or study.language
        consent_sha256 = hashlib.sha256(study.texts_in(language).consent_text.encode()).hexdigest()
        begun = by_secret(study, secret) or _begun_before(study, panel, external_id)
        if begun is not None:
            begun.secret_sha256 = secret_hash(secret)
            # From another page it may be the text in another language that was agreed to.
            begun.language, begun.consent_sha256 = language, consent_sha256
            begun.save(update_fields=["secret_sha256", "language", "consent_sha256"])
            return begun, secret
        doors.require_open(study, arrival, is_tester=is_tester)
        if not (is_tester or arrival.is_simulated):
            doors.require_room(study)
        participant = Participant.objects.create(study=study, is_simulated=arrival.is_simulated)
        sitting = Sitting.objects.create(
            participant=participant,
            study=study,
            secret_sha256=secret_hash(secret),
            study_version=study.version,
            language=language,
            consent_sha256=consent_sha256,
            design_seed=secrets.randbits(62),
            real_key=_real_key(study, is_simulated=arrival.is_simulated),
            is_simulated=arrival.is_simulated,
            is_pilot=is_tester or study.status == Study.Status.PILOTING,
        )
        tallies.begin(sitting)
        if external_id:
            remember(participant, panel, external_id)
    return sitting, secret


def _real_key(study: Study, *, is_simulated: bool) -> str:
    """The key that means a real photo for the next person: the one that fewer have had who finished or are at it."""
    if study.keys != Keys.BALANCED:
        return study.keys
    had = dict(
        study.sittings.filter(
            is_simulated=is_simulated, status__in=(Sitting.Status.STARTED, Sitting.Status.FINISHED)
        )
        .exclude(status=Sitting.Status.STARTED, consent_utc__lt=timezone.now() - LIVE_FOR)
        .order_by()
        .values_list("real_key")
        .annotate(n=Count("pk"))
    )
    fewest = min(had.get(key, 0) for key in "fj")
    return secrets.choice([key for key in "fj" if had.get(key, 0) == fewest])


def remember(participant: Participant, panel: str, external_id: str) -> None:
    """Keep how a panel calls somebody, once a study and once on its exclusion list. Raises doors.Refused."""
    study_pk = participant.study_id
    try:
        with transaction.atomic():
            identity = PanelIdentity.objects.create(
                participant=participant, study_id=study_pk, panel=panel, external_id=external_id
            )
    except IntegrityError:
        raise doors.Refused(doors.USED) from None
    shared = Recruiting.objects.filter(study=study_pk, exclusion_list__isnull=False).values_list(
        "exclusion_list"
    )
    for (exclusion_list,) in shared if panel != links.PANEL else ():
        try:
            with transaction.atomic():
                ListedPerson.objects.create(
                    exclusion_list_id=exclusion_list, panel=panel, external_id=external_id, identity=identity
                )
        except IntegrityError:
            raise doors.Refused(doors.LISTED) from None


def spend_on_link(study: Study, came: Arrival = ALONE, *, is_look: bool = False) -> None:
    """Count what comes without a sitting on the named link that it comes over, else on the study's open one.

    Looks at pages have a bucket of their own there: they keep nobody from agreeing. Raises TooOften.
    """
    link = named_link(study, came.link) if came.link else None
    with in_turn():
        if link is not None:
            LINK_LIMIT.spend(NamedLink, link.pk, time.time())
        elif is_look:
            LANDING_LIMIT.spend(Study, study.pk, time.time(), bucket="landings_full_s")
        else:
            LINK_LIMIT.spend(Study, study.pk, time.time())


def note_landing(study: Study) -> None:
    """Count a welcome page that a browser has shown: its script says so, for a look at a link starts nothing."""
    with in_turn():
        Study.objects.filter(pk=study.pk).update(n_landed=F("n_landed") + 1)


def note_decline(study: Study) -> None:
    """Count somebody who read the consent and did not agree."""
    with in_turn():
        Study.objects.filter(pk=study.pk).update(n_declined=F("n_declined") + 1)


def _begun_before(study: Study, panel: str, external_id: str) -> Sitting | None:
    """The running sitting that somebody comes back to who is known by this id.

    A personal link is a secret: whoever has it is that person. A panel's id is none, so it leads back only as long as
    nothing has come of the sitting: its browser may never have learned the sitting's own secret.
    """
    if not external_id:
        return None
    begun = Sitting.objects.filter(
        study=study,
        status=Sitting.Status.STARTED,
        participant__identity__panel=panel,
        participant__identity__external_id=external_id,
    )
    return begun.first() if panel == links.PANEL else begun.exclude(trials__isnull=False).first()


def is_coming_back(study: Study, arrival: Arrival) -> bool:
    """Whether this is the personal link of a running sitting, which it leads back to in whatever state the study is."""
    return _begun_before(study, links.PANEL, arrival.link) is not None


def by_secret(study: Study, secret: str) -> Sitting | None:
    """The sitting whose browser keeps this secret, None if there is none."""
    if not secret:
        return None
    sitting = Sitting.objects.filter(study=study, secret_sha256=secret_hash(secret)).first()
    if sitting is not None:
        sitting.study = study
    return sitting


def by_secret_at(slug: str, secret: str) -> Sitting | None:
    """The same by the study's address, with the study, both narrow: it comes with every response."""
    return statements.sitting_by_secret(slug, secret_hash(secret))


def whole_study(sitting: Sitting) -> Study:
    """The study of a sitting with its whole design, of which most requests need little."""
    return for_participants(Study.objects.all()).get(pk=sitting.study_id)


def require_started(sitting: Sitting) -> None:
    """Refuse a step of a sitting that has ended, in words that say how."""
    ended = {
        Sitting.Status.FINISHED: _("You have finished this test already."),
        Sitting.Status.SCREENED: _("Your screen will not do for this test, and you have ended it."),
        Sitting.Status.WITHDRAWN: _("You have withdrawn from this study."),
        Sitting.Status.ERASED: _("Your answers have been erased."),
    }
    sentence = ended.get(Sitting.Status(sitting.status))
    if sentence is not None:
        raise SittingError(sitting.status, sentence)


def stands_at(sitting: Sitting) -> str:
    """The page on which a running sitting goes on: screen, examples or test. What comes before it is done."""
    if sitting.trials.exists():
        return "test"
    return "examples" if sitting.screen else "screen"


def note_screen(sitting: Sitting, facts: dict[str, Any]) -> None:
    """Keep what the screen check measured; an erased sitting stays empty, whatever was under way."""
    with in_turn():
        _asked(sitting)
        require_started(sitting)
        sitting.screen = facts
        sitting.save(update_fields=["screen"])
        tallies.note_screen(sitting.pk, facts["frame_ms"])


# ---- trials ----


@dataclass(frozen=True)
class IssuedTrial:
    """What a browser learns of a trial before it is shown: nothing about the truth. exposure_ms: None, no end."""

    token: str
    ordinal: int
    kind: str
    exposure_ms: int | None


@dataclass(frozen=True)
class Progress:
    """How far a sitting is, counted in trials of the test: main, catch trials and repeats."""

    done: int
    total: int
    practice_done: int
    finished: bool


def history(sitting: Sitting) -> list[Outcome]:
    """Every trial planned so far, in order, as the protocol wants to know it."""
    outcomes: list[Outcome] = []
    for position, exposure_ms, kind, status, answer, timing_ok, source in statements.history(sitting.pk):
        if position:  # one more picture of the same trial
            last = outcomes[-1]
            outcomes[-1] = last._replace(trial=last.trial._replace(sources=(*last.trial.sources, source)))
            continue
        outcomes.append(
            Outcome(
                PlannedTrial((source,), exposure_ms, kind),
                status=None if status in Trial.OPEN else status,
                answer=answer or None,
                is_mistimed=not (timing_ok or timing_ok is None),
            )
        )
    return outcomes


def _unplanned(sitting: Sitting, outcomes: list[Outcome]) -> list[PlannedTrial]:
    study = statements.study_design(sitting.study_id)
    rng = random.Random(sitting.design_seed)
    return PROTOCOLS[study.protocol].next_trials(study.protocol_settings(), outcomes, rng)


def _unseen(sitting: Sitting, source: str, n_images: int) -> list[int]:
    return statements.unseen(sitting.study_id, sitting.pk, source, n_images)


def _plan_block(sitting: Sitting, outcomes: list[Outcome]) -> list[statements.Planned]:
    """Turn the protocol's next trials into rows with pictures; fewer if a source has no picture left."""
    planned = _unplanned(sitting, outcomes)
    needed = Counter(name for trial in planned for name in trial.sources)
    pools = {name: _unseen(sitting, name, n_images) for name, n_images in needed.items()}
    new: list[tuple[str, int, str, int | None]] = []
    shown: list[list[int]] = []
    for trial in planned:
        if any(len(pools[name]) < trial.sources.count(name) for name in trial.sources):
            continue
        new.append((token_128(), len(outcomes) + len(new) + 1, trial.kind, trial.exposure_ms))
        shown.append([pools[name].pop() for name in trial.sources])
    if not new:
        return []
    tallies.note_trials(sitting.pk, "planned", (kind for _token, _ordinal, kind, _exposure_ms in new))
    return statements.add_trials(sitting.pk, new, shown)


def _locked(sitting: Sitting) -> Sitting:
    """The sitting, held until the end of the transaction: its messages are worked on one after the other."""
    held = Sitting.objects.select_for_update().get(pk=sitting.pk)
    held.study = sitting.study
    return held


def _asked(sitting: Sitting) -> None:
    """Hold the sitting like that for a request that counts, and see where it stands by now.

    Raises TooOften when its browser asks too often.
    """
    SITTING_LIMIT.spend(Sitting, sitting.pk, time.time())
    sitting.status = statements.status_of(sitting.pk)


def _one_block(waiting: list[statements.Planned]) -> list[statements.Planned]:
    """The leading run of practice or test, so short that its pictures can be asked for by first and last number."""

    def belongs(trial: statements.Planned) -> bool:
        first = waiting[0]
        is_alike = (trial.kind == Trial.Kind.PRACTICE) == (first.kind == Trial.Kind.PRACTICE)
        return is_alike and trial.ordinal < first.ordinal + BLOCK_TRIALS

    return list(takewhile(belongs, waiting))


def next_block(sitting: Sitting, after: int) -> tuple[list[IssuedTrial], Progress]:
    """The next trials with an ordinal above `after` that were never shown; planned now if there are none.

    The same call again gives the same trials. No trials and not finished: answers are still under way.
    Raises SittingError if the sitting has ended.
    """
    with in_turn():
        _asked(sitting)
        require_started(sitting)
        waiting = statements.waiting_trials(sitting.pk, after, BLOCK_TRIALS)
        trials = _one_block(waiting) or _plan_block(sitting, history(sitting))
        progress = progress_of(sitting)
    issued = [IssuedTrial(t.token, t.ordinal, told_kind(t), t.exposure_ms) for t in trials]
    return issued, progress


def told_kind(trial: statements.Planned) -> str:
    """What a browser is told of a trial's kind: a catch trial, whose answer is known, looks like any other."""
    return Trial.Kind.MAIN if trial.kind == Trial.Kind.CATCH else trial.kind


def progress_of(sitting: Sitting) -> Progress:
    """How far the sitting is; finished when every planned trial is closed and none is left to plan."""
    counts = statements.counted_trials(sitting.pk)
    closed = {
        is_practice: sum(
            n
            for (kind, status), n in counts.items()
            if status in CLOSED and (kind == Trial.Kind.PRACTICE) == is_practice
        )
        for is_practice in (True, False)
    }
    is_open = any(status in Trial.OPEN for _, status in counts)
    return Progress(
        done=closed[False],
        total=sitting.study.n_test_trials + _n_longer(counts),
        practice_done=closed[True],
        # What the protocol wants next costs a look at every trial: asked only when it can matter.
        finished=not is_open and not _plannable(sitting, history(sitting)),
    )


def _n_longer(counts: dict[tuple[str, str], int]) -> int:
    """By how many answers the test is longer than its design: repeats of trials that were answered, too.

    Less than nothing when catch trials were interrupted, which are not asked again.
    """
    n_repeats = sum(n for (kind, _), n in counts.items() if kind == Trial.Kind.REPEAT)
    n_lost = sum(
        n for (kind, status), n in counts.items() if kind in TESTED and status == Trial.Status.INTERRUPTED
    )
    return max(0, n_repeats - n_lost) - counts.get((Trial.Kind.CATCH, Trial.Status.INTERRUPTED), 0)


def n_missing(sitting: Sitting) -> int:
    """How many trials of the design an ended sitting lacks: more were interrupted than pictures were kept back for."""
    progress = progress_of(sitting)
    return max(0, progress.total - progress.done)


def _plannable(sitting: Sitting, outcomes: list[Outcome]) -> bool:
    """Whether another trial can be planned: the protocol wants one and a picture is left for it."""
    wanted = {name for trial in _unplanned(sitting, outcomes) for name in trial.sources}
    return any(_unseen(sitting, name, 1) for name in wanted)


def block_pictures(sitting: Sitting, first: int, last: int) -> bytes:
    """The raw pictures of the open trials with ordinals first..last, in that order. Raises TooOften, PackError."""
    with in_turn():
        SITTING_LIMIT.spend(Sitting, sitting.pk, time.time())
    positions = statements.open_positions(sitting.pk, first, last)
    return packs.pictures(sitting.study, positions)


def example_pictures(study: Study) -> bytes:
    """The raw real pictures that are looked at before the test and never used in it."""
    positions = study.stimuli.filter(is_example=True).order_by("position").values_list("position", flat=True)
    return packs.pictures(study, positions)


def resume(sitting: Sitting, shown: Sequence[str] | None) -> Progress:
    """After a reload: close the trials whose picture may have been seen, so that none is shown twice.

    `shown` are the tokens the browser knows to have begun; None if it has no memory of this sitting,
    then every trial it was ever given counts as seen.
    """
    with in_turn():
        _asked(sitting)
        require_started(sitting)
        lost = sitting.trials.filter(status=Trial.Status.ISSUED)
        if shown is not None:
            lost = lost.filter(token__in=list(shown))
        _interrupt(sitting, lost)
        return progress_of(sitting)


def _interrupt(sitting: Sitting, lost: QuerySet[Trial]) -> None:
    """Close trials of a sitting that is held, without a response."""
    kinds = list(lost.order_by().values_list("kind", flat=True))
    lost.update(status=Trial.Status.INTERRUPTED)
    tallies.note_trials(sitting.pk, "interrupted", kinds)


# ---- responses ----


@dataclass(frozen=True)
class Receipt:
    """What became of one response: stored, replayed (it was there), conflict (another was), unknown (no such trial).

    truth: real or generated, once an answer of a practice trial is stored in a study that gives feedback there.
    """

    trial: str
    status: str
    receipt: str | None = None
    truth: str | None = None


def record(
    sitting: Sitting, batch: Sequence[tuple[ResponseMessage, Any]], *, is_counted: bool = True
) -> list[Receipt]:
    """Store a batch in one durable transaction; return when it is on disk.

    The trial is the key: the same message again gives the same receipt, a different second one is
    kept aside. An answer to a trial that was closed as interrupted is stored and flagged `late`.
    Not `is_counted`: a researcher brings them, no browser. Raises SittingError after a withdrawal; TooOften.
    """
    with in_turn(durable=True):
        if is_counted:
            SITTING_LIMIT.spend(Sitting, sitting.pk, time.time())
        else:
            _locked(sitting)
        tokens = [message.trial for message, _ in batch]
        sitting.status, trials = statements.known_trials(sitting.pk, tokens)
        if sitting.status in TAKING_NO_ANSWERS:
            require_started(sitting)
        new: list[Response] = []
        stored: list[tallies.Stored] = []
        receipts = []
        for message, body in batch:
            trial = trials.get(message.trial)
            if trial is None:
                receipts.append(Receipt(message.trial, "unknown"))
            elif trial.digest is None:
                response = _response(trial, message)
                trials[message.trial] = trial._replace(digest=message.digest, receipt=response.receipt)
                new.append(response)
                stored.append(tallies.Stored(trial.kind, trial.status in Trial.OPEN, response))
                receipts.append(Receipt(message.trial, "stored", response.receipt))
            elif trial.digest == message.digest:
                receipts.append(Receipt(message.trial, "replayed", trial.receipt))
            else:
                ConflictingResponse.objects.get_or_create(
                    trial_id=trial.pk, body_sha256=message.digest, defaults={"body": body}
                )
                receipts.append(Receipt(message.trial, "conflict", trial.receipt))
        if new:
            statements.store_responses(new)
        tallies.note_responses(sitting.pk, stored)
        if sitting.study.practice_feedback:
            receipts = _with_feedback(sitting, receipts)
    return receipts


def _with_feedback(sitting: Sitting, receipts: list[Receipt]) -> list[Receipt]:
    """The receipts with the truth about every practice trial among them that has its answer, and about no other."""
    truths = dict(
        TrialStimulus.objects.filter(
            sitting=sitting,
            trial__token__in=[receipt.trial for receipt in receipts],
            trial__kind=Trial.Kind.PRACTICE,
            trial__response__isnull=False,
            position=0,
        ).values_list("trial__token", "stimulus__source__name")
    )
    return [
        replace(receipt, truth="real" if truths[receipt.trial] == REAL else "generated")
        if receipt.trial in truths
        else receipt
        for receipt in receipts
    ]


def _response(trial: statements.Known, message: ResponseMessage) -> Response:
    fields = dict(message.fields)
    if trial.status == Trial.Status.INTERRUPTED:
        fields["flags"] = [*fields["flags"], "late"]
    return Response(trial_id=trial.pk, body_sha256=message.digest, **fields)


# ---- end ----


def finish(sitting: Sitting, *, is_counted: bool = True) -> Sitting:
    """Mint the completion code once every answer is stored. Raises SittingError `missing` before that."""
    with in_turn(durable=True):
        if is_counted:
            SITTING_LIMIT.spend(Sitting, sitting.pk, time.time())
        sitting = _locked(sitting)
        if sitting.status == Sitting.Status.FINISHED:
            return sitting
        require_started(sitting)
        progress = progress_of(sitting)
        if not progress.finished:
            missing = max(progress.total - progress.done, 1)
            sentence = ngettext(
                "%(n)d answer has not arrived yet.", "%(n)d answers have not arrived yet.", missing
            )
            raise SittingError("missing", sentence % {"n": missing})
        sitting.status, sitting.finished_utc = Sitting.Status.FINISHED, timezone.now()
        _end_as(sitting, _outcome_of(sitting))
        sitting.receipt_sha256 = receipt_hash(receipt_code(sitting))
        sitting.save()
    return sitting


def screen_out(sitting: Sitting) -> Sitting:
    """End a sitting whose screen will not do, at its person's wish. Raises SittingError once the test has begun."""
    with in_turn(durable=True):
        sitting = _locked(sitting)
        require_started(sitting)
        if sitting.screen.get("will_do") is not False or sitting.trials.exists():
            raise SittingError("begun", _("Your screen is fine: you can go on with the test."))
        sitting.status, sitting.finished_utc = Sitting.Status.SCREENED, timezone.now()
        _end_as(sitting, SittingOutcome.SCREENED_OUT)
        sitting.save()
    return sitting


def _outcome_of(sitting: Sitting) -> str:
    """Complete, unless the sitting breaks a declared rule of attention."""
    study = whole_study(sitting)
    checks = {name: percent for name, percent in study.exclusions.items() if RULES[name].is_check}
    if checks and broken_rules(checks, shares_of(sitting.pk, study.n_test_trials)):
        return SittingOutcome.FAILED_CHECK
    return SittingOutcome.COMPLETE


def _end_as(sitting: Sitting, outcome: str) -> None:
    """Note the outcome, with the panel's code for it, else with one of the sitting's own."""
    recruiting = recruiting_of(sitting.study)
    sitting.outcome = outcome
    own = code(secrets.token_bytes(5))
    sitting.completion_code = code_for(recruiting, outcome, own)
    if outcome == SittingOutcome.FAILED_CHECK and outcome not in recruiting.codes:
        sitting.completion_code = code_for(recruiting, SittingOutcome.COMPLETE, own)


def code(raw: bytes) -> str:
    """Bytes as capital letters and digits that cannot be misread, in groups of four."""
    text = base64.b32encode(raw).decode().rstrip("=").replace("O", "8").replace("I", "9")
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def receipt_code(sitting: Sitting) -> str:
    """The code with which a person can have the answers erased; derived, so that only its hash is stored."""
    key = hmac.digest(settings.SECRET_KEY.encode(), f"receipt:{sitting.public_id}".encode(), "sha256")
    return code(key[:10])


def receipt_hash(receipt: str) -> str:
    """Hash of a receipt code, whatever its dashes, spaces and case."""
    return secret_hash("".join(filter(str.isalnum, receipt)).upper())


def withdraw(sitting: Sitting, *, keep_answers: bool) -> Sitting:
    """End a sitting at its person's wish; without `keep_answers` everything they said is erased."""
    with in_turn(durable=True):
        sitting = _locked(sitting)
        require_started(sitting)
        sitting.status, sitting.finished_utc = Sitting.Status.WITHDRAWN, timezone.now()
        sitting.receipt_sha256 = receipt_hash(receipt_code(sitting))
        _interrupt(sitting, sitting.trials.filter(status__in=Trial.OPEN))
        sitting.save()
        if not keep_answers:
            _erase(sitting)
    return sitting


def erase(study: Study, receipt: str) -> bool:
    """Erase the sitting with this receipt code; False if there is none. The emptied row keeps counts true.

    Raises TooOften: codes are not to be guessed.
    """
    spend_on_link(study)
    with in_turn(durable=True):
        sitting = (
            Sitting.objects.select_for_update()
            .filter(study=study, receipt_sha256=receipt_hash(receipt))
            .exclude(receipt_sha256="")
            .first()
        )
        if sitting is None:
            return False
        _erase(sitting)
    return True


def erase_sitting(sitting: Sitting, *, by: str) -> None:
    """Erase a sitting that nobody asked to have erased: because the time is over that its answers were to be kept."""
    with in_turn(durable=True):
        _erase(_locked(sitting), by=by)


def _erase(sitting: Sitting, by: str = "participant") -> None:
    slug = Study.objects.values_list("slug", flat=True).get(pk=sitting.study_id)
    audit.note(by, "erased", study=slug, sitting=sitting.public_id)
    sitting.trials.all().delete()
    sitting.status, sitting.screen = Sitting.Status.ERASED, {}
    sitting.save(update_fields=["status", "screen"])
    tallies.note_erasure(sitting.pk)
    SittingCells.objects.filter(pk=sitting.pk).delete()
    FrozenSitting.objects.filter(sitting=sitting).update(
        status=Sitting.Status.ERASED, screen={}, planned=0, open="", unreported=""
    )


def truth(sitting: Sitting) -> list[dict[str, Any]]:
    """By source: how many pictures of the test count and how many of them the person judged real; photos first.

    As in the report, a repeat counts in the place of the trial that it repeats.
    """
    table: dict[str, dict[str, Any]] = {}
    for outcome in counted(history(sitting)):
        name = outcome.trial.sources[0]
        row = table.setdefault(
            name, {"source_label": name, "is_real": name == REAL, "n": 0, "judged_real": 0}
        )
        row["n"] += 1
        row["judged_real"] += outcome.answer == "real"
    return sorted(table.values(), key=lambda row: (not row["is_real"], row["source_label"]))


def score(sitting: Sitting) -> dict[str, int]:
    """How many trials of the test were judged rightly, out of those that count."""
    rows = truth(sitting)
    right = sum(row["judged_real"] if row["is_real"] else row["n"] - row["judged_real"] for row in rows)
    of = sum(row["n"] for row in rows)
    return {"right": right, "of": of, "percent": round(100 * right / of) if of else 0}
