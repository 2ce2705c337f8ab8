"""A disk that fills while a training writes: a sentence, nothing half-written, and the training goes on later."""

import errno
import os
from itertools import count
from pathlib import Path

import pytest
import torch

from generator.alarms import alarms_file
from generator.checkpoint import read_checkpoint
from generator.errors import WriteError
from generator.losses import losses_file
from generator.part_lines import read_lines
from generator.parts import write_sheet
from generator.resume import state_file, stored_state
from generator.train import train
from tests.generator.conftest import small_recipe

NO_TIME = {"cpu_clock": lambda: 0.0}
RECIPE = {"images": 48, "checkpoint_every": 24, "watch_every": 16}


def full_at(flush, monkeypatch):
    """From the n-th flush to the disk on there is no space, as a growing log beside us may take it."""
    fsync, flushes = os.fsync, count(1)

    def limited(handle):
        if next(flushes) >= flush:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", limited)


def flushes_of_a_whole_run(tmp_path, three_kinds, monkeypatch):
    fsync, handles = os.fsync, []
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: (handles.append(handle), fsync(handle)))
        whole = train(small_recipe("gan", **RECIPE), three_kinds, tmp_path / "whole.safetensors", **NO_TIME)
    return whole, len(handles)


def test_wherever_the_disk_fills_all_files_stay_whole_and_the_run_goes_on(tmp_path, three_kinds, monkeypatch):
    whole, flushes = flushes_of_a_whole_run(tmp_path, three_kinds, monkeypatch)
    expected = read_checkpoint(whole).model.state_dict()
    assert flushes >= 10  # losses, alarms, and twice a checkpoint and a state
    for flush in range(1, flushes + 1):
        out = tmp_path / str(flush) / "c.safetensors"
        with monkeypatch.context() as patched:
            full_at(flush, patched)
            with pytest.raises(WriteError, match=r"c\.safetensors.*: could not be written.*the disk is full"):
                train(small_recipe("gan", **RECIPE), three_kinds, out, **NO_TIME)
        assert [path.name for path in out.parent.iterdir() if path.name.endswith(".part")] == []
        if out.exists():
            read_checkpoint(out)
        if state_file(out).exists():
            stored_state(state_file(out))
        train(small_recipe("gan", **RECIPE), three_kinds, out, resume=True, **NO_TIME)
        found = read_checkpoint(out).model.state_dict()
        assert all(torch.equal(value, found[name]) for name, value in expected.items())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants a device that is always full")
@pytest.mark.parametrize("lines_of", [losses_file, alarms_file])
def test_a_line_that_does_not_fit_ends_the_run_in_a_sentence(tmp_path, three_kinds, lines_of):
    recipe, out = (
        small_recipe("gan", images=4000, checkpoint_every=4000, watch_every=1000),
        tmp_path / "c.safetensors",
    )

    def fills(part, share, losses):
        lines_of(out).unlink()
        lines_of(out).symlink_to("/dev/full")

    with pytest.raises(WriteError, match=rf"{lines_of(out).name}: could not be written.*the disk is full"):
        train(recipe, three_kinds, out, progress=fills, **NO_TIME)
    train(recipe, three_kinds, out, resume=True, **NO_TIME)
    assert [line["images_seen"] for line in read_lines(lines_of(out))] == [1000, 2000, 3000, 4000]


def test_a_sheet_that_does_not_fit_leaves_the_old_one(tmp_path, small_gan, monkeypatch):
    sheet = write_sheet(small_gan, tmp_path / "sheet.png")
    before = sheet.read_bytes()
    full_at(1, monkeypatch)
    with pytest.raises(WriteError, match=r"sheet\.png: could not be written.*the disk is full"):
        write_sheet(small_gan, sheet)
    assert sheet.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
