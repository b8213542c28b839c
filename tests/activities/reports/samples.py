"""Reports to render: an ordinary one, and ways to make others of it."""

from datetime import UTC, datetime
from typing import Any

from models.expert import CoverageEntry, CoverageReason, CoverageStatus, ExpertName, Severity, ToolRun
from models.review import (
    Consistency,
    ExpertStatus,
    ExpertSummary,
    LanguageShare,
    PanelFinding,
    ReviewMode,
    ReviewReport,
    Sighting,
    TaskComplexity,
)
from models.source import Language, SkippedFile, SkipReason

PATHS = ("shop/app.py", "shop/db.py", "shop/legacy.py", "tests/test_shop.py")


def sighting(expert: ExpertName = ExpertName.SECURITY, tool: str = "bandit", **changes: Any) -> Sighting:
    return Sighting(**({"expert": expert, "tool": tool, "rule": "B608", "confidence": 0.8} | changes))


def finding(rank: int = 1, **changes: Any) -> PanelFinding:
    """A finding; its fingerprint follows from its rank."""
    fields: dict[str, Any] = {
        "rank": rank,
        "fingerprint": f"{rank:032x}",
        "kind": "sql-injection",
        "cwe": "CWE-89",
        "severity": Severity.CRITICAL,
        "confidence": 0.92,
        "path": "shop/db.py",
        "line_start": 41,
        "line_end": 42,
        "message": "SQL text is built from a value that comes from the request.",
        "recommendation": "Pass the value as a parameter: `cursor.execute(sql, (name,))`.",
        "quote": "query = f\"SELECT * FROM items WHERE name = '{name}'\"",
        "excerpt": (
            "def find(name):",
            '    """Items of one name."""',
            "    query = f\"SELECT * FROM items WHERE name = '{name}'\"",
            "    return connection().execute(query).fetchall()",
            "",
        ),
        "excerpt_start": 39,
        "sightings": (sighting(), sighting(tool="ast-grep", rule="python/sql-injection", confidence=0.95)),
        "borda": 13.5,
        "support": 1.0,
    }
    return PanelFinding(**(fields | changes))


def findings() -> tuple[PanelFinding, ...]:
    return (
        finding(1),
        finding(
            2,
            kind="hard-coded-secret",
            cwe="CWE-798",
            severity=Severity.HIGH,
            path="shop/app.py",
            line_start=9,
            line_end=9,
            message="A secret key stands in the code.",
            recommendation="Read it from the environment and replace the one that was published.",
            quote='SECRET = "not-a-real-secret"',
            excerpt=("", "app = Flask(__name__)", 'SECRET = "not-a-real-secret"', "", "@app.get('/')"),
            excerpt_start=7,
            sightings=(sighting(tool="detect-secrets", rule="SecretKeyword"),),
            protected=True,
            confidence=0.7,
        ),
        finding(
            3,
            kind="complex-function",
            cwe=None,
            severity=Severity.MEDIUM,
            path="shop/legacy.py",
            line_start=12,
            line_end=88,
            message="`price_of` has a cyclomatic complexity of 23.",
            recommendation="",
            quote="def price_of(item, user, when, coupons):",
            excerpt=("def price_of(item, user, when, coupons):", "    total = 0", "    if item.kind == 'book':"),
            excerpt_start=12,
            sightings=(
                sighting(ExpertName.QUALITY, "lizard", rule="ccn"),
                sighting(ExpertName.PERFORMANCE, "ast-grep", rule="python/nested-loop", confidence=0.5),
            ),
            confidence=0.61,
        ),
        finding(
            4,
            kind="unused-import",
            cwe=None,
            severity=Severity.LOW,
            path="shop/app.py",
            line_start=1,
            line_end=1,
            message="`os` is imported but never used.",
            recommendation="Remove the import.",
            quote="import os",
            excerpt=("import os", "import sys", ""),
            excerpt_start=1,
            sightings=(sighting(ExpertName.QUALITY, "ruff", rule="F401", confidence=0.99),),
            confidence=0.99,
        ),
    )


