"""A worker has no port of its own for probes: it keeps a small file up to date, and a probe reads it.

The file is `CONCLAVE_HOME`/run/workers/PID.json. `conclave worker --check` reads those of all workers of this home.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.service import RPCError

from models.ids import Queue
from models.worker_health import ASK_EVERY, BEAT_EVERY, WorkerBeat
from starter.task_queues import pollers


def beats_folder(home: Path) -> Path:
    """Where the workers of one home leave their files."""
    return home.expanduser().absolute() / "run" / "workers"


def write(folder: Path, beat: WorkerBeat) -> None:
    """Put a beat into its worker's file, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{beat.pid}.json"
    draft = target.with_suffix(".new")
    draft.write_text(beat.model_dump_json(), encoding="utf-8")
    draft.replace(target)


def read(folder: Path) -> list[WorkerBeat]:
    """The beats of all workers that run; files of those that ended are not looked at."""
    found: list[WorkerBeat] = []
    for path in sorted(folder.glob("*.json")):
        # A file that goes away while it is read belongs to a worker that just ended.
        with suppress(OSError, ValidationError, json.JSONDecodeError):
            beat = WorkerBeat.model_validate_json(path.read_bytes())
            if psutil.pid_exists(beat.pid):
                found.append(beat)
    return found


async def beat_forever(client: Client, prefix: str, queues: Sequence[Queue], home: Path) -> None:
    """Keep this worker's file up to date until cancelled; then remove it."""
    folder, now = beats_folder(home), datetime.now(UTC)
    beat = WorkerBeat(pid=os.getpid(), queues=tuple(queues), started_at=now, at=now)
    asked_at: datetime | None = None
    try:
        while True:
            now = datetime.now(UTC)
            # Until it is listed it asks at every beat, so that a new worker is soon known to be ready.
            if asked_at is None or beat.polling_at is None or now - asked_at >= ASK_EVERY:
                beat, asked_at = await _asked(client, prefix, beat), now
            beat = beat.model_copy(update={"at": datetime.now(UTC)})
            await asyncio.to_thread(write, folder, beat)
            await asyncio.sleep(BEAT_EVERY.total_seconds() if beat.polling_at else 1.0)
    finally:
        (folder / f"{beat.pid}.json").unlink(missing_ok=True)


async def _asked(client: Client, prefix: str, beat: WorkerBeat) -> WorkerBeat:
    try:
        listed = [client.identity in await pollers(client, prefix, queue) for queue in beat.queues]
    except (RPCError, RuntimeError):
        return beat
    now = datetime.now(UTC)
    return beat.model_copy(update={"temporal_at": now} | ({"polling_at": now} if all(listed) else {}))
