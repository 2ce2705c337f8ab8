"""A file of weights: tensors in safetensors, and in its header texts, of which one names the format."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from generator.errors import CheckpointError


def read_weights(
    path: Path, *, expected: str, file_format: str, advice: str = ""
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header and the tensors of a file of the format. Raises CheckpointError, which says what was `expected`."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: expected {expected} (safetensors), found something else ({error})"
        ) from None
    if header.get("format") != file_format:
        found = header.get("format", "none")
        raise CheckpointError(
            f"{path}: expected {expected} of format {file_format}, found format {found}{advice}"
        )
    return header, tensors
