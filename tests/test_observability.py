"""Dashboards, rules, runbooks and the page about them agree with the code and with each other."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.metrics import METRICS, Kind

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "temporal-dev"
ALERTS = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
OURS = re.compile(
    r"\b(?:orchestrator|version_control|comparison|provider|audit|http_server|telemetry|conclave)_[a-z0-9_]+"
)
LABELS = {label for metric in METRICS for label in metric.labels}
SERIES = {
    f"{metric.name}{end}"
    for metric in METRICS
    for end in (("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",))
}


def test_the_page_lists_every_metric_with_its_labels_and_no_other() -> None:
    rows = [
        (metric.name, str(metric.kind), ", ".join(f"`{label}`" for label in metric.labels) or "-", metric.help)
        for metric in METRICS
    ]
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", page, re.MULTILINE) == rows


def test_the_dashboards_are_those_that_are_made() -> None:
    made = runpy.run_path(str(FOLDER / "grafana" / "make.py"))["rendered"]()
    assert {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "grafana").glob("*.json")} == made


@pytest.mark.parametrize("path", sorted((FOLDER / "grafana").glob("*.json")), ids=lambda path: path.stem)
def test_each_panel_says_what_it_shows_of_metrics_that_exist(path: Path) -> None:
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert set(OURS.findall(target["expr"])) <= SERIES | LABELS, target["expr"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_severity_a_summary_a_runbook_and_a_test(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    page, _, anchor = str(rule["annotations"]["runbook_url"]).partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert name in headings and anchor == str(name).lower()
    tests = (FOLDER / "alerts.test.yaml").read_text(encoding="utf-8")
    assert f"{name} fires" in tests and f"{name} is silent" in tests
    assert set(OURS.findall(str(rule["expr"]))) <= SERIES | LABELS


def test_no_runbook_is_left_over() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [rule["alert"] for rule in ALERTS]
