"""Ctrl-C, pipes that close, terminals: the command as a process, with real signals."""

import contextlib
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from models.experiment import ExperimentStatus
from models.reviewer_config import ReviewerConfig, config_hash
from tests.starter.loopback import (
    CONCLAVE,
    ID,
    WHEN,
    Loopback,
    events,
    loopback,
    nothing_runs,
    page,
    promotion,
    review,
)
from tests.starter.test_experiment_commands import view

HASH = config_hash(ReviewerConfig())
SIDE = {"ref": "stable", "config_hash": HASH}


@pytest.fixture
def service() -> Generator[Loopback]:
    with loopback() as found:
        yield found


def experiment(status: ExperimentStatus, done: int = 0) -> dict[str, Any]:
    return view(status, done, id=ID).model_dump(mode="json")


def comparison(status: str) -> dict[str, Any]:
    known = {"id": ID, "name": "a against b", "status": status, "versions": {"v1": SIDE, "v2": SIDE}}
    data = {"dataset_id": "d" * 32, "dataset": "demo v1", "progress": {"samples": 20}, "created_by": "local"}
    request = {"v1": "stable", "v2": "stable", "dataset_id": "d" * 32}
    return known | data | {"request": request, "workflow_id": "w", "created_at": WHEN}


def an_experiment(service: Loopback) -> tuple[str, ...]:
    running = experiment(ExperimentStatus.RUNNING, 3)
    service.says(f"GET /experiments/{ID}", (200, running))
    return ("experiment", "run", ID)


def a_comparison(service: Loopback) -> tuple[str, ...]:
    service.says("POST /comparisons", (202, comparison("running")))
    service.says(f"GET /comparisons/{ID}", (200, comparison("running")))
    service.says("GET /datasets/demo", (200, dataset()))
    return ("compare", "stable", "--aa", "--dataset", "demo")


def a_promotion(service: Loopback) -> tuple[str, ...]:
    service.says(f"POST /experiments/{ID}/promote", (202, promotion()))
    service.says(f"GET /promotions/{ID}", (200, promotion()))
    return ("promote", ID, "--reason", "finds more", "--wait")


def a_rotation(service: Loopback) -> tuple[str, ...]:
    running = {"workflow_id": "key-rotation", "status": "running", "started_at": WHEN}
    service.says("POST /key-rotations", (202, running))
    service.says("GET /key-rotations/latest", (200, running))
    return ("key", "rewrap")


def dataset() -> dict[str, Any]:
    stats = {"samples": 20, "clean": 10, "labels": 10, "groups": 5, "lines": 99}
    known = {"id": "d" * 32, "name": "demo", "version": 1, "content_hash": "ds:v1:sha256:" + "0" * 64}
    return known | {"stats": stats, "created_by": "local", "created_at": WHEN}


ENDS: dict[str, tuple[int, dict[str, Any]]] = {
    "experiments": (200, experiment(ExperimentStatus.PASSED, 20)),
    "comparisons": (200, comparison("cancelled")),
    "promotions": (200, promotion("applied")),
}


def interrupted(child: subprocess.Popen[str], service: Loopback, asked: str, times: int = 2) -> tuple[str, str]:
    """Press Ctrl-C when the command has asked that often; what it printed."""
    deadline = time.monotonic() + 30
    while sum(place.startswith(asked) for place in service.asked) < times:
        assert child.poll() is None and time.monotonic() < deadline, child.communicate()
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    return child.communicate(timeout=30)


@pytest.mark.parametrize(
    ("begin", "code"),
    [
        (an_experiment, 0),
        (a_comparison, 3),
        (a_promotion, 0),
    ],
)
def test_an_interrupt_says_how_to_follow_and_that_works(
    service: Loopback, tmp_path: Path, begin: Callable[[Loopback], tuple[str, ...]], code: int
) -> None:
    arguments = begin(service)
    noun = next(place for place in service.answers if place.endswith(ID) and "GET" in place).split("/")[1]
    child = service.start(tmp_path, *arguments)
    _, told = interrupted(child, service, f"GET /{noun}/{ID}")
    assert child.returncode == 130
    assert "Traceback" not in told and "goes on" in told
    found = re.search(r"Follow it with `conclave (.+)`\.$", told.strip())
    assert found, told
    service.says(f"GET /{noun}/{ID}", ENDS[noun])
    child = service.start(tmp_path, *shlex.split(found[1]))
    out, told = child.communicate(timeout=30)
    assert child.returncode == code, told
    assert ID in out + told


