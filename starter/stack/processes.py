"""The processes of the local stack: detached from their launcher, found again by pid, start time and a mark."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

    from starter.stack.part import Command

MARK = "CONCLAVE_STACK_PART"
"""Environment variable that names the part and the home of a process, for when its record is lost."""

GRACE_SECONDS = 15.0
"""How long a part may take to end after its own stop signal."""

SAME_START_SECONDS = 2.0
"""Start times are derived from the clock, so a corrected clock shifts them a little."""

MAX_LOG_BYTES = 10 * 1024 * 1024

# A dropped Popen of a running child warns, and the children are meant to outlive us. Kept ones are also reaped by poll,
# so that a killed part does not stay behind as a zombie of a long-lived launcher (a test run).
_children: dict[int, subprocess.Popen[bytes]] = {}


def mark(part: str, home: Path) -> str:
    """Value of `MARK` for one part of one stack."""
    return f"{part}@{home}"


def spawn(command: "Command", log: Path, marked: str) -> tuple[int, float]:
    """Start a process in a session of its own, its output appended to a log.

    Returns:
        Its pid and start time.
    """
    import psutil

    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    user = command.user
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            cwd=command.cwd,
            env={**command.whole_environment(), MARK: marked},
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            # Whoever may pass through our folders (Postgres' own user) still reads nothing of the others.
            umask=0o077,
        )
    finally:
        os.close(descriptor)
    _children[process.pid] = process
    with suppress(psutil.NoSuchProcess):
        return process.pid, psutil.Process(process.pid).create_time()
    return process.pid, time.time()


def exit_code(pid: int) -> int | None:
    """How a child of this process ended (negative: the signal); None while it runs or when it is not our child."""
    child = _children.get(pid)
    return None if child is None else child.poll()


def is_alive(pid: int, create_time: float) -> bool:
    """Whether the process that was started then still runs: not a successor of its pid, and not a zombie."""
    import psutil

    exit_code(pid)
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - create_time) <= SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(pid: int, create_time: float, stop_signal: int) -> bool:
    """End a process by its own signal, then by SIGKILL with its whole group.

    Returns:
        Whether it ended by itself, that is without SIGKILL.
    """
    if not is_alive(pid, create_time):
        return True
    with suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    if _gone(pid, create_time, GRACE_SECONDS):
        return True
    with suppress(ProcessLookupError):
        # Every part began a session and a group of its own, so this reaches its helpers and nobody else.
        os.killpg(os.getpgid(pid), signal.SIGKILL)
    _gone(pid, create_time, 5.0)
    return False


def _gone(pid: int, create_time: float, within: float) -> bool:
    deadline = time.monotonic() + within
    while is_alive(pid, create_time):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def strays(home: Path, recorded: Mapping[str, int]) -> "Iterator[tuple[str, psutil.Process]]":
    """Processes of this stack that no record knows: their launcher was killed, or its file was lost.

    Args:
        home: folder of the stack.
        recorded: pid of every part that runs as recorded; what belongs to such a part is not a stray.
    """
    import psutil

    suffix = f"@{home}"
    for process in psutil.process_iter():
        try:
            value = process.environ().get(MARK, "")
        except psutil.Error:
            continue
        part = value.removesuffix(suffix)
        if value.endswith(suffix) and part not in recorded and process.pid != os.getpid():
            yield part, process
