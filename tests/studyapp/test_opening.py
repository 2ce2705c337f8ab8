"""Opening a study: what is frozen, what the pack holds, what is refused."""

import hashlib
import itertools
import tracemalloc
import zipfile
from collections import Counter
from dataclasses import asdict

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from studyapp.catalogue import CatalogueError, import_images
from studyapp.life import close_study, open_study
from studyapp.models import Stimulus, Study
from studyapp.opening import OpeningError, advice, images_needed, untrue_ratio
from studyapp.packs import pictures
from studyapp.presets import PRESETS, PresetError, create_study
from studyapp.protocols import Settings
from studyapp.texts import DEFAULTS, UNTIMED
from tests.image_sets import pixels_of, png, write_image_set

pytestmark = pytest.mark.django_db


def test_the_pack_holds_every_picture_once_at_its_secret_place(small_study):
    pack = small_study.pack_path.read_bytes()
    assert hashlib.sha256(pack).hexdigest() == small_study.pack_sha256
    assert len(pack) == 160 * 8 * 8 * 3
    for stimulus in small_study.stimuli.select_related("image"):
        pixels = pictures(small_study, [stimulus.position])
        assert hashlib.sha256(pixels).hexdigest() == stimulus.image.sha256


def test_the_order_in_the_pack_does_not_follow_the_sources(small_study):
    """Sources of neighbours agree about as often as chance has it (39 of 159 pairs in 4 equal sources)."""
    names = list(small_study.stimuli.order_by("position").values_list("source__name", flat=True))
    agreeing = sum(a == b for a, b in itertools.pairwise(names))
    assert abs(agreeing - 39) < 4 * (159 * 0.25 * 0.75) ** 0.5


def test_examples_are_real_and_as_many_as_the_design_says(small_study):
    examples = small_study.stimuli.filter(is_example=True)
    assert Counter(examples.values_list("source__name", flat=True)) == {"real": 5}


def test_the_version_changes_with_the_design_and_only_then(draft_study):
    first = open_study(draft_study)
    versions = {first.version}
    for change in ({"n_trials": 12}, {"consent_text": "Other words."}, {"exposures_ms": [50, 100]}):
        other = create_study("lapgan", "small-2", **({"n_trials": 24, "practice_trials": 4} | change))
        versions.add(open_study(other).version)
        Stimulus.objects.filter(study=other).delete()
        other.sources.all().delete()
        other.delete()
    assert len(versions) == 4
    assert all(len(version) == 64 for version in versions)


def test_an_open_study_cannot_be_opened_again_and_a_draft_cannot_be_closed(draft_study):
    with pytest.raises(OpeningError, match="to close it, expected it to be open or paused; it is draft"):
        close_study(draft_study)
    open_study(draft_study)
    with pytest.raises(OpeningError, match="expected it to be draft or piloting; it is open already"):
        open_study(draft_study)
    assert close_study(draft_study).status == "closed"


def assert_refused(study: Study, words: str) -> None:
    """Opening is refused in these words, and the study is a draft as before, without a stimulus or a pack."""
    before = set(settings.PACKS_DIR.iterdir())
    with pytest.raises(OpeningError, match=words):
        open_study(Study.objects.get(pk=study.pk))
    assert Study.objects.get(pk=study.pk).status == "draft"
    assert not Stimulus.objects.filter(study=study).exists()
    assert set(settings.PACKS_DIR.iterdir()) == before


def test_too_few_images_are_refused_with_the_number_that_is_needed(draft_study):
    draft_study.n_trials = 400
    draft_study.save()
    assert_refused(draft_study, "source real: expected at least 118 images .*has 40")


def test_a_set_that_shows_the_same_picture_again_and_again_has_too_few_images(draft_study, tmp_path):
    """A collapsed generator: 40 files, 3 different pictures, and a person needs 9."""
    path = tmp_path / "collapsed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(40):
            archive.writestr(f"{index:02d}.png", png(pixels_of(f"collapsed {index % 3}")))
    draft_study.sources.filter(name="gan").update(image_set=import_images(path, source="gan"))
    assert_refused(draft_study, "source gan: expected at least 9 images .* has 3 different ones among 40")


