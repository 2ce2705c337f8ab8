"""Networks made ready to draw and for nothing else: fewer sums, in the precision that the device is quickest in.

In evaluation a batch norm is a fixed scale and shift, which the layer before it can do along, and so are standardised
pixels. What is drawn stays the same but for rounding.
"""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from generator.networks import Network, channels_last, modern, paper

# Layers and the norms that follow them, by the attributes of the network that has them.
NORMED = {
    modern.NormalConvolution: ("convolution", "norm"),
    modern.ImageGenerator: ("start", "start_norm"),
}
ROUNDED = (nn.Conv2d, nn.Linear, nn.Embedding)  # autocast rounds what goes into the first two


def drawing_form(model: Network, dtype: torch.dtype, device: torch.device) -> Network:
    """A copy of a model that draws under `torch.autocast` to `dtype`; it can neither be trained nor stored."""
    ready = deepcopy(model).eval().requires_grad_(False)
    for network in list(ready.modules()):
        if type(network) in NORMED:
            _without_norm(network, *NORMED[type(network)])
        elif isinstance(network, paper.ImageGenerator):
            _without_scale(network)
    for module in ready.modules():
        if isinstance(module, ROUNDED):
            module.to(dtype)
    return channels_last(ready.to(device))


class ClassScale(nn.Module):
    """What is left of a class norm: features (N, C, H, W), labels (N,)  ->  scaled and shifted by the class.

    As they are without classes. Values of a row lie beside each other, all channels of a place first.
    """

    def __init__(self, table: nn.Embedding | None) -> None:
        super().__init__()
        self.table = table

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        if self.table is None:
            return features
        # Whole rows at a time, (N, H, W C): vector units stand idle at the end of every place's few channels.
        rows = features.permute(0, 2, 3, 1).flatten(2)
        places = features.shape[-1]
        scale, shift = (each.repeat(1, places)[:, None] for each in self.table(labels).chunk(2, dim=1))
        scaled = torch.addcmul(shift, rows, 1 + scale)
        return scaled.unflatten(2, (places, -1)).permute(0, 3, 1, 2)


class DrawnPixels(nn.Module):
    """Takes the place of a `PixelScale` whose work is done: pixels (N, H, W, C)  ->  images (N, C, H, W)."""

    def images(self, pixels: Tensor) -> Tensor:
        return pixels.float().permute(0, 3, 1, 2)


def _without_norm(network: nn.Module, layer: str, norm: str) -> None:
    """Let a layer do what the batch norm after it does, if there is one; the class's scale stays."""
    class_norm: modern.ClassNorm = getattr(network, norm)
    if isinstance(class_norm.norm, nn.BatchNorm2d):
        _fold(class_norm.norm, getattr(network, layer))
    setattr(network, norm, ClassScale(class_norm.table))


def _without_scale(network: paper.ImageGenerator) -> None:
    """Let the last layer draw in [-1, 1], and the colours of a pixel beside each other, as files have them."""
    channels, *sides = network.shape
    scale, last = network.pixels, cast(nn.Linear, network.layers[-1])

    def reordered(rows: Tensor) -> nn.Parameter:
        places = rows.unflatten(0, network.shape).movedim(0, 2)
        return nn.Parameter(places.flatten(0, 2), requires_grad=False)

    sd, mean = scale.sd.flatten(), scale.mean.flatten()
    last.weight, last.bias = reordered(last.weight * sd[:, None]), reordered(last.bias * sd + mean)
    network.shape = (*sides, channels)
    network.add_module("pixels", DrawnPixels())


def _fold(norm: nn.BatchNorm2d, layer: nn.Conv2d | nn.Linear) -> None:
    """Make a layer give (x - mean) / SD, scaled and shifted, where it gave x."""
    scale, shift = scale_and_shift(norm)
    places = len(layer.weight) // len(scale)  # a linear layer gives all places of a channel in a row
    scale, shift = scale.repeat_interleave(places), shift.repeat_interleave(places)
    bias = 0 if layer.bias is None else layer.bias
    layer.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1)), False)
    layer.bias = nn.Parameter(bias * scale + shift, False)


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What is left of a norm in evaluation, (C,) each."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = (variance + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    return scale, (0 if norm.bias is None else norm.bias) - mean * scale
