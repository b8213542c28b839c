"""The meta expert: judges what the others say, and says what nobody looked at."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from models.expert import CoverageEntry, CoverageStatus, ExpertFinding, ExpertName, Severity
from models.source import SourceManifest

TOOL = "meta"

TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec|fixtures?)/|(^|/)(test_[^/]*|[^/]*[._-](test|spec))\.[a-z]+$|(^|/)conftest\.py$|Tests?\.java$"
)
"""Files whose code never runs in production."""

GENERATED_PATH = re.compile(
    r"(^|/)(vendor|vendored|third[_-]party|node_modules|generated|dist)/|\.min\.(js|css)$|(_pb2(_grpc)?\.pyi?|\.g\.[a-z]+|\.generated\.[a-z]+)$"
)
"""Files that nobody edits by hand."""

TEST_NOISE = frozenset(
    {
        "assert-used",
        "hardcoded-secret",
        "hardcoded-temp-path",
        "weak-random",
        "missing-docs",
        "untested-code",
        "many-parameters",
        "long-function",
        "subprocess-use",
        "cleartext-transmission",
        "binds-all-interfaces",
        "tls-verification-disabled",
    }
)
"""Kinds that are ordinary in tests: test data is made to look like that."""

HUMAN_WORK = frozenset({ExpertName.QUALITY, ExpertName.DOCUMENTATION, ExpertName.TEST})
"""Experts whose advice is for people who edit the file."""


def rejects(finding: ExpertFinding) -> bool:
    """Whether meta holds a finding to be right about the text and wrong about the code's purpose."""
    if TEST_PATH.search(finding.path) and finding.kind in TEST_NOISE:
        return True
    return bool(GENERATED_PATH.search(finding.path)) and finding.expert in HUMAN_WORK


def blind_spots(coverage: Iterable[CoverageEntry], lines: Mapping[str, Sequence[str]]) -> tuple[ExpertFinding, ...]:
    """Files that an analyser was meant to read and did not, as findings: silence about them is no praise.

    One finding per expert, tools and reason, at the first such file.
    """
    groups: dict[tuple[ExpertName, tuple[str, ...], str], list[str]] = defaultdict(list)
    for entry in coverage:
        if entry.status is CoverageStatus.FAILED and entry.path in lines:
            groups[entry.expert, entry.failed_tools, entry.reason or "crashed"].append(entry.path)
    findings: list[ExpertFinding] = []
    for (expert, tools, reason), paths in sorted(groups.items()):
        first = min(paths)
        by = ", ".join(tools) or expert.value
        count = f"{len(paths)} files were" if len(paths) > 1 else "This file was"
        findings.append(
            ExpertFinding(
                expert=ExpertName.META,
                tool=TOOL,
                rule=f"not-analysed/{expert.value}",
                kind="not-analysed",
                severity=Severity.LOW,
                confidence=1.0,
                path=first,
                line_start=1,
                line_end=1,
                message=f"{count} not analysed by {expert.value} ({by}): {reason.replace('_', ' ')}.",
                recommendation="No finding here does not mean no flaw. The coverage ledger lists every such file.",
                quote=(lines[first][0].strip() if lines[first] else "")[:400],
            )
        )
    return tuple(findings)


def read_by_meta(manifest: SourceManifest) -> tuple[CoverageEntry, ...]:
    """Meta's part of the ledger: it checks every finding against the text of its file."""
    return tuple(
        CoverageEntry(expert=ExpertName.META, path=file.path, status=CoverageStatus.ANALYSED, tools=(TOOL,))
        for file in manifest.files
    )
