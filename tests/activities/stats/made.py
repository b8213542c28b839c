"""Samples, labels and reports that tests of statistics are made of."""

from datetime import UTC, datetime
from typing import Any

from activities.experiment_ports import SampleResult
from models.dataset import Label, Sample
from models.expert import ExpertName
from models.matching import Claim
from models.measure import Metrics
from models.review import ReviewReport
from models.source import LineRange

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def label(line: int = 5, to: int | None = None, **changes: Any) -> Label:
    """A command injection on some lines."""
    base = {"type": "injection/command-injection", "cwe": "CWE-78", "line_start": line, "line_end": to or line}
    return Label.model_validate(base | changes)


def claim(line: int = 5, to: int | None = None, **changes: Any) -> Claim:
    """The same as a finding claims it."""
    base: dict[str, Any] = {
        "kind": "command-injection",
        "cwe": "CWE-78",
        "rules": frozenset({"B602"}),
        "experts": frozenset({ExpertName.SECURITY}),
        "lines": LineRange(start=line, end=to or line),
    }
    return Claim(**base | changes)


def sample(number: int = 0, *labels: Label, **changes: Any) -> Sample:
    """A sample of a group of its own."""
    base: dict[str, Any] = {
        "position": number,
        "sample_id": f"s-{number}",
        "source_id": "5" * 32,
        "path": "a.py",
        "language": "python",
        "split": "dev",
        "group": f"g-{number}",
        "clean": not labels,
        "labels": labels,
    }
    return Sample.model_validate(base | changes)


def finding(line: int = 5, expert: str = "security", **changes: Any) -> dict[str, Any]:
    """A reported finding as JSON."""
    return {
        "rank": 1,
        "fingerprint": "f" * 32,
        "kind": "command-injection",
        "cwe": "CWE-78",
        "severity": "high",
        "confidence": 0.8,
        "path": "a.py",
        "line_start": line,
        "line_end": line,
        "message": "m",
        "sightings": [{"expert": expert, "tool": "bandit", "rule": "B602", "confidence": 0.8}],
    } | changes


def report(*findings: dict[str, Any], experts: dict[str, str] | None = None, **changes: Any) -> ReviewReport:
    """A report with these findings, by experts of these statuses."""
    worked = experts or {"security": "done", "quality": "done"}
    base: dict[str, Any] = {
        "review_id": "a" * 32,
        "label": "a.py",
        "source_id": "5" * 32,
        "mode": "parallel",
        "partial": False,
        "complexity": {"code_length": 1, "score": 0.1, "estimated_cost_usd": 0, "estimated_latency_ms": 1},
        "findings": findings,
        "experts": [{"expert": name, "status": status} for name, status in worked.items()],
        "conclave_version": "1",
        "generated_at": NOW,
    }
    return ReviewReport.model_validate(base | changes)


def result(of: Sample, reported: ReviewReport | None, seconds: float = 1.0, *, cached: bool = False) -> SampleResult:
    """What came of a sample."""
    return SampleResult(of, reported, seconds, cached, None if reported else "internal")


def metrics_of(samples: int = 1, **counts: int) -> Metrics:
    """Metrics with nothing but what rules and facts read."""
    none = {"method": "none"}
    shares = ("accuracy", "recall", "detection", "precision", "f1", "false_positive_rate", "localisation")
    given = {"samples": samples, **counts}
    quality: dict[str, Any] = {"counts": given, **dict.fromkeys(shares, none)}
    quality["accuracy"] = {"value": given.get("right", 0) / samples, "n": samples, "method": "wilson"}
    if clean := given.get("clean", 0):
        rate = given.get("false_alarms", 0) / clean
        quality["false_positive_rate"] = {"value": rate, "n": clean, "method": "wilson"}
    return Metrics.model_validate(
        {
            "quality": quality,
            "error_rate": {"value": given.get("errors", 0) / samples, "n": samples, "method": "clopper-pearson"},
            "latency": {"p50": none, "p95": none, "p99": none},
            "cost_per_analysis": {"value": 0, "low": 0, "high": 0, "n": samples, "method": "bootstrap-percentile"},
            "measured_at": NOW,
        }
    )
