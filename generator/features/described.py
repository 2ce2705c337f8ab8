"""The classifier in use: its file, and what it says about images.

The file is safetensors like a checkpoint of a generator, of a format of its own; weights are float16, vectors
float32. Knows nothing of distances.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from generator.errors import CheckpointError, ConfigError
from generator.features.network import Config, FeatureNetwork, at_feature_size
from generator.pixels import unit_from_bytes
from generator.settings import configured
from generator.weights_file import read_weights
from generator.whole_file import whole_file

FORMAT = "features-1"
SHIPPED = Path(__file__).resolve().parent / "features-cifar10.safetensors"
# The one that discriminators look through; no distance is measured with it.
CRITIC = SHIPPED.with_name("critic-cifar10.safetensors")
BLOCK = 256


@dataclass(frozen=True)
class Description:
    """What the classifier says of N images: features (N, C) float32 and the likeliest class (N,)."""

    features: Tensor
    predicted: NDArray[np.int64]

    def __getitem__(self, chosen: slice | NDArray[Any]) -> "Description":
        return Description(self.features[chosen], self.predicted[chosen])


@dataclass(frozen=True)
class Classifier:
    """The classifier: its network, the names of its classes, the header of its file and the file's SHA-256."""

    network: FeatureNetwork
    class_names: tuple[str, ...]
    about: Mapping[str, Any]
    sha256: str

    @torch.inference_mode()
    def describe(
        self, pixels: NDArray[np.uint8], progress: Callable[[int], None] = lambda done: None
    ) -> Description:
        """Features and classes of pixels uint8, (N, S, S, 3), or (N, S, S, 1), which is seen as RGB.

        progress hears of the images done.
        """
        features, predicted = [], []
        for start in range(0, len(pixels), BLOCK):
            block = unit_from_bytes(torch.from_numpy(pixels[start : start + BLOCK])).permute(0, 3, 1, 2)
            block = block.expand(-1, 3, -1, -1)
            seen, scores = self.network(at_feature_size(block))
            features.append(seen)
            predicted.append(scores.argmax(1))
            progress(start + len(block))
        return Description(torch.cat(features), torch.cat(predicted).numpy())


def stored_as(network: FeatureNetwork) -> dict[str, Tensor]:
    """The network's tensors as its file holds them: matrices in float16."""
    return {
        name: (value.half() if value.ndim >= 2 else value).detach().contiguous()
        for name, value in network.state_dict().items()
    }


def write_classifier(path: Path, network: FeatureNetwork, config: Config, about: Mapping[str, Any]) -> None:
    """Write the classifier whole or not at all; `about` is JSON and holds at least class_names."""
    header = {"format": FORMAT, "config": json.dumps(dataclasses.asdict(config)), "about": json.dumps(about)}
    with whole_file(path) as file:
        file.write(save(stored_as(network), header))


def read_classifier(path: Path = SHIPPED) -> Classifier:
    """The classifier of a file, the shipped one by default. Raises CheckpointError with what is wrong."""
    header, tensors = read_weights(path, expected="a classifier", file_format=FORMAT)
    try:
        config = configured(Config, json.loads(header["config"]), f"{path} config")
        about = json.loads(header["about"])
        network = FeatureNetwork(config)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
        class_names = tuple(about["class_names"])
    except (ConfigError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: the classifier cannot be used: {error}") from None
    network = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Classifier(network, class_names, about, hashlib.sha256(path.read_bytes()).hexdigest())
