"""Named links made in bulk and handed out, and the CSV files that people bring for it."""

import csv
import io
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st

from studyapp.csv_tables import TableError, read_table, safe, written
from studyapp.life import close_study
from studyapp.links import LinkError, labels_of, link_rows, make_links, qr_svg, qr_zip
from studyapp.models import Sitting, Study
from tests.conftest import Person

pytestmark = pytest.mark.django_db
NASTY = '=HYPERLINK("http://evil.example")'


def page(study: Study, name: str) -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


# ---- making ----


def test_everybody_gets_one_link_however_often_the_list_comes(small_study: Study):
    labels = ["Ann", "Bob", "Ann", "", ""]
    assert vars(make_links(small_study, labels)) == {"new": 4, "already": 1}
    assert vars(make_links(small_study, ["Ann", "Cleo"])) == {"new": 1, "already": 1}
    tokens = list(small_study.links.values_list("token", flat=True))
    assert len(set(tokens)) == len(tokens) == 5


def test_the_state_of_every_link_is_told(small_study: Study):
    make_links(small_study, ["done", "half", "unused"])
    make_links(small_study, ["ours"], is_tester=True)
    addresses = {label: address for label, _, address, _ in link_rows(small_study, "https://x.example/")}
    assert addresses["done"].startswith("https://x.example/s/small/?link=")
    Person(small_study).begin(addresses["done"].partition("?")[2]).sit_through()
    Person(small_study).begin(addresses["half"].partition("?")[2])
    states = {label: state for label, _, _, state in link_rows(small_study, "")}
    assert states == {
        "done": "finished", "half": "started", "unused": "unused", "ours": "as often as you like",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([], "expected 1 to 100,000 links at once, got 0"),
        ([""] * 100_001, "got 100,001"),
        (["fine", "x" * 10_000], "link 2: expected at most 200 letters for whom it is, got 10000"),
        (["a\0b"], "link 1"),
        (["fine", "\ud800"], "link 2: expected text"),
    ],
)
def test_links_that_cannot_be_made_are_refused_all_together(small_study: Study, labels: list[str], why: str):
    with pytest.raises(LinkError, match=why):
        make_links(small_study, labels)
    assert not small_study.links.exists()


def test_no_links_are_made_into_a_study_that_has_ended(small_study: Study):
    close_study(small_study)
    with pytest.raises(LinkError, match="small is closed: nobody could take part"):
        make_links(small_study, ["Ann"])


def test_ten_thousand_links_cost_few_queries(draft_study: Study, django_assert_max_num_queries: Any):
    with django_assert_max_num_queries(70):
        make_links(draft_study, [""] * 10_000)
    assert draft_study.links.count() == 10_000


# ---- CSV ----


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_usual_kind_of_csv_is_read(separator: str, encoding: str, newline: str):
    lines = [
        separator.join(cells)
        for cells in (("number", "Name", "city"), ("1", "Änne", "Köln"), ("2", "Bé", ""))
    ]
    table = read_table((newline.join(lines) + newline).encode(encoding))
    assert table.header == ["number", "Name", "city"]
    assert labels_of(table) == ["Änne", "Bé"]


def test_a_list_without_header_loses_nobody():
    assert labels_of(read_table(b"Ann\nBob\n\n  \nCleo")) == ["Ann", "Bob", "Cleo"]
    assert labels_of(read_table(b"sep=;\nlabel;x\nAnn;1\n")) == ["Ann"]
    assert labels_of(read_table(b'label\n"two, or\nthree"\n')) == ["two, or\nthree"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"PK\x03\x04 a spreadsheet", "save it as CSV first"),
        (b"a\0b", "another kind"),
        (b'"' + b"x" * 200_000, "field larger"),
        (b"x" * (20 * 1024 * 1024 + 1), "at most 20 MB"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, why: str):
    with pytest.raises(TableError, match=why):
        read_table(content)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=20),
        min_size=2,
        max_size=4,
    )
)
@example(["", "\t"])  # tabs alone came back as an apostrophe
@example(["x", "'=1"])
@example(["x", "\n '\t"])
def test_what_is_written_is_safe_and_comes_back(cells: list[str]):
    content = written([f"column {n}" for n in range(len(cells))], [cells])
    (row,) = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:] or [[]]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    rows = read_table(content).rows
    assert rows == ([[cell.strip() for cell in cells]] if any(cell.strip() for cell in cells) else [])


