"""Which analysers an expert has, and how their work becomes one result with a ledger of what was looked at."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from activities.experts.analyser import Analyser, Analysis, Sandbox
from activities.experts.analysers.astgrep import AstGrepAnalyser
from activities.experts.analysers.bandit import BanditAnalyser
from activities.experts.analysers.common import version
from activities.experts.analysers.complexipy import ComplexipyAnalyser
from activities.experts.analysers.coverage_report import CoverageReportAnalyser
from activities.experts.analysers.deceptive_text import DeceptiveTextAnalyser
from activities.experts.analysers.declared import NodeDependenciesAnalyser, PythonDependenciesAnalyser
from activities.experts.analysers.detect_secrets import SecretsAnalyser
from activities.experts.analysers.documentation import DocumentationAnalyser
from activities.experts.analysers.import_graph import PythonImportsAnalyser, SourceImportsAnalyser
from activities.experts.analysers.lizard import LizardAnalyser
from activities.experts.analysers.profile_report import ProfileAnalyser
from activities.experts.analysers.ruff import RuffAnalyser
from activities.experts.analysers.suppression_comments import SuppressionAnalyser
from activities.experts.analysers.untested import UntestedCodeAnalyser
from activities.experts.analysers.vulture import VultureAnalyser
from activities.ports import IsolationUnavailable, SourceTree
from models.expert import (
    CoverageEntry,
    CoverageReason,
    CoverageStatus,
    ExpertFinding,
    ExpertName,
    StaticResult,
    ToolRun,
)
from models.source import Language

log = logging.getLogger(__name__)

MAX_FINDINGS = 5_000
"""Findings of one expert that are kept, the gravest first; the rest is counted in the metric `findings-cut`."""

PANEL: Mapping[ExpertName, tuple[Analyser, ...]] = {
    ExpertName.SECURITY: (
        RuffAnalyser(ExpertName.SECURITY),
        BanditAnalyser(),
        AstGrepAnalyser(ExpertName.SECURITY),
        SecretsAnalyser(),
        DeceptiveTextAnalyser(),
    ),
    ExpertName.QUALITY: (
        RuffAnalyser(ExpertName.QUALITY),
        AstGrepAnalyser(ExpertName.QUALITY),
        LizardAnalyser(),
        ComplexipyAnalyser(),
        VultureAnalyser(),
        SuppressionAnalyser(),
    ),
    ExpertName.PERFORMANCE: (
        RuffAnalyser(ExpertName.PERFORMANCE),
        AstGrepAnalyser(ExpertName.PERFORMANCE),
        ProfileAnalyser(),
    ),
    ExpertName.DEPENDENCY: (
        PythonImportsAnalyser(),
        SourceImportsAnalyser(),
        PythonDependenciesAnalyser(),
        NodeDependenciesAnalyser(),
    ),
    ExpertName.TEST: (CoverageReportAnalyser(), UntestedCodeAnalyser()),
    ExpertName.DOCUMENTATION: (DocumentationAnalyser(),),
}
"""Every expert's analysers."""

NEEDS_INPUT = frozenset({ExpertName.TEST, ExpertName.DEPENDENCY})
"""Experts whose analysers wait for more than code: a coverage report, a manifest."""


class PanelAnalyst:
    """Runs the static half of an expert: all its analysers at once; implements `activities.ports.Analyst`."""

    def __init__(self, sandbox: Sandbox, panel: Mapping[ExpertName, Sequence[Analyser]] = PANEL) -> None:
        """Prepare.

        Args:
            sandbox: where the analysers run; it bounds how many do so at a time.
            panel: other analysers than our own.
        """
        self._sandbox = sandbox
        self._panel = panel

    async def analyse(self, expert: ExpertName, tree: SourceTree) -> StaticResult:
        """Run one expert's analysers; see `activities.ports.Analyst`."""
        meant = await asyncio.gather(*(self._meant_for(analyser, tree) for analyser in self._panel.get(expert, ())))
        wanted = [(analyser, paths) for analyser, paths in meant if paths]
        done = await asyncio.gather(*(self._guarded(analyser, paths, tree) for analyser, paths in wanted))
        pairs = [(analyser.name, paths, result) for (analyser, paths), result in zip(wanted, done, strict=True)]
        findings, cut = _ordered(done)
        metrics = {key: value for result in done for key, value in sorted(result.metrics.items())}
        if cut:
            metrics["findings-cut"] = float(cut)
        return StaticResult(
            expert=expert,
            findings=findings,
            coverage=ledger(expert, tree, pairs),
            tools=tuple(result.run for result in done),
            metrics=metrics,
            isolation=await asyncio.to_thread(lambda: self._sandbox.isolation),
        )

    async def _meant_for(self, analyser: Analyser, tree: SourceTree) -> tuple[Analyser, tuple[str, ...]]:
        """Which files an analyser wants; all of them if it cannot even say that, so that it fails in sight."""
        try:
            return analyser, await asyncio.to_thread(analyser.wants, tree)
        except Exception as error:
            log.warning("analyser %s cannot choose files: %s", analyser.name, type(error).__name__)
            return analyser, tuple(file.path for file in tree.manifest.files)

    async def _guarded(self, analyser: Analyser, paths: tuple[str, ...], tree: SourceTree) -> Analysis:
        """Run one analyser; a defect in its adapter is that analyser's failure and nobody else's."""
        try:
            return await analyser.run(tree, self._sandbox)
        except IsolationUnavailable:
            raise
        except Exception as error:
            # The error's text may hold code under review: its type is all that may be logged.
            log.warning("analyser %s failed: %s", analyser.name, type(error).__name__)
            reason = CoverageReason.CRASHED
            run = ToolRun(
                tool=analyser.name, version=version(analyser.name), seconds=0, files=len(paths), failure=reason
            )
            return Analysis(run=run, failed=dict.fromkeys(paths, reason))


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
    expert: ExpertName, tree: SourceTree, done: Sequence[tuple[str, tuple[str, ...], Analysis]]
) -> tuple[CoverageEntry, ...]:
    """What became of every file of the source.

    Args:
        expert: whose ledger.
        tree: the source.
        done: each analyser's name, the files meant for it, and its work.
    """
    meant: dict[str, list[tuple[str, Analysis]]] = {file.path: [] for file in tree.manifest.files}
    for name, paths, result in done:
        for path in paths:
            meant.setdefault(path, []).append((name, result))
    return tuple(_entry(expert, file.path, file.language, meant[file.path]) for file in tree.manifest.files)


def _entry(expert: ExpertName, path: str, language: Language, meant: list[tuple[str, Analysis]]) -> CoverageEntry:
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
