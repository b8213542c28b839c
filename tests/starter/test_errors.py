"""Everything that can be wrong on a command line: one line, the way out, the exit code; with `--json` the envelope."""

import http.server
import json
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from starter.cli import app
from tests.starter.loopback import loopback, nothing_runs

CANARY = "sk-canary-4f2a"
"""What nothing may repeat."""


def run(*arguments: str, home: Path, **environment: str) -> Result:
    """The command in a folder of its own, with a service that does not answer unless one is named."""
    usual = {"CONCLAVE_HOME": str(home), "CONCLAVE_API_URL": "http://127.0.0.1:9", "CONCLAVE_API_TOKEN": "token"}
    return CliRunner().invoke(app, arguments, env=usual | environment)


CASES: list[tuple[str, tuple[str, ...], int, str, tuple[str, ...]]] = [
    ("101 unknown option", ("review", ".", "--formt", "x"), 2, "usage", ("Did you mean --format?",)),
    ("101 option like no other", ("review", ".", "--zzz"), 2, "usage", ("--zzz", "`conclave review --help`")),
    ("101 unknown command", ("rewiev",), 2, "usage", ("Did you mean 'review'", "`conclave --help`")),
    ("101 unknown command of a group", ("experiment", "shw"), 2, "usage", ("Did you mean 'show'?",)),
    ("101 missing argument", ("experiment", "show"), 2, "usage", ("EXPERIMENT", "`conclave experiment show --help`")),
    ("101 missing option", ("promote", "x"), 2, "usage", ("--reason",)),
    ("101 no number", ("experiment", "list", "--limit", CANARY), 2, "usage", ("--limit", "integer")),
    ("101 number out of bounds", ("audit", "list", "--limit", "101"), 2, "usage", ("--limit", "100")),
    ("101 too many arguments", ("versions", CANARY), 2, "usage", ("more arguments than it takes",)),
    ("101 no such value", ("review", ".", "--mode", CANARY), 2, "invalid_option", ("--mode", "backtrack")),
    ("101 nothing to review", ("review",), 2, "path_required", ("`.`", "--follow")),
    ("101 two things at once", ("review", ".", "--follow", "x"), 2, "conflicting_options", ("--follow",)),
    ("102 no such folder", ("review", "no-such-folder"), 2, "path_not_found", ("no-such-folder",)),
    ("102 no such diff", ("review", ".", "--diff", "no.diff"), 2, "path_not_found", ("no.diff",)),
    ("102 no such report", ("review", ".", "--coverage", "no.xml"), 2, "coverage_unreadable", ("no.xml",)),
    ("102 a folder for a file", ("audit", "verify", "."), 2, "file_unreadable", (". cannot be read", "directory")),
    ("102 no such export", ("audit", "verify", "no.jsonl"), 2, "file_unreadable", ("no.jsonl", "No such file")),
    ("102 no folder to write to", ("review", ".", "--output", "no/x"), 2, "invalid_output", ("--output",)),
    ("103 key as an argument", ("key", "add", "gpt", CANARY), 2, "key_in_argv", ("pipe it in", "prompt")),
    ("103 key as an option", ("key", "add", "gpt", f"--api-key={CANARY}"), 2, "key_in_argv", ("pipe it in",)),
    ("103 key behind an option", ("key", "rotate", "5d", "--key", CANARY), 2, "key_in_argv", ("replace it",)),
    ("103 key where none goes", ("provider", "show", "gpt", CANARY), 2, "usage", ("more arguments",)),
    ("107 no answer", ("experiment", "list"), 4, "unreachable", ("127.0.0.1 does not answer", "`conclave status`")),
    ("107 no answer to a watch", ("watch", "--once"), 4, "unreachable", ("127.0.0.1 does not answer",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_is_wrong_is_one_line_with_the_way_out(
    case: tuple[str, tuple[str, ...], int, str, tuple[str, ...]],
    as_json: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, arguments, code, slug, told = case
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, *(["--json"] if as_json else []), home=tmp_path)
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    (line,) = done.stderr.splitlines()
    assert CANARY not in line
    if as_json:
        error = json.loads(line)["error"]
        assert (sorted(error), error["code"]) == (["code", "details", "message"], slug)
        line = error["message"]
    else:
        assert line.startswith("conclave")
    for part in told:
        assert part in line


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("new.toml", "a = 1\nb = = 2\n", "new.toml:2 is not TOML"),
        ("new.json", '{"a": 1,\n"b": }\n', "new.json:2 is not JSON"),
        ("none.toml", None, "none.toml cannot be read: No such file"),
    ],
)
def test_105_a_configuration_that_cannot_be_read_is_named_with_its_line(
    name: str, text: str | None, told: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    from models.errors import InvalidInput
    from models.reviewer_config import ReviewerConfig
    from starter.commands.reviewer_config import config_from

    with pytest.raises(InvalidInput) as caught:
        config_from(tmp_path / name, ReviewerConfig(), ())
    assert told in caught.value.problem.message


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("CONCLAVE_API_PORT=8300\n", 0o644, "can be read by other users. Run `chmod 600`"),
        (f"CONCLAVE_API_PROT={CANARY}\n", 0o600, "CONCLAVE_API_PROT: no such setting"),
        (f"CONCLAVE_API_PORT={CANARY}\n", 0o600, "api_port"),
    ],
    ids=["104 exposed", "106 unknown", "106 no number"],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_settings_that_cannot_be_used(tmp_path: Path, text: str, mode: int, told: str, as_json: bool) -> None:
    file = tmp_path / ".env"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    done = run("experiment", "list", *(["--json"] if as_json else []), home=tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line and CANARY not in line
    if as_json:
        assert json.loads(line)["error"]["code"] == "config_invalid"


@contextmanager
def stranger(kind: str) -> Generator[str]:
    """Something else where the service should be; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(502 if kind == "proxy's error" else 200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<html>{CANARY}</html>".encode())

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scheme = "https" if kind == "no TLS" else "http"
        yield f"{scheme}://127.0.0.1:{server.server_port}/{CANARY}"
        server.shutdown()


@pytest.mark.parametrize("kind", ["page of a proxy", "proxy's error", "no TLS"])
def test_107_a_stranger_is_told_by_its_host_alone(kind: str, tmp_path: Path) -> None:
    with stranger(kind) as url:
        done = run("experiment", "list", home=tmp_path, CONCLAVE_API_URL=url)
    assert (done.exit_code, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert "127.0.0.1" in line and CANARY not in line and "token" not in line


def test_107_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    """The other side of TLS that cannot be agreed on: no certificate at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            try:
                context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        done = run("experiment", "list", home=tmp_path, CONCLAVE_API_URL=url)
        thread.join()
    assert done.exit_code == 4
    (line,) = done.stderr.splitlines()
    assert "127.0.0.1" in line and "TLS" in line


def test_a_group_without_a_command_shows_its_help(tmp_path: Path) -> None:
    done = run("experiment", home=tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Commands:" in done.stderr and "verdict" in done.stderr


def test_what_the_service_refuses_keeps_its_code_and_lines(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    with loopback() as service:
        details = {"lines": ["line 1: `code` is missing"]}
        refusal = {"error": {"code": "invalid_dataset", "message": "One line is not valid.", "details": details}}
        service.says("POST /datasets", (422, refusal))
        arguments = ("dataset", "import", str(tmp_path / "bad.jsonl"))
        text = run(*arguments, home=tmp_path, CONCLAVE_API_URL=service.url)
        assert text.stderr.splitlines()[1:] == ["  line 1: `code` is missing"]
        machine = run(*arguments, "--json", home=tmp_path, CONCLAVE_API_URL=service.url)
    assert json.loads(machine.stderr) == refusal
    assert (text.exit_code, machine.exit_code) == (2, 2)


def test_a_service_that_asks_for_patience_is_not_given_up_while_watching(tmp_path: Path) -> None:
    from starter.client import Client
    from starter.commands.watch import Looks
    from starter.watching import Watch

    with loopback() as service:
        nothing_runs(service)
        busy = {"error": {"code": "rate_limited", "message": "Too many requests; wait 1 s.", "details": {}}}
        service.says("GET /reviews", (429, busy), (200, {"reviews": [], "next_cursor": None}))
        looks = Looks(Watch(Client(service.url, "token")))
        assert "wait 1 s" in (looks.take().away or "")
        assert looks.take().away is None


def test_a_large_dataset_is_sent_with_its_progress(tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    file.write_text("x" * 3_000_000, encoding="utf-8")
    with loopback() as service:
        refusal = {"error": {"code": "invalid_dataset", "message": "It is no dataset.", "details": {}}}
        service.says("POST /datasets", (422, refusal))
        done = run("dataset", "import", str(file), home=tmp_path, CONCLAVE_API_URL=service.url)
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert lines[0] == "sending: 0 of 3,000 kB" and lines[-2] == "sent; the service checks it: 3,000 of 3,000 kB"
    assert 5 <= len(lines) <= 14
