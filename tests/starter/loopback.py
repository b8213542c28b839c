"""A service on the loopback that answers what a test says, for the command line as a process of its own."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONCLAVE = Path(sys.executable).with_name("conclave")
ID = "3f9c0d" + "0" * 26
WHEN = "2026-11-26T10:00:00+00:00"

Answer = tuple[int, Any] | bytes
"""Status and JSON; or the bytes of an event stream."""


@dataclass
class Loopback:
    """What it answers, by method and path, and what it was asked."""

    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict[str, Callable[[], Answer]])
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def says(self, place: str, *answers: Answer) -> None:
        """Answer with these one after the other, the last one for ever; `place` is like `GET /reviews`."""
        left = list(answers)
        self.answers[place] = lambda: left.pop(0) if len(left) > 1 else left[0]

    def environment(self, home: Path, **also: str) -> dict[str, str]:
        """Of a command that talks to this service and has nothing else."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CONCLAVE_HOME": str(home),
            "CONCLAVE_API_URL": self.url,
            "CONCLAVE_API_TOKEN": "token-of-a-test",
            "LANG": "C.UTF-8",
            **also,
        }

    def start(self, home: Path, *arguments: str, **also: str) -> subprocess.Popen[str]:
        """A command as a process, with pipes."""
        pipe = subprocess.PIPE
        command = [str(CONCLAVE), *arguments]
        return subprocess.Popen(command, env=self.environment(home, **also), stdout=pipe, stderr=pipe, text=True)


@contextmanager
def loopback() -> Generator[Loopback]:
    """A service that is gone afterwards."""
    service = Loopback()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = f"{self.command} {self.path}"
            service.asked.append(place)
            short = place.partition("?")[0]
            found = service.answers.get(place) or service.answers.get(short)
            missing = (404, {"error": {"code": "not_found", "message": "There is no such thing.", "details": {}}})
            answer = found() if found else missing
            stream = isinstance(answer, bytes)
            status, body = (200, answer) if isinstance(answer, bytes) else (answer[0], json.dumps(answer[1]).encode())
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        yield service
        server.shutdown()


def events(*views: dict[str, Any]) -> bytes:
    """An event stream that ends after these."""
    return "".join(f"event: progress\ndata: {json.dumps(view)}\n\n" for view in views).encode()


def review(status: str = "running", **changes: Any) -> dict[str, Any]:
    """A review as the API shows it."""
    experts = {"security": {"status": "running"}, "quality": {"status": "done", "findings": 2, "seconds": 1.5}}
    complexity = {"code_length": 10, "score": 0.1, "estimated_cost_usd": 0.01, "estimated_latency_ms": 1000}
    view = {"id": ID, "status": status, "label": "shop", "mode": "parallel", "experts": experts}
    return view | {"complexity": complexity, "workflow_id": f"review-{ID}", "created_at": WHEN} | changes


def promotion(status: str = "awaiting", **changes: Any) -> dict[str, Any]:
    """A promotion as the API shows it."""
    zeros = "0" * 64
    evidence = {
        "report_hash": f"report:v1:sha256:{zeros}",
        "config_hash": f"cfg:v1:sha256:{zeros}",
        "dataset_hash": f"ds:v1:sha256:{zeros}",
        "policy_hash": f"policy:v1:sha256:{zeros}",
    }
    view = {"id": ID, "experiment_id": "e" * 32, "status": status, "reason": "finds more", "evidence": evidence}
    people = {"needed": 2, "author": "ada", "requested_by": "bob"}
    times = {"requested_at": WHEN, "expires_at": "2036-11-26T10:00:00+00:00"}
    return view | people | times | {"workflow_id": f"promotion-{ID}"} | changes


def page(name: str, *rows: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A page of a list, the last one."""
    return 200, {name: list(rows), "next_cursor": None}


def nothing_runs(service: Loopback) -> None:
    """Four empty lists."""
    for name in ("reviews", "experiments", "comparisons", "promotions"):
        service.says(f"GET /{name}", page(name))
