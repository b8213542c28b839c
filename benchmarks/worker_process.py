"""A worker process for a stack that has none."""

import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from starter.stack.launcher import Stack


@contextmanager
def worker_process(stack: Stack, argv: Sequence[str]) -> Generator[int, None, None]:
    """Run `python -m ARGV` with the stack's environment; gives its pid."""
    environment = {**os.environ, **stack.environment(), "CONCLAVE_ALLOW_LOOPBACK_PROVIDERS": "true"}
    with subprocess.Popen(
        [sys.executable, "-m", *argv], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
