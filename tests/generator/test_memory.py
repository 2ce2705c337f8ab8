"""Every way in which memory runs out is known for what it is, and no other error is."""

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
