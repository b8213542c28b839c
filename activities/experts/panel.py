"""Which analysers an expert has, and how they run over one source."""

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
from activities.experts.results import planned, result_of
from activities.ports import IsolationUnavailable, SourceTree
from models.expert import CoverageReason, ExpertName, StaticResult, ToolRun

log = logging.getLogger(__name__)

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

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        """Run one expert's analysers; see `activities.ports.Analyst`."""
        plan = await asyncio.to_thread(planned, self._panel.get(expert, ()), tree, tools_off)
        work = (guarded(analyser, paths, tree, self._sandbox) for analyser, paths in plan.wanted)
        done = await asyncio.gather(*work)
        isolation = await asyncio.to_thread(lambda: self._sandbox.isolation)
        return result_of(expert, tree, plan, done, isolation)


async def guarded(analyser: Analyser, paths: tuple[str, ...], tree: SourceTree, sandbox: Sandbox) -> Analysis:
    """Run one analyser; a defect in its adapter is that analyser's failure and nobody else's."""
    try:
        return await analyser.run(tree, sandbox)
    except IsolationUnavailable:
        raise
    except Exception as error:
        # The error's text may hold code under review: its type is all that may be logged.
        log.warning("analyser %s failed: %s", analyser.name, type(error).__name__)
        reason = CoverageReason.CRASHED
        run = ToolRun(tool=analyser.name, version=version(analyser.name), seconds=0, files=len(paths), failure=reason)
        return Analysis(run=run, failed=dict.fromkeys(paths, reason))
