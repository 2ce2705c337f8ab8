"""Checkpoints by name: those that ship and those trained here. By their files alone; no torch is loaded."""

from pathlib import Path

from django.conf import settings

SUFFIX = ".safetensors"
SHIPPED_DIR = settings.BASE_DIR / "generator" / "weights"


def names_in(folder: Path) -> list[str]:
    """Names of the checkpoints in a folder, sorted; none where there is no folder."""
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


def trained_names() -> list[str]:
    """Names of the checkpoints that training jobs of this site have made."""
    return names_in(settings.CHECKPOINTS_DIR)


def trained_file(name: str) -> Path:
    """Where the checkpoint of a training job lies, or will lie."""
    return settings.CHECKPOINTS_DIR / f"{name}{SUFFIX}"


def name_or_path(checkpoint: str) -> str:
    """What the generator finds a checkpoint by: the path of one trained here, else what was given."""
    is_ours = checkpoint in trained_names()
    return str(trained_file(checkpoint)) if is_ours else checkpoint
