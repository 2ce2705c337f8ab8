"""Where tensors live and how fine they are: the processor, or a graphics card where there is one.

The one place that chooses a device. Trainings and drawings run the same code on either.
"""

import os

import torch

from generator.errors import ConfigError

VARIABLE = "TACHISTO_DEVICE"
COMPILING = "TACHISTO_COMPILE"
# What else may be named: an accelerator of another make has never been tried.
KINDS = ("cpu", "cuda")


def chosen_device(name: str | None = None) -> torch.device:
    """The device of that name (`cpu`, `cuda`, `cuda:1`), else of $TACHISTO_DEVICE, else the first GPU or the CPU.

    Raises ConfigError for a device that is not there.
    """
    asked = name or os.environ.get(VARIABLE, "")
    if not asked:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = "--device" if name else VARIABLE
    try:
        device = torch.device(asked)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in KINDS or (device.type == "cpu" and device.index):
        raise ConfigError(f"{where}: expected cpu, cuda or cuda:N, got {asked!r}")
    there = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= there:
        raise ConfigError(
            f"{where}: expected a device of this machine, got {asked}, but torch sees {there} CUDA devices: "
            "choose cpu, or install the driver and a torch with CUDA"
        )
    return device


def precision_of(device: torch.device) -> torch.dtype:
    """What sums are taken in: bfloat16 where the device has units for it, else float32.

    Without such units a processor takes bfloat16 apart and is slower than with float32.
    """
    if device.type == "cuda":
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        found = torch.cpu.get_capabilities()
        has_units = bool(found.get("avx512_bf16") or found.get("amx_bf16") or found.get("bf16"))
    return torch.bfloat16 if has_units else torch.float32


def compiles(device: torch.device) -> bool:
    """Whether networks are to be compiled for this device: $TACHISTO_COMPILE is set, and it is a GPU.

    On a processor the same sums were not quicker for it, after half a minute of compiling.
    """
    return device.type == "cuda" and bool(os.environ.get(COMPILING))


def device_name(device: torch.device) -> str:
    """The device in words, as cards tell it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(torch.cpu.get_capabilities().get("cpu_name", "CPU"))
