"""A real OPA server on the loopback, where there is an `opa` on the PATH."""

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

OPA = shutil.which("opa")
needs_opa = [pytest.mark.extra, pytest.mark.skipif(OPA is None, reason="needs a program: opa on the PATH")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def opa_server(
    *arguments: str | Path, port: int | None = None, environment: dict[str, str] | None = None
) -> Generator[str]:
    """The address of a server of its own.

    Args:
        *arguments: more of the command line.
        port: to listen on; None: a free one.
        environment: all of it.
    """
    port = port or free_port()
    command = [str(OPA), "run", "--server", f"--addr=127.0.0.1:{port}", "--log-level=error", "--skip-version-check"]
    server = subprocess.Popen([*command, *map(str, arguments)], stderr=subprocess.DEVNULL, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "OPA did not start"
        time.sleep(0.05)
