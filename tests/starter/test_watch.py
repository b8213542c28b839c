"""`conclave watch`: what it lists, how it follows, what it does while the service is away."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from models.experiment import ExperimentStatus, Progress
from starter.cli import app
from starter.client import Client
from starter.commands import following, watch
from starter.render.watching import snapshot_table, span
from starter.watching import Kind, Seen, Snapshot, Watch
from tests.starter.loopback import ID, WHEN, Loopback, loopback, nothing_runs, page, promotion, review
from tests.starter.test_experiment_commands import evaluated, view

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OTHER = "9" * 32
GONE = (503, {"error": {"code": "unavailable", "message": "The database is away.", "details": {}}})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setattr(following.time, "sleep", lambda _seconds: None)
    with loopback() as found:
        nothing_runs(found)
        yield found


def run(service: Loopback, home: Path, *arguments: str) -> Result:
    environment = {"CONCLAVE_HOME": str(home), "CONCLAVE_API_URL": service.url, "CONCLAVE_API_TOKEN": "token"}
    return CliRunner().invoke(app, ["watch", *arguments], env=environment)


def experiment(status: ExperimentStatus = ExperimentStatus.RUNNING, done: int = 7, **changes: Any) -> dict[str, Any]:
    progress = Progress(samples=20, done=done, errors=1, seconds_left=190)
    return view(status, done, id=OTHER, progress=progress, **changes).model_dump(mode="json")


def seen(kind: Kind = Kind.EXPERIMENT, **changes: Any) -> Seen:
    base = {"kind": kind, "id": ID, "name": "demo", "status": "running", "done": 7, "total": 20}
    return Seen.model_validate(base | {"begun_at": NOW - timedelta(minutes=5)} | changes)


def test_everything_that_runs_is_listed_the_newest_first(service: Loopback, tmp_path: Path) -> None:
    service.says("GET /reviews", page("reviews", review()))
    service.says("GET /experiments", page("experiments", experiment()))
    service.says(f"GET /experiments/{OTHER}", (200, experiment()))
    service.says("GET /promotions", page("promotions", promotion()))
    done = run(service, tmp_path, "--once", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [each["kind"] for each in found["running"]] == ["review", "promotion", "experiment"]
    assert found["running"][0] | {"seconds_left": None} == {
        "kind": "review",
        "id": ID,
        "name": "shop",
        "status": "running",
        "ended": False,
        "done": 1,
        "total": 2,
        "errors": 0,
        "seconds_left": None,
        "cost_micro_usd": None,
        "begun_at": WHEN.replace("+00:00", "Z"),
        "expires_at": None,
    }
    assert found["running"][2]["seconds_left"] == 190
    asked = " ".join(service.asked)
    assert "/reviews?page_size=50&status=running " in asked
    assert "status=running&status=paused&status=evaluating" in asked and "status=awaiting" in asked


def test_without_a_terminal_it_is_printed_once(service: Loopback, tmp_path: Path) -> None:
    assert run(service, tmp_path).stdout.startswith("Nothing runs, and nothing waits for approval.\n")
    service.says("GET /promotions", page("promotions", promotion()))
    told = run(service, tmp_path).stdout
    assert "promotion awaiting, 0/2 approvals, " in told and ID in told and "to decide" in told


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_reads_well_at_every_width(width: int) -> None:
    things = (
        seen(seconds_left=190, errors=2, name="a name\x1b[2J that is long " * 4),
        seen(Kind.PROMOTION, status="awaiting", done=1, total=2, expires_at=NOW + timedelta(days=6, hours=3)),
        seen(Kind.COMPARISON, total=12_000, done=3_400),
    )
    over = (seen(Kind.REVIEW, status="completed", ended=True, cost_micro_usd=1_230_000, total=7),)
    stream = StringIO()
    snapshot = Snapshot(at=NOW, running=things, ended=over, more=True)
    Console(file=stream, width=width).print(snapshot_table(snapshot, width))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert text.count(ID) == 4, "an id that is broken over lines cannot be copied"
    for part in ("7/20, 2 failed", "~3 min 10 s left", "6 d 3 h to decide", "3,400/12,000", "$1.23", "5 min 0 s"):
        assert part in text, text
    assert "2026-11-26 12:00:00 UTC" in text and "\x1b" not in text


def test_spans_are_told_in_the_units_that_matter() -> None:
    assert [span(seconds) for seconds in (5, 125, 7_200, 200_000)] == ["5 s", "2 min 5 s", "2 h 0 min", "2 d 7 h"]


def test_what_ends_meanwhile_is_looked_up_once_with_its_cost(service: Loopback) -> None:
    service.says("GET /experiments", page("experiments", experiment()), page("experiments"))
    ended = experiment(ExperimentStatus.INCONCLUSIVE, 20, evaluation=evaluated())
    service.says(f"GET /experiments/{OTHER}", (200, experiment()), (200, ended))
    looks = watch.Looks(Watch(Client(service.url, "token")))
    assert [each.status for each in looks.take().running] == ["running"]
    for _ in range(2):
        snapshot = looks.take()
        assert snapshot.running == ()
        (over,) = snapshot.ended
        assert over.status == "inconclusive" and over.cost_micro_usd is not None
    assert service.asked.count(f"GET /experiments/{OTHER}") == 2


def test_while_the_service_is_away_the_last_look_stays(service: Loopback) -> None:
    service.says("GET /reviews", page("reviews", review()), GONE, page("reviews", review()))
    looks = watch.Looks(Watch(Client(service.url, "token")))
    assert looks.take().away is None
    snapshot = looks.take()
    assert "The database is away" in (snapshot.away or "") and len(snapshot.running) == 1
    stream = StringIO()
    Console(file=stream, width=80).print(snapshot_table(snapshot, 80))
    assert "Asking again" in stream.getvalue() and ID in stream.getvalue()
    assert looks.take().away is None


def test_one_thing_is_followed_as_lines_of_json_to_its_end(service: Loopback, tmp_path: Path) -> None:
    ended = experiment(ExperimentStatus.PASSED, 20)
    looks = [(200, experiment(done=done)) for done in (7, 7, 7, 8)]
    service.says(f"GET /experiments/{OTHER}", *looks, GONE, GONE, GONE, (200, ended))
    done = run(service, tmp_path, OTHER, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["status"], each["done"]) for each in lines] == [("running", 7), ("running", 8), ("passed", 20)]
    assert done.exit_code == 0
    assert "The database is away" in done.stderr and "It answers again." in done.stderr


@pytest.mark.parametrize(
    ("status", "code"), [("applied", 0), ("rejected", 1), ("withdrawn", 1), ("expired", 1), ("refused", 1)]
)
def test_a_promotion_is_waited_for(service: Loopback, tmp_path: Path, status: str, code: int) -> None:
    service.says(f"GET /promotions/{ID}", (200, promotion()), (200, promotion()), (200, promotion(status)))
    done = run(service, tmp_path, ID)
    assert done.exit_code == code
    assert status in done.stdout
    assert "awaiting: 0 of 2 approvals, expires 2036-11-26 10:00 UTC" in done.stderr


def test_a_review_that_failed_is_incomplete(service: Loopback, tmp_path: Path) -> None:
    service.says(f"GET /reviews/{ID}", (200, review("failed", failure="worker_gone")))
    service.says(
        f"GET /reviews/{ID}/events", f"data: {json.dumps(review('failed', failure='worker_gone'))}\n\n".encode()
    )
    done = run(service, tmp_path, ID)
    assert done.exit_code == 3
    assert "worker_gone" in done.stderr
    assert run(service, tmp_path, ID, "--once").exit_code == 3


def test_an_id_of_nothing_is_said_so(service: Loopback, tmp_path: Path) -> None:
    done = run(service, tmp_path, "0" * 32)
    assert done.exit_code == 2
    assert "Nothing has this id (review, experiment, comparison, promotion)" in done.stderr
