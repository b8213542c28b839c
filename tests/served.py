"""The API behind a real socket, in this process."""

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import pytest
import uvicorn

from models.settings import Settings
from starter.api.app import create_app


@contextmanager
def served(environment: Mapping[str, str]) -> Generator[str]:
    """The address of the API with these settings, on a free port until the end."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        app = create_app(Settings())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            time.sleep(0.02)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
