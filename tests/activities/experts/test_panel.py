"""How the analysers' work becomes one result: the ledger, the order, and what a defective adapter does."""

from pathlib import Path

import pytest

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.panel import PANEL, PanelAnalyst
from activities.ports import IsolationUnavailable, SourceTree
from models.expert import CoverageReason, CoverageStatus, ExpertFinding, ExpertName, Severity, ToolRun
from models.source import Language
from tests.activities.experts.plain_sandbox import PlainSandbox
from tests.activities.experts.trees import lay_out

QUALITY = ExpertName.QUALITY


def finding(tool: str, path: str, line: int, severity: Severity = Severity.LOW) -> ExpertFinding:
    return ExpertFinding(
        expert=QUALITY,
        tool=tool,
        rule="r",
        kind="k",
        severity=severity,
        confidence=0.5,
        path=path,
        line_start=line,
        line_end=line,
        message="m",
    )


class Scripted:
    """An analyser that does what the test says."""

    def __init__(
        self,
        name: str,
        *,
        wants: tuple[str, ...] = ("a.py", "b.js"),
        failed: dict[str, CoverageReason] | None = None,
        findings: tuple[ExpertFinding, ...] = (),
        forgets: tuple[str, ...] = (),
        raises: Exception | None = None,
    ) -> None:
        self.name, self._wants, self._failed, self._findings = name, wants, failed or {}, findings
        self._forgets, self._raises = forgets, raises

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        return self._wants

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        if self._raises:
            raise self._raises
        run = ToolRun(tool=self.name, version="1", seconds=0, files=len(self._wants))
        read = frozenset(self._wants) - self._failed.keys() - set(self._forgets)
        return Analysis(run, self._findings, read, self._failed)


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    return lay_out(tmp_path / "tree", {"a.py": "x = 1\n", "b.js": "x\n", "c.txt": "x\n"})


async def analyse(tree: SourceTree, *analysers: Scripted, off: tuple[str, ...] = ()):
    return await PanelAnalyst(PlainSandbox(), {QUALITY: analysers}).analyse(QUALITY, tree, off)


async def test_the_ledger_has_every_file_once_and_says_why(tree: SourceTree) -> None:
    result = await analyse(
        tree,
        Scripted("first"),
        Scripted("second", failed={"b.js": CoverageReason.PARSE_ERROR}),
        Scripted("third", wants=()),
    )
    rows = [(it.path, it.status, it.tools, it.failed_tools, it.reason) for it in result.coverage]
    assert rows == [
        ("a.py", CoverageStatus.ANALYSED, ("first", "second"), (), None),
        ("b.js", CoverageStatus.FAILED, ("first",), ("second",), CoverageReason.PARSE_ERROR),
        ("c.txt", CoverageStatus.SKIPPED, (), (), CoverageReason.LANGUAGE_NOT_SUPPORTED),
    ]
    assert [run.tool for run in result.tools] == ["first", "second"]
    assert result.isolation == "limits-only"


async def test_an_analyser_that_is_off_does_not_run_and_has_not_failed(tree: SourceTree) -> None:
    one = Scripted("one", wants=("a.py",), findings=(finding("one", "a.py", 1),))
    two = Scripted("two", raises=RuntimeError("it ran"))
    result = await analyse(tree, one, two, off=("two",))
    rows = [(it.path, it.status, it.tools, it.failed_tools, it.reason) for it in result.coverage]
    assert rows == [
        ("a.py", CoverageStatus.ANALYSED, ("one",), (), None),
        ("b.js", CoverageStatus.SKIPPED, (), (), CoverageReason.NOT_SELECTED),
        ("c.txt", CoverageStatus.SKIPPED, (), (), CoverageReason.LANGUAGE_NOT_SUPPORTED),
    ]
    assert [run.tool for run in result.tools] == ["one"]
    assert len(result.findings) == 1


async def test_a_file_that_an_analyser_forgot_is_not_clean(tree: SourceTree) -> None:
    result = await analyse(tree, Scripted("first", forgets=("a.py",)))
    assert result.coverage[0].status is CoverageStatus.FAILED
    assert result.coverage[0].reason is CoverageReason.CRASHED


async def test_a_defective_adapter_fails_alone(tree: SourceTree) -> None:
    result = await analyse(
        tree,
        Scripted("good", findings=(finding("good", "a.py", 1),)),
        Scripted("bad", raises=RuntimeError("canary: text of the code")),
    )
    assert [it.tool for it in result.findings] == ["good"]
    assert {run.tool: run.failure for run in result.tools} == {"good": None, "bad": CoverageReason.CRASHED}
    assert [it.failed_tools for it in result.coverage] == [("bad",), ("bad",), ()]


async def test_an_adapter_that_cannot_choose_its_files_fails_in_sight(tree: SourceTree) -> None:
    analyser = Scripted("bad", raises=RuntimeError())
    analyser.wants = lambda tree: 1 / 0  # type: ignore[assignment,method-assign]
    result = await analyse(tree, analyser)
    assert {it.status for it in result.coverage} == {CoverageStatus.FAILED}


async def test_mandatory_isolation_is_not_swallowed(tree: SourceTree) -> None:
    with pytest.raises(IsolationUnavailable):
        await analyse(tree, Scripted("first", raises=IsolationUnavailable("no")))


async def test_the_order_of_findings_is_by_place_not_by_who_was_first(tree: SourceTree) -> None:
    one = Scripted("one", findings=(finding("one", "b.js", 1), finding("one", "a.py", 2)))
    two = Scripted("two", findings=(finding("two", "a.py", 1), finding("two", "a.py", 2)))
    expected = [("a.py", 1, "two"), ("a.py", 2, "one"), ("a.py", 2, "two"), ("b.js", 1, "one")]
    for analysers in ((one, two), (two, one)):
        result = await analyse(tree, *analysers)
        assert [(it.path, it.line_start, it.tool) for it in result.findings] == expected


async def test_too_many_findings_are_cut_from_below_and_counted(
    tree: SourceTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.experts.results.MAX_FINDINGS", 2)
    found = tuple(finding("one", "a.py", line, severity) for line, severity in enumerate(reversed(Severity), start=1))
    result = await analyse(tree, Scripted("one", findings=found))
    assert [it.severity for it in result.findings] == [Severity.HIGH, Severity.CRITICAL]
    assert result.metrics == {"findings-cut": 2.0}


def test_every_static_expert_but_meta_has_analysers_for_python(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"a.py": "x = 1\n"})
    for expert in (ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE):
        assert any(analyser.wants(tree) for analyser in PANEL[expert])
        names = [analyser.name for analyser in PANEL[expert]]
        assert len(names) == len(set(names)), "two analysers of one expert under one name hide each other in the ledger"
    assert ExpertName.META not in PANEL
    assert tree.manifest.files[0].language is Language.PYTHON
