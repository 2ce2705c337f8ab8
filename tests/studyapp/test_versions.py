"""Next versions, copies, and what is told to have changed between two designs."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from studyapp.field_names import FIELD_NAMES
from studyapp.life import close_study, open_study, take
from studyapp.models import Study
from studyapp.opening import FROZEN_FIELDS, OpeningError
from studyapp.versions import Change, changes, copy_study, design_of, lineage, next_version, successor

pytestmark = pytest.mark.django_db


def page(study: Study, name: str) -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def sources_of(study: Study) -> list[tuple]:
    return list(study.sources.order_by("pk").values_list("name", "weight", "image_set", "is_catch"))


def test_the_next_version_has_the_same_design_and_is_made_once(small_study: Study):
    draft = next_version(small_study)
    assert (draft.slug, draft.status, draft.version, draft.version_number) == ("small-v2", "draft", "", 2)
    assert changes(design_of(small_study), design_of(draft)) == []
    assert sources_of(draft) == sources_of(small_study)
    assert next_version(small_study) == draft, "two editors at once get the same draft"
    third = next_version(open_study(draft))
    assert (third.slug, lineage(draft)) == ("small-v3", [small_study, draft, third])


def test_a_next_version_is_refused_where_it_makes_no_sense(draft_study: Study):
    with pytest.raises(OpeningError, match="study small is draft: edit it as it is"):
        next_version(draft_study)
    take("pilot", draft_study)
    with pytest.raises(OpeningError, match="is piloting: take it back to a draft"):
        next_version(draft_study)
    open_study(draft_study)
    open_study(next_version(draft_study))
    with pytest.raises(OpeningError, match="has been followed by small-v2 already"):
        next_version(draft_study)


def test_visitors_are_led_to_the_newest_version_that_is_open(small_study: Study):
    second = open_study(next_version(small_study))
    third = next_version(second)
    small_study.refresh_from_db()
    assert successor(small_study) == second, "the third is a draft"
    open_study(third)
    assert successor(small_study) == third
    take("pause", third)
    assert successor(small_study) is None


def test_a_copy_has_the_design_and_no_tie(small_study: Study):
    copied = copy_study(small_study, "other")
    assert (copied.previous, copied.version_number, copied.status) == (None, 1, "draft")
    assert sources_of(copied) == sources_of(small_study)
    open_study(copied)
    small_study.refresh_from_db()
    assert small_study.status == "open"
    with pytest.raises(OpeningError, match="study other already exists"):
        copy_study(small_study, "other")
    for slug in ("two words", "", "x" * 61, "ä"):
        with pytest.raises(OpeningError, match="short name"):
            copy_study(small_study, slug)


def test_a_long_short_name_leaves_room_for_its_version(small_study: Study):
    Study.objects.update(slug="s" * 60)
    Study.objects.create(slug="s" * 57 + "-v2", title="Somebody took the name")
    small_study.refresh_from_db()
    draft = next_version(small_study)
    assert len(draft.slug) <= 60
    Study._meta.get_field("slug").clean(draft.slug, None)


def test_every_frozen_field_has_a_name_for_people():
    """What names the study itself is no part of its design, and the program's version is told beside it."""
    assert set(FROZEN_FIELDS) - set(FIELD_NAMES) == {"slug"}
    assert set(FIELD_NAMES) - set(FROZEN_FIELDS) == {"code_version"}


def test_changes_say_what_from_what_to_what(small_study: Study):
    draft = next_version(small_study)
    draft.n_trials, draft.quota, draft.smoothing, draft.size_deg = 48, 30, True, 4.5
    draft.exposures_ms = [50, 100]
    draft.exclusions = {"too_fast": 5}
    draft.translations = {"de": {"title": "Echt?"}}
    draft.sources.filter(name="gan").update(weight=2)
    draft.sources.filter(name="lapgan").delete()
    told = changes(design_of(small_study), design_of(draft))
    assert Change("trials a sitting", "24", "48") in told
    assert Change("sittings wanted", "nothing", "30") in told
    assert Change("smooth enlargement", "no", "yes") in told
    assert Change("picture size (degrees)", "nothing", "4.5") in told
    assert Change("exposures (ms)", "50, 100, 400", "50, 100") in told
    too_fast = "more than 5 % of the answers came less than 150 ms after the picture"
    assert Change("sittings left out", "nothing", too_fast) in told
    assert Change("source gan, share of the trials", "1", "2") in told
    assert Change("source lapgan", "there", "not there") in told
    assert "title: Echt?" in next(c.now for c in told if c.what == "texts in other languages")


def test_no_change_is_told_where_there_is_none(small_study: Study):
    assert changes(design_of(small_study), design_of(small_study)) == []


def test_the_admin_makes_versions_and_copies_and_shows_what_changed(researcher: Client, small_study: Study):
    assert "is a draft: edit it" in researcher.post(page(small_study, "next"), follow=True).content.decode()
    draft = Study.objects.get(slug="small-v2")
    Study.objects.filter(pk=draft.pk).update(title="<b>New</b> title")
    shown = researcher.get(page(small_study, "versions")).content.decode()
    assert "&lt;b&gt;New&lt;/b&gt; title" in shown and "<b>New" not in shown
    researcher.post(page(small_study, "copy"), {"slug": "other"})
    assert Study.objects.get(slug="other").previous is None
    again = researcher.post(page(small_study, "copy"), {"slug": "other"})
    assert "already exists: choose another" in again.content.decode()


def test_versions_and_copies_need_the_right_to_add(staff_with, small_study: Study):
    viewer = staff_with("view_study")
    assert viewer.get(page(small_study, "versions")).status_code == 200
    for name in ("next", "copy"):
        assert viewer.post(page(small_study, name), {"slug": "x"}).status_code == 403
    assert staff_with().get(page(small_study, "preregistration")).status_code == 403
    assert Study.objects.count() == 1


def test_the_commands_make_versions_and_tell_what_changed(
    small_study: Study, capsys: pytest.CaptureFixture[str]
):
    call_command("copy_study", "small")
    call_command("copy_study", "small", "other")
    Study.objects.filter(slug="small-v2").update(n_trials=48)
    call_command("study_versions", "small-v2")
    out = capsys.readouterr().out
    assert "study small-v2 is a draft, version 2 of small" in out
    assert "study other is a draft, a copy of small" in out
    assert "trials a sitting: 24  ->  48" in out
    with pytest.raises(CommandError, match="already exists"):
        call_command("copy_study", "small", "other")
    close_study(small_study)
