"""The one way from 8-bit pixels to the numbers networks see, and back.

Bytes 0..255 are spread evenly over [-1, 1]; nothing else in the generator scales pixels.
"""

import torch
from torch import Tensor


def unit_from_bytes(pixels: Tensor) -> Tensor:
    """Images in [-1, 1] as float32; pixels is uint8 of any shape."""
    return pixels.to(torch.float32) / 127.5 - 1


def bytes_from_unit(images: Tensor) -> Tensor:
    """The nearest uint8 pixels of images in [-1, 1]; values outside are clipped."""
    steps = (images.float() + 1).mul_(127.5).round_().clamp_(0, 255)
    # By way of int16: straight to uint8 torch goes number by number on a processor, three times as long.
    return steps.to(torch.int16).to(torch.uint8)