def test_an_interrupt_ends_with_130_and_the_envelope_for_programs(service: Loopback, tmp_path: Path) -> None:
    child = service.start(tmp_path, *a_rotation(service), "--json")
    out, told = interrupted(child, service, "GET /key-rotations")
    assert child.returncode == 130
    error = json.loads(told.splitlines()[-1])["error"]
    assert (error["code"], out) == ("interrupted", "")
    assert error["details"]["follow"] == "conclave key rewrap"


def test_a_review_goes_on(service: Loopback, tmp_path: Path) -> None:
    service.says(f"GET /reviews/{ID}", (200, review()))
    service.says(f"GET /reviews/{ID}/events", events(review()))
    child = service.start(tmp_path, "review", "--follow", ID)
    _, told = interrupted(child, service, f"GET /reviews/{ID}/events", 1)
    assert child.returncode == 130
    assert f"`conclave review --follow {ID}`" in told


def test_an_interrupt_before_anything_runs_is_one_line(service: Loopback, tmp_path: Path) -> None:
    service.answers[f"GET /experiments/{ID}"] = lambda: (time.sleep(5), (200, {}))[1]
    child = service.start(tmp_path, "experiment", "show", ID)
    _, told = interrupted(child, service, "GET /experiments", 1)
    assert child.returncode == 130
    assert told == "conclave: Interrupted. `conclave watch` shows what runs.\n"


@pytest.mark.parametrize("arguments", [("--help",), ("experiment", "list", "--json")])
def test_a_reader_that_goes_away_is_no_error(service: Loopback, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    service.says("GET /experiments", page("experiments", experiment(ExperimentStatus.PASSED, 20)))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [CONCLAVE, *arguments],
        env=service.environment(tmp_path),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_streams_that_are_closed_from_the_start_are_no_error(service: Loopback, tmp_path: Path, closed: str) -> None:
    service.says("GET /experiments", page("experiments", experiment(ExperimentStatus.PASSED, 20)))
    command = f"'{CONCLAVE}' experiment list {closed}"
    done = subprocess.run(["sh", "-c", command], env=service.environment(tmp_path), capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")


def on_a_terminal(
    service: Loopback, home: Path, *arguments: str, until: bytes, **environment: str
) -> tuple[int, bytes]:
    """Run on a terminal of its own, press Ctrl-C when a text is there; exit code and what was on the screen."""
    child, screen = pty.fork()
    if child == 0:
        os.execve(CONCLAVE, ["conclave", *arguments], service.environment(home, **environment))
    seen, pressed, deadline = b"", False, time.monotonic() + 30
    with contextlib.suppress(OSError):  # how the kernel says that the other side is closed
        while time.monotonic() < deadline:
            if select.select([screen], [], [], 0.1)[0]:
                if not (more := os.read(screen, 65536)):
                    break
                seen += more
            if until in seen and not pressed:
                os.write(screen, b"\x03")
                pressed = True
    _, status = os.waitpid(child, 0)
    os.close(screen)
    return os.waitstatus_to_exitcode(status), seen


def test_watching_on_a_terminal_is_live_until_ctrl_c(service: Loopback, tmp_path: Path) -> None:
    nothing_runs(service)
    service.says("GET /reviews", page("reviews", review()))
    code, seen = on_a_terminal(service, tmp_path, "watch", until=ID.encode(), TERM="xterm", COLUMNS="80")
    assert code == 130
    assert b"\x1b[36mrunning" in seen and b"1/2 experts" in seen
    assert b"Stopped watching; what runs goes on." in seen
    assert seen.endswith(b"\n") and b"\x1b[?25h" in seen, "the cursor is back"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}], ids=str)
def test_colours_only_where_they_are_wanted(service: Loopback, tmp_path: Path, environment: dict[str, str]) -> None:
    nothing_runs(service)
    service.says("GET /reviews", page("reviews", review()))
    arguments = ("watch",) if "NO_COLOR" in environment else ("experiment", "list")
    service.says("GET /experiments", page("experiments"))
    until = ID.encode() if "NO_COLOR" in environment else b"\x00never"
    _, seen = on_a_terminal(service, tmp_path, *arguments, until=until, **environment)
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", seen), seen
