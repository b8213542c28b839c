"""When a worker counts as alive, and as taking work; and what a probe says of it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.ids import Queue
from models.worker_health import DEAF, POLL_MEMORY, STALE, WorkerBeat, why_not_alive, why_not_ready
from starter.commands.worker import check
from starter.worker_health import beats_folder, read, write

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def beat(**changes: object) -> WorkerBeat:
    plain = {"pid": os.getpid(), "queues": tuple(Queue), "started_at": NOW - timedelta(hours=1), "at": NOW}
    return WorkerBeat.model_validate(plain | {"temporal_at": NOW, "polling_at": NOW} | changes)


@pytest.mark.parametrize(
    ("changes", "alive", "ready"),
    [
        ({}, None, None),
        ({"at": NOW - STALE}, None, None),
        ({"at": NOW - STALE - MOMENT}, "loop_stands_still", "loop_stands_still"),
        # A Temporal that is away is no reason to start a worker anew.
        ({"temporal_at": None, "polling_at": None}, None, "temporal_unreachable"),
        ({"temporal_at": NOW - POLL_MEMORY - MOMENT}, None, "temporal_unreachable"),
        # One that answers and does not know this worker is, after a while.
        ({"polling_at": None, "started_at": NOW - MOMENT}, None, "not_polling"),
        ({"polling_at": None}, "not_polling", "not_polling"),
        ({"polling_at": NOW - POLL_MEMORY - MOMENT}, None, "not_polling"),
        ({"polling_at": NOW - DEAF - MOMENT}, "not_polling", "not_polling"),
    ],
)
def test_what_counts_as_alive_and_as_ready(changes: dict[str, object], alive: str | None, ready: str | None) -> None:
    assert (why_not_alive(beat(**changes), NOW), why_not_ready(beat(**changes), NOW)) == (alive, ready)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCLAVE_HOME", str(tmp_path))
    return beats_folder(tmp_path)


def test_a_probe_says_who_is_well_and_who_is_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("live", ()) == 1
    assert "[no_worker]" in capsys.readouterr().err
    now = datetime.now(UTC)
    write(folder, beat(at=now, temporal_at=now, polling_at=now, queues=(Queue.MODELS,)))
    assert (check("live", ()), check("ready", ()), check("ready", [Queue.MODELS])) == (0, 0, 0)
    assert check("ready", [Queue.ANALYSIS]) == 1
    write(folder, beat(at=now, temporal_at=None, polling_at=None, queues=(Queue.MODELS,)))
    capsys.readouterr()
    assert (check("live", ()), check("ready", ())) == (0, 1)
    assert "[temporal_unreachable]" in capsys.readouterr().err


def test_what_a_worker_that_ended_left_behind_is_not_looked_at(folder: Path) -> None:
    write(folder, beat(pid=2**22 - 1))
    (folder / "7.json").write_text("{half a beat")
    assert read(folder) == []
