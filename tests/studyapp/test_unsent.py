"""The file of answers that could not be sent is taken in like answers that could, or refused whole in words."""

import json
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyapp.models import ConflictingResponse, Response
from studyapp.unsent import UnsentError, take_in

pytestmark = pytest.mark.django_db
PAGE = "/admin/studyapp/sitting/unsent/"


def saved(person, trials, *, is_named=True, **changes) -> bytes:
    """The file as the page of this person saves it."""
    body = {
        "format": "tachisto-unsent-answers/1",
        "study": person.study.slug,
        "sitting": person.sitting.public_id if is_named else None,
        "responses": [person.message(trial) for trial in trials],
    }
    return json.dumps(body | changes).encode()


@pytest.mark.parametrize("is_named", [True, False])
def test_every_answer_of_a_file_is_stored_once_however_often_it_comes(person, is_named):
    trials = person.block()["trials"]
    person.answer(trials[:1])
    person.answer(trials[1:2], answer="generated")
    file = saved(person, [*trials, {"token": "nobody's"}], is_named=is_named)
    assert take_in(file).receipts == {"stored": 2, "replayed": 1, "conflict": 1, "unknown": 1}
    assert take_in(file).receipts == {"replayed": 3, "conflict": 1, "unknown": 1}
    assert Response.objects.count() == 4
    assert ConflictingResponse.objects.count() == 1


def test_a_sitting_is_complete_when_its_last_answers_were_in_the_file(person):
    person.answer(person.block()["trials"])
    taken_in = take_in(saved(person, person.block()["trials"]))
    assert taken_in.completed == (person.sitting.public_id,)
    assert person.sitting.status == "finished"
    assert person.sitting.completion_code in person.client.get(person.url("thanks/")).content.decode()


def test_two_peoples_answers_without_a_name_find_their_sittings(small_study, people):
    one, other = people(small_study).begin(), people(small_study).begin()
    trials = [*one.block()["trials"], *other.block()["trials"]]
    assert take_in(saved(one, trials, is_named=False)).receipts["stored"] == 8
    named = take_in(saved(one, other.block()["trials"]))
    assert named.receipts == {"unknown": 24}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "tachisto-unsent-answers/2"}, "format: expected 'tachisto-unsent-answers/1'"),
        ({"study": "another"}, "study: expected an open or closed study"),
        ({"study": 3}, "study: expected a name"),
        ({"sitting": "somebody"}, "sitting: study small has none named 'somebody'"),
        ({"sitting": "a\0b"}, "sitting: expected a name"),
        ({"responses": []}, "responses: expected a list of 1 to"),
        ({"responses": {}}, "responses: expected a list"),
        ({"more": 1}, "missing or unknown: more"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_field(person, changes, words):
    with pytest.raises(UnsentError, match=words):
        take_in(saved(person, person.block()["trials"], **changes))
    assert not Response.objects.exists()


def test_one_bad_answer_refuses_the_whole_file_by_its_number(person):
    trials = person.block()["trials"]
    body = json.loads(saved(person, trials))
    body["responses"][2]["frame_ms"] = -1
    with pytest.raises(UnsentError, match="response 2: frame_ms: expected a number of 1 to 1000"):
        take_in(json.dumps(body).encode())
    assert not Response.objects.exists()


def test_nothing_is_added_to_a_sitting_whose_person_has_withdrawn(person):
    file = saved(person, person.block()["trials"])
    person.client.post(person.url("withdraw/"), {"data": "keep"})
    with pytest.raises(UnsentError, match="it was withdrawn"):
        take_in(file)
    assert not Response.objects.exists()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["format", "study", "sitting", "responses"]), inner, max_size=4)
        ),
    ).map(lambda body: json.dumps(body).encode())
)
def test_whatever_is_in_a_file_it_is_refused_in_words(person, data):
    with pytest.raises(UnsentError, match="expected"):
        take_in(data)


def test_a_researcher_takes_a_file_in_and_reads_what_became_of_it(person, researcher):
    trials = person.block()["trials"]
    assert PAGE in researcher.get("/admin/studyapp/sitting/").content.decode()
    upload = SimpleUploadedFile("unsent.json", saved(person, trials))
    page = researcher.post(PAGE, {"file": upload}, follow=True).content.decode()
    assert "study small: 4 stored, 0 there already" in page
    bad = researcher.post(PAGE, {"file": SimpleUploadedFile("unsent.json", b"{")}).content.decode()
    assert "expected the JSON file that the test&#x27;s page saves" in bad
    assert "Nothing was stored" in bad


def test_who_may_only_look_takes_nothing_in(person, staff_with):
    looking = staff_with("view_sitting")
    assert looking.get(PAGE).status_code == 403
    assert PAGE not in looking.get("/admin/studyapp/sitting/").content.decode()
    upload = SimpleUploadedFile("unsent.json", saved(person, person.block()["trials"]))
    assert staff_with("view_sitting", "add_response").post(PAGE, {"file": upload}).status_code == 302
    assert Response.objects.count() == 4


def test_the_command_does_the_same(person, tmp_path):
    path = tmp_path / "unsent.json"
    path.write_bytes(saved(person, person.block()["trials"]))
    said = StringIO()
    call_command("import_unsent", path, stdout=said)
    assert "4 stored" in said.getvalue()
    path.write_text("[]")
    with pytest.raises(CommandError, match=r"format: expected .* Nothing was stored"):
        call_command("import_unsent", path)
