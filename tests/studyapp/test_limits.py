"""Who asks too often is put off, loses nothing, and puts off nobody else; no address is asked for."""

import pytest

from studyapp import sittings
from studyapp.limits import Limit, TooOften
from studyapp.models import NamedLink, Response, Sitting, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """The time of the buckets, in seconds, which passes only when a test says so: `clock[0] += 1`."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("studyapp.sittings.time.time", lambda: now[0])
    return now


@pytest.fixture
def tight(monkeypatch, clock):
    """Buckets of three tokens, one more a second."""
    for name in ("SITTING_LIMIT", "LINK_LIMIT", "LANDING_LIMIT"):
        monkeypatch.setattr(sittings, name, Limit(per_s=1, burst=3))
    return clock


def test_a_bucket_lets_its_burst_through_and_then_its_rate(small_study):
    limit, passed = Limit(per_s=2, burst=5), []
    for tick in range(100):  # ten requests a second for ten seconds
        try:
            limit.spend(Study, small_study.pk, 1_800_000_000 + tick / 10)
            passed.append(tick)
        except TooOften as refusal:
            assert refusal.retry_after_s == 1
    assert passed[:5] == [0, 1, 2, 3, 4]
    assert len(passed) == 5 + 2 * 10 - 1  # the last token comes when it is over


def test_who_waits_as_long_as_was_asked_is_let_through(small_study):
    limit = Limit(per_s=0.1, burst=1)
    limit.spend(Study, small_study.pk, 1_800_000_000)
    with pytest.raises(TooOften) as refusal:
        limit.spend(Study, small_study.pk, 1_800_000_001)
    assert refusal.value.retry_after_s == 9
    limit.spend(Study, small_study.pk, 1_800_000_001 + refusal.value.retry_after_s)


def test_a_queue_of_answers_is_stored_to_the_last_one_under_any_limit(person, tight):
    tight[0] += 100
    trials = person.block()["trials"]
    tight[0] += 100
    trials += person.block(after=trials[-1]["ordinal"])["trials"]
    n_refused = 0
    while trials:
        answer = person.post("responses", {"responses": [person.message(trials[0])]})
        if answer.status_code == 429:
            n_refused += 1
            assert answer.json()["error"] == "too_often"
            assert person.message(trials[0])["trial"] not in stored_tokens()
            tight[0] += int(answer.headers["Retry-After"])
        else:
            assert answer.json()["results"][0]["status"] == "stored"
            del trials[0]
    assert n_refused >= 20
    assert len(stored_tokens()) == 28


def stored_tokens() -> list[str]:
    return list(Response.objects.values_list("trial__token", flat=True))


def test_one_sitting_that_floods_leaves_the_others_alone(small_study, people, tight):
    flooding, other = people(small_study).begin(), people(small_study).begin()
    statuses = [flooding.post("block", {"after": 0}).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    url = flooding.url("api/pictures?first=1&last=4")
    assert flooding.client.get(url).status_code == 429
    assert other.post("block", {"after": 0}).status_code == 200


def test_withdrawing_is_never_put_off(person, tight):
    while person.post("block", {"after": 0}).status_code == 200:
        pass
    person.client.post(person.url("withdraw/"), {"data": "keep"})
    assert person.sitting.status == "withdrawn"


def test_a_flood_of_consents_is_put_off_and_stores_nothing(small_study, people, tight):
    visitors = [people(small_study) for _ in range(5)]
    answers = [visitor.consent() for visitor in visitors]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429, 429]
    assert Sitting.objects.count() == 3
    assert "try again" in answers[-1].content.decode()
    tight[0] += int(answers[-1].headers["Retry-After"])
    assert visitors[-1].consent().status_code == 302


@pytest.mark.parametrize("page", ["", "consent/", "declined/"])
def test_a_flood_of_looks_over_the_open_link_is_put_off_in_words_and_keeps_nobody_else_out(
    small_study, people, client, tight, page
):
    link = NamedLink.objects.create(study=small_study)
    answers = [client.get(f"/s/small/{page}?link={name}") for name in ("", "unknown", "", "", "unknown")]
    assert [answer.status_code for answer in answers][-2:] == [429, 429]
    assert "429" not in map(str, (answer.status_code for answer in answers[:3]))
    assert "try again" in answers[-1].content.decode()
    assert client.get(f"/s/small/{page}?link={link.token}").status_code == 200
    assert people(small_study).consent().status_code == 302  # whoever has read the page already
    tight[0] += int(answers[-1].headers["Retry-After"])
    assert client.get(f"/s/small/{page}").status_code == 200


def test_a_flood_over_one_persons_link_leaves_all_others_alone(small_study, people, client, tight):
    link, other = (NamedLink.objects.create(study=small_study).token for _ in range(2))
    looks = [client.get(f"/s/small/?link={link}").status_code for _ in range(5)]
    assert looks == [200, 200, 200, 429, 429]
    assert people(small_study).consent(f"link={link}").status_code == 429
    for query in (f"link={other}", ""):
        assert people(small_study).consent(query).status_code == 302


def test_links_cannot_be_tried_out_and_declining_is_counted_only_so_often(small_study, people, tight):
    tries = [people(small_study).consent(f"link=guess{i}").status_code for i in range(5)]
    assert tries == [409, 409, 409, 429, 429]
    declined = people(small_study).client.post("/s/small/consent/", {"decision": "decline"})
    assert declined.status_code == 429
    landed = [people(small_study).client.post("/s/small/landed/").status_code for _ in range(5)]
    assert landed == [204, 204, 204, 429, 429]
    small_study.refresh_from_db()
    assert (small_study.n_declined, small_study.n_landed) == (0, 3)


def test_receipt_codes_cannot_be_tried_out(small_study, client, tight):
    tries = [client.post("/s/small/erase/", {"receipt_code": f"ABCD-{i}"}).status_code for i in range(5)]
    assert tries == [422, 422, 422, 429, 429]


def test_a_person_never_meets_the_limit(person, clock):
    """An answer every half second and every picture asked for: far above what people do."""
    while not (block := person.block())["finished"]:
        person.pictures(block)
        for trial in block["trials"]:
            clock[0] += 0.5
            assert person.answer([trial])[0]["status"] == "stored"
