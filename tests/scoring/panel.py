"""The project's own static experts, run over labelled samples."""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from activities.experts.panel import PANEL, PanelAnalyst
from activities.experts.sandbox import KernelSandbox
from activities.ports import SourceTree
from models.expert import CoverageStatus, ExpertFinding, ExpertName
from tests.scoring.samples import Sample, lay_out

EXPERTS = (ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE, ExpertName.DOCUMENTATION)
"""Experts that need nothing but code. Dependency and test wait for manifests and reports, which samples do not have."""
BATCH = 250
"""Samples in one tree: an expert keeps a bounded number of findings of one source."""


async def findings_of(
    samples: Iterable[Sample], experts: Sequence[ExpertName], tools: frozenset[str] | None
) -> dict[str, list[ExpertFinding]]:
    """What the experts say about each sample, by its path.

    Args:
        samples: the samples; only code, language and file name are shown to the experts.
        experts: who is asked.
        tools: only these analysers; all if None.
    """
    panel = {
        expert: tuple(it for it in PANEL.get(expert, ()) if tools is None or it.name in tools) for expert in experts
    }
    analyst = PanelAnalyst(KernelSandbox(), panel)
    found: dict[str, list[ExpertFinding]] = {}
    for batch in _batched(list(samples)):
        with tempfile.TemporaryDirectory() as folder:
            tree = lay_out(batch, Path(folder))
            for expert in experts:
                for finding in await _one(analyst, expert, tree):
                    found.setdefault(finding.path, []).append(finding)
    return found


def _batched(samples: list[Sample]) -> Iterable[list[Sample]]:
    return (samples[start : start + BATCH] for start in range(0, len(samples), BATCH))


async def _one(analyst: PanelAnalyst, expert: ExpertName, tree: SourceTree) -> tuple[ExpertFinding, ...]:
    result = await analyst.analyse(expert, tree)
    if result.metrics.get("findings-cut"):
        raise RuntimeError(f"the {expert} expert cut findings: make BATCH smaller")
    # A tool that did not run must not pass for one that found nothing.
    for run in result.tools:
        if run.failure:
            raise RuntimeError(f"{run.tool} failed as a whole: {run.failure}")
    lost = Counter(
        (tool, str(it.reason))
        for it in result.coverage
        if it.status is CoverageStatus.FAILED
        for tool in it.failed_tools
    )
    for (tool, reason), count in sorted(lost.items()):
        print(f"note: {tool} ({expert}) did not read {count} samples: {reason}", file=sys.stderr)
    return result.findings
