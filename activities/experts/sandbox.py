"""Runs analysers on code that nobody has vetted: no network, nothing to read but the code, bounded in every respect."""

import asyncio
import contextlib
import functools
import marshal
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Generator
from pathlib import Path

from activities.experts import sandbox_view
from activities.experts.analyser import Completed, Limits, Outcome
from activities.ports import IsolationUnavailable

SCRATCH = "/scratch"
"""Working directory inside; a small file system in memory that is gone with the process."""
LAUNCH = "import sys; sys.path.append(sys.argv[3]); from activities.experts.sandbox_child import main; main()"
CODE_ROOT = str(Path(__file__).resolve().parents[2])
STDERR_BYTES = 8 * 1024
READ_BYTES = 64 * 1024
GRACE_SECONDS = 2.0
"""How long a launcher may take to kill its descendants before it is killed itself."""
OUT_OF_MEMORY = (
    b"MemoryError",
    b"memory allocation of",
    b"bad_alloc",
    b"Cannot allocate memory",
    b"out of memory",
)


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
        wanted["RLIMIT_NPROC"] = limits.processes + (0 if namespaces else own_tasks())
    return wanted


def own_tasks() -> int:
    """Tasks of this user: outside a user namespace they all count against the process limit."""
    total, uid = 0, os.getuid()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == uid:
                total += len(os.listdir(f"/proc/{pid}/task"))
    return total


@functools.cache
def isolation_report() -> tuple[str, str]:
    """What this machine allows: the level (`namespaces` or `limits-only`) and the reason in words."""
    if sys.platform != "linux":
        return (
            "limits-only",
            "this system has no Linux namespaces: analysers can reach the network and your files",
        )
    with tempfile.TemporaryDirectory() as folder:
        # The probe loads a program's worth of libraries: a root folder in which Python cannot start is of no use.
        argv = [sys.executable, "-I", "-c", "import ctypes, json, ssl; print('inside')"]
        config = configuration(argv, Limits(), tree=Path(folder), scratch=SCRATCH, namespaces=True)
        with launch_files(config) as (command, fds, status):
            try:
                done = subprocess.run(
                    command,
                    pass_fds=fds,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=20,
                    env={},
                )
            except subprocess.TimeoutExpired:
                return (
                    "limits-only",
                    "the kernel did not answer in time when asked for a namespace",
                )
            word, rest = read_status(status)
    if word == "exit" and done.stdout == b"inside\n":
        return (
            "namespaces",
            "analysers run without network, and see nothing but the code under review",
        )
    why = rest if word == "setup" else "Python does not start inside it"
    return (
        "limits-only",
        f"no network-less namespace ({why}): analysers can reach the network and your files",
    )


def configuration(
    argv: list[str],
    limits: Limits,
    *,
    tree: Path,
    scratch: str,
    namespaces: bool,
    extra_read: tuple[Path, ...] = (),
    hidden: tuple[Path, ...] = (),
) -> dict[str, object]:
    """What the launcher is told."""
    return {
        "argv": argv,
        "env": environment(scratch),
        "scratch": scratch,
        "namespaces": namespaces,
        "base": os.path.realpath(tempfile.gettempdir()),
        "links": sandbox_view.system_links() if namespaces else (),
        "mounts": sandbox_view.mounts(tree, extra_read, hidden) if namespaces else (),
        "file_bytes": limits.file_bytes,
        "limits": resource_limits(limits, namespaces),
    }


@contextlib.contextmanager
def launch_files(
    config: dict[str, object],
) -> Generator[tuple[list[str], tuple[int, int], int]]:
    """The launcher's command, the descriptors to pass on, and the descriptor to read its status from."""
    with tempfile.TemporaryFile() as file:
        marshal.dump(config, file)
        file.seek(0)
        reader, writer = os.pipe()
        try:
            command = [
                sys.executable,
                "-I",
                "-S",
                "-c",
                LAUNCH,
                str(file.fileno()),
                str(writer),
                CODE_ROOT,
            ]
            yield command, (file.fileno(), writer), reader
        finally:
            os.close(reader)
            os.close(writer)


def read_status(reader: int) -> tuple[str, str]:
    """The launcher's last word after it ended; empty if it was killed."""
    os.set_blocking(reader, False)
    try:
        lines = os.read(reader, 4096).decode(errors="replace").splitlines()
    except BlockingIOError:
        lines = []
    word, _, rest = (lines[-1] if lines else "").partition(" ")
    return word, rest


