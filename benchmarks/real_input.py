"""Reviews real projects and diffs in every mode and prints what became of each as a Markdown table."""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.service import Review, client_of, review, running_stack
from models.errors import InvalidInput
from models.expert import CoverageStatus, ExpertName
from models.review import ReviewMode, ReviewReport
from starter.client import Client
from starter.intake.collect import DIFF_SUFFIXES

SHORT = {name: name[:3] for name in ExpertName}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One input in every mode."""

    name: str
    reviews: dict[ReviewMode, Review]
    problem: str = ""
    """Why the input was not taken."""


def inputs(paths: Sequence[Path]) -> list[Path]:
    """Projects as they are; a folder of diffs is each of its diffs."""
    found: list[Path] = []
    for path in paths:
        diffs = sorted(file for file in path.glob("*") if file.suffix in DIFF_SUFFIXES) if path.is_dir() else []
        found += diffs or [path]
    return found


def outcome_of(client: Client, path: Path) -> Outcome:
    """Review one input in every mode."""
    try:
        return Outcome(path.name, {mode: review(client, path, mode) for mode in ReviewMode})
    except InvalidInput as error:
        return Outcome(path.name, {}, problem=str(error))


def identity(report: ReviewReport) -> tuple[object, ...]:
    """What must be the same whatever the mode."""
    return ([finding.fingerprint for finding in report.findings], report.totals, report.outside_change)


def not_analysed(report: ReviewReport) -> str:
    """Files per reason: those left out of the source, then those an expert could not or need not read."""
    left_out = Counter(f"left out: {file.reason}" for file in report.skipped)
    failed: Counter[str] = Counter()
    for entry in report.coverage:
        if entry.status is CoverageStatus.FAILED:
            failed[f"**{SHORT[entry.expert]} failed: {entry.reason} ({', '.join(entry.failed_tools)})**"] += 1
    skipped = Counter(
        f"{entry.reason}" for entry in report.coverage if entry.status is CoverageStatus.SKIPPED and entry.reason
    )
    parts = [f"{count} {what}" for counter in (left_out, failed) for what, count in sorted(counter.items())]
    parts += [f"{count} cells {what}" for what, count in sorted(skipped.items())]
    return "; ".join(parts) or "-"


def row(outcome: Outcome) -> str:
    """One line of the table."""
    reports = [each.report for each in outcome.reviews.values() if each.report]
    if outcome.problem or not reports:
        crash = "not taken in" if outcome.problem else "no report in any mode"
        return f"| {outcome.name} | - | - | - | - | - | {outcome.problem or '-'} | {crash} |"
    report = reports[0]
    ended = [f"{mode}: {each.status}" for mode, each in outcome.reviews.items() if each.report is None] + [
        f"{mode}: {expert.expert} {expert.status} ({expert.reason})"
        for mode, each in outcome.reviews.items()
        if each.report
        for expert in each.report.experts
        if expert.status in ("failed", "degraded")
    ]
    if any(identity(other) != identity(report) for other in reports[1:]):
        ended.append("modes differ")
    seconds = " / ".join(f"{each.seconds:.1f}" for each in outcome.reviews.values())
    found = " ".join(f"{SHORT[each.expert]} {each.findings}" for each in report.experts if each.findings) or "0"
    outside = f", {report.outside_change} outside the change" if report.outside_change else ""
    lines = sum(share.lines for share in report.languages)
    files = sum(share.files for share in report.languages)
    shown = f"{len(report.findings)} / {report.suppressed}{outside}"
    crash = ", ".join(ended) or "no"
    return (
        f"| {outcome.name} | {files} | {lines:,} | {seconds} | {found} | {shown} | {not_analysed(report)} | {crash} |"
    )


def main() -> None:
    """Review and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="project folders, diffs, or folders of diffs")
    parser.add_argument("--reports", type=Path, help="folder for every report as Markdown and JSON")
    asked = parser.parse_args()
    client = client_of(running_stack())
    modes = " / ".join(ReviewMode)
    print(f"| input | files | lines | s {modes} | findings before merging | reported / more | not analysed | crash |")
    print("|---|--:|--:|---|---|---|---|---|", flush=True)
    failed = False
    for path in inputs(asked.paths):
        outcome = outcome_of(client, path)
        print(row(outcome), flush=True)
        whole = [each.report for each in outcome.reviews.values() if each.report]
        failed = failed or len(whole) < len(ReviewMode)
        if asked.reports and whole:
            asked.reports.mkdir(parents=True, exist_ok=True)
            for format, suffix in (("markdown", "md"), ("json", "json")):
                text = client.rendered(whole[0].review_id, format)
                (asked.reports / f"{path.name}.{suffix}").write_text(text, encoding="utf-8")
    client.close()
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
