"""The load test, short: it wants of the service what the long one wants, over shorter steps."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.extra
@pytest.mark.timeout(900)
@pytest.mark.skipif(importlib.util.find_spec("locust") is None, reason="`uv run --group load pytest -m extra -n 0`")
def test_ten_times_what_it_bears_is_refused_loses_nothing_and_passes() -> None:
    how = ["--seconds", "6", "--flood", "15"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *how], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
