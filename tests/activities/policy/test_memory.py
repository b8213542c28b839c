"""The embedded engine in the processes that have it loses no memory, however often it is asked."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

WORKER = "import worker"
API = """
from contextlib import suppress
from starter.commands import processes
processes.settings_or_exit = lambda: None
with suppress(AttributeError):
    processes.serve_api()  # as far as the imports of the real one
"""
ASKED = """
import asyncio, psutil
from activities.policy.regopy_engine import RegopyEngine
from models.gate import PolicyName
from tests.activities.policy.facts import facts

async def grown():
    engine = RegopyEngine()
    question = facts(engine.hash_of(PolicyName.DEFAULT), n=60)
    for number in range(90):
        await engine.decide(PolicyName.DEFAULT, question)
        if number == 29:
            before = psutil.Process().memory_info().rss
    return (psutil.Process().memory_info().rss - before) // 1024

print(asyncio.run(grown()))
"""


@pytest.mark.parametrize("process", [WORKER, API], ids=["worker", "api"])
def test_evaluating_for_long_takes_no_more_memory(process: str) -> None:
    run = subprocess.run([sys.executable, "-c", process + ASKED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 6_000, "KiB in 60 evaluations; those that lose memory lose 34,000"
