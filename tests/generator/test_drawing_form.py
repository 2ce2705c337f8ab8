"""The form that a model draws in draws what the model draws."""

import copy

import pytest
import torch

from generator.families import FAMILIES
from generator.networks.drawing_form import drawing_form
from generator.noise import image_keys
from generator.settings import configured

CPU = torch.device("cpu")
STEPS_PER_UNIT = 127.5  # 8-bit steps in a unit of [-1, 1]
SMALL = {"levels": [8, 16], "noise_planes": [2], "widths": [24, 16], "discriminator_widths": [8, 8]}
MODELS = {
    "modern": ("lapgan", SMALL | {"penalties": [0, 0]}),
    "modern with classes": ("lapgan", SMALL | {"penalties": [0, 0], "classes": 3}),
    "without batch norm": ("lapgan", SMALL | {"penalties": [0, 0], "classes": 3, "batch_norm": False}),
    "deeper": ("lapgan", SMALL | {"penalties": [0, 0], "depth": 1}),
    "of the paper": ("lapgan", SMALL | {"penalties": [0, 0], "networks": "paper", "classes": 3}),
    "plain, modern": ("gan", {"networks": "modern", "size_px": 16, "width": 16}),
    "plain, of the paper": ("gan", {"networks": "paper", "size_px": 16, "width": 16}),
}


@pytest.fixture(params=MODELS)
def drawn(request):
    """A model whose norms, classes and pixels have learned something, and how it draws eight images."""
    name, settings = MODELS[request.param]
    family = FAMILIES[name]
    config = configured(family.Config, settings, "here")
    torch.manual_seed(4)
    model = family.build(config).eval()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if key.endswith(("running_var", "pixels.sd")):
                value.uniform_(0.3, 3)
            elif key.endswith(("running_mean", "pixels.mean")) or (
                "norm" in key and value.is_floating_point()
            ):
                value.normal_(0.2, 0.3)
    labels = torch.arange(8) % config.classes if config.classes else None

    @torch.inference_mode()
    def draw(network, dtype=torch.float32):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return family.sample(network, config, image_keys(3, 0, 8), labels)

    return model, draw


def test_it_draws_the_same_images(drawn):
    model, draw = drawn
    images = draw(model)
    assert images.std() > 0.01
    assert torch.allclose(
        draw(drawing_form(model, torch.float32, CPU)), images, atol=2e-5 * images.abs().max()
    )


def test_in_bfloat16_images_differ_by_little(drawn):
    """Each of a dozen layers rounds to 8 bits: their errors add up as noise does."""
    model, draw = drawn
    images = draw(model)
    rounded = draw(drawing_form(model, torch.bfloat16, CPU), torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert (rounded - images).std() < 0.02 * images.std()


def test_no_batch_norm_is_left_and_the_model_stays_as_it_was(drawn):
    model, _ = drawn
    before = copy.deepcopy(model.state_dict())
    ready = drawing_form(model, torch.bfloat16, CPU)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in ready.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
