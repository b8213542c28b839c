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
from tests.workflows.upkeep import UPKEEP, run_upkeep


async def record(names: list[str], address: str) -> None:
    """Run the situations and write their histories."""
    client = await connect(Settings(temporal_address=address), pydantic_data_converter, "recorder")
    for name in names:
        upkeep = name in UPKEEP
        history = await (run_upkeep if upkeep else run_situation)(name, client, f"record-{name}")
        file = HISTORIES / (f"{name}.json" if upkeep else f"review-{name}.json")
        file.write_text(history + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    servers = [part for part in SERVERS if part.name == "temporal"]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", servers) as stack:
        asyncio.run(record(sys.argv[1:] or sorted([*SITUATIONS, *UPKEEP]), stack.environment()["TEMPORAL_ADDRESS"]))
