"""Record the histories anew: `uv run python -m tests.workflows.record [SITUATION ...]`.

Only for a new situation, or for one whose change is patched: a history that no longer replays is a broken promise.
"""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import connect
from starter.stack.launcher import SERVERS
from tests.stack_fixture import running_stack
from tests.workflows.comparisons import COMPARISONS
from tests.workflows.experiments import EXPERIMENTS
from tests.workflows.promotion_rig import PROMOTIONS, run_promotion
from tests.workflows.situations import HISTORIES, SITUATIONS, run_situation
from tests.workflows.upkeep import UPKEEP, run_upkeep

TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')
"""Names folders of the machine, and nothing that a replay reads."""


async def record(names: list[str], address: str) -> None:
    """Run the situations and write their histories."""
    client = await connect(Settings(temporal_address=address), pydantic_data_converter, "recorder")
    for name in names:
        history = TRACE.sub('"stackTrace": ""', await _history(name, client))
        file = HISTORIES / (f"review-{name}.json" if name in SITUATIONS else f"{name}.json")
        file.write_text(history + "\n", encoding="utf-8")
        print(name)


async def _history(name: str, client: Client) -> str:
    queue = f"record-{name}"
    if name in PROMOTIONS:
        return await run_promotion(name, client, queue)
    if name in EXPERIMENTS | COMPARISONS:
        return await (EXPERIMENTS | COMPARISONS)[name](client, queue)
    return await (run_upkeep if name in UPKEEP else run_situation)(name, client, queue)


if __name__ == "__main__":
    servers = [part for part in SERVERS if part.name == "temporal"]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", servers) as stack:
        names = sys.argv[1:] or sorted([*SITUATIONS, *UPKEEP, *PROMOTIONS, *EXPERIMENTS, *COMPARISONS])
        asyncio.run(record(names, stack.environment()["TEMPORAL_ADDRESS"]))
