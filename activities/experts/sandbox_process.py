"""One sandboxed process: started through the launcher, fed, drained, and ended with all it started."""

import asyncio
import contextlib
import marshal
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Generator
from pathlib import Path

from activities.experts.analyser import Completed, Limits, Outcome, Usage

LAUNCH = "import sys; sys.path.append(sys.argv[3]); from activities.experts.sandbox_child import main; main()"
CODE_ROOT = str(Path(__file__).resolve().parents[2])
STDERR_BYTES = 8 * 1024
READ_BYTES = 64 * 1024
GRACE_SECONDS = 2.0
"""How long a launcher may take to kill its descendants before it is killed itself."""
OUT_OF_MEMORY = (b"MemoryError", b"memory allocation of", b"bad_alloc", b"Cannot allocate memory", b"out of memory")


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
    """What the launcher said first, after it ended: later lines follow from that. Empty if it was killed."""
    os.set_blocking(reader, False)
    try:
        lines = os.read(reader, 4096).decode(errors="replace").splitlines()
    except BlockingIOError:
        lines = []
    word, _, rest = (lines[0] if lines else "").partition(" ")
    return word, rest


def outcome_of(status: tuple[str, str], stderr: bytes, limits: Limits) -> tuple[Outcome, int | None]:
    """Tell from the launcher's word how the program ended, and its exit code."""
    word, rest = status
    if word == "exec":
        return "tool_missing", None
    if word != "exit":
        return "killed", None
    wait_status, cpu_seconds, _ = rest.split()
    code = os.waitstatus_to_exitcode(int(wait_status))
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and float(cpu_seconds) >= limits.cpu_seconds):
        return "cpu", code
    if code != 0 and any(mark in stderr for mark in OUT_OF_MEMORY):
        return "memory", code
    return ("exited" if code >= 0 else "killed"), code


def used(status: tuple[str, str]) -> tuple[float, float]:
    """Processor seconds and most MiB of memory, by the launcher's word; zeros where it said none."""
    word, rest = status
    if word != "exit":
        return 0.0, 0.0
    _, cpu_seconds, peak_kib = rest.split()
    return float(cpu_seconds), int(peak_kib) / 1024


async def launch(config: dict[str, object], stdin: bytes, limits: Limits) -> Completed:
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
        told = read_status(status)
        outcome, code = (cut, None) if cut else outcome_of(told, bytes(errors), limits)
    usage = Usage(time.monotonic() - started, *used(told))
    return Completed(outcome, code, bytes(output), bytes(errors), usage)


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
    # asyncio has no public way to close pipes that were not read to their end, and warns of them later.
    transport: asyncio.SubprocessTransport = vars(process)["_transport"]
    # Before waiting: asyncio tells the end of a process only when its pipes are closed, and a pipe whose reader has
    # enough is paused and never is.
    for descriptor in (0, 1, 2):
        pipe = transport.get_pipe_transport(descriptor)
        if pipe is not None and not pipe.is_closing():
            pipe.close()
    if process.returncode is None:
        if gently:
            # Without a PID namespace only the launcher can find its descendants: it is asked to.
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                process.terminate()
                await asyncio.wait_for(asyncio.shield(process.wait()), GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
    transport.close()
