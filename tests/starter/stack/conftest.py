"""A stack of this folder's own: its tests kill parts of it."""

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from models.settings import Settings
from starter.stack import processes
from starter.stack.launcher import SERVERS, Stack, up
from tests.stack_fixture import new_folder, running_stack, stack_settings


@pytest.fixture(scope="package")
def settings() -> Generator[Settings]:
    with new_folder() as folder, running_stack(folder / "home"):
        yield stack_settings(folder / "home")


@pytest.fixture
def folder() -> Generator[Path]:
    """An empty folder in which Postgres can work also when the tests run as root."""
    with new_folder() as made:
        yield made


@pytest.fixture
def own_stack(settings: Settings) -> Stack:
    """The four servers, repaired from whatever the test before did to them."""
    return up(settings, parts=SERVERS, scatter_ports=True)


def kill(pid: int) -> None:
    """What a crash does: no farewell, at once."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while processes.is_alive(pid, psutil.Process(pid).create_time() if psutil.pid_exists(pid) else 0.0):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def marked(home: Path) -> list[int]:
    """Processes that belong to the stack in `home`."""
    return [process.pid for _, process in processes.strays(home, {}) if process.status() != psutil.STATUS_ZOMBIE]
