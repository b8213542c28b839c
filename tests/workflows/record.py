"""Record what is not recorded yet: `uv run python -m tests.workflows.record [SITUATION ...]`.

A history is a promise: processes that were begun by yesterday's code go on with today's. So none is recorded anew. For
a situation whose commands changed behind `workflow.patched` name it with `--again`: the older history stays beside the
new one, as `NAME~1`, and is replayed for as long as the patch is there.
"""

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import connect
from starter.stack.launcher import SERVERS
from tests.stack_fixture import running_stack
from tests.workflows.catalogue import CATALOGUE, FINGERPRINTS, HISTORIES, RACING, constants, history_file
from tests.workflows.fingerprint import fingerprint

TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')
"""Names folders of the machine, and nothing that a replay reads."""


async def record(names: list[str], address: str) -> None:
    """Run the situations and write their histories."""
    client = await connect(Settings(temporal_address=address), pydantic_data_converter, "recorder")
    for name in names:
        with constants(name):
            history = await CATALOGUE[name](client, f"record-{name}")
        history_file(name).write_text(TRACE.sub('"stackTrace": ""', history) + "\n", encoding="utf-8")
        print(name)


def put_aside(name: str) -> None:
    """Keep the present history of a situation under the next free number."""
    number = 1
    while history_file(f"{name}~{number}").exists():
        number += 1
    history_file(name).rename(history_file(f"{name}~{number}"))


def write_fingerprints() -> None:
    """One file for every history, as it is."""
    FINGERPRINTS.mkdir(exist_ok=True)
    for path in sorted(HISTORIES.glob("*.json")):
        history = WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
        told = fingerprint(history, in_any_order=path.stem in RACING)
        (FINGERPRINTS / f"{path.stem}.txt").write_text(told, encoding="utf-8")


def wanted() -> list[str]:
    """Situations to record.

    Raises:
        SystemExit: one of those named is unknown, or recorded already.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.workflows.record")
    parser.add_argument("situations", nargs="*")
    parser.add_argument("--again", action="store_true", help="keep the older history beside the new one")
    asked = parser.parse_args()
    names: list[str] = asked.situations or [name for name in CATALOGUE if not history_file(name).exists()]
    for name in names:
        if name not in CATALOGUE:
            parser.error(f"there is no situation {name}; add it to tests/workflows/catalogue.py")
        if history_file(name).exists():
            if not asked.again:
                parser.error(f"{name} is recorded; with --again the older history is kept beside the new one")
            put_aside(name)
    return names


if __name__ == "__main__":
    names = wanted()
    if names:
        servers = [part for part in SERVERS if part.name == "temporal"]
        with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", servers) as stack:
            asyncio.run(record(names, stack.environment()["TEMPORAL_ADDRESS"]))
    write_fingerprints()
