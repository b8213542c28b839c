"""Runs analysers on code that nobody has vetted: no network, nothing to read but the code, bounded in every respect."""

import asyncio
import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from activities.experts import sandbox_view
from activities.experts.analyser import Completed, Limits
from activities.experts.sandbox_process import launch, launch_files, read_status
from activities.experts.temporary import temporary_folder
from activities.ports import IsolationUnavailable

NAMESPACES, LIMITS_ONLY = "namespaces", "limits-only"
SCRATCH = "/scratch"
"""Working directory inside; a small file system in memory that is gone with the process."""


def environment(scratch: str) -> dict[str, str]:
    """All that a program inside knows of the outside: nothing."""
    threads = str(min(os.cpu_count() or 1, 8))
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "RAYON_NUM_THREADS": threads,
        "MALLOC_ARENA_MAX": "2",
        "NO_COLOR": "1",
        "RUFF_NO_CACHE": "true",
    }


def resource_limits(limits: Limits, namespaces: bool) -> dict[str, int]:
    """The limits by the names the `resource` module has for them."""
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CPU": limits.cpu_seconds,
    }
    if sys.platform == "linux":  # macOS counts address space and processes differently and refuses sane values
        wanted["RLIMIT_AS"] = limits.memory_bytes
        wanted["RLIMIT_NPROC"] = limits.processes + (0 if namespaces and counts_apart() else own_tasks())
    return wanted


def counts_apart() -> bool:
    """Whether a user namespace has a process count of its own: since Linux 5.14."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)) or 0)) >= (5, 14)


def own_tasks() -> int:
    """Tasks of this user: without a count of its own they all count against the process limit."""
    total, uid = 0, os.getuid()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == uid:
                total += len(os.listdir(f"/proc/{pid}/task"))
    return total


@functools.cache
def isolation_report() -> tuple[str, str]:
    """What this machine allows: the level (`namespaces` or `limits-only`) and the reason in words."""
    why = refusal()
    if why is None:
        return NAMESPACES, "analysers run without network, and see nothing but the code under review"
    return LIMITS_ONLY, f"no network-less namespace ({why}): analysers can reach the network and your files"


def refusal() -> str | None:
    """Try the whole isolation once; what stood in its way, or None."""
    if sys.platform != "linux":
        return "this system has none"
    # The program loads libraries as an analyser does: a root folder in which Python cannot start is of no use.
    argv = [sys.executable, "-I", "-c", "import ctypes, json, zlib; print('inside')"]
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(argv, Limits(), SCRATCH, sandbox_view.mounts(Path(folder), (), ()))
        with launch_files(config) as (command, fds, status):
            try:
                done = subprocess.run(
                    command,
                    pass_fds=fds,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=20,
                    env={},
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return "the kernel did not answer in time"
            word, rest = read_status(status)
    if word == "exit" and done.stdout == b"inside\n":
        return None
    return rest if word == "setup" else "Python does not start inside one"


def configuration(
    argv: list[str], limits: Limits, scratch: str, seen: list[sandbox_view.Mount] | None
) -> dict[str, object]:
    """What the launcher is told; `seen` is what the program may see in a root of its own, None without namespaces."""
    return {
        "argv": argv,
        "env": environment(scratch),
        "scratch": scratch,
        "namespaces": seen is not None,
        "base": os.path.realpath(tempfile.gettempdir()),
        "links": sandbox_view.system_links(),
        "mounts": seen or [],
        "file_bytes": limits.file_bytes,
        "limits": resource_limits(limits, seen is not None),
    }


def user_home() -> tuple[Path, ...]:
    """The home of this user; none in containers whose user has neither HOME nor an account."""
    with contextlib.suppress(RuntimeError):
        return (Path.home(),)
    return ()


class KernelSandbox:
    """The sandbox by means of the kernel alone: namespaces where it gives them, resource limits everywhere."""

    def __init__(
        self,
        *,
        required: bool = False,
        hidden: tuple[Path, ...] = (),
        at_once: int | None = None,
        report: Callable[[], tuple[str, str]] = isolation_report,
    ) -> None:
        """Prepare a sandbox.

        Args:
            required: refuse to run anything where the kernel gives no network-less namespace.
            hidden: folders no program may see, even inside something it may see. The user's home is one already.
            at_once: how many programs may run at a time; one per processor if None.
            report: says what the machine allows.
        """
        self._required = required
        self._hidden = (*user_home(), *hidden)
        self._places = asyncio.Semaphore(at_once or os.cpu_count() or 1)
        self._report = report

    @property
    def isolation(self) -> str:
        """`namespaces` or `limits-only`."""
        return self._report()[0]

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        """Run a program to its end; see `activities.experts.analyser.Sandbox`."""
        level, reason = await asyncio.to_thread(self._report)
        if self._required and level != NAMESPACES:
            raise IsolationUnavailable(reason)
        limits = limits or Limits()
        async with self._places:
            if level == NAMESPACES:
                seen = sandbox_view.mounts(tree, extra_read, self._hidden)
                return await launch(configuration(argv, limits, SCRATCH, seen), stdin, limits)
            with temporary_folder() as scratch:
                return await launch(configuration(argv, limits, scratch, None), stdin, limits)
