"""A sandbox that is none: runs the program as an ordinary child, for tests of what analysers make of its answer."""

import asyncio
import resource
import tempfile
import time
from pathlib import Path

from activities.experts.analyser import Completed, Limits, Usage


class PlainSandbox:
    """Runs a program with a limit on time and one on memory, and nothing else."""

    isolation = "limits-only"

    def __init__(self) -> None:
        """Count the calls."""
        self.calls: list[list[str]] = []

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        """Run a program to its end."""
        self.calls.append(argv)
        limits = limits or Limits()
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=scratch,
                env={"PATH": "/usr/bin:/bin", "HOME": scratch, "LANG": "C.UTF-8"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes)),
            )
            try:
                out, err = await asyncio.wait_for(process.communicate(stdin), limits.wall_seconds)
            except TimeoutError:
                process.kill()
                await process.wait()
                return Completed("timeout", None, b"", b"", Usage(time.monotonic() - started))
        usage = Usage(time.monotonic() - started)
        if len(out) > limits.output_bytes:
            return Completed("output_too_large", process.returncode, b"", err[-8192:], usage)
        code = process.returncode
        if code and b"MemoryError" in err:
            return Completed("memory", code, b"", err[-8192:], usage)
        return Completed("exited" if code is not None and code >= 0 else "killed", code, out, err[-8192:], usage)
