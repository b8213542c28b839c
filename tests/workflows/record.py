"""Record the histories anew: `uv run python -m tests.workflows.record [SITUATION ...]`.

Only for a new situation, or for one whose change is patched: a history that no longer replays is a broken promise.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import connect
from starter.stack.launcher import SERVERS
from tests.stack_fixture import running_stack
from tests.workflows.situations import HISTORIES, SITUATIONS, run_situation


async def record(names: list[str], address: str) -> None:
    """Run the situations and write their histories."""
    client = await connect(Settings(temporal_address=address), pydantic_data_converter, "recorder")
    for name in names:
        history = await run_situation(name, client, f"record-{name}")
        (HISTORIES / f"review-{name}.json").write_text(history + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    servers = [part for part in SERVERS if part.name == "temporal"]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", servers) as stack:
        asyncio.run(record(sys.argv[1:] or sorted(SITUATIONS), stack.environment()["TEMPORAL_ADDRESS"]))
