"""Completion as shells ask for it: their scripts, their protocol, and values of a service that is there."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from starter.cli import app
from tests.starter.loopback import CONCLAVE, ID, Loopback, loopback, page, review

PROVIDER = {"name": "gpt-mini", "model": "gpt-5-mini"}


@pytest.fixture
def service() -> Iterator[Loopback]:
    with loopback() as found:
        found.says("GET /providers", page("providers", PROVIDER, {"name": "$(reboot)", "model": "x"}))
        found.says("GET /reviews", page("reviews", review(label="shop's `rm`")))
        for name in ("experiments", "comparisons", "promotions"):
            found.says(f"GET /{name}", page(name))
        yield found


def complete(line: str, home: Path, **environment: str) -> list[str]:
    """What bash is offered at the end of a line."""
    words = line.split(" ")
    asked = {"_CONCLAVE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    usual = {"CONCLAVE_HOME": str(home), "CONCLAVE_API_URL": "", "CONCLAVE_API_TOKEN": ""}
    given = {name: value for name, value in (usual | asked | environment).items() if value}
    unset = dict.fromkeys(name for name, value in (usual | environment).items() if not value)
    done = CliRunner().invoke(app, [], env=given | unset, prog_name="conclave")
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("conclave exp", ["experiment"]),
        ("conclave experiment r", ["run", "resume"]),
        ("conclave review . --form", ["--format"]),
        ("conclave review . --format sa", ["sarif"]),
        ("conclave review . --fail-on ", ["critical", "high", "medium", "low"]),
        ("conclave review . --mode p", ["pipeline", "parallel"]),
        ("conclave review . --experts sec", ["security"]),
        ("conclave review . --experts security,q", ["security,quality"]),
        ("conclave review . --strategy cost,c", ["cost,complexity"]),
        ("conclave provider add x --kind v", ["vllm"]),
        ("conclave approve --as s", ["second"]),
        ("conclave usage --by pro", ["provider"]),
    ],
)
def test_words_are_completed(line: str, offered: list[str], tmp_path: Path) -> None:
    assert complete(line, tmp_path) == offered
    assert not list(tmp_path.iterdir()), "nothing is started, nothing is made"


def test_names_and_ids_of_the_service_are_offered(service: Loopback, tmp_path: Path) -> None:
    there = {"CONCLAVE_API_URL": service.url, "CONCLAVE_API_TOKEN": "token"}
    assert complete("conclave provider show g", tmp_path, **there) == ["gpt-mini"]
    assert complete("conclave provider show ", tmp_path, **there) == ["gpt-mini"], "a shell would run the other one"
    assert complete("conclave watch ", tmp_path, **there) == [ID]
    assert complete("conclave review --follow 3f", tmp_path, **there) == [ID]


def test_words_about_a_value_cannot_leave_their_quotes(service: Loopback, tmp_path: Path) -> None:
    environment = service.environment(
        tmp_path, _CONCLAVE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="conclave watch "
    )
    done = subprocess.run([CONCLAVE], env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert f'"{ID}":"running, shops rm"' in done.stdout


@pytest.mark.parametrize("trouble", ["nothing there", "no token", "bad setting", "refused", "other answer"])
def test_trouble_is_silence(service: Loopback, tmp_path: Path, trouble: str) -> None:
    there = {"CONCLAVE_API_URL": service.url, "CONCLAVE_API_TOKEN": "token"}
    match trouble:
        case "nothing there":
            there["CONCLAVE_API_URL"] = "http://127.0.0.1:9"
        case "no token":
            there["CONCLAVE_API_TOKEN"] = ""
        case "bad setting":
            there["CONCLAVE_API_PORT"] = "x"
        case "refused":
            service.says("GET /providers", (403, {"error": {"code": "forbidden", "message": "No.", "details": {}}}))
        case _:
            service.says("GET /providers", (200, ["x"]))
    assert complete("conclave provider show ", tmp_path, **there) == []


def test_a_stack_that_does_not_run_is_not_started(tmp_path: Path) -> None:
    state = {"parts": {"api": {"pid": 1, "create_time": 1.0, "fingerprint": "", "stop_signal": 15, "wave": 1}}}
    (tmp_path / "stack.json").write_text(json.dumps(state | {"ports": {"api": 9}}), encoding="utf-8")
    assert complete("conclave provider show ", tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == ["stack.json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "_CONCLAVE_COMPLETE": f"source_{shell}"}
    done = subprocess.run([CONCLAVE], env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert f"complete_{shell}" in done.stdout and "conclave" in done.stdout
    if (program := shutil.which(shell)) is not None:
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True, timeout=30)


def test_bash_completes_once_it_is_installed(tmp_path: Path) -> None:
    """Installed for the shell that runs it, and asked for by that shell."""
    environment = {
        "PATH": f"{CONCLAVE.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CONCLAVE_HOME": str(tmp_path),
    }
    steps = """
    conclave --install-completion > /dev/null && . ~/.bashrc
    COMP_WORDS=(conclave review . --format sa) COMP_CWORD=4
    _conclave_completion conclave && echo "offered: ${COMPREPLY[*]}"
    """
    command = ["bash", "--norc", "--noprofile", "-c", steps]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "offered: sarif" in done.stdout, done.stderr
