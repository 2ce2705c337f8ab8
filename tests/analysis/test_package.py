"""The package's front door: light to open, and everything it promises is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import analysis


def test_every_promised_name_is_there_and_documented():
    for name in analysis.__all__:
        assert getattr(analysis, name).__doc__, name


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'p_value'"):
        analysis.p_value  # noqa: B018


def test_importing_it_loads_no_library():
    code = (
        "import sys, analysis; print(sorted({'numpy', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