def outcome_of(status: tuple[str, str], stderr: bytes, limits: Limits) -> tuple[Outcome, int | None]:
    """Tell from the launcher's word how the program ended, and its exit code."""
    word, rest = status
    if word == "exec":
        return "tool_missing", None
    if word != "exit":
        return "killed", None
    wait_status, cpu_seconds = rest.split()
    code = os.waitstatus_to_exitcode(int(wait_status))
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and float(cpu_seconds) >= limits.cpu_seconds):
        return "cpu", code
    if code != 0 and any(mark in stderr for mark in OUT_OF_MEMORY):
        return "memory", code
    return ("exited" if code >= 0 else "killed"), code


class KernelSandbox:
    """The sandbox by means of the kernel alone: namespaces where it gives them, resource limits everywhere."""

    def __init__(
        self,
        *,
        required: bool = False,
        hidden: tuple[Path, ...] = (),
        at_once: int | None = None,
    ) -> None:
        """Prepare a sandbox.

        Args:
            required: refuse to run anything where the kernel gives no network-less namespace.
            hidden: folders no program may see, even inside something it may see. The user's home is one already.
            at_once: how many programs may run at a time; one per processor if None.
        """
        self._required = required
        self._hidden = (Path.home(), *hidden)
        self._places = asyncio.Semaphore(at_once or os.cpu_count() or 1)

    @property
    def isolation(self) -> str:
        """`namespaces` or `limits-only`."""
        return isolation_report()[0]

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
        level, reason = await asyncio.to_thread(isolation_report)
        if self._required and level != "namespaces":
            raise IsolationUnavailable(reason)
        limits = limits or Limits()
        async with self._places:
            if level == "namespaces":
                config = configuration(
                    argv,
                    limits,
                    tree=tree,
                    scratch=SCRATCH,
                    namespaces=True,
                    extra_read=extra_read,
                    hidden=self._hidden,
                )
                return await _launch(config, stdin, limits)
            scratch = tempfile.mkdtemp(prefix="conclave-")
            try:
                config = configuration(argv, limits, tree=tree, scratch=scratch, namespaces=False)
                return await _launch(config, stdin, limits)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)


async def _launch(config: dict[str, object], stdin: bytes, limits: Limits) -> Completed:
    """Start the launcher, feed and drain it, and see to it that nothing of it is left."""
    started = time.monotonic()
    with launch_files(config) as (command, fds, status):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=fds,
            env={},
            cwd="/",
            start_new_session=True,
        )
        cut: Outcome | None = None
        output, errors = bytearray(), bytearray()
        try:
            async with asyncio.timeout(limits.wall_seconds):
                await _talk(process, stdin, output, errors, limits.output_bytes)
        except TimeoutError:
            cut = "timeout"
        except _TooMuch:
            cut = "output_too_large"
        finally:
            await _end(process, gently=not config["namespaces"])
        outcome, code = (cut, None) if cut else outcome_of(read_status(status), bytes(errors), limits)
    return Completed(outcome, code, bytes(output), bytes(errors), time.monotonic() - started)


class _TooMuch(Exception):
    """The program writes more than it may."""


async def _talk(process: Process, stdin: bytes, output: bytearray, errors: bytearray, most: int) -> None:
    """Feed a process and read what it says until it closes both outputs and ends."""
    assert process.stdin and process.stdout and process.stderr

    async def feed(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(stdin)
            await writer.drain()
        writer.close()

    async def keep_first(reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(READ_BYTES):
            output.extend(chunk[: most - len(output)])
            if len(output) >= most:
                raise _TooMuch

    async def keep_last(reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(READ_BYTES):
            errors.extend(chunk)
            del errors[:-STDERR_BYTES]

    tasks = (
        feed(process.stdin),
        keep_first(process.stdout),
        keep_last(process.stderr),
        process.wait(),
    )
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _end(process: Process, *, gently: bool) -> None:
    """Kill a process and all it started, if it still runs, and wait for it; not stopped by a cancellation."""
    if process.returncode is None:
        if gently:
            # Without a PID namespace only the launcher can find its descendants: it is asked to.
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                process.terminate()
                await asyncio.wait_for(asyncio.shield(process.wait()), GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