def test_a_picture_that_comes_twice_in_a_set_is_one_stimulus(draft_study, tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(40):
            archive.writestr(f"{index:02d}.png", png(pixels_of(f"twice {index % 20}")))
    draft_study.sources.filter(name="gan").update(image_set=import_images(path, source="gan"))
    study = open_study(draft_study)
    assert study.sources.get(name="gan").stimuli.count() == 20
    assert study.pack_path.stat().st_size == 140 * 8 * 8 * 3
    for stimulus in study.stimuli.select_related("image"):
        pixels = pictures(study, [stimulus.position])
        assert hashlib.sha256(pixels).hexdigest() == stimulus.image.sha256


def test_opening_holds_the_pictures_neither_of_a_set_nor_of_a_study_in_memory(draft_study, tmp_path):
    """4 x 40 pictures of 64 x 64 x 3 bytes are 2 MB; opening takes less than half of that at any time."""
    for source in draft_study.sources.all():
        path = write_image_set(
            tmp_path / f"big-{source}.zip".replace(": ", "-"), source=source.name, width=64, height=64
        )
        draft_study.sources.filter(pk=source.pk).update(image_set=import_images(path))
    tracemalloc.start()
    try:
        open_study(draft_study)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 160 * 64 * 64 * 3 / 2


def test_a_study_without_a_real_source_is_refused(draft_study):
    draft_study.sources.filter(name="real").delete()
    assert_refused(draft_study, "expected a source named 'real'")


def test_a_real_source_of_generated_images_is_refused(draft_study):
    generated = draft_study.sources.get(name="gan").image_set
    draft_study.sources.filter(name="real").update(image_set=generated)
    draft_study.sources.filter(name="gan").delete()
    assert_refused(draft_study, "which holds generated images")


def test_images_of_two_sizes_are_refused(draft_study, tmp_path):
    wide = import_images(write_image_set(tmp_path / "wide.zip", source="gan", width=9))
    draft_study.sources.filter(name="gan").update(image_set=wide)
    assert_refused(draft_study, "images of one size, got .*gan 9x8")


def test_a_picture_in_two_sources_is_refused(draft_study):
    lapgan = draft_study.sources.get(name="lapgan").image_set
    draft_study.sources.filter(name="gan").update(image_set=lapgan)
    assert_refused(draft_study, "share a picture")


def test_an_image_set_file_that_is_gone_or_changed_is_refused(draft_study):
    path = draft_study.sources.get(name="gan").image_set.path
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CatalogueError, match="could not read it"):
        open_study(draft_study)
    path.unlink()
    with pytest.raises(CatalogueError, match="could not read it"):
        open_study(draft_study)
    assert not Stimulus.objects.exists()


def test_a_full_disk_leaves_the_draft_and_no_half_pack(draft_study, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = set(settings.PACKS_DIR.iterdir())
    monkeypatch.setattr("studyapp.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        open_study(draft_study)
    assert Study.objects.get().status == "draft"
    assert set(settings.PACKS_DIR.iterdir()) == before


def test_a_ratio_that_the_weights_do_not_keep_is_advised_against(draft_study):
    draft_study.description = UNTIMED["en"].description
    german = asdict(DEFAULTS["de"]) | {"debrief_text": UNTIMED["de"].debrief_text}
    draft_study.translations = {"de": german}
    (said,) = untrue_ratio(draft_study)
    assert "(en, de) says that half of the pictures are real photos" in said
    assert "25 % of them are" in said
    draft_study.sources.filter(name="real").update(weight=3)
    assert untrue_ratio(draft_study) == []
    draft_study.sources.filter(name="real").update(weight=1)
    draft_study.description, draft_study.translations = "A quarter are photos.", {}
    assert untrue_ratio(draft_study) == []


def test_few_images_are_advised_against(draft_study):
    assert len(advice(draft_study)) == 4
    assert "source real has 40 images; 1000 or more" in advice(draft_study)[0]


def test_the_need_of_images_covers_a_sitting_with_lost_trials():
    design = Settings({"real": 1, "gan": 3}, (50,), n_trials=400, practice_trials=0)
    assert images_needed(design, n_examples=24) == {"real": 101 + 11 + 24, "gan": 301 + 31}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fixation_ms": 0, "blank_ms": 0}, ""),  # plain gray: the page's 400 ms leave three flashes
        (
            {"mask_kind": "noise", "fixation_ms": 0, "blank_ms": 0},
            "expected at most 3 flashes .* got up to 4.5",
        ),
        ({"mask_kind": "texture", "fixation_ms": 250, "blank_ms": 150}, "mask of texture: .* 50 ms longer"),
        ({"mask_kind": "texture", "fixation_ms": 300, "blank_ms": 150}, ""),
        ({"mask_kind": "noise", "fixation_ms": 0, "blank_ms": 0, "size_css_px": 147}, ""),
        ({"mask_kind": "noise", "fixation_ms": 0, "blank_ms": 0, "size_css_px": 148}, "flashes"),
        ({"mask_kind": "noise", "fixation_ms": 0, "blank_ms": 0, "size_deg": 4.4}, ""),
        ({"mask_kind": "noise", "fixation_ms": 0, "blank_ms": 0, "size_deg": 4.5}, "flashes"),
    ],
)
def test_a_design_that_may_flash_too_often_is_refused(draft_study, changes, words):
    Study.objects.update(**changes)
    draft_study.refresh_from_db()
    if words:
        assert_refused(draft_study, words)
    else:
        assert open_study(draft_study).status == "open"


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_makes_a_study_that_opens(preset, tmp_path):
    for source in PRESETS[preset].sources:
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, n_images=100))
    study = open_study(create_study(preset, "new"))
    assert study.status == "open"
    assert {s.name for s in study.sources.all()} == set(PRESETS[preset].sources)


