"""`conclave review` as its user runs it: a process, its output, its exit code."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from starter.cli import app
from starter.stack.launcher import Stack
from tests.service_fixture import EXAMPLES
from tests.starter.test_command_tree import LEAVES

CONCLAVE = Path(sys.executable).with_name("conclave")
SCHEMA = Path(__file__).parent.parent / "data" / "sarif-schema-2.1.0.json"


def conclave(
    home: Path, *arguments: str | Path, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing of this environment but the path, and see that it prints no colours."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CONCLAVE_HOME": str(home), **extra}
    done = subprocess.run(
        [str(CONCLAVE), *map(str, arguments)], env=environment, cwd=cwd, capture_output=True, text=True, timeout=100
    )
    assert "\x1b" not in done.stdout
    return done


@pytest.fixture(scope="module")
def shop(service: Stack) -> dict[str, object]:
    done = conclave(service.home, "review", EXAMPLES / "python-shop", "--json")
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def kinds(report: dict[str, object]) -> set[str]:
    return {each["kind"] for each in report["findings"]}  # type: ignore[attr-defined, index]


def test_the_first_command_of_the_readme_finds_the_planted_flaws(shop: dict[str, object]) -> None:
    assert not shop["partial"]
    assert {"sql-injection", "insecure-deserialization"} <= kinds(shop)
    assert len(shop["findings"]) <= 15  # type: ignore[arg-type]
    assert shop["suppressed"] > 0  # type: ignore[operator]


def test_all_seven_experts_took_part(shop: dict[str, object]) -> None:
    states = {each["expert"]: each["status"] for each in shop["experts"]}  # type: ignore[attr-defined, index]
    assert len(states) == 7
    assert set(states.values()) == {"done"}


def test_the_ledger_has_every_file_for_every_expert(shop: dict[str, object]) -> None:
    cells = [(each["expert"], each["path"]) for each in shop["coverage"]]  # type: ignore[attr-defined, index]
    paths = {path for _, path in cells}
    assert len(cells) == len(set(cells)) == 7 * len(paths)


@pytest.mark.parametrize("example", ["javascript-board", "java-bank", "rust-notes", "cpp-parser"])
def test_every_example_shows_something(service: Stack, example: str) -> None:
    done = conclave(service.home, "review", EXAMPLES / example, "--fail-on", "medium")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "http://127.0.0.1:" in done.stdout


@pytest.mark.parametrize("mode", ["pipeline", "parallel", "backtrack"])
def test_every_mode_gives_the_same_findings(service: Stack, shop: dict[str, object], mode: str) -> None:
    done = conclave(service.home, "review", EXAMPLES / "python-shop", "--mode", mode, "--format", "json")
    report = json.loads(done.stdout)
    assert report["mode"] == mode
    assert report["findings"] == shop["findings"]


def test_sarif_is_valid_for_code_scanning(service: Stack, tmp_path: Path) -> None:
    file = tmp_path / "out.sarif"
    done = conclave(service.home, "review", EXAMPLES / "python-shop", "--format", "sarif", "--output", file)
    assert (done.returncode, done.stdout) == (1, "")
    sarif = json.loads(file.read_text())
    jsonschema.validate(sarif, json.loads(SCHEMA.read_text()))
    assert sarif["runs"][0]["results"]


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_other_formats(service: Stack, format: str) -> None:
    done = conclave(service.home, "review", EXAMPLES / "python-shop", "--format", format)
    assert done.returncode == 1
    assert "python-shop" in done.stdout


def test_fail_on_decides_the_exit_code(service: Stack, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "clean.py").write_text(
        '"""Adds."""\n\n\ndef add(a: int, b: int) -> int:\n    """Sum."""\n    return a + b\n'
    )
    assert conclave(service.home, "review", tmp_path / "shop", "--fail-on", "high").returncode == 0


def test_code_that_an_analyser_cannot_parse_is_never_clean(service: Stack, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def broken(:\n")
    done = conclave(service.home, "review", tmp_path / "broken.py", "--fail-on", "critical")
    assert done.returncode == 3
    assert "broken.py" in done.stdout


def test_a_diff_alone_reports_only_its_lines(service: Stack) -> None:
    (diff,) = (EXAMPLES / "diffs").glob("*.diff")
    changed = {line.removeprefix("+++ b/") for line in diff.read_text().splitlines() if line.startswith("+++ b/")}
    alone = json.loads(conclave(service.home, "review", diff, "--json").stdout)
    with_tree = conclave(service.home, "review", EXAMPLES / "python-shop", "--diff", diff, "--json")
    whole = json.loads(with_tree.stdout)
    assert whole["outside_change"] > 0
    assert {each["path"] for each in whole["findings"]} <= changed
    assert {each["path"] for each in alone["findings"] if each["kind"] != "not-analysed"} <= changed
    assert "code-injection" in kinds(whole)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git: reviews what changed since a revision")
def test_what_changed_since_a_revision(service: Stack, tmp_path: Path) -> None:
    tree = tmp_path / "project"
    tree.mkdir()
    (tree / "old.py").write_text("import pickle\n\n\ndef load(data):\n    return pickle.loads(data)\n")
    git = ["git", "-C", str(tree), "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    (tree / "new.py").write_text("def run(text):\n    return eval(text)\n")
    subprocess.run([*git, "add", "."], check=True)
    report = json.loads(conclave(service.home, "review", tree, "--base", "HEAD", "--json").stdout)
    assert {each["path"] for each in report["findings"]} == {"new.py"}
    assert report["outside_change"] > 0


def test_the_same_commit_twice_gives_the_same_findings(service: Stack, shop: dict[str, object]) -> None:
    again = json.loads(conclave(service.home, "review", EXAMPLES / "python-shop", "--json").stdout)
    assert again["findings"] == shop["findings"]
    assert again["coverage"] == shop["coverage"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no-such-folder"], 2, "path_not_found"),
        ([".", "--mode", "canary"], 2, "pipeline, parallel, backtrack"),
        ([".", "--experts", "canary"], 2, "security"),
        ([".", "--experts", ","], 2, "no_experts"),
        ([".", "--fail-on", "canary"], 2, "critical"),
        ([".", "--format", "canary"], 2, "sarif"),
        ([".", "--budget", "0"], 2, "invalid_budget"),
        ([".", "--budget", "-1"], 2, "invalid_budget"),
        ([".", "--output", "no/such/folder/x"], 2, "--output"),
        ([".", "--base", "--upload-pack=x"], 2, ""),
        ([".", "--diff", "a", "--base", "b"], 2, "conflicting_options"),
        ([".", "--no-such-flag"], 2, "No such option"),
    ],
)
def test_bad_usage_is_named_and_not_repeated(
    service: Stack, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    done = conclave(service.home, "review", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr.replace("--experts canary", "")


def test_a_service_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    done = conclave(
        tmp_path, "review", tmp_path / "a.py", CONCLAVE_API_URL="http://127.0.0.1:9", CONCLAVE_API_TOKEN="x" * 20
    )
    assert done.returncode == 4
    assert "127.0.0.1 does not answer" in done.stderr


def test_a_wrong_token_is_refused_in_one_line(service: Stack, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    done = conclave(
        tmp_path, "review", tmp_path / "a.py", CONCLAVE_API_URL=str(service.api_url), CONCLAVE_API_TOKEN="wrong-canary"
    )
    assert done.returncode == 2
    assert "refuses the token" in done.stderr
    assert "canary" not in done.stderr


def test_a_page_of_a_proxy_is_not_taken_for_the_service(tmp_path: Path) -> None:
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>canary</html>")

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    (tmp_path / "a.py").write_text("x = 1\n")
    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = conclave(
            tmp_path, "review", tmp_path / "a.py", CONCLAVE_API_URL=url, CONCLAVE_API_TOKEN="secret-token-1"
        )
        server.shutdown()
    assert done.returncode == 4
    assert "is not the Conclave API" in done.stderr
    assert "canary" not in done.stderr and "secret-token" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CONCLAVE_API_PORT", "canary", "api_port"),
        ("CONCLAVE_ISOLATION", "canary", "'auto' or 'required'"),
        ("CONCLAVE_MAX_FILES", "0", "greater than or equal to 1"),
        ("CONCLAVE_API_PROT", "canary", "CONCLAVE_API_PROT: no such setting"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    done = conclave(tmp_path, "review", tmp_path / "a.py", **{name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "canary" not in done.stderr.replace(name, "")


def test_an_interrupt_leaves_the_review_running_and_names_it(service: Stack) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(service.home), "CONCLAVE_HOME": str(service.home)}
    command = [str(CONCLAVE), "review", str(EXAMPLES / "python-shop"), "--mode", "pipeline"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        while "running" not in child.stderr.readline():
            pass
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in told
    way = told.strip().rsplit("`", 2)[1].removeprefix("conclave ").split()
    assert way[:2] == ["review", "--follow"]
    followed = conclave(service.home, *way, "--json")
    assert followed.returncode == 1, followed.stderr
    assert json.loads(followed.stdout)["review_id"] == way[2]
    assert conclave(service.home, "watch", way[2], "--once").returncode == 1


READ = ("list", "verify", "config", "health", "usage", "promotions", "versions", "status", "doctor", "blacklist")


def test_everything_that_is_read_is_one_json_document(service: Stack) -> None:
    environment = {"CONCLAVE_HOME": str(service.home)}
    paths = [path for path in LEAVES if path[-1] in READ]
    for words in [*paths, ("quota", "show"), ("blacklist",), ("watch", "--once"), ("provider", "show", "gpt-4-turbo")]:
        done = CliRunner().invoke(app, [*words, "--json"], env=environment)
        assert done.exit_code == 0, (words, done.output)
        json.loads(done.stdout)


def test_hostile_nesting_makes_the_review_incomplete_not_clean(service: Stack, tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text("x = " + "(" * 100_000 + ")" * 100_000 + "\n")
    (tmp_path / "big.js").write_text("var x = '" + "a" * 600_000 + "';\n")
    report = json.loads(conclave(service.home, "review", tmp_path, "--json").stdout)
    assert report["partial"]
    assert [each["path"] for each in report["skipped"]] == ["big.js"]
    assert {each["path"] for each in report["coverage"] if each["status"] == "failed"} == {"deep.py"}


def test_a_closed_pipe_is_no_error(service: Stack) -> None:
    command = f"'{CONCLAVE}' review '{EXAMPLES / 'python-shop'}' --format html | head -c 100"
    environment = {"PATH": os.environ["PATH"], "HOME": str(service.home), "CONCLAVE_HOME": str(service.home)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=100)
    assert "Traceback" not in done.stderr
