"""The four real servers for tests, in a folder of their own and on random ports.

    pytest_plugins = ["tests.stack_fixture"]      # in the conftest.py at the top of the tests

gives every test the session-wide fixture `stack`. With pytest-xdist all workers share one stack.
"""

import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from models.settings import Settings
from starter.stack.launcher import SERVERS, Stack, down, up
from starter.stack.part import Part


def stack_settings(home: Path, **also: object) -> Settings:
    """Settings of a stack in `home`, whatever `.env` says; all tests share an address, and many a token."""
    unlimited = {"rate_per_minute": 0, "failed_logins_per_minute": 0}
    return Settings.model_validate({"home": home, **unlimited, **also})


@contextmanager
def running_stack(home: Path, parts: Sequence[Part] = SERVERS, **also: object) -> Generator[Stack]:
    """A stack that is gone afterwards: processes, sockets and data. `also`: further settings."""
    settings = stack_settings(home, **also)
    try:
        yield up(settings, parts=parts, scatter_ports=True)
    finally:
        down(settings)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Generator[Stack]:
    """Temporal, Postgres, Redis and OpenBao, started at the first use and stopped after the last."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        with new_folder() as folder, running_stack(folder / "stack") as found:
            yield found
        return
    # The same for every worker of this run, and for nobody else.
    shared = Path(tempfile.gettempdir(), f"conclave-{os.environ['PYTEST_XDIST_TESTRUNUID']}")
    home, users = shared / "stack", shared / "users"
    shared.mkdir(mode=0o700, exist_ok=True)
    users.mkdir(exist_ok=True)
    lock = FileLock(shared / "users.lock")
    with lock:
        (users / worker).touch()
        found = up(stack_settings(home), parts=SERVERS, scatter_ports=True)
    try:
        yield found
    finally:
        with lock:
            (users / worker).unlink()
            last = not any(users.iterdir())
            if last:
                down(stack_settings(home))
        if last:
            shutil.rmtree(shared, ignore_errors=True)


@contextmanager
def new_folder() -> Generator[Path]:
    """An empty folder that goes away, not below pytest's own.

    Every pytest that starts closes that one to other users again, and with it the way of a Postgres that runs as its
    own user because the tests run as root.
    """
    with tempfile.TemporaryDirectory(prefix="conclave-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