def test_the_preset_lapgan_is_the_papers_design(tmp_path):
    for source in PRESETS["lapgan"].sources:
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, n_images=4))
    study = create_study("lapgan", "paper", n_trials=660)
    assert study.exposures_ms == [50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000]
    assert (study.n_trials, study.practice_trials, study.mask_gray) == (660, 10, "#808080")
    assert (study.mask_kind, study.mask_ms, study.size_deg) == ("gray", None, None)
    weights = dict(study.sources.values_list("name", "weight"))
    assert weights == {"real": 1.0, "gan": 1.0, "lapgan": 1.0, "cc-lapgan": 1.0}


def test_a_preset_without_image_sets_or_with_a_wrong_value_is_refused(draft_study):
    with pytest.raises(PresetError, match="exposures of 10 to 10000"):
        create_study("lapgan", "other", exposures_ms=[1])
    with pytest.raises(PresetError, match="slug"):
        create_study("lapgan", "small")
    with pytest.raises(PresetError, match="expected one of the presets lapgan"):
        create_study("hype", "other")


def test_the_commands_create_open_and_close(draft_study, capsys):
    call_command("create_study", "--preset", "lapgan", "--slug", "other", "--trials", "24", "--practice", "4")
    call_command("open_study", "other")
    call_command("close_study", "other")
    assert Study.objects.get(slug="other").status == "closed"
    assert "is open, version" in capsys.readouterr().out
    with pytest.raises(
        CommandError, match=r"expected a study of this installation \(.*small.*\), got 'missing'"
    ):
        call_command("open_study", "missing")


def test_a_presets_design_can_be_asked_of_own_image_sets(draft_study, tmp_path, capsys):
    """Two sets of one's own are enough; each is a source under its own name."""
    ours = import_images(write_image_set(tmp_path / "ours.zip", source="ours", n_images=80))
    photos = import_images(write_image_set(tmp_path / "photos.zip", n_images=100, source="real", seed=1))
    study = create_study("lapgan-short", "own", only=[ours, photos])
    assert dict(study.sources.values_list("name", "image_set__name")) == {
        "real": photos.name,
        "ours": ours.name,
    }
    assert (study.n_trials, study.exposures_ms) == (120, [50, 100, 200, 400, 1000])
    call_command(
        "create_study", "--preset", "lapgan-short", "--slug", "own-2", "--only", ours.name, photos.name
    )
    assert Study.objects.get(slug="own-2").sources.count() == 2
    with pytest.raises(PresetError, match=r"expected a set of real pictures among ours-.*, got generated"):
        create_study("lapgan", "none", only=[ours])
    with pytest.raises(PresetError, match="expected one image set of source real, got "):
        create_study("lapgan", "none", only=[photos, draft_study.sources.get(name="real").image_set])
    with pytest.raises(CommandError, match="--only nothing: expected a set of the catalogue"):
        call_command("create_study", "--preset", "lapgan", "--slug", "none", "--only", "nothing")
