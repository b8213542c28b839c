"""The static halves of an expert over many sources at once: each analyser is started for all of them, not for each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from activities.experts.analyser import Analyser, Analysis, ProjectAnalyser, Sandbox, Usage
from activities.experts.analysers.common import CHUNK_BYTES, CHUNK_FILES, RETRY_PIECES
from activities.experts.panel import PANEL, guarded
from activities.experts.results import planned, result_of
from activities.ports import IsolationUnavailable, SourceBatch, SourceTree
from models.expert import CoverageReason, ExpertFinding, ExpertName, StaticResult
from models.source import SourceManifest

log = logging.getLogger(__name__)

OWN_FAULT = frozenset(
    {
        CoverageReason.NO_INPUT,
        CoverageReason.PARSE_ERROR,
        CoverageReason.LANGUAGE_NOT_SUPPORTED,
        CoverageReason.TOOL_MISSING,
    }
)
"""Failures that no company had a part in; after any other a source is tried alone."""


@dataclass(frozen=True, slots=True)
class Share:
    """One source in the hands of one analyser."""

    tree: SourceTree
    paths: tuple[str, ...]
    """What the analyser wants of it; never empty."""


class BatchPanel:
    """Runs all analysers of an expert at once over many sources; implements `activities.ports.BatchAnalyst`."""

    def __init__(self, sandbox: Sandbox, panel: Mapping[ExpertName, Sequence[Analyser]] = PANEL) -> None:
        """Prepare.

        Args:
            sandbox: where the analysers run; it bounds how many do so at a time.
            panel: other analysers than our own.
        """
        self._sandbox = sandbox
        self._panel = panel

    async def analyse_many(
        self, expert: ExpertName, batch: SourceBatch, tools_off: Sequence[str] = ()
    ) -> list[StaticResult]:
        """Run one expert's analysers; see `activities.ports.BatchAnalyst`."""
        analysers = self._panel.get(expert, ())
        plans = await asyncio.to_thread(lambda: [planned(analysers, tree, tools_off) for tree in batch.trees])
        done: list[dict[str, Analysis]] = [{} for _ in plans]

        async def one(analyser: Analyser) -> None:
            wanting = [
                (place, Share(batch.trees[place], paths))
                for place, plan in enumerate(plans)
                for each, paths in plan.wanted
                if each is analyser
            ]
            analyses = await self._run(analyser, batch.root, [share for _, share in wanting])
            for (place, _), analysis in zip(wanting, analyses, strict=True):
                done[place][analyser.name] = analysis

        await asyncio.gather(*map(one, analysers))
        isolation = await asyncio.to_thread(lambda: self._sandbox.isolation)
        return [
            result_of(expert, tree, plan, [mine[analyser.name] for analyser, _ in plan.wanted], isolation)
            for tree, plan, mine in zip(batch.trees, plans, done, strict=True)
        ]

    async def _run(self, analyser: Analyser, root: Path, shares: list[Share]) -> list[Analysis]:
        """One analyser over all sources together, then over each alone for which that went wrong."""
        together: list[Analysis | None] = [None] * len(shares)
        if len(shares) > 1:
            try:
                if isinstance(analyser, ProjectAnalyser):
                    together[:] = await self._as_projects(analyser, root, shares)
                else:
                    together[:] = await self._as_one(analyser, root, shares)
            except IsolationUnavailable:
                raise
            except Exception as error:
                # The error's text may hold code under review: its type is all that may be logged.
                log.warning("analyser %s failed over %d sources: %s", analyser.name, len(shares), type(error).__name__)

        async def settled(share: Share, analysis: Analysis | None) -> Analysis:
            if analysis is not None and not _was_disturbed(analysis):
                return analysis
            return await guarded(analyser, share.paths, share.tree, self._sandbox)

        return list(await asyncio.gather(*map(settled, shares, together)))

    async def _as_projects(self, analyser: ProjectAnalyser, root: Path, shares: list[Share]) -> list[Analysis]:
        """An analyser that looks at projects as a whole; what fails as a whole is tried again in pieces."""

        async def call(group: list[Share]) -> list[Analysis]:
            return await analyser.run_many(SourceBatch(root, tuple(share.tree for share in group)), self._sandbox)

        async def again(group: list[Share]) -> list[Analysis]:
            analyses = await call(group)
            if len(group) <= RETRY_PIECES or analyses[0].run.failure in (None, CoverageReason.TOOL_MISSING):
                return analyses
            step = -(-len(group) // RETRY_PIECES)
            return await _each(call, [group[at : at + step] for at in range(0, len(group), step)])

        return await _each(again, groups_of(shares))

    async def _as_one(self, analyser: Analyser, root: Path, shares: list[Share]) -> list[Analysis]:
        """An analyser that looks at each file alone does not care which files are of one source."""
        whole = await analyser.run(side_by_side(root, [share.tree for share in shares]), self._sandbox)
        return parts_of(whole, shares)


def _was_disturbed(analysis: Analysis) -> bool:
    """Whether an analysis may have failed for what other sources did."""
    return not {*analysis.failed.values()} <= OWN_FAULT


async def _each(
    call: Callable[[list[Share]], Awaitable[list[Analysis]]], groups: Sequence[list[Share]]
) -> list[Analysis]:
    """Call for every group at once; what comes back in one list."""
    return [analysis for analyses in await asyncio.gather(*map(call, groups)) for analysis in analyses]


def groups_of(shares: Sequence[Share]) -> list[list[Share]]:
    """Sources in groups that one process can take, in number of files and in bytes; a large one goes alone."""
    groups: list[list[Share]] = []
    files = size = 0
    for share in shares:
        described = share.tree.manifest.files
        more = sum(file.size for file in described)
        if not groups or files + len(described) > CHUNK_FILES or size + more > CHUNK_BYTES:
            groups.append([])
            files = size = 0
        groups[-1].append(share)
        files, size = files + len(described), size + more
    return groups


def side_by_side(root: Path, trees: Sequence[SourceTree]) -> SourceTree:
    """Many sources as if they were one, with each source's folder in front of its paths."""
    files = tuple(
        file.model_copy(update={"path": f"{tree.root.name}/{file.path}"})
        for tree in trees
        for file in tree.manifest.files
    )
    manifest = SourceManifest.model_construct(source_id="batch", label="batch", content_hash="", files=files)
    return SourceTree(root=root, manifest=manifest, artifacts={})


def parts_of(whole: Analysis, shares: Sequence[Share]) -> list[Analysis]:
    """What an analyser said of many sources side by side, source by source."""
    findings: dict[str, list[ExpertFinding]] = {share.tree.root.name: [] for share in shares}
    for finding in whole.findings:
        name, _, path = finding.path.partition("/")
        findings[name].append(finding.model_copy(update={"path": path}))
    total = sum(len(share.paths) for share in shares)
    return [_part_of(whole, share, tuple(findings[share.tree.root.name]), len(share.paths) / total) for share in shares]


def _part_of(whole: Analysis, share: Share, findings: tuple[ExpertFinding, ...], portion: float) -> Analysis:
    beside = {path: f"{share.tree.root.name}/{path}" for path in share.paths}
    usage = Usage(whole.run.seconds, whole.run.cpu_seconds, whole.run.peak_mib).part(portion)
    run = whole.run.model_copy(update={"files": len(share.paths), **usage.told()})
    return Analysis(
        run=run,
        findings=findings,
        analysed=frozenset(path for path, place in beside.items() if place in whole.analysed),
        failed={path: whole.failed[place] for path, place in beside.items() if place in whole.failed},
    )
