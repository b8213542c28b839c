"""SARIF as code scanning wants it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from activities.reports.sarif_notifications import MAX_NOTIFICATIONS
from activities.reports.sarif_report import render
from models.expert import ExpertName, Severity
from models.review import ReviewReport
from models.source import SkippedFile, SkipReason
from tests.activities.reports.hostile import CORPUS, hostile_report
from tests.activities.reports.samples import clean_report, finding, report, sighting

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)


def run_of(reviewed: ReviewReport) -> dict[str, Any]:
    return json.loads(render(reviewed))["runs"][0]


def problems(text: str) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in VALIDATOR.iter_errors(json.loads(text))]


def test_the_schema_is_the_official_one_and_notices_a_mistake() -> None:
    assert SCHEMA["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    assert problems('{"version": "2.1.0", "runs": [{"tool": {}}]}')


@pytest.mark.parametrize("reviewed", [report(), clean_report()], ids=["partial", "clean"])
def test_reports_are_valid(reviewed: ReviewReport) -> None:
    assert problems(render(reviewed)) == []


@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_keeps_it_valid_and_visible(text: str) -> None:
    rendered = render(hostile_report(text))
    assert problems(rendered) == []
    assert rendered.isascii()
    messages = [result["message"]["text"] for result in json.loads(rendered)["runs"][0]["results"]]
    assert all(character.isprintable() or character == "\n" for character in "".join(messages))
    assert not any("](" in message and "\\](" not in message for message in messages)


def test_a_result_carries_place_level_rank_and_fingerprints() -> None:
    result = run_of(report())["results"][0]
    assert result["ruleId"] == "sql-injection"
    assert result["level"] == "error"
    assert result["rank"] == 92.0
    assert result["partialFingerprints"] == {"primaryLocationLineHash": f"{1:032x}", "conclave/v1": f"{1:032x}"}
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "shop/db.py", "uriBaseId": "%SRCROOT%"}
    assert (place["region"]["startLine"], place["region"]["endLine"]) == (41, 42)
    assert place["region"]["snippet"]["text"].splitlines()[1].strip().startswith("return")
    assert (place["contextRegion"]["startLine"], place["contextRegion"]["endLine"]) == (39, 43)


def test_the_region_is_never_larger_than_its_context() -> None:
    place = run_of(report())["results"][2]["locations"][0]["physicalLocation"]
    assert place["region"]["endLine"] == 88
    assert place["region"]["snippet"]["text"].startswith("def price_of")
    assert "contextRegion" not in place


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c%d.py", "a%20b/c%25d.py"),
        ("javascript:alert(1).py", "javascript%3Aalert%281%29.py"),
        ("gr\u00fc\u00dfe#x?.py", "gr%C3%BC%C3%9Fe%23x%3F.py"),
    ],
)
def test_paths_are_percent_encoded(path: str, uri: str) -> None:
    result = run_of(report(findings=(finding(path=path),)))["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize(
    ("severity", "level", "security_severity"),
    [("critical", "error", "9.5"), ("high", "error", "8.0"), ("medium", "warning", "5.5"), ("low", "note", "2.0")],
)
def test_severities_map_to_levels(severity: str, level: str, security_severity: str) -> None:
    run = run_of(report(findings=(finding(severity=Severity(severity)),)))
    assert run["results"][0]["level"] == level
    properties = run["tool"]["driver"]["rules"][0]["properties"]
    assert properties["security-severity"] == security_severity
    assert properties["tags"] == ["security", "external/cwe/cwe-089"]


def test_only_what_the_security_expert_saw_has_a_security_severity() -> None:
    rules = {rule["id"]: rule for rule in run_of(report())["tool"]["driver"]["rules"]}
    assert "security-severity" not in rules["complex-function"]["properties"]
    assert "helpUri" not in rules["complex-function"]
    assert rules["sql-injection"]["helpUri"] == "https://cwe.mitre.org/data/definitions/89.html"
    seen_by_quality = (sighting(ExpertName.QUALITY, "vulture"),)
    dead = finding(kind="dead-code", cwe="CWE-561", sightings=seen_by_quality)
    properties = run_of(report(findings=(dead,)))["tool"]["driver"]["rules"][0]["properties"]
    assert "security-severity" not in properties


def test_rules_are_one_per_kind_and_tags_are_few() -> None:
    same = tuple(finding(rank, kind="xss", cwe=f"CWE-{100 + rank}") for rank in range(1, 16))
    run = run_of(report(findings=(*same[:14], finding(15, kind="a-kind"))))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["a-kind", "xss"]
    assert all(len(rule["properties"]["tags"]) <= 20 for rule in rules)
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [*["xss"] * 14, "a-kind"]


def test_what_was_not_analysed_is_told() -> None:
    invocation = run_of(report())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    notes = {
        (note["descriptor"]["id"], place["physicalLocation"]["artifactLocation"]["uri"])
        for note in invocation["toolExecutionNotifications"]
        for place in note.get("locations", [])
    }
    assert ("file-skipped", "assets/logo%20100%25.png") in notes
    assert ("file-not-analysed", "shop/legacy.py") in notes
    kinds = [note["descriptor"]["id"] for note in invocation["toolExecutionNotifications"]]
    assert "expert-failed" in kinds
    assert "expert-degraded" in kinds
    assert run_of(clean_report())["invocations"][0]["executionSuccessful"] is True
    assert run_of(clean_report())["invocations"][0]["toolExecutionNotifications"] == []


def test_weak_isolation_is_told() -> None:
    notes = run_of(report(isolation="limits-only"))["invocations"][0]["toolExecutionNotifications"]
    assert any("limits only" in note["message"]["text"] for note in notes)


def test_many_notifications_are_cut_and_the_rest_is_counted() -> None:
    skipped = tuple(SkippedFile(path=f"{n}.png", reason=SkipReason.BINARY) for n in range(5000))
    notes = run_of(report(skipped=skipped, coverage=(), experts=()))["invocations"][0]["toolExecutionNotifications"]
    assert len(notes) == MAX_NOTIFICATIONS
    assert notes[-1]["message"]["text"].startswith(f"{5000 - MAX_NOTIFICATIONS + 1} more files")


def test_counts_of_what_is_not_listed_are_in_the_properties() -> None:
    properties = run_of(report())["properties"]
    assert properties["suppressed"] == 10
    assert properties["dropped"] == {"quote_not_found": 2, "outvoted": 1}
    assert properties["partial"] is True


def test_the_same_report_is_the_same_bytes() -> None:
    assert render(report()) == render(report())
