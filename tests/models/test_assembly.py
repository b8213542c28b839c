"""From the experts' work to the report a person reads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from models.assembly import ExpertWork, Frame, assemble
from models.config import BacktrackConfig, ConsensusConfig
from models.expert import CoverageEntry, CoverageReason, CoverageStatus, ExpertName, Severity
from models.meta import blind_spots, rejects
from models.opinion import Opinion, OpinionSummary, Rejection, rejection_of
from models.review import MAX_REPORTED, ExpertStatus, ReviewMode, ReviewReport
from models.source import LineRange, SkippedFile, SkipReason, SourceManifest
from tests.fakes import TEXTS, finding, manifest, static

FRAME = Frame("a" * 32, ReviewMode.PARALLEL, "namespaces", "test", datetime(2026, 11, 23, tzinfo=UTC))
LINES = {path: text.splitlines() for path, text in TEXTS.items()}
SEC, META = ExpertName.SECURITY, ExpertName.META


def report(
    *work: ExpertWork, source: SourceManifest | None = None, lines: dict[str, list[str]] = LINES
) -> ReviewReport:
    return assemble(FRAME, source or manifest(), lines, work, ConsensusConfig())


def done(*findings: object, expert: ExpertName = SEC, status: CoverageStatus = CoverageStatus.ANALYSED) -> ExpertWork:
    result = static(expert, *findings, status=status)  # type: ignore[arg-type]
    return ExpertWork(expert, ExpertStatus.DONE, findings=result.findings, coverage=result.coverage)


def test_at_most_fifteen_are_shown_and_the_rest_is_counted() -> None:
    lines = {"shop/app.py": [f"os.system({i})" for i in range(40)], "shop/db.py": ["x = 1"]}
    many = [
        finding(line_start=i + 1, line_end=i + 1, quote="", severity=list(Severity)[i % 4], confidence=0.5)
        for i in range(40)
    ]
    got = report(done(*many), lines=lines)
    assert len(got.findings) == MAX_REPORTED == 15
    assert got.suppressed == 25
    assert got.totals == {"critical": 10, "high": 10, "medium": 10, "low": 10}
    assert [each.severity for each in got.findings] == ["critical"] * 10 + ["high"] * 5
    assert got.reaches(Severity.LOW)


def test_fail_on_counts_what_is_suppressed_too() -> None:
    got = report(done(finding(severity=Severity.MEDIUM)))
    assert got.reaches(Severity.MEDIUM) and got.reaches(Severity.LOW)
    assert not got.reaches(Severity.HIGH)


@pytest.mark.parametrize(
    "work",
    [
        ExpertWork(SEC, ExpertStatus.FAILED, reason="analysis_failed"),
        done(status=CoverageStatus.FAILED),
    ],
)
def test_what_was_not_analysed_makes_the_report_partial(work: ExpertWork) -> None:
    assert report(work).partial


@pytest.mark.parametrize(
    ("path", "reason", "partial"),
    [
        ("evil.py", SkipReason.UNSUPPORTED_ENCODING, True),
        ("big.js", SkipReason.TOO_LARGE, True),
        ("a.py", SkipReason.UNSUPPORTED_PATH, True),
        ("closed", SkipReason.UNREADABLE, True),
        ("logo.png", SkipReason.BINARY, False),
        ("notes.txt", SkipReason.UNSUPPORTED_ENCODING, False),
        ("link.py", SkipReason.UNSUPPORTED_ENTRY, False),
    ],
)
def test_code_that_was_left_out_makes_the_report_partial(path: str, reason: SkipReason, partial: bool) -> None:
    source = manifest().model_copy(update={"skipped": (SkippedFile(path=path, reason=reason),)})
    assert report(done(), source=source).partial == partial
    assert not report(done()).partial


def test_findings_outside_the_change_are_counted_not_shown() -> None:
    change = manifest(changed={"shop/db.py": (LineRange(start=1, end=1),)})
    got = report(done(finding()), source=change)
    assert (got.findings, got.outside_change) == ((), 1)


def test_a_finding_carries_its_code_and_its_voices() -> None:
    (shown,) = report(done(finding(), finding(tool="ruff", rule="S605", confidence=0.6))).findings
    assert shown.excerpt == ("", "def run(cmd):", "    os.system(cmd)")
    assert shown.excerpt_start == 3
    assert [each.tool for each in shown.sightings] == ["bandit", "ruff"]


def test_invalid_findings_are_dropped_and_counted_by_expert() -> None:
    got = report(done(finding(path="elsewhere.py"), finding()))
    assert got.dropped == got.experts[0].dropped == {"unknown_path": 1}
    assert got.experts[0].findings == 1


def test_fingerprints_survive_twenty_new_lines_above() -> None:
    shifted = {path: [""] * 20 + lines for path, lines in LINES.items()}
    moved = finding(line_start=25, line_end=25)
    before, after = report(done(finding())), report(done(moved), lines=shifted)
    assert before.findings[0].fingerprint == after.findings[0].fingerprint


def test_the_same_work_gives_the_same_report() -> None:
    findings = [finding(), finding(kind="weak-hash", cwe="CWE-327"), finding(tool="ruff")]
    assert report(done(*findings)) == report(done(*reversed(findings)))


def test_meta_rejects_what_is_ordinary_in_tests() -> None:
    assert rejects(finding(kind="hardcoded-secret", path="tests/test_shop.py"))
    assert not rejects(finding(kind="hardcoded-secret", path="shop/app.py"))
    assert not rejects(finding(kind="sql-injection", path="tests/test_shop.py"))
    assert rejects(finding(expert=ExpertName.QUALITY, path="vendor/lib.js"))
    assert not rejects(finding(path="vendor/lib.js"))


def test_meta_names_what_nobody_looked_at_once_per_reason() -> None:
    failed = [
        CoverageEntry(
            expert=SEC,
            path=path,
            status=CoverageStatus.FAILED,
            failed_tools=("bandit",),
            reason=CoverageReason.PARSE_ERROR,
        )
        for path in TEXTS
    ]
    (one,) = blind_spots(failed, LINES)
    assert (one.kind, one.path) == ("not-analysed", "shop/app.py")
    assert one.message == "2 files were not analysed by security (bandit): parse error."


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (OpinionSummary(confidence=0.9, findings=1), None),
        (OpinionSummary(confidence=0.9), None),
        (OpinionSummary(failure=Rejection.PROVIDER_ERROR), "provider_error"),
        (OpinionSummary(confidence=0.39), "low_confidence"),
        (OpinionSummary(confidence=0.9, dropped={"quote_not_found": 2}), "invalid_output"),
        (OpinionSummary(confidence=0.9, findings=1, dropped={"quote_not_found": 2}), None),
    ],
)
def test_the_acceptance_check(summary: OpinionSummary, expected: str | None) -> None:
    assert rejection_of(summary, BacktrackConfig()) == expected


def test_backoff_starts_at_one_second_doubles_and_ends_at_thirty() -> None:
    waits = [BacktrackConfig().backoff_seconds(attempt) for attempt in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_what_analysers_are_too_unsure_of_is_dropped_and_counted() -> None:
    sure, unsure = finding(confidence=0.8), finding(line_start=1, line_end=1, quote="import os", confidence=0.5)
    by_model = Opinion(findings=(finding(tool="model", confidence=0.2),), confidence=0.9)
    work = replace(done(sure, unsure), opinion=by_model)
    got = assemble(FRAME, manifest(), LINES, [work], ConsensusConfig(), min_confidence=0.8)
    assert [(each.line_start, len(each.sightings)) for each in got.findings] == [(5, 2)]
    assert got.dropped == got.experts[0].dropped == {"below_min_confidence": 1}
    assert "below_min_confidence" not in assemble(FRAME, manifest(), LINES, [work], ConsensusConfig()).dropped
