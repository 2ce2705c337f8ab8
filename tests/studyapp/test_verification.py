"""`verify` finds what was altered behind the site's back, and `doctor` what is wrong around it."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from studyapp import doctor, sittings
from studyapp.doctor import DOUBT, FAULT, FINE, findings
from studyapp.export import export_study
from studyapp.models import Heartbeat, Response, SittingTally, Study
from studyapp.sweeper import sweep
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def said(*arguments: str, **options: object) -> str:
    output = StringIO()
    try:
        call_command("verify", *arguments, stdout=output, **options)
    except CommandError as error:
        output.write(f"error: {error}")
    return output.getvalue()


@pytest.fixture
def exported(small_study: Study, people: Callable[[Study], Person], tmp_path: Path) -> Path:
    people(small_study).begin().sit_through()
    export_study(small_study, tmp_path / "export")
    return tmp_path / "export"


def test_an_untouched_site_is_as_it_should_be(exported: Path) -> None:
    told = said()
    assert told.count("all as it should be") == 6
    assert "error" not in told


def test_a_changed_pack_is_found(exported: Path, small_study: Study) -> None:
    data = bytearray(small_study.pack_path.read_bytes())
    small_study.pack_path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    try:
        assert "was changed; bring it back from a backup" in said("packs")
    finally:
        small_study.pack_path.write_bytes(data)


def test_a_changed_and_a_missing_image_set_are_found(exported: Path, small_study: Study) -> None:
    first, second = (source.image_set.path for source in small_study.sources.all()[:2])
    kept = first.read_bytes(), second.read_bytes()
    first.write_bytes(kept[0][:-40])
    second.unlink()
    try:
        told = said("image-sets")
        assert "2 wrong" in told
        assert "is missing; import the same set again" in told
    finally:
        first.write_bytes(kept[0])
        second.write_bytes(kept[1])


def test_a_changed_answer_shows_in_the_exports(exported: Path) -> None:
    assert "1 exports, all as it should be" in said("exports")
    Response.objects.filter(pk=Response.objects.latest("pk").pk).update(answer="generated")
    assert "responses.csv is another than at first" in said("exports")


def test_an_export_with_somebody_erased_since_is_left_out(exported: Path, small_study: Study) -> None:
    assert sittings.erase(small_study, sittings.receipt_code(small_study.sittings.get()))
    assert "0 exports, 1 left out for erasures since" in said("exports")


def test_a_changed_file_of_an_exported_folder_is_found(exported: Path) -> None:
    assert "every file is as it was written" in said(export=exported)
    (exported / "responses.csv").write_text("mine")
    (exported / "timing.csv").unlink()
    told = said(export=exported)
    assert "responses.csv: was changed since it was exported" in told
    assert "timing.csv: is missing" in told
    assert "expected an export with its study.json" in said(export=exported / "nowhere")


def test_wrong_counters_are_found_and_mended(exported: Path) -> None:
    SittingTally.objects.update(answered=1)
    assert "answered: counted 1, found 28" in said("counts")
    assert "set right" in said("counts", mend=True)
    assert "all as it should be" in said("counts")


def test_an_unknown_part_is_refused_with_those_there_are(db: None) -> None:
    assert "expected any of packs, image-sets, counts, audit, exports, reports, got pack" in said("pack")
    assert "--head: expected NUMBER:SHA256" in said("audit", head="7")


# ---- the doctor ----


def state_of(name: str) -> str:
    return next(finding.state for finding in findings() if finding.name == name)


def test_the_doctor_looks_at_everything_and_names_a_remedy_for_what_is_not_fine() -> None:
    found = findings()
    assert [finding.name for finding in found] == list(doctor.CHECKS)
    assert all(finding.remedy for finding in found if finding.state == DOUBT)
    assert not [str(finding) for finding in found if "could not be looked at" in finding.found]


def test_a_worker_that_is_away_is_a_doubt_and_one_that_is_there_is_fine() -> None:
    assert state_of("worker") == DOUBT
    sweep()
    assert state_of("worker") == FINE
    assert Heartbeat.objects.count() == 1


def test_a_full_disk_a_readable_key_and_debug_are_faults(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setattr(doctor, "NO_DISK_BYTES", 10**18)
    key = settings.DATA_DIR / "secret_key"
    mode = key.stat().st_mode
    key.chmod(0o644)
    settings.DEBUG = True
    try:
        found = {finding.name: finding for finding in findings()}
    finally:
        key.chmod(mode)
    assert [found[name].state for name in ("disk", "permissions", "security")] == [FAULT] * 3
    assert f"chmod 600 {key}" in found["permissions"].remedy
    with pytest.raises(CommandError, match="to be mended: disk"):
        call_command("doctor", stdout=StringIO())


def test_a_check_that_breaks_keeps_no_other_from_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[str, ...]:
        raise RuntimeError("no such thing")

    monkeypatch.setitem(doctor.CHECKS, "disk", broken)
    assert next(f for f in findings() if f.name == "disk").found == "could not be looked at (no such thing)"
    assert len(findings()) == len(doctor.CHECKS)
