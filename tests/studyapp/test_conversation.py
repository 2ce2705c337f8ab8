"""Whatever a browser says in whatever order, the database holds the first answer to each trial and nothing else."""

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from studyapp.models import ConflictingResponse, Response

pytestmark = pytest.mark.django_db


class Conversation(RuleBasedStateMachine):
    """One sitting and what must be true of it: which answers were acknowledged, which refused, how it ended."""

    def __init__(self, person, stranger) -> None:
        super().__init__()
        self.person, self.stranger = person, stranger
        self.issued: dict[str, dict] = {}
        self.first: dict[str, dict] = {}
        self.receipts: dict[str, str] = {}
        self.refused: set[tuple[str, str]] = set()
        self.code, self.has_withdrawn = "", False

    @property
    def is_over(self) -> bool:
        return bool(self.code) or self.has_withdrawn

    def message(self, token: str, answer: str) -> dict:
        return self.person.message(self.issued[token], answer=answer)

    def send(self, messages: list[dict]) -> None:
        """Post a batch; what comes back must be what the model says of each message."""
        reply = self.person.post("responses", {"responses": messages})
        if self.has_withdrawn:
            assert (reply.status_code, reply.json()["error"]) == (409, "withdrawn")
            return
        assert reply.status_code == 200
        for message, result in zip(messages, reply.json()["results"], strict=True):
            token = message["trial"]
            if token not in self.first:
                assert result["status"] == "stored"
                self.first[token], self.receipts[token] = message, result["receipt"]
            elif self.first[token] == message:
                assert result["status"] == "replayed"
            else:
                assert result["status"] == "conflict"
                self.refused.add((token, message["answer"]))
            assert result["receipt"] == self.receipts[token]

    @rule(is_ahead=st.booleans())
    def ask_for_a_block(self, is_ahead):
        after = max((t["ordinal"] for t in self.issued.values()), default=0) if is_ahead else 0
        reply = self.person.post("block", {"after": after})
        if self.is_over:
            assert reply.status_code == 409
            return
        block = reply.json()
        self.issued |= {trial["token"]: trial for trial in block["trials"]}
        assert not {trial["token"] for trial in block["trials"]} & self.first.keys()
        if block["trials"]:
            assert len(self.person.pictures(block)) == 8 * 8 * 3 * len(block["trials"])

    @precondition(lambda self: self.issued)
    @rule(data=st.data())
    def answer_some(self, data):
        tokens = data.draw(st.lists(st.sampled_from(sorted(self.issued)), min_size=1, max_size=8))
        self.send(
            [self.message(token, data.draw(st.sampled_from(["real", "generated"]))) for token in tokens]
        )

    @precondition(lambda self: self.first)
    @rule(data=st.data())
    def say_it_again(self, data):
        self.send([self.first[data.draw(st.sampled_from(sorted(self.first)))]])

    @rule()
    def answer_all_that_is_open(self):
        waiting = [token for token in sorted(self.issued) if token not in self.first]
        for first in range(0, len(waiting), 50):
            self.send([self.message(token, "real") for token in waiting[first : first + 50]])

    @precondition(lambda self: self.issued and not self.has_withdrawn)
    @rule(data=st.data())
    def spoil_a_batch(self, data):
        """One bad message, and none of its batch is taken; a stranger's trial is like one that never was."""
        good = self.message(data.draw(st.sampled_from(sorted(self.issued))), "real")
        reply = self.person.post("responses", {"responses": [good, good | {"frame_ms": -1}]})
        assert (reply.status_code, reply.json()["index"]) == (400, 1)
        reply = self.stranger.post("responses", {"responses": [good]})
        assert reply.json()["results"][0]["status"] == "unknown"

    @precondition(lambda self: not self.is_over)
    @rule(seed=st.none() | st.integers(0, 99))
    def reload(self, seed):
        shown = (
            None
            if seed is None
            else [t for t in sorted(self.issued) if random.Random(f"{seed}{t}").random() < 0.2]
        )
        assert self.person.post("resume", {"shown": shown}).status_code == 200

    @rule()
    def finish(self):
        reply = self.person.post("finish", {})
        is_open = self.person.sitting.trials.filter(status__in=("planned", "issued")).exists()
        if reply.status_code == 200:
            assert not is_open
            assert not self.has_withdrawn
            assert self.code in ("", self.person.sitting.completion_code)
            self.code = self.person.sitting.completion_code
        else:
            assert reply.json()["error"] in ("missing", "withdrawn")
            assert self.code == ""

    @precondition(lambda self: len(self.first) > 12 and not self.is_over)
    @rule()
    def withdraw(self):
        self.person.client.post(self.person.url("withdraw/"), {"data": "keep"})
        self.has_withdrawn = True

    @invariant()
    def the_database_holds_the_first_answers_and_nothing_else(self):
        of_person = {"trial__sitting": self.person.sitting_pk}
        stored = dict(Response.objects.filter(**of_person).values_list("trial__token", "answer"))
        assert stored == {token: message["answer"] for token, message in self.first.items()}
        aside = ConflictingResponse.objects.filter(**of_person).values_list("trial__token", "body__answer")
        assert set(aside) == self.refused
        assert len(aside) == len(self.refused)
        shown = list(self.person.sitting.shown.values_list("stimulus_id", flat=True))
        assert len(shown) == len(set(shown))


def test_any_conversation_leaves_the_first_answers(small_study, people):
    stranger = people(small_study).begin()
    run_state_machine_as_test(
        lambda: Conversation(people(small_study).begin(), stranger),
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