def coverage() -> tuple[CoverageEntry, ...]:
    entries = [
        CoverageEntry(expert=expert, path=path, status=CoverageStatus.ANALYSED, tools=("ruff",))
        for expert in (ExpertName.SECURITY, ExpertName.QUALITY)
        for path in PATHS[:2]
    ]
    entries.append(
        CoverageEntry(
            expert=ExpertName.SECURITY,
            path="shop/legacy.py",
            status=CoverageStatus.ANALYSED,
            tools=("ruff",),
            failed_tools=("bandit",),
            reason=CoverageReason.PARSE_ERROR,
        )
    )
    entries += [
        CoverageEntry(expert=ExpertName.TEST, path=path, status=CoverageStatus.SKIPPED, reason=CoverageReason.NO_INPUT)
        for path in PATHS
    ]
    entries += [
        CoverageEntry(
            expert=ExpertName.PERFORMANCE, path=path, status=CoverageStatus.FAILED, reason=CoverageReason.TIMEOUT
        )
        for path in PATHS
    ]
    return tuple(entries)


def experts() -> tuple[ExpertSummary, ...]:
    tools = (
        ToolRun(tool="bandit", version="1.9.4", seconds=0.71, files=4, failure=None),
        ToolRun(tool="ruff", version="0.17.6", seconds=0.08, files=4),
    )
    return (
        ExpertSummary(
            expert=ExpertName.SECURITY, status=ExpertStatus.DONE, findings=3, seconds=1.42, tools=tools,
            metrics={"rules-matched": 3},
        ),
        ExpertSummary(
            expert=ExpertName.QUALITY, status=ExpertStatus.DEGRADED, findings=2, seconds=0.88, reason="model_not_routed"
        ),
        ExpertSummary(
            expert=ExpertName.PERFORMANCE, status=ExpertStatus.FAILED, seconds=30.0, attempts=3, reason="timeout"
        ),
        ExpertSummary(expert=ExpertName.DEPENDENCY, status=ExpertStatus.NOT_SELECTED, attempts=0),
        ExpertSummary(expert=ExpertName.TEST, status=ExpertStatus.DONE, seconds=0.1),
        ExpertSummary(expert=ExpertName.META, status=ExpertStatus.DONE, seconds=0.05, dropped={"quote_not_found": 2}),
    )  # fmt: skip


def report(**changes: Any) -> ReviewReport:
    """A partial report with findings of every severity."""
    fields: dict[str, Any] = {
        "review_id": "review-0197f2c4a1b2",
        "label": "python-shop",
        "source_id": "src-9f86d081884c7d65",
        "mode": ReviewMode.PARALLEL,
        "partial": True,
        "complexity": TaskComplexity(code_length=14210, score=0.8, estimated_cost_usd=0.082, estimated_latency_ms=4200),
        "languages": (
            LanguageShare(language=Language.PYTHON, files=4, lines=412),
            LanguageShare(language=Language.OTHER, files=1, lines=20),
        ),
        "findings": findings(),
        "totals": {Severity.CRITICAL: 1, Severity.HIGH: 1, Severity.MEDIUM: 3, Severity.LOW: 9},
        "suppressed": 10,
        "dropped": {"quote_not_found": 2, "outvoted": 1},
        "outside_change": 0,
        "experts": experts(),
        "coverage": coverage(),
        "skipped": (
            SkippedFile(path="shop/bundle.min.js", reason=SkipReason.TOO_LARGE),
            SkippedFile(path="assets/logo 100%.png", reason=SkipReason.BINARY),
        ),
        "consistency": Consistency(value=0.71, units=3),
        "confidence": 0.805,
        "conclave_version": "0.1.0",
        "generated_at": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    }
    return ReviewReport(**(fields | changes))


def clean_report() -> ReviewReport:
    """Everything was read and nothing was found."""
    return report(
        partial=False, findings=(), totals={}, suppressed=0, dropped={}, skipped=(), confidence=None,
        coverage=coverage()[:4], experts=experts()[:1], consistency=Consistency(),
    )  # fmt: skip
