"""The stack after crashes: `up` repairs it, and nothing that was stored is lost."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from models.settings import Settings
from starter.stack.launcher import SERVERS, up
from tests.starter.stack.conftest import kill, marked
from tests.starter.stack.evidence import Evidence, assert_kept, leave

UP = """
import json, sys
from pathlib import Path
from starter.stack.launcher import SERVERS, up
from tests.stack_fixture import stack_settings
stack = up(stack_settings(Path(sys.argv[1])), parts=SERVERS, scatter_ports=True)
print(json.dumps({"pids": dict(stack.pids), "started": sorted(stack.seconds)}))
"""


@pytest.fixture(scope="package")
def evidence(settings: Settings) -> Evidence:
    return asyncio.run(leave(up(settings, parts=SERVERS, scatter_ports=True)))


def test_a_second_up_changes_nothing(settings: Settings) -> None:
    first = up(settings, parts=SERVERS, scatter_ports=True)
    second = up(settings, parts=SERVERS, scatter_ports=True)
    assert second.seconds == {}
    assert second.pids == first.pids
    assert second.environment() == first.environment()


@pytest.mark.parametrize("part", [part.name for part in SERVERS])
async def test_a_killed_part_comes_back_with_its_data(settings: Settings, evidence: Evidence, part: str) -> None:
    before = up(settings, parts=SERVERS, scatter_ports=True)
    kill(before.pids[part])
    after = up(settings, parts=SERVERS, scatter_ports=True)
    assert set(after.seconds) == {part}
    assert {name for name in after.pids if after.pids[name] != before.pids[name]} == {part}
    assert after.environment() == before.environment()
    await assert_kept(after, evidence)


async def test_all_killed_and_two_ups_at_once_are_one(settings: Settings, evidence: Evidence) -> None:
    for pid in up(settings, parts=SERVERS, scatter_ports=True).pids.values():
        kill(pid)
    command = [sys.executable, "-c", UP, str(settings.home)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(each.communicate(timeout=60)[0]) for each in both]
    assert said[0]["pids"] == said[1]["pids"]
    assert sorted(map(len, (said[0]["started"], said[1]["started"]))) == [0, len(SERVERS)]
    await assert_kept(up(settings, parts=SERVERS, scatter_ports=True), evidence)


@pytest.mark.parametrize("content", ["", "{not json", '{"parts": {"redis": {"pid": "x"}}}'])
async def test_a_lost_state_file_loses_no_data_and_leaves_no_second_server(
    settings: Settings, evidence: Evidence, content: str
) -> None:
    before = up(settings, parts=SERVERS, scatter_ports=True)
    (before.home / "stack.json").write_text(content)
    after = up(settings, parts=SERVERS, scatter_ports=True)
    assert not set(before.pids.values()) & set(after.pids.values())
    assert set(marked(after.home)) == set(after.pids.values())
    await assert_kept(after, evidence)


def test_a_remembered_pid_that_is_somebody_elses_is_left_alone(settings: Settings) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        before = up(settings, parts=SERVERS, scatter_ports=True)
        file = before.home / "stack.json"
        remembered = json.loads(file.read_text())
        remembered["parts"]["redis"] |= {"pid": stranger.pid, "create_time": time.time() - 3600}
        file.write_text(json.dumps(remembered))
        after = up(settings, parts=SERVERS, scatter_ports=True)
        assert stranger.poll() is None
        assert set(marked(after.home)) == set(after.pids.values())
        assert before.pids["redis"] not in after.pids.values()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_stopped_answering_is_replaced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starter.stack.starting.SECOND_CHANCE_SECONDS", 0.3)
    monkeypatch.setattr("starter.stack.processes.GRACE_SECONDS", 0.3)
    before = up(settings, parts=SERVERS, scatter_ports=True)
    psutil.Process(before.pids["redis"]).suspend()
    after = up(settings, parts=SERVERS, scatter_ports=True)
    assert set(after.seconds) == {"redis"}
    assert after.pids["redis"] != before.pids["redis"]


def test_what_postgres_left_behind_when_killed_does_not_hinder_it(settings: Settings) -> None:
    before = up(settings, parts=SERVERS, scatter_ports=True)
    kill(before.pids["postgres"])
    # The pid file names a process that exists: after a restart of the machine that can be anybody.
    pid_file = Path(settings.home, "data", "postgres", "postmaster.pid")
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(psutil.Process().pid), *lines[1:]]) + "\n")
    assert set(up(settings, parts=SERVERS, scatter_ports=True).seconds) == {"postgres"}
