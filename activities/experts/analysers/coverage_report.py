"""Coverage reports (coverage.py JSON, Cobertura XML, lcov) against the source: what no test ran."""

from collections.abc import Iterable

from activities.experts.analysers.common import CODE, Hit, files_of
from activities.experts.analysers.facts import (
    Answer,
    ChildAnalyser,
    Count,
    Facts,
    Line,
    Name,
    Told,
    files_by_path,
    plain_name,
    plain_path,
)
from activities.experts.children.places import is_support, is_test
from activities.ports import SourceTree
from models.expert import ExpertName, Severity
from models.source import ArtifactKind, SourceFile

KINDS = (ArtifactKind.COVERAGE_JSON, ArtifactKind.COBERTURA_XML, ArtifactKind.LCOV)
LOW_COVERAGE = 0.5
"""Share of lines below which a file counts as hardly tested."""
MIN_LINES = 20
"""Measured lines below which a share says little."""
MIN_BLOCK = 8
"""Measured lines that a gap inside tested functions has at least to be worth a finding."""
Run = tuple[Line, Line, Count]


class FileCoverage(Facts):
    """What the reports say of one file."""

    path: Name
    lines: Count
    covered: Count
    branches: Count
    branches_taken: Count
    public: Count
    dead: tuple[tuple[Name, Line, Line], ...]
    dead_count: Count
    block: Run | None
    changed: Count
    changed_missing: tuple[Run, ...]
    changed_partial: Count


class CoverageAnswer(Answer):
    """What the child says."""

    files: tuple[FileCoverage, ...]
    unmeasured: tuple[Name, ...]


class CoverageReportAnalyser(ChildAnalyser[CoverageAnswer]):
    """The reader of coverage reports in the hands of the test expert."""

    name = "coverage-report"
    expert = ExpertName.TEST
    child = "coverage_report.py"
    package = "coverage"
    answer = CoverageAnswer
    artifacts = KINDS

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every product file, if a report came with the source; tests are not what is to be tested."""
        if not any(kind in tree.artifacts for kind in KINDS):
            return ()
        return tuple(path for path in files_of(tree, CODE) if not is_test(path) and not is_support(path))

    def told(self, answer: CoverageAnswer, tree: SourceTree) -> Told:
        """What no test ran, and the shares."""
        return Told(list(hits_of(answer, files_by_path(tree), tree.manifest.is_change)), metrics_of(answer))


def metrics_of(answer: CoverageAnswer) -> dict[str, float]:
    """Lines and branches of the whole source, and the share of them that ran."""
    lines, branches = sum(f.lines for f in answer.files), sum(f.branches for f in answer.files)
    covered, taken = sum(f.covered for f in answer.files), sum(f.branches_taken for f in answer.files)
    metrics = {"lines-measured": float(lines), "lines-covered": float(covered)}
    metrics["line-coverage"] = round(covered / lines, 4) if lines else 0.0
    if branches:
        metrics |= {"branches-measured": float(branches), "branches-covered": float(taken)}
        metrics["branch-coverage"] = round(taken / branches, 4)
    return metrics


def hits_of(answer: CoverageAnswer, files: dict[str, SourceFile], is_change: bool) -> Iterable[Hit]:
    """The findings: of a change the lines it touches, else per file what never ran; worst files first."""
    facts = [fact for fact in answer.files if fact.path in files]
    if is_change:
        for fact in facts:
            yield from _change_hits(fact)
        return
    for fact in sorted(facts, key=lambda fact: (fact.covered - fact.lines, fact.path)):
        yield from _file_hits(fact)
    absent = [path for path in answer.unmeasured if path in files and files[path].lines >= MIN_LINES]
    if absent:
        first = max(absent, key=lambda path: (files[path].lines, path))
        names = ", ".join(plain_path(path, 60) for path in sorted(absent)[:4])
        more = f" and {len(absent) - 4} more" if len(absent) > 4 else ""
        yield Hit(
            first,
            1,
            1,
            rule="not-measured",
            kind="uncovered-code",
            severity=Severity.LOW,
            confidence=0.6,
            message=f"{len(absent)} files are not in the coverage report; no test is known to run them: {names}{more}.",
            recommendation="Measure the whole source (coverage.py: `source`, lcov: `--initial`), then look again.",
        )


def _change_hits(fact: FileCoverage) -> Iterable[Hit]:
    missing = sum(lines for _, _, lines in fact.changed_missing)
    if missing:
        first, last, _ = max(fact.changed_missing, key=lambda run: (run[2], -run[0]))
        partial = f" {fact.changed_partial} more run only one way of a branch." if fact.changed_partial else ""
        yield Hit(
            fact.path,
            first,
            last,
            rule="changed-lines",
            kind="untested-change",
            severity=Severity.MEDIUM,
            confidence=0.9,
            message=f"No test runs {missing} of the {fact.changed} changed lines that can run.{partial}",
            recommendation="Add a test that goes through these lines, the largest group first.",
        )


def _file_hits(fact: FileCoverage) -> Iterable[Hit]:
    if not fact.lines:
        return
    share = fact.covered / fact.lines
    state = f"{share:.0%} of {fact.lines} lines"
    if fact.branches:
        state += f" and {fact.branches_taken / fact.branches:.0%} of {fact.branches} branches"
    weak = share < LOW_COVERAGE and fact.lines >= MIN_LINES
    severity = Severity.MEDIUM if weak else Severity.LOW
    if fact.dead:
        name, start, end = max(fact.dead, key=lambda item: (item[2] - item[1], -item[1]))
        yield Hit(
            fact.path,
            start,
            end,
            rule="uncovered-function",
            kind="uncovered-code",
            severity=severity,
            confidence=0.9,
            message=f"No test runs {fact.dead_count} of {fact.public} public functions, the longest "
            f"`{plain_name(name)}`; {state} of the file ran.",
            recommendation="Test the functions that others rely on first, starting with this one.",
        )
    if fact.block is not None and (fact.block[2] >= MIN_BLOCK or (weak and not fact.dead)):
        start, end, lines = fact.block
        large = lines >= MIN_BLOCK
        yield Hit(
            fact.path,
            start,
            end,
            rule="uncovered-block" if large else "low-coverage",
            kind="uncovered-code",
            severity=severity if not fact.dead else Severity.LOW,
            confidence=0.8,
            message=f"No test runs these {lines} lines; {state} of the file ran."
            if large
            else f"Tests run only {state} of the file.",
            recommendation="Find the input that leads here and make it a test; if there is none, delete the lines.",
        )
