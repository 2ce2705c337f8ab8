"""Frechet inception distance on weights that the researcher brings (Heusel et al. 2017, arXiv:1706.08500).

Tachisto ships no Inception and fetches none. It takes a TorchScript file whose network answers uint8 images
(N, 3, S, S) with the 2,048 pool features of each, (N, 2048), and enlarges them itself; one with a switch
`return_features` is called with it on, as the translation of the original network for StyleGAN 2 and 3 wants to be.
TorchScript is a program, read without Python's pickle but run all the same: a file is opened only when it was named,
and whoever names it has to trust it.
"""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.device import chosen_device
from generator.errors import EvaluationError

FEATURES = 2048  # of Inception-v3's last pooling; an FID is defined on no others
BLOCK = 50  # images at a time: inside they are 299 pixels a side
PROBE_PX = 32
SWITCH = "return_features"


@dataclass(frozen=True)
class PoolNetwork:
    """A network of pool features on its device, with the name and the SHA-256 of its file."""

    network: Any
    device: torch.device
    file: str
    sha256: str

    @torch.inference_mode()
    def features(
        self, pixels: NDArray[np.uint8], progress: Callable[[int], None] = lambda done: None
    ) -> Tensor:
        """Features (N, 2048) float32 of pixels (N, S, S, C) uint8, gray ones seen as RGB; progress hears of images.

        Raises EvaluationError if the network answers anything else.
        """
        found = []
        for start in range(0, len(pixels), BLOCK):
            block = torch.from_numpy(pixels[start : start + BLOCK]).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
            found.append(self._answer(block.contiguous().to(self.device)).cpu())
            progress(start + len(block))
        return torch.cat(found)

    def _answer(self, images: Tensor) -> Tensor:
        takes = {argument.name for argument in self.network.forward.schema.arguments}
        try:
            answer = self.network(images, **({SWITCH: True} if SWITCH in takes else {}))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise EvaluationError(
                f"{self.file}: expected a network for uint8 images {tuple(images.shape)}, it failed on them: {reason}"
            ) from None
        shape = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        if shape != (len(images), FEATURES):
            raise EvaluationError(
                f"{self.file}: expected {FEATURES} pool features of Inception-v3 for each of {len(images)} images, "
                f"found {shape}: name a file of that network without its last layer"
            )
        if not torch.isfinite(answer).all():
            raise EvaluationError(f"{self.file}: expected finite features, found some that are not")
        return answer.float()


def read_pool_network(path: Path) -> PoolNetwork:
    """The network of a TorchScript file, tried on two images. Raises EvaluationError with what is wrong.

    This runs what is in the file: only for files that somebody named.
    """
    if not path.is_file():
        raise EvaluationError(
            f"{path}: expected a TorchScript file of Inception-v3's pool features, found no such file; Tachisto "
            "ships and fetches none"
        )
    device = chosen_device()
    try:
        with warnings.catch_warnings():
            # torch wants models in another format, but this is the one that Inception is passed round in.
            warnings.filterwarnings(
                "ignore", message="`torch.jit.load` is deprecated", category=DeprecationWarning
            )
            network = torch.jit.load(path, map_location=device)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(
            f"{path}: expected a TorchScript file of Inception-v3's pool features, found something else ({reason})"
        ) from None
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found = PoolNetwork(network.eval(), device, path.name, sha256)
    found.features(np.zeros((2, PROBE_PX, PROBE_PX, 3), np.uint8))
    return found
