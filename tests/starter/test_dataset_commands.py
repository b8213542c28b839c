"""`conclave dataset` as its user runs it, against the API over a socket."""

import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from starter.cli import app
from starter.commands import dataset as commands
from starter.stack.launcher import Stack
from tests.labelled import clean, jsonl, label, row
from tests.served import served

TOKEN = "test-token-0123456789"
SECRET = "canary-5f2a"


@dataclass(frozen=True)
class Shell:
    """A user's command line."""

    environment: dict[str, str]

    def run(self, *arguments: str | Path, typed: str | bytes = "", code: int = 0) -> str:
        """What `conclave dataset` prints, its errors where it fails."""
        done = CliRunner().invoke(app, ["dataset", *map(str, arguments)], input=typed, env=self.environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        assert SECRET not in done.output
        return done.stderr if code else done.stdout

    def told(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture(scope="module")
def shell(stack: Stack) -> Generator[Shell]:
    ours = {"CONCLAVE_API_TOKEN": TOKEN, "CONCLAVE_MIGRATE": "true"}
    with served(stack.environment() | ours) as url:
        yield Shell({"CONCLAVE_API_URL": url, "CONCLAVE_API_TOKEN": TOKEN, "COLUMNS": "220"})


def file(folder: Path, *rows: dict[str, Any], name: str = "samples.jsonl") -> Path:
    path = folder / name
    path.write_text(jsonl(*rows), encoding="utf-8")
    return path


def test_a_file_is_imported_listed_and_shown(shell: Shell, tmp_path: Path) -> None:
    path = file(tmp_path, row("a"), clean("b", language="c", filename="b.c", code="int x;"), name="My Samples_2.jsonl")
    assert re.match(r"my-samples-2 version 1: 2 samples, id [0-9a-f]{32}\n\Z", shell.run("import", path))
    made = shell.told("import", path)
    assert (made["name"], made["version"]) == ("my-samples-2", 1)
    file(tmp_path, row("a", note=1), name=path.name)
    second = shell.told("import", path)
    assert second["version"] == 2
    listed = shell.told("list")
    assert [each for each in listed if each["name"] == "my-samples-2"] == [second, made]
    table = shell.run("list")
    assert made["id"] in table and second["id"] in table
    assert shell.told("show", "my-samples-2") == second
    assert shell.told("show", made["id"]) == made
    shown = shell.run("show", made["id"])
    for word in ("my-samples-2, version 1", made["content_hash"], "python", "command-injection", "2 in 2 groups"):
        assert word in shown


def test_a_sample_is_shown_with_all_that_its_line_says(shell: Shell, tmp_path: Path) -> None:
    labels = [label(rule="S1"), label(type="xss", cwe=None, severity=None)]
    told = row("a", filename="src/app.py", labels=labels, source="upstream", licence="MIT", note="kept")
    path = file(tmp_path, told, clean("b", scope={"cwes": ["CWE-78"]}))
    shell.run("import", path, "--name", "one-sample")
    shown = shell.run("show", "one-sample", "--sample", "0")
    for word in (
        "src/app.py",
        "a reviewer sees app.py",
        "upstream",
        "MIT",
        "kept",
        "CWE-78",
        "S1",
        "5-5",
        "everything",
    ):
        assert word in shown
    assert "clean" in shell.run("show", "one-sample", "--sample", "1")
    assert shell.told("show", "one-sample", "--sample", "1")["sample"]["scope"]["cwes"] == ["CWE-78"]
    assert "sample_unknown" in shell.run("show", "one-sample", "--sample", "2", code=2)


def test_standard_input_is_a_file_like_any_other(shell: Shell) -> None:
    assert "piped version 1" in shell.run("import", "-", "--name", "piped", typed=jsonl(row()))
    assert "--name" in shell.run("import", "-", typed=jsonl(row()), code=2)


def test_every_wrong_line_is_named(shell: Shell, tmp_path: Path) -> None:
    path = file(tmp_path, row("good"), row("b", language=SECRET), *(row("c", clean=1) for _ in range(30)))
    told = shell.run("import", path, code=2).splitlines()
    assert "31 problems" in told[0] and "[invalid_dataset]" in told[0]
    assert told[1].startswith("  line 2, `language`: is not one of 'python'")
    assert told[2] == "  line 3, `clean`: is not true or false"
    assert told[-1] == "  and 11 more"
    assert len(told) == 22


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}\n\xff"])
def test_text_that_is_none_is_told_by_its_line(shell: Shell, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert f"not UTF-8 in line {content.count(10) + 1}" in shell.run("import", path, code=2)


def test_files_that_cannot_be_read(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path, tmp_path / "none.jsonl", tmp_path / "loop"):
        assert "[dataset_unreadable]" in shell.run("import", path, "--name", "x", code=2)
    assert "[invalid_option]" in shell.run("import", file(tmp_path, row()), "--name", "Big Name", code=2)
    assert "[invalid_option]" in shell.run("import", file(tmp_path, row(), name="___.jsonl"), code=2)
    (tmp_path / "link.jsonl").symlink_to(file(tmp_path, row()))
    shell.run("import", tmp_path / "link.jsonl")
    monkeypatch.setattr(commands, "MAX_FILE_BYTES", 10)
    assert "[dataset_too_large]" in shell.run("import", file(tmp_path, row()), code=2)
    assert "[dataset_too_large]" in shell.run("import", "-", "--name", "x", typed=jsonl(row()), code=2)


@pytest.mark.parametrize("name", ["nothing", "..", "a/b", "0" * 32])
def test_datasets_that_are_not_there(shell: Shell, name: str) -> None:
    assert re.match(r"conclave dataset show: [^\n]+ \[[a-z_]+\]\n\Z", shell.run("show", name, code=2))
