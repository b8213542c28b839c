"""`conclave compare` on a real stack: both sides run, the report is shown and exported, a run twice costs nothing."""

import json
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.comparison import ENDED, ComparisonReport, ComparisonRequest, ComparisonStatus, Recommendation, Side
from starter.cli import app
from starter.comparison_client import ComparisonClient
from starter.stack.launcher import Stack
from tests.service_fixture import EXAMPLES, client_of

DATASET = EXAMPLES / "dataset" / "conclave-demo.jsonl"

pytestmark = pytest.mark.timeout(240)


class Shell:
    """The command line against one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """What `conclave` prints."""
        environment = {"CONCLAVE_HOME": str(self._stack.home), "COLUMNS": "120"}
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code in codes, done.output
        return done.stdout

    def refused(self, *arguments: str) -> str:
        environment = {"CONCLAVE_HOME": str(self._stack.home)}
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == 2, done.output
        return done.stderr


@pytest.fixture(scope="module")
def shell(service: Stack) -> Generator[Shell]:
    found = Shell(service)
    found.run("dataset", "import", str(DATASET))
    yield found


def test_a_weaker_configuration_is_rejected_and_the_report_exported(shell: Shell, tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    weaker = ("--set", 'experts=["quality","meta"]', "--set", "models.enabled=false")
    shown = shell.run(
        "compare", "stable", *weaker, "--dataset", "conclave-demo", "--limit", "120", "--export", str(pdf), codes=(1,)
    )
    assert "Accuracy" in shown and "Reject" in shown
    assert pdf.read_bytes().startswith(b"%PDF")
    [newest, *_] = json.loads(shell.run("comparison", "list", "--json"))
    told = json.loads(shell.run("comparison", "show", newest["id"], "--json", codes=(1,)))
    report = ComparisonReport.model_validate(told)
    assert report.recommendation is Recommendation.REJECT and report.confidence > 0.95
    assert (report.dataset_size, report.pairing.paired) == (120, 120)
    assert report.metrics["accuracy"].verdict == "worse"
    assert report.metrics["latency"].verdict == "refused", "samples without models have no time of their own"
    assert report.overlap.only_v1 > report.overlap.only_v2
    assert (report.resources[Side.V1].cpu_seconds or 0) > (report.resources[Side.V2].cpu_seconds or 0) > 0
    page = tmp_path / "report.html"
    shell.run("comparison", "export", newest["id"], str(page))
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.campaign
def test_a_version_against_itself_raises_no_alarm(shell: Shell) -> None:
    told = shell.run(
        "compare",
        "stable",
        "--aa",
        "--dataset",
        "conclave-demo",
        "--limit",
        "40",
        "--repeats",
        "2",
        "--json",
        codes=(0, 3),
    )
    report = ComparisonReport.model_validate_json(told)
    assert report.recommendation in (Recommendation.HOLD, Recommendation.INCONCLUSIVE)
    assert not any(each.significant for each in report.metrics.values())
    assert report.consistency == {Side.V1: 1.0, Side.V2: 1.0}
    assert report.overlap.f1 == 1.0


def test_recorded_experiments_are_compared_as_they_are(shell: Shell) -> None:
    ids = [
        json.loads(
            shell.run(
                "experiment", "run", "--dataset", "conclave-demo", "--limit", "30", *sets, "--json", codes=(0, 1, 3)
            )
        )["id"]
        for sets in ((), ("--set", 'analysis.tools_off=["bandit"]'))
    ]
    told = shell.run("compare", *ids, "--json", codes=(0, 1, 3))
    report = ComparisonReport.model_validate_json(told)
    assert report.recorded and report.pairing.paired == 30
    assert [report.versions[each].experiment_ids for each in Side] == [(ids[0],), (ids[1],)]


def test_a_cancelled_comparison_ends_with_its_runs(service: Stack, shell: Shell) -> None:
    client = ComparisonClient(client_of(service))
    asked = ComparisonRequest(v1="stable", v2="stable", dataset_id=client.dataset("conclave-demo").id, repeats=9)
    view = client.compare(asked)
    assert "cancelled" in shell.run("comparison", "cancel", view.id)
    end = time.monotonic() + 60
    while client.comparison(view.id).status not in ENDED and time.monotonic() < end:
        time.sleep(0.2)
    ended = client.comparison(view.id)
    assert (ended.status, ended.report) == (ComparisonStatus.CANCELLED, None)
    assert "has ended" in shell.refused("comparison", "cancel", view.id)


def test_wrong_options_are_told_by_name(shell: Shell, tmp_path: Path) -> None:
    data = ("--dataset", "conclave-demo")
    assert "V2" in shell.refused("compare", "stable", *data)
    assert "one of them" in shell.refused("compare", "stable", "1", "--aa", *data)
    assert "--margin" in shell.refused("compare", "stable", "--aa", *data, "--margin", "speed=1")
    assert "--dataset" in shell.refused("compare", "stable", "--aa", "--repeats", "2")
    assert "V1" in shell.refused("compare", "newest", "1", *data)
    assert ".pdf" in shell.refused("compare", "stable", "--aa", *data, "--export", str(tmp_path / "report.doc"))
