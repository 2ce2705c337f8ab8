"""Every way in which memory runs out is known for what it is, and no other error is."""

import platform
import subprocess
import sys

import pytest
import torch

from generator.memory import is_out_of_memory


def test_a_real_failure_of_the_cpu_is_recognised():
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**50)
    assert is_out_of_memory(failure.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("not enough memory"), False),
    ],
)
def test_other_errors_are_not_taken_for_it(error, expected):
    assert is_out_of_memory(error) is expected


FAULTS = """
import resource, torch
from generator.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        images = [torch.ones(2**21) for _ in range(3)]  # 8 MiB each
        del images
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
given_back = faults()
keep_freed_memory()
faults()
print(given_back, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_memory_that_one_block_freed_serves_the_next_without_page_faults():
    said = subprocess.run([sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True).stdout
    given_back, kept = map(int, said.split())
    assert kept < given_back / 10
