"""What the client makes of settings and answers that are none."""

import http.server
import json
import threading
from collections.abc import Generator

import pytest

from models.errors import InvalidInput
from starter.client import Client, Unreachable

ESC = "\x1b"


@pytest.mark.parametrize("url", ["", "x", "http://", "http://[::1", "ftp://x", "file:///etc/passwd"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Client(url, "token")
    assert "CONCLAVE_API_URL" in caught.value.problem.message


@pytest.mark.parametrize("token", ["", " ", "se\ncret", "sécret", f"{ESC}secret"])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Client("http://127.0.0.1", token)
    assert "CONCLAVE_API_TOKEN" in caught.value.problem.message
    assert "cret" not in caught.value.problem.message


@pytest.fixture
def stranger() -> Generator[http.server.HTTPServer]:
    """Answers every request alike, as the test says."""

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"<html>", b"", b"data: {}\n\n", b"\xff", b'{"error": 1}'])
def test_another_service_is_told_apart(stranger: http.server.HTTPServer, body: bytes) -> None:
    stranger.answer = (200, body)  # type: ignore[attr-defined]
    client = Client(f"http://127.0.0.1:{stranger.server_port}", "token")
    for ask in (client.review, client.report):
        with pytest.raises(Unreachable, match="is not the Conclave API"):
            ask("0" * 32)
    if body.startswith(b"data:"):
        with pytest.raises(Unreachable, match="is not the Conclave API"):
            list(client.follow("0" * 32))


def test_what_answers_does_not_write_on_the_terminal(stranger: http.server.HTTPServer) -> None:
    told = {"error": {"code": "no", "message": f"{ESC}]0;x\x07 no\nway"}}
    stranger.answer = (400, json.dumps(told).encode())  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput) as caught:
        Client(f"http://127.0.0.1:{stranger.server_port}", "token").review("0" * 32)
    shown = caught.value.problem
    assert (shown.code + shown.message).isprintable()


@pytest.mark.parametrize("details", [{}, {"lines": "x"}, {"lines": {}}, {"lines": [f"{ESC}[2Jline 1\n", 7]}])
def test_lines_of_a_refused_file_are_told_cleanly(stranger: http.server.HTTPServer, details: object) -> None:
    told = {"error": {"code": "invalid_dataset", "message": "no", "details": details}}
    stranger.answer = (422, json.dumps(told).encode())  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput) as caught:
        Client(f"http://127.0.0.1:{stranger.server_port}", "token").review("0" * 32)
    lines = ["line 1", "7"] if details == {"lines": [f"{ESC}[2Jline 1\n", 7]} else None
    assert caught.value.problem.details.get("lines") == lines
