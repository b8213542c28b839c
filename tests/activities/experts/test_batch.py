"""Many sources at once give what each gives alone."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import get_args

import pytest

from activities.experts.analyser import Completed, Limits, Sandbox, Usage
from activities.experts.analysers.import_graph import PythonImportsAnalyser
from activities.experts.analysers.ruff import RuffAnalyser
from activities.experts.analysers.suppression_comments import SuppressionAnalyser
from activities.experts.analysers.vulture import VultureAnalyser
from activities.experts.batch import BatchPanel
from activities.experts.panel import PANEL, PanelAnalyst
from activities.experts.sandbox import KernelSandbox
from activities.ports import IsolationUnavailable, SourceBatch
from models.config import Analyser
from models.expert import CoverageReason, CoverageStatus, ExpertName, StaticResult
from tests.activities.experts.plain_sandbox import PlainSandbox
from tests.activities.experts.projects import PLAIN, RICH
from tests.activities.experts.trees import lay_out

ANALYSERS = frozenset(get_args(Analyser))
QUALITY, DEPENDENCY = ExpertName.QUALITY, ExpertName.DEPENDENCY
WHOLE_PROJECT = {
    "vulture",
    "grimp",
    "tree-sitter-imports",
    "deptry",
    "package-json",
    "untested-code",
    "tree-sitter-docs",
}
"""They look at more than one file at a time: what could get mixed up."""


def side_by_side(root: Path, projects: Mapping[str, Mapping[str, str]]) -> SourceBatch:
    trees = [lay_out(root / f"s{place}", dict(files)) for place, files in enumerate(projects.values())]
    return SourceBatch(root, tuple(trees))


def without_seconds(result: StaticResult) -> StaticResult:
    tools = tuple(run.model_copy(update={"seconds": 0.0, "cpu_seconds": 0.0, "peak_mib": 0.0}) for run in result.tools)
    return result.model_copy(update={"tools": tools})


async def same_as_alone(
    root: Path, projects: Mapping[str, Mapping[str, str]], tools: Collection[str] = ANALYSERS
) -> set[str]:
    """Compare; returns the analysers that found something."""
    sandbox, off, seen = KernelSandbox(), tuple(ANALYSERS - set(tools)), set[str]()
    batch = side_by_side(root, projects)
    for expert in PANEL:
        together = await BatchPanel(sandbox).analyse_many(expert, batch, off)
        alone = await asyncio.gather(*(PanelAnalyst(sandbox).analyse(expert, tree, off) for tree in batch.trees))
        for name, got, wanted in zip(projects, together, alone, strict=True):
            assert without_seconds(got) == without_seconds(wanted), (expert, name)
            assert {run.failure for run in got.tools} <= {None}, (expert, name)
            seen |= {finding.tool for finding in got.findings}
    return seen


async def test_projects_beside_each_other_are_not_mixed_up(tmp_path: Path) -> None:
    assert await same_as_alone(tmp_path, RICH, WHOLE_PROJECT) == WHOLE_PROJECT


async def test_files_beside_each_other_are_not_mixed_up(tmp_path: Path) -> None:
    few = {name: PLAIN[name] for name in ("python alone", "a suppression", "javascript alone", "a name with a space")}
    tools = {"ruff", "bandit", "suppressions", "detect-secrets"}
    assert await same_as_alone(tmp_path, few, tools) == {"ruff", "bandit", "suppressions"}


@pytest.mark.campaign
async def test_every_analyser_says_the_same_of_every_project(tmp_path: Path) -> None:
    seen = await same_as_alone(tmp_path, RICH | PLAIN)
    assert seen == ANALYSERS - {"coverage-report", "profile"}


class Starting:
    """Another sandbox that counts what is started, and kills what has a certain file in it."""

    isolation = "limits-only"

    def __init__(self, poison: str = "poison.py", inner: Sandbox | None = None) -> None:
        self._inner = inner or PlainSandbox()
        self._poison = poison.encode()
        self.started = 0

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        self.started += 1
        if self._poison in stdin + " ".join(argv).encode():
            return Completed("killed", None, b"", b"", Usage(0.1))
        return await self._inner.run(argv, tree=tree, extra_read=extra_read, stdin=stdin, limits=limits)


TOOLS = {QUALITY: (RuffAnalyser(QUALITY), VultureAnalyser()), DEPENDENCY: (PythonImportsAnalyser(),)}


async def test_one_process_for_all(tmp_path: Path) -> None:
    batch = side_by_side(tmp_path, {str(number): {"a.py": "import os\n"} for number in range(40)})
    for expert, tools in TOOLS.items():
        sandbox = Starting()
        results = await BatchPanel(sandbox, TOOLS).analyse_many(expert, batch)
        assert sandbox.started == len(tools)
        assert len(results) == 40
        assert {entry.status for result in results for entry in result.coverage} == {CoverageStatus.ANALYSED}


@pytest.mark.parametrize("expert", TOOLS)
async def test_what_kills_an_analyser_fails_alone(tmp_path: Path, expert: ExpertName) -> None:
    files = {str(number): {"a.py": "import os\n"} for number in range(20)}
    batch = side_by_side(tmp_path, files | {"7": {"poison.py": "import os\n"}})
    sandbox = Starting()
    results = await BatchPanel(sandbox, TOOLS).analyse_many(expert, batch)
    # All together, eight pieces, and the piece that died one by one.
    assert sandbox.started <= (1 + 8 + 3) * len(TOOLS[expert])
    lost = [number for number, result in enumerate(results) if result.coverage[0].status is CoverageStatus.FAILED]
    assert lost == [7]
    assert results[7].coverage[0].reason is CoverageReason.CRASHED
    alone = [await PanelAnalyst(sandbox, TOOLS).analyse(expert, batch.trees[place]) for place in (3, 7)]
    assert [without_seconds(results[place]) for place in (3, 7)] == list(map(without_seconds, alone))


async def test_findings_are_cut_source_by_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.experts.results.MAX_FINDINGS", 2)
    batch = side_by_side(tmp_path, {"few": {"a.py": "x = 1  # noqa\n"}, "many": {"a.py": "x = 1  # noqa\n" * 3}})
    few, many = await BatchPanel(PlainSandbox(), {QUALITY: (SuppressionAnalyser(),)}).analyse_many(QUALITY, batch)
    assert (len(few.findings), len(many.findings)) == (1, 2)
    assert (few.metrics, many.metrics) == ({}, {"findings-cut": 1.0})


async def test_mandatory_isolation_is_not_swallowed(tmp_path: Path) -> None:
    refusing = KernelSandbox(required=True, report=lambda: ("limits-only", "no"))
    batch = side_by_side(tmp_path, {"one": {"a.py": ""}, "two": {"a.py": ""}})
    with pytest.raises(IsolationUnavailable):
        await BatchPanel(refusing, TOOLS).analyse_many(DEPENDENCY, batch)


def test_every_analyser_can_be_named() -> None:
    assert {analyser.name for analysers in PANEL.values() for analyser in analysers} <= ANALYSERS
