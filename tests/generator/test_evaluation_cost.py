"""What an image costs is counted as by hand."""

import torch
from torch import nn

from generator.checkpoint import read_checkpoint
from generator.evaluation.cost import generator_weights, multiply_adds
from generator.families import lapgan
from generator.noise import image_keys


def test_a_perceptron_takes_as_many_multiply_adds_as_it_has_matrix_entries(small_gan):
    """8 numbers of noise, two hidden layers of 16, an image of 16x16x3."""
    checkpoint = read_checkpoint(small_gan)
    entries = 8 * 16 + 16 * 16 + 16 * 768
    assert multiply_adds(checkpoint) == entries
    assert generator_weights(checkpoint) == entries + 16 + 16 + 768


def test_convolutions_are_counted_place_by_place(small_checkpoint):
    checkpoint = read_checkpoint(small_checkpoint)
    found = []

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        found.append(output.numel() * layer.weight[0].numel())

    for layer in checkpoint.model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)

    lapgan.sample(checkpoint.model, checkpoint.config, image_keys(0, 0, 1), torch.zeros(1, dtype=torch.int64))
    assert multiply_adds(read_checkpoint(small_checkpoint)) == sum(found) > 100_000
