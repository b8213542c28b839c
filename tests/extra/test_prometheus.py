"""Prometheus itself, over a stack that works: every panel has data, and every alert stands on series that are there."""

import asyncio
import json
import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from temporalio.client import Client

from models.quota import QuotaLimits
from starter.stack.launcher import Stack
from starter.stack.layout import Layout
from starter.stack.ports import RANDOM_RANGE, assign
from starter.stack.state import load
from tests.providers.replies import Reply
from tests.service_fixture import EXAMPLES
from tests.starter.test_model_reviews import (
    CODE,
    PATH,
    Providers,
    limit,
    served,  # noqa: F401  a fixture
)
from tests.starter.test_promotions import Two, two_of
from tests.starter.test_review_command import CONCLAVE, conclave

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
FOLDER = Path(__file__).parents[2] / "temporal-dev"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "grafana").glob("*.json"))}
QUERIES = [
    (f"{name}: {panel['title']} {target['refId']}", target["expr"])
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
]
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
METRIC = re.compile(
    r"\b(?:conclave:[a-z0-9_:]+|up\b|(?:orchestrator|version_control|comparison|provider|audit|http_server|temporal|"
    r"telemetry|conclave)_[a-z0-9_]+)(?=\s*[{\[)\s]|$)"
)
"""A metric in an expression: a label is followed by something else."""

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(PROMETHEUS is None or PROMTOOL is None, reason="needs prometheus and promtool on the PATH"),
    pytest.mark.timeout(1200),
]


class Prometheus:
    """A running one."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False)

    def get(self, path: str, **params: str) -> Any:
        answer = self._http.get(f"/api/v1/{path}", params=params)
        assert answer.status_code == 200, (params, answer.text)
        return answer.json()["data"]

    def values(self, query: str) -> list[float]:
        """What an instant query gives now, with Grafana's windows filled in."""
        query = query.replace("$__rate_interval", "5m").replace("$__range", "15m")
        return [float(each["value"][1]) for each in self.get("query", query=query)["result"]]

    def until(self, query: str) -> None:
        deadline = time.monotonic() + 60
        while not self.values(query):
            assert time.monotonic() < deadline, query
            time.sleep(0.5)


@contextmanager
def prometheus(stack: Stack, folder: Path) -> Generator[Prometheus]:
    """One that reads both pages every second, with the alert rules as they are."""
    (port,) = assign({"prometheus": RANDOM_RANGE[0]}, {}, set(), scatter=True).values()
    targets = {
        "conclave-api": (stack.api_url or "").removeprefix("http://"),
        "conclave-worker": f"127.0.0.1:{load(Layout(stack.home)).ports['worker-metrics']}",
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(FOLDER / "alerts.yaml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(str(PROMETHEUS), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"),
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        found = Prometheus(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 30
        while True:
            try:
                found.get("query", query="up")
                break
            except (httpx.HTTPError, AssertionError):
                assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def loaded(
    served: tuple[Stack, Providers],  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Prometheus]:
    """Prometheus over a stack on which everything that is measured has happened, twice: a rate needs two numbers."""
    stack, providers = served
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(stack, folder) as found:
        found.until('up{job="conclave-worker"} == 1')
        conclave(stack.home, "dataset", "import", EXAMPLES / "dataset" / "conclave-demo.jsonl")
        runs = [experiment(stack.home, *sets) for sets in ((), ("--set", 'analysis.tools_off=["bandit"]'))]
        for turn in ("one", "two"):
            root = folder / turn
            root.mkdir()
            (root / "app.py").write_text(f"{CODE}\n# {turn}\n", encoding="utf-8")
            (root / "broken.py").write_text("def broken(:\n" + "x = (" * 5000, encoding="utf-8")
            work(stack, providers, root, runs)
            time.sleep(3)
        yield found


def patient(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`conclave`, for what takes minutes on a busy machine."""
    environment = os.environ | {"CONCLAVE_HOME": str(home)}
    return subprocess.run([str(CONCLAVE), *arguments], env=environment, capture_output=True, text=True, timeout=500)


def experiment(home: Path, *sets: str) -> str:
    """The id of an experiment that was run to its end."""
    asked = ("experiment", "run", "--dataset", "conclave-demo", "--limit", "20", "--json", *sets)
    done = patient(home, *asked, "--set", "models.enabled=false")
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout)["id"]


def work(stack: Stack, providers: Providers, source: Path, runs: list[str]) -> None:
    """A bit of everything."""
    home = stack.home
    assert conclave(home, "review", source, "--provider", "first", "--experts", "all").returncode == 1
    providers.servers["first"].script(PATH, Reply(status=404))
    conclave(home, "review", source, "--provider", "first,second", "--experts", "security", "--fail-on", "critical")
    limit(stack, QuotaLimits(daily_micro_usd=10, monthly_micro_usd=10_000_000))
    conclave(home, "review", source, "--provider", "first", "--experts", "security")
    assert "quota_exceeded" in conclave(home, "review", source, "--provider", "first", "--budget", "1").stderr
    limit(stack, QuotaLimits(daily_micro_usd=5_000_000, monthly_micro_usd=10_000_000))
    done = patient(home, "compare", *runs)
    assert done.returncode in (0, 1, 3), done.stderr
    asyncio.run(promoted_and_checked(stack))


async def promoted_and_checked(stack: Stack) -> None:
    """A promotion, a health check, a look at the audit chain, and a workflow that cannot run."""
    environment = stack.environment()
    async with two_of(stack) as two:
        await promoted(two)
    client = await Client.connect(environment["TEMPORAL_ADDRESS"])
    for schedule in ("provider-health", "audit-checkpoint"):
        await client.get_schedule_handle(f"conclave-{schedule}").trigger()
    wrong = await client.start_workflow(
        "review", "no order", id=f"wrong-{time.time_ns()}", task_queue="conclave-orchestration"
    )
    await asyncio.sleep(4)
    await wrong.terminate()


async def promoted(two: Two) -> None:
    asked = await two.asked()
    told = {"evidence": asked["evidence"]}
    answer = await two.second.post(f"/promotions/{asked['id']}/approve", json=told)
    assert answer.json()["status"] == "applied", answer.text


def test_there_are_the_seven_dashboards() -> None:
    assert set(DASHBOARDS) == {
        *("orchestrator-performance", "expert-execution-times", "provider-health", "quota-usage", "cost-tracking"),
        *("promotion-rates", "statistical-tests"),
    }


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
def test_every_panel_has_data(loaded: Prometheus, query: str) -> None:
    values = loaded.values(query)
    assert any(math.isfinite(value) for value in values), values


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_stands_on_series_that_are_there(loaded: Prometheus, rule: dict[str, Any]) -> None:
    loaded.values(rule["expr"])
    named = set(METRIC.findall(rule["expr"]))
    assert named
    for metric in named:
        assert loaded.values(f"count({metric})") or loaded.get("series", **{"match[]": metric}), metric


def test_prometheus_evaluates_every_rule(loaded: Prometheus) -> None:
    rules = [rule for group in loaded.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {rule.get("alert") or rule["record"] for rule in ALERTS}
    assert {(rule["health"], rule.get("lastError")) for rule in rules} == {("ok", None)}


def test_nothing_alarms_on_a_stack_that_works_but_what_was_provoked(loaded: Prometheus) -> None:
    firing = {each["labels"]["alertname"] for each in loaded.get("alerts")["alerts"] if each["state"] == "firing"}
    assert firing <= {"ConclaveQuotaViolations"}


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")])
def test_promtool_passes(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout
