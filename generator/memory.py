"""What running out of memory looks like, on any device; and memory that is freed, kept for what comes next."""

import ctypes
from contextlib import suppress

import torch

# What torch says on a CPU, where it raises a plain RuntimeError, and what the libraries of a GPU say.
PHRASES = ("DefaultCPUAllocator", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: Exception) -> bool:
    """Whether the error says that the device or the machine has no memory left."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in PHRASES)


# Parameters of glibc's mallopt(3): from which size on memory is mapped by itself, at which size it is given back.
MAP_FROM, GIVE_BACK_FROM = -3, -1
KEPT_BYTES = 32 * 2**20  # the most that glibc takes for the first


def keep_freed_memory() -> None:
    """Let this process keep memory that it frees, up to 32 MiB a thread, where the C library can be told so (glibc).

    Blocks of images take and free the same few megabytes again and again. Given back to the system each time, every
    page of them is a fault and a page of zeros: as much work as a small network itself.
    """
    with suppress(AttributeError, OSError, TypeError):  # no glibc here
        library = ctypes.CDLL(None)
        for parameter in (MAP_FROM, GIVE_BACK_FROM):
            library.mallopt(parameter, KEPT_BYTES)
