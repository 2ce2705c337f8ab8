"""Every byte of a whole sitting, read for words that would tell the truth; and replies that look alike."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from studyapp.catalogue import import_images
from studyapp.life import open_study
from studyapp.models import ImageSet, Stimulus, Study
from tests.conftest import Person
from tests.image_sets import write_image_set

pytestmark = pytest.mark.django_db
# Made-up words, so that one found in a page is a leak and no accident of English.
MADE_UP = ("zorblax", "quuxian", "wibblet")
ASSET = re.compile(r"""(?:href|src)="/static/([^"]+)\"""")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Real photos and three generators with telling names for everything that can have one."""
    for source in ("real", *MADE_UP):
        path = write_image_set(
            tmp_path / f"{source}.zip",
            source=source,
            family=None if source == "real" else f"{source}net",
            dataset="frobnidata",
            class_names=["plonker", "snorkeller"],
            notes=["a note of grumblewick"],
        )
        import_images(path, by="test")
    sources = {"real": 1.0} | dict.fromkeys(MADE_UP, 1.0)
    study = Study.objects.create(
        slug="crawled", title="A study", n_trials=24, practice_trials=4, n_examples=5
    )
    for name, weight in sources.items():
        study.sources.create(name=name, weight=weight, image_set=ImageSet.objects.get(source=name))
    return open_study(study)


def telling_words() -> set[str]:
    """What must be in no reply: sources, families, sets, data sets, classes, files, hashes, and our own terms."""
    words = {
        *MADE_UP,
        "frobnidata",
        "plonker",
        "snorkeller",
        "grumblewick",
        "images/0",
        "is_real",
        "image_set",
    }
    words |= {"stimulus_id", "source_id", "checkpoint", "pack_sha256"}
    for image_set in ImageSet.objects.all():
        words |= {image_set.name, image_set.file, image_set.file_sha256[:12]}
    words |= {sha[:12] for sha in Stimulus.objects.values_list("image__sha256", flat=True)}
    return {word.lower() for word in words}


class Recorder(Person):
    """A person whose browser keeps every byte of every reply: status line, headers, cookies, body."""

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.heard: list[tuple[str, bytes]] = []
        ask = self.client.request

        def recorded(**request):
            reply = ask(**request)
            head = f"{reply.reason_phrase}\n{dict(reply.headers)}\n{reply.cookies.output()}\n"
            self.heard.append((request["PATH_INFO"], head.encode() + reply.content))
            return reply

        self.client.request = recorded  # type: ignore[method-assign]


def whole_sitting(study: Study) -> Recorder:
    """From the welcome to the last answer, with everything that a browser asks for on the way, and refusals."""
    person = Recorder(study)
    for page in ("", "consent/", "declined/", "erase/", "nowhere/"):
        person.client.get(person.url(page))
    person.begin()
    facts = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    person.post("screen", facts | {"witness": "callback"})
    person.client.get(person.url("api/examples"))
    for page in ("screen/", "examples/", "how/", "test/", "withdraw/"):
        person.client.get(person.url(page))
    person.post("resume", {"shown": []})
    person.post("finish", {})  # too early
    while not (block := person.block())["finished"]:
        person.pictures(block)
        person.answer(block["trials"])
        person.answer(block["trials"][:1], answer="generated")  # a replay or a conflict
        person.answer([{"token": "unknown"}])
        person.post("responses", {"responses": [{}]})
    return person


def test_no_byte_of_a_sitting_names_what_would_tell_the_truth(study):
    person = whole_sitting(study)
    words = telling_words()
    for path, said in person.heard:
        assert not {word for word in words if word.encode() in said.lower()}, path
    # As much was heard as a browser hears, and the words are such that they could be found.
    assert len(person.heard) > 20
    assert b"zorblax" in json.dumps(study.definition).encode()


def test_no_script_or_style_of_a_page_names_a_source_of_this_study(study):
    pages = b"".join(body for _, body in whole_sitting(study).heard).decode(errors="replace")
    assets = set(ASSET.findall(pages))
    assert any(name.endswith("sitting.js") for name in assets), assets
    words = telling_words()
    for name in assets:
        path = Path(finders.find(name) or settings.BASE_DIR / "missing")
        assert not {word for word in words if word.encode() in path.read_bytes().lower()}, name


def test_replies_for_real_and_generated_pictures_look_alike_but_for_the_pixels(study):
    """One request a picture: same headers in the same order with the same values, same length."""
    person = Person(study).begin()
    seen = set()
    while not (block := person.block())["finished"]:
        for trial in block["trials"]:
            url = person.url(f"api/pictures?first={trial['ordinal']}&last={trial['ordinal']}")
            reply = person.client.get(url)
            seen.add((tuple(reply.headers.items()), len(reply.content), reply.cookies.output()))
        person.answer(block["trials"])
    ((headers, length, cookies),) = seen
    names = {name.lower() for name, _ in headers}
    assert length == 8 * 8 * 3
    assert not names & {"etag", "last-modified", "content-encoding", "age", "content-md5", "digest"}
    assert cookies == ""


def test_plans_and_receipts_differ_in_nothing_but_names_and_design(study):
    """The same fields in the same order for each trial, names of one length, the answer's truth in no receipt."""
    person = Person(study).begin()
    trials, receipts = [], []
    while not (block := person.block())["finished"]:
        trials += block["trials"]
        receipts += person.answer(block["trials"])
    assert {tuple(trial) for trial in trials} == {("token", "ordinal", "kind", "exposure_ms")}
    assert {len(trial["token"]) for trial in trials} == {22}
    assert {(tuple(r), r["status"], len(r["receipt"]), r["truth"]) for r in receipts} == {
        (("trial", "status", "receipt", "truth"), "stored", 22, None)
    }
