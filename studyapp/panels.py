"""Recruiting panels that are known by name: how they call people in a link, where people go back, what their lists say.

Each panel's own documentation is the source; a study may add others, or change what it takes from here.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Claim(StrEnum):
    """What a panel's own list says of somebody, in one set of words for all panels."""

    FINISHED = "finished"
    PAID = "paid"
    REJECTED = "rejected"
    GONE = "gave up or ran out of time"
    UNDER_WAY = "under way"


@dataclass(frozen=True)
class Panel:
    """A panel: `address` is what stands behind a study's link there; `return_url` takes {code} and {id}.

    id_columns, status_columns: headers of its list of submissions, small letters; claims: its word -> ours.
    """

    title: str
    parameter: str
    address: str
    return_url: str = ""
    id_columns: tuple[str, ...] = ()
    status_columns: tuple[str, ...] = ("status",)
    code_columns: tuple[str, ...] = ("completion code", "code")
    claims: dict[str, Claim] = field(default_factory=dict)


PANELS: dict[str, Panel] = {
    # docs.prolific.com: the study object, external_study_url; the submission object, status
    "prolific": Panel(
        title="Prolific",
        parameter="PROLIFIC_PID",
        address="?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
        return_url="https://app.prolific.com/submissions/complete?cc={code}",
        id_columns=("participant id", "participant_id"),
        claims={
            "approved": Claim.PAID,
            "partially approved": Claim.PAID,
            "awaiting review": Claim.FINISHED,
            "rejected": Claim.REJECTED,
            "returned": Claim.GONE,
            "timed-out": Claim.GONE,
            "timed out": Claim.GONE,
            "screened out": Claim.GONE,
            "active": Claim.UNDER_WAY,
            "reserved": Claim.UNDER_WAY,
        },
    ),
    # sona-systems.com/researcher: using the survey code feature, external study credit granting
    "sona": Panel(
        title="SONA",
        parameter="survey_code",
        address="?survey_code=%SURVEY_CODE%",
        return_url="https://school.sona-systems.com/webstudy_credit.aspx?experiment_id=1&credit_token=1&survey_code={id}",
        id_columns=("survey code", "survey_code", "identity code"),
        status_columns=("credit status", "participation status", "status"),
        claims={
            "credit granted": Claim.PAID,
            "participated": Claim.PAID,
            "awaiting action": Claim.FINISHED,
            "no-show": Claim.GONE,
            "unexcused no-show": Claim.GONE,
            "excused no-show": Claim.GONE,
        },
    ),
    # docs.aws.amazon.com/AWSMechTurk: retrieving results, reviewing assignments offline
    "mturk": Panel(
        title="MTurk",
        parameter="workerId",
        address="?workerId=${workerId}",
        id_columns=("workerid",),
        status_columns=("assignmentstatus",),
        code_columns=("answer.surveycode",),
        claims={
            "submitted": Claim.FINISHED,
            "approved": Claim.PAID,
            "rejected": Claim.REJECTED,
            "abandoned": Claim.GONE,
            "returned": Claim.GONE,
        },
    ),
    "cloudresearch": Panel(
        title="CloudResearch",
        parameter="participantId",
        address="?participantId={participantId}",
        id_columns=("participantid", "participant id", "amazonidentifier", "workerid"),
        status_columns=("status", "approvalstatus", "approval status"),
        code_columns=("actualcompletioncode", "completion code", "completioncode"),
        claims={
            "approved": Claim.PAID,
            "completed": Claim.FINISHED,
            "pending": Claim.FINISHED,
            "submitted": Claim.FINISHED,
            "rejected": Claim.REJECTED,
            "returned": Claim.GONE,
            "dropped": Claim.GONE,
            "expired": Claim.GONE,
        },
    ),
}
# A list of some other panel: the columns that most have, and the words that can mean one thing only.
ANY = Panel(
    title="another panel",
    parameter="",
    address="",
    id_columns=("id", "participant", "participant id", "external id", "external_id", "worker id", "workerid"),
    claims={
        "approved": Claim.PAID,
        "paid": Claim.PAID,
        "complete": Claim.FINISHED,
        "completed": Claim.FINISHED,
        "finished": Claim.FINISHED,
        "submitted": Claim.FINISHED,
        "rejected": Claim.REJECTED,
        "returned": Claim.GONE,
        "timed out": Claim.GONE,
        "started": Claim.UNDER_WAY,
        "active": Claim.UNDER_WAY,
    },
)


def in_order(parameters: dict[str, str]) -> dict[str, str]:
    """A study's panel -> parameter, those known by name first: databases give keys back in orders of their own."""
    places = {panel: place for place, panel in enumerate(PANELS)}
    return dict(sorted(parameters.items(), key=lambda item: (places.get(item[0], len(places)), item[0])))
