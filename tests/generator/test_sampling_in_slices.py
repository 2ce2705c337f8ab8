"""A large set whose drawing is killed goes on without a gap or a double."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.device import chosen_device
from generator.errors import ConfigError, ImageSetError, WriteError
from generator.image_set import open_image_set
from generator.sampler import usual_sampler
from generator.sampling import sample_to_zip
from generator.sampling_in_slices import sample_in_slices

PROJECT = Path(__file__).resolve().parents[2]
COUNT, SLICE = 3000, 250
DRAWS = f"""
import sys
from pathlib import Path
from generator.sampling_in_slices import sample_in_slices
sample_in_slices(sys.argv[1], count={COUNT}, seed=4, out=Path(sys.argv[2]), slice_images={SLICE}, dtype="float32")
"""


def finished(folder: Path) -> dict[str, int]:
    """The time of every finished slice, in ns."""
    return {part.name: part.stat().st_mtime_ns for part in folder.glob("0*.zip")}


def test_a_killed_drawing_goes_on_from_its_finished_slices(tmp_path, small_checkpoint):
    out, slices = tmp_path / "set.zip", tmp_path / "set.zip.slices"
    process = subprocess.Popen([sys.executable, "-c", DRAWS, small_checkpoint, out], cwd=PROJECT)
    try:
        deadline = time.monotonic() + 120
        while len(finished(slices)) < 2:
            assert process.poll() is None and time.monotonic() < deadline, "it was to be killed on its way"
            time.sleep(0.005)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = finished(slices)
    assert 2 <= len(before) < COUNT / SLICE
    assert not out.exists()

    done, after = [], {}

    def progress(images):
        done.append(images)
        after.update(finished(slices))

    sample_in_slices(
        small_checkpoint, count=COUNT, seed=4, out=out, slice_images=SLICE, dtype="float32", progress=progress
    )
    assert before.items() <= after.items(), "a finished slice was drawn again"
    assert (done[-1], done) == (COUNT, sorted(done))
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]
    sampler = usual_sampler(chosen_device(), "float32")
    whole = sample_to_zip(small_checkpoint, count=COUNT, seed=4, out=tmp_path / "w.zip", sampler=sampler)
    with open_image_set(out) as joined, open_image_set(whole) as at_once:
        assert joined.manifest["images"] == at_once.manifest["images"]
        assert all(joined.png(at) == at_once.png(at) for at in range(COUNT))


@pytest.fixture
def interrupted(tmp_path, small_checkpoint):
    """The name of a set whose third slice was not finished."""

    def progress(done):
        if done > 2 * SLICE:
            raise KeyboardInterrupt

    out = tmp_path / "set.zip"
    with pytest.raises(KeyboardInterrupt):
        sample_in_slices(
            small_checkpoint,
            count=COUNT,
            seed=4,
            out=out,
            slice_images=SLICE,
            dtype="float32",
            progress=progress,
        )
    assert len(finished(tmp_path / "set.zip.slices")) == 2
    return out


def test_slices_of_another_set_are_not_mixed_in(interrupted, small_checkpoint):
    with pytest.raises(
        ImageSetError, match=r"expected a slice of seed 5 .* found one of another set; choose"
    ):
        sample_in_slices(small_checkpoint, count=COUNT, seed=5, out=interrupted, slice_images=SLICE)
    with pytest.raises(ConfigError, match="the slices there are drawn in float32, not in bfloat16"):
        sample_in_slices(small_checkpoint, count=COUNT, seed=4, out=interrupted, dtype="bfloat16")


def test_a_smaller_count_takes_what_fits(interrupted, small_checkpoint):
    """The slice that is now too long is drawn again."""
    sample_in_slices(small_checkpoint, count=300, seed=4, out=interrupted, slice_images=SLICE)
    with open_image_set(interrupted) as stored:
        assert [entry["seed"] for entry in stored.manifest["images"]] == list(range(300))


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, small_checkpoint):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"set\.zip\.slices: could not be written"):
        sample_in_slices(small_checkpoint, count=1, seed=0, out=tmp_path / "file" / "set.zip")