def test_formula_cells_are_written_behind_an_apostrophe(small_study: Study, researcher: Client):
    make_links(small_study, [NASTY, "<script>alert(1)</script>"])
    content = researcher.get(page(small_study, "links_csv")).content
    assert safe(NASTY).startswith("'=")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert rows[0]["label"] == f"'{NASTY}"
    assert vars(make_links(small_study, labels_of(read_table(content)))) == {"new": 0, "already": 2}


# ---- handing out ----


def test_a_qr_code_is_an_svg_that_stands_on_white():
    root = ET.fromstring(qr_svg("https://study.example.org/s/mine/?link=abcdefghijklmnopqrstuv"))  # noqa: S314
    assert root.tag.endswith("svg")
    assert {path.get("fill") or path.get("stroke") for path in root.iter() if path.get("d")} == {
        "#fff",
        "#000",
    }


def test_the_zip_has_a_code_for_every_link(small_study: Study):
    make_links(small_study, ["Ann / Bob", "../../etc/passwd", ""])
    with qr_zip(small_study, "https://x.example") as file, zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == ["00001.svg", "00002-ann-bob.svg", "00003-etcpasswd.svg"]
        assert len({archive.read(name) for name in archive.namelist()}) == 3


def test_the_admin_makes_links_from_a_number_or_a_list(researcher: Client, small_study: Study):
    def send(**fields: Any) -> Any:
        return researcher.post(page(small_study, "links"), fields, follow=True)

    assert "3 links made" in send(count="3").content.decode()
    names = SimpleUploadedFile("people.csv", b"name;x\nAnn;1\nBob;2\n")
    assert "2 links made" in send(table=names).content.decode()
    for fields, why in (
        ({}, "Expected a number or a CSV file"),
        ({"count": "0"}, "greater than or equal to 1"),
        ({"table": SimpleUploadedFile("x.xlsx", b"PK\x03\x04\0")}, "save it as CSV first"),
        ({"count": "2", "table": SimpleUploadedFile("p.csv", b"Ann")}, "one of the two"),
    ):
        assert why in send(**fields).content.decode()
    assert small_study.links.count() == 5
    shown = researcher.get(page(small_study, "recruiting")).content.decode()
    assert "5 links: 5 unused" in shown
    assert researcher.get(page(small_study, "qr_svg")).headers["Content-Type"] == "image/svg+xml"
    with zipfile.ZipFile(io.BytesIO(researcher.get(page(small_study, "qr_zip")).getvalue())) as archive:
        assert len(archive.namelist()) == 5
    assert not Sitting.objects.exists()


def test_links_can_be_made_for_a_draft_and_wait_for_it(draft_study: Study):
    make_links(draft_study, ["Ann"])
    token = draft_study.links.get().token
    assert Client().get(f"/s/small/?link={token}").status_code == 404


def test_the_command_makes_and_writes_links(
    small_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "people.csv").write_text("label\nAnn\nBob\n")
    call_command("links", "small", "--csv", str(tmp_path / "people.csv"))
    call_command("links", "small", "--count", "2", "--testers")
    call_command(
        "links", "small", "--out", str(tmp_path / "links.csv"), "--qr", str(tmp_path / "qr"), "--site", "https://x.example"
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "study small: 2 links made" in out
    assert (tmp_path / "links.csv").read_text().count("https://x.example/s/small/?link=") == 4
    assert len(list((tmp_path / "qr").glob("*.svg"))) == 4
    call_command("links", "small")
    assert "Ann  person  http://127.0.0.1:8000/s/small/?link=" in capsys.readouterr().out
    with pytest.raises(CommandError, match="expected at least 1 link, got 0"):
        call_command("links", "small", "--count", "0")
