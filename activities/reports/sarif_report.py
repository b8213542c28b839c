"""The report as SARIF 2.1.0, ready for upload to code scanning."""

from datetime import UTC
from urllib.parse import quote

from activities.reports.json_report import dumps
from activities.reports.sarif_notifications import DESCRIPTORS, artifact_location, notifications
from activities.reports.sarif_rules import LEVELS, rule
from models.expert import Severity
from models.review import ExpertStatus, PanelFinding, ReviewReport
from models.text import clean, clean_code

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(report: ReviewReport) -> str:
    """One run with one result per finding."""
    return dumps({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [_run(report)]})


def _run(report: ReviewReport) -> dict[str, object]:
    kinds: dict[str, list[PanelFinding]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    index = {kind: number for number, kind in enumerate(sorted(kinds))}
    return {
        "tool": {
            "driver": {
                "name": "Conclave",
                "version": clean(report.conclave_version, 80),
                "rules": [rule(kind, kinds[kind]) for kind in index],
                "notifications": DESCRIPTORS,
            }
        },
        # The part before the slash is the category under which code scanning compares runs.
        "automationDetails": {"id": f"conclave/{quote(report.review_id, safe='')}"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "Root of the reviewed source."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": all(each.status is not ExpertStatus.FAILED for each in report.experts),
                "endTimeUtc": report.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "toolExecutionNotifications": notifications(report),
            }
        ],
        "results": [_result(finding, index[finding.kind]) for finding in report.findings],
        "properties": _run_properties(report),
    }


def _run_properties(report: ReviewReport) -> dict[str, object]:
    """What the run left out and how the panel agreed; the full account is the JSON report."""
    return {
        "reviewId": clean(report.review_id, 200),
        "mode": report.mode,
        "partial": report.partial,
        "totals": {severity.value: report.totals.get(severity, 0) for severity in Severity},
        "suppressed": report.suppressed,
        "dropped": report.dropped,
        "outsideChange": report.outside_change,
        "complexity": report.complexity.model_dump(mode="json"),
        "consistency": report.consistency.model_dump(mode="json"),
        "confidence": report.confidence,
        "confidenceMethod": report.confidence_method,
        "isolation": report.isolation,
    }


def _result(finding: PanelFinding, rule_index: int) -> dict[str, object]:
    text = clean(finding.message, 500)
    if finding.recommendation:
        text += "\n\n" + clean(finding.recommendation, 1000)
    return {
        "ruleId": finding.kind,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "rank": round(finding.confidence * 100, 1),
        "message": {"text": _without_links(text)},
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {"primaryLocationLineHash": finding.fingerprint, "conclave/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "support": finding.support,
            "borda": finding.borda,
            "protected": finding.protected,
            "sightings": [
                {**sighting.model_dump(mode="json"), "rule": clean(sighting.rule, 120)}
                for sighting in finding.sightings
            ],
        },
    }


def _without_links(text: str) -> str:
    """Brackets escaped where SARIF would read `[text](target)`."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]") if "](" in text else text


def _location(finding: PanelFinding) -> dict[str, object]:
    region: dict[str, object] = {"startLine": finding.line_start, "endLine": finding.line_end}
    location: dict[str, object] = {"artifactLocation": artifact_location(finding.path), "region": region}
    lines = [clean_code(line, 400) for line in finding.excerpt]
    first, last = finding.excerpt_start, finding.excerpt_start + len(lines) - 1
    if first <= finding.line_start <= last:
        region["snippet"] = {"text": "\n".join(lines[finding.line_start - first : finding.line_end - first + 1])}
    elif finding.quote:
        region["snippet"] = {"text": clean_code(finding.quote, 400)}
    # A context region has to contain its region, and a long finding's excerpt does not.
    if first <= finding.line_start and finding.line_end <= last:
        snippet = {"text": "\n".join(lines)}
        location["contextRegion"] = {"startLine": first, "endLine": last, "snippet": snippet}
    return location
