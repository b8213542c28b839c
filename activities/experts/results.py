"""How the work of an expert's analysers becomes one result with a ledger of what was looked at."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from activities.experts.analyser import Analyser, Analysis
from activities.ports import SourceTree
from models.expert import CoverageEntry, CoverageReason, CoverageStatus, ExpertFinding, ExpertName, StaticResult
from models.source import Language

log = logging.getLogger(__name__)

MAX_FINDINGS = 5_000
"""Findings of one expert that are kept, the gravest first; the rest is counted in the metric `findings-cut`."""

NEEDS_INPUT = frozenset({ExpertName.TEST, ExpertName.DEPENDENCY})
"""Experts whose analysers wait for more than code: a coverage report, a manifest."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who looks at what of a source."""

    wanted: tuple[tuple[Analyser, tuple[str, ...]], ...]
    """Analysers that have something to do, each with its files."""
    left_out: frozenset[str]
    """Files that analysers which are switched off would have read."""


def planned(analysers: Sequence[Analyser], tree: SourceTree, tools_off: Collection[str]) -> Plan:
    """Ask analysers what they want."""
    meant = [(analyser, _meant_for(analyser, tree)) for analyser in analysers]
    wanted = tuple((analyser, paths) for analyser, paths in meant if paths and analyser.name not in tools_off)
    left_out = frozenset(path for analyser, paths in meant if analyser.name in tools_off for path in paths)
    return Plan(wanted, left_out)


def _meant_for(analyser: Analyser, tree: SourceTree) -> tuple[str, ...]:
    """Which files an analyser wants; all of them if it cannot even say that, so that it fails in sight."""
    try:
        return analyser.wants(tree)
    except Exception as error:
        log.warning("analyser %s cannot choose files: %s", analyser.name, type(error).__name__)
        return tuple(file.path for file in tree.manifest.files)


def result_of(
    expert: ExpertName, tree: SourceTree, plan: Plan, done: Sequence[Analysis], isolation: str
) -> StaticResult:
    """One expert's result.

    Args:
        expert: whose.
        tree: the source.
        plan: who was to look at what.
        done: what came of it, in the plan's order.
        isolation: how the analysers were kept from the machine.
    """
    pairs = [(analyser.name, paths, result) for (analyser, paths), result in zip(plan.wanted, done, strict=True)]
    findings, cut = _ordered(done)
    metrics = {key: value for result in done for key, value in sorted(result.metrics.items())}
    if cut:
        metrics["findings-cut"] = float(cut)
    return StaticResult(
        expert=expert,
        findings=findings,
        coverage=ledger(expert, tree, pairs, plan.left_out),
        tools=tuple(result.run for result in done),
        metrics=metrics,
        isolation=isolation,
    )


def _ordered(done: Sequence[Analysis]) -> tuple[tuple[ExpertFinding, ...], int]:
    """All findings in an order that does not depend on which analyser ended first, and how many were cut."""
    findings = [finding for result in done for finding in result.findings]
    cut = max(len(findings) - MAX_FINDINGS, 0)
    if cut:
        findings.sort(key=lambda it: (-it.severity.weight, -it.confidence, *_place(it)))
        del findings[MAX_FINDINGS:]
    return tuple(sorted(findings, key=_place)), cut


def _place(finding: ExpertFinding) -> tuple[str, int, int, str, str, str]:
    return (finding.path, finding.line_start, finding.line_end, finding.tool, finding.rule, finding.message)


def ledger(
    expert: ExpertName,
    tree: SourceTree,
    done: Sequence[tuple[str, tuple[str, ...], Analysis]],
    left_out: Collection[str] = (),
) -> tuple[CoverageEntry, ...]:
    """What became of every file of the source.

    Args:
        expert: whose ledger.
        tree: the source.
        done: each analyser's name, the files meant for it, and its work.
        left_out: files that only analysers which are switched off would have read are skipped for that.
    """
    meant: dict[str, list[tuple[str, Analysis]]] = {file.path: [] for file in tree.manifest.files}
    for name, paths, result in done:
        for path in paths:
            meant.setdefault(path, []).append((name, result))
    return tuple(
        _entry(expert, file.path, file.language, meant[file.path], file.path in left_out)
        for file in tree.manifest.files
    )


def _entry(
    expert: ExpertName, path: str, language: Language, meant: list[tuple[str, Analysis]], left_out: bool
) -> CoverageEntry:
    if not meant and left_out:
        reason = CoverageReason.NOT_SELECTED
        return CoverageEntry(expert=expert, path=path, status=CoverageStatus.SKIPPED, reason=reason)
    if not meant:
        waits = expert in NEEDS_INPUT and language is not Language.OTHER
        reason = CoverageReason.NO_INPUT if waits else CoverageReason.LANGUAGE_NOT_SUPPORTED
        return CoverageEntry(expert=expert, path=path, status=CoverageStatus.SKIPPED, reason=reason)
    read = sorted({name for name, result in meant if path in result.analysed})
    if not read and all(result.failed.get(path) is CoverageReason.NO_INPUT for _, result in meant):
        return CoverageEntry(expert=expert, path=path, status=CoverageStatus.SKIPPED, reason=CoverageReason.NO_INPUT)
    # A tool that lacked its input is no loss where others read the file. What an analyser neither read nor admits to
    # have failed on is a failure all the same.
    lost = {
        name: result.failed.get(path, CoverageReason.CRASHED)
        for name, result in meant
        if path not in result.analysed and result.failed.get(path) is not CoverageReason.NO_INPUT
    }
    names = sorted(lost)
    return CoverageEntry(
        expert=expert,
        path=path,
        status=CoverageStatus.FAILED if lost else CoverageStatus.ANALYSED,
        tools=tuple(name for name in read if name not in lost),
        failed_tools=tuple(names),
        reason=lost[names[0]] if names else None,
    )
