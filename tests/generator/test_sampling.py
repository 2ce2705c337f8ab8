"""Image i depends on (checkpoint, seed, i) alone, and a set says so."""

import dataclasses

import numpy as np
import pytest
import torch

from generator.checkpoint import read_checkpoint, write_checkpoint
from generator.errors import CheckpointError, GeneratorError
from generator.image_set import merge, open_image_set
from generator.sampler import DTYPES, Sampler
from generator.sampling import sample_to_zip, sampled_pixels

TOTAL = 2 * 64 + 21


@pytest.fixture(scope="module", params=["lapgan", "gan"])
def checkpoint(request):
    return request.getfixturevalue({"lapgan": "small_checkpoint", "gan": "small_gan"}[request.param])


@pytest.fixture(scope="module", params=DTYPES)
def sampler(request):
    return Sampler(request.param, 64)


@pytest.fixture(scope="module")
def whole(checkpoint, sampler):
    return sampled_pixels(read_checkpoint(checkpoint), seed=7, first=0, count=TOTAL, sampler=sampler)


@pytest.mark.parametrize("step", [1, 7, 64, 100])
def test_slices_of_any_length_hold_the_same_pixels(checkpoint, sampler, whole, step):
    loaded = read_checkpoint(checkpoint)
    starts = range(0, TOTAL, step) if step > 1 else (0, 63, 64, 100, TOTAL - 1)
    for first in starts:
        count = min(step, TOTAL - first)
        assert np.array_equal(sampled_pixels(loaded, 7, first, count, sampler), whole[first : first + count])


def test_the_number_of_threads_does_not_matter(checkpoint, sampler, whole):
    torch.set_num_threads(2)
    assert np.array_equal(sampled_pixels(read_checkpoint(checkpoint), 7, 0, TOTAL, sampler), whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("block", [1, 16, 128])
def test_other_samplers_draw_the_same_pictures_but_for_rounding(checkpoint, whole, dtype, block):
    other = sampled_pixels(read_checkpoint(checkpoint), 7, 0, TOTAL, Sampler(dtype, block))
    off = np.abs(other.astype(int) - whole)
    assert off.mean() < 1
    assert off.max() <= 12


def test_other_seeds_give_other_images(checkpoint, sampler, whole):
    other = sampled_pixels(read_checkpoint(checkpoint), 8, 0, TOTAL, sampler)
    assert not any(np.array_equal(one, two) for one, two in zip(whole, other, strict=True))


def test_the_set_holds_the_sampled_pixels_and_says_where_they_come_from(tmp_path, checkpoint, sampler, whole):
    done = []
    out = tmp_path / "s.zip"
    path = sample_to_zip(
        checkpoint, count=40, seed=7, first=50, out=out, sampler=sampler, progress=done.append
    )
    loaded = read_checkpoint(checkpoint)
    with open_image_set(path) as stored:
        assert stored.first == 50
        for at in range(40):
            assert np.array_equal(stored.pixels(at), whole[50 + at])
        manifest = stored.manifest
    assert [entry["seed"] for entry in manifest["images"]] == list(range(50, 90))
    assert manifest["checkpoint"]["sha256"] == loaded.sha256
    assert (manifest["is_real"], manifest["family"], manifest["seed"]) == (False, loaded.family, 7)
    assert (manifest["source"], manifest["dataset"]) == (loaded.origin.source, "three-kinds")
    assert manifest["notes"] == ["drawn for a test"]
    assert {"python", "torch", "tachisto"} <= manifest["software"].keys()
    assert (manifest["sampler"]["dtype"], manifest["sampler"]["block"]) == (sampler.dtype, 64)
    assert done == [14, 40]  # a block ends before image 64


def test_slices_join_to_what_one_call_draws(tmp_path, checkpoint):
    arguments = {"seed": 7}
    whole = sample_to_zip(checkpoint, count=100, out=tmp_path / "w.zip", **arguments)
    parts = [
        sample_to_zip(checkpoint, first=first, count=count, out=tmp_path / f"{first}.zip", **arguments)
        for first, count in ((0, 33), (33, 40), (73, 27))
    ]
    joined = merge(parts, tmp_path / "j.zip")
    with open_image_set(whole) as one, open_image_set(joined) as two:
        assert one.manifest["images"] == two.manifest["images"]
        assert all(one.png(at) == two.png(at) for at in range(100))


def test_a_conditional_set_has_balanced_labels(tmp_path, small_checkpoint):
    path = sample_to_zip(small_checkpoint, count=99, seed=0, out=tmp_path / "s.zip")
    with open_image_set(path) as stored:
        labels = [entry["class"] for entry in stored.manifest["images"]]
    assert np.bincount(labels).tolist() == [33, 33, 33]


def test_a_model_with_an_untrained_part_is_not_sampled(tmp_path, small_checkpoint):
    loaded = read_checkpoint(small_checkpoint)
    origin = dataclasses.replace(loaded.origin, images_seen={"8px": 96, "16px": 0})
    half = tmp_path / "half.safetensors"
    write_checkpoint(half, loaded.family, loaded.config, origin, loaded.model)
    with pytest.raises(CheckpointError, match="16px not trained yet"):
        sample_to_zip(half, count=1, seed=0, out=tmp_path / "s.zip")
    assert not (tmp_path / "s.zip").exists()


@pytest.mark.parametrize("wrong", [{"count": 0}, {"first": -1}, {"seed": -1}, {"seed": 2**63}])
def test_impossible_requests_are_refused(tmp_path, small_checkpoint, wrong):
    arguments = {"count": 1, "seed": 0, "first": 0} | wrong
    with pytest.raises(GeneratorError, match="expected count >= 1, first >= 0, seed in"):
        sample_to_zip(small_checkpoint, out=tmp_path / "s.zip", **arguments)
