"""Zips that Python's zipfile and the system's `unzip` read."""

import io
import shutil
import subprocess
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import stored_zip as module
from generator.stored_zip import spool_in, stored_zip

FILES = st.dictionaries(st.from_regex(r"[a-z]{1,8}/[0-9]{1,8}\.png", fullmatch=True), st.binary(max_size=300))
# Where the 64-bit forms begin: as in life, and so early that small zips need some or all of them.
BEGINNINGS = [{}, {"WIDE_FROM": 150}, {"MANY_FROM": 2}, {"WIDE_FROM": 0, "MANY_FROM": 0}]


def written(folder, files):
    """The bytes of a zip of these files, every second one by way of a spool."""
    target = io.BytesIO()
    with stored_zip(target, folder) as archive:
        for at, (name, content) in enumerate(files.items()):
            if at % 2:
                archive.add(name, content)
            else:
                with spool_in(folder) as spool:
                    spool.write(content)
                    archive.add_spooled(name, spool)
    return target.getvalue()


@pytest.fixture(params=BEGINNINGS, ids=str)
def beginning(request, monkeypatch):
    for name, value in request.param.items():
        monkeypatch.setattr(module, name, value)


@given(files=FILES)
@settings(max_examples=30, deadline=None)
@pytest.mark.usefixtures("beginning")
def test_what_is_written_is_read(tmp_path_factory, files):
    with zipfile.ZipFile(io.BytesIO(written(tmp_path_factory.getbasetemp(), files))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert {info.compress_type for info in archive.infolist()} <= {zipfile.ZIP_STORED}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs the program unzip")
@pytest.mark.usefixtures("beginning")
def test_unzip_finds_no_fault(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(written(tmp_path, {f"images/{at}.png": bytes(range(at)) for at in range(40)}))
    found = subprocess.run(["unzip", "-tqq", path], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_more_files_than_16_bits_count_are_all_there(tmp_path):
    content = written(tmp_path, {f"{at}": b"" for at in range(70_000)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == 70_000


def test_the_same_files_are_the_same_bytes(tmp_path):
    files = {"a": b"1", "b": b"22"}
    assert written(tmp_path, files) == written(tmp_path, files)
