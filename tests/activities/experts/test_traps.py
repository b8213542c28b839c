"""Ways in which an analyser ends without having looked: each is a failure in the ledger, none is "clean"."""

import json
import signal
import sys
from pathlib import Path

import pytest

from activities.experts.analyser import Analyser, Completed, Limits, Outcome, Usage
from activities.experts.analysers import python_tool
from activities.experts.analysers.astgrep import AstGrepAnalyser
from activities.experts.analysers.bandit import BanditAnalyser
from activities.experts.analysers.common import chunks
from activities.experts.analysers.complexipy import ComplexipyAnalyser
from activities.experts.analysers.detect_secrets import SecretsAnalyser
from activities.experts.analysers.lizard import LizardAnalyser
from activities.experts.analysers.ruff import RuffAnalyser
from activities.experts.analysers.vulture import VultureAnalyser
from activities.experts.panel import PanelAnalyst
from activities.experts.sandbox import KernelSandbox
from models.expert import CoverageReason, CoverageStatus, ExpertName
from tests.activities.experts.trees import lay_out

SECURITY, QUALITY = ExpertName.SECURITY, ExpertName.QUALITY
TOOLS: tuple[Analyser, ...] = (
    RuffAnalyser(SECURITY),
    BanditAnalyser(),
    AstGrepAnalyser(SECURITY),
    SecretsAnalyser(),
    LizardAnalyser(),
    ComplexipyAnalyser(),
    VultureAnalyser(),
)
by_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
NEW_SYNTAX = "data = {'a': 1}\ntext = f'{data['a']}'\nexec(text)\n"
GOOD = "import subprocess\nsubprocess.call('ls ' + name, shell=True)\n"


class Answering:
    """A sandbox in which every program gives the same answer."""

    isolation = "namespaces"

    def __init__(self, outcome: Outcome = "exited", code: int | None = 0, out: bytes = b"", err: bytes = b"") -> None:
        self.answer = Completed(outcome, code, out, err, Usage(0.1))
        self.calls = 0

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        self.calls += 1
        return self.answer


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python parses the newer syntax")
async def test_syntax_newer_than_the_running_python_is_told_by_the_tools_that_cannot_read_it(tmp_path: Path) -> None:
    tree = lay_out(tmp_path / "tree", {"new.py": NEW_SYNTAX, "old.py": GOOD})
    security = await PanelAnalyst(KernelSandbox()).analyse(SECURITY, tree)
    rows = {row.path: row for row in security.coverage}
    assert rows["new.py"].status is CoverageStatus.FAILED
    assert rows["new.py"].failed_tools == ("bandit",)
    assert rows["new.py"].reason is CoverageReason.PARSE_ERROR
    assert rows["new.py"].tools == ("ast-grep", "deceptive-text", "detect-secrets", "ruff")
    assert rows["old.py"].status is CoverageStatus.ANALYSED
    assert {(it.tool, it.path) for it in security.findings} >= {("bandit", "old.py"), ("ruff", "new.py")}
    quality = await PanelAnalyst(KernelSandbox()).analyse(QUALITY, tree)
    assert {row.path: row.failed_tools for row in quality.coverage} == {"new.py": ("vulture",), "old.py": ()}


async def test_a_syntax_error_is_told_by_every_tool_that_parses(tmp_path: Path) -> None:
    tree = lay_out(tmp_path / "tree", {"bad.py": "def f(:\n    pass\n", "good.py": GOOD})
    for tool in (RuffAnalyser(SECURITY), BanditAnalyser(), ComplexipyAnalyser(), VultureAnalyser()):
        result = await tool.run(tree, KernelSandbox())
        assert result.failed == {"bad.py": CoverageReason.PARSE_ERROR}, tool.name
        assert result.analysed == {"good.py"}
        assert result.run.failure is None


async def test_a_file_that_vanished_is_not_clean(tmp_path: Path) -> None:
    tree = lay_out(tmp_path / "tree", {"gone.py": GOOD, "here.py": GOOD})
    (tree.root / "gone.py").unlink()
    for tool in (RuffAnalyser(SECURITY), BanditAnalyser(), LizardAnalyser()):
        result = await tool.run(tree, KernelSandbox())
        assert "gone.py" in result.failed, tool.name
        assert "here.py" in result.analysed, tool.name


FAILURES: list[tuple[Outcome, CoverageReason]] = [
    ("timeout", CoverageReason.TIMEOUT),
    ("cpu", CoverageReason.TIMEOUT),
    ("memory", CoverageReason.MEMORY),
    ("killed", CoverageReason.CRASHED),
    ("output_too_large", CoverageReason.OUTPUT_TOO_LARGE),
    ("tool_missing", CoverageReason.TOOL_MISSING),
]


@by_tool
@pytest.mark.parametrize(("outcome", "reason"), FAILURES)
async def test_a_run_that_did_not_end_well_fails_all_its_files(
    tool: Analyser, outcome: Outcome, reason: CoverageReason, tmp_path: Path
) -> None:
    tree = lay_out(tmp_path / "tree", {"a.py": GOOD, "b.py": GOOD})
    result = await tool.run(tree, Answering(outcome, None))
    assert result.run.failure is reason
    assert result.failed == {"a.py": reason, "b.py": reason}
    assert result.analysed == frozenset()


@by_tool
@pytest.mark.parametrize(
    ("code", "out", "reasons"),
    [
        (0, b"not json\n", {CoverageReason.OUTPUT_INVALID, CoverageReason.CRASHED}),
        (0, b'{"unexpected": true}\n', {CoverageReason.OUTPUT_INVALID, CoverageReason.CRASHED}),
        (0, b"[1, 2]\n", {CoverageReason.OUTPUT_INVALID, CoverageReason.CRASHED}),
        (2, b"", {CoverageReason.CRASHED}),
    ],
    ids=["text", "object", "array", "code"],
)
async def test_an_answer_that_makes_no_sense_is_a_failure(
    tool: Analyser, code: int, out: bytes, reasons: set[CoverageReason], tmp_path: Path
) -> None:
    result = await tool.run(lay_out(tmp_path / "tree", {"a.py": GOOD}), Answering("exited", code, out))
    assert result.run.failure in reasons
    assert result.failed.keys() == {"a.py"}


@pytest.mark.parametrize("tool", [BanditAnalyser(), SecretsAnalyser(), LizardAnalyser()], ids=lambda tool: tool.name)
@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"end": 2}],
        [{"file": 0, "hits": []}, {"end": 2}],
        [{"file": 0, "hits": []}, {"file": 0, "hits": []}, {"end": 2}],
        [{"file": 0, "hits": []}, {"file": 1, "hits": []}],
        [{"file": 0, "hits": []}, {"file": 7, "hits": []}, {"end": 2}],
        [{"file": 0, "hits": [{"start": "x"}]}, {"file": 1, "error": "no such word"}, {"end": 2}],
    ],
)
async def test_an_incomplete_answer_with_exit_code_zero_is_a_failure(
    tool: Analyser, lines: list[dict[str, object]], tmp_path: Path
) -> None:
    out = "".join(json.dumps(line) + "\n" for line in lines).encode()
    tree = lay_out(tmp_path / "tree", {"a.py": GOOD, "b.py": GOOD})
    result = await tool.run(tree, Answering("exited", 0, out))
    assert result.run.failure is CoverageReason.OUTPUT_INVALID
    assert result.analysed == frozenset()


@pytest.mark.parametrize(
    ("said", "failed"),
    [
        (b"sg: summary|file: scannedFileCount=2,skippedFileCount=0\n", False),
        (b"sg: summary|file: scannedFileCount=0,skippedFileCount=0\n", True),
        (b"sg: summary|file: scannedFileCount=2,skippedFileCount=1\n", True),
        (b"", True),
    ],
)
async def test_ast_grep_is_believed_only_if_it_counts_every_file(said: bytes, failed: bool, tmp_path: Path) -> None:
    tree = lay_out(tmp_path / "tree", {"a.py": GOOD, "b.py": GOOD})
    result = await AstGrepAnalyser(SECURITY).run(tree, Answering("exited", 0, b"", said))
    assert (result.run.failure is not None) is failed
    assert result.analysed == (frozenset() if failed else {"a.py", "b.py"})


async def test_one_bad_file_does_not_take_the_others_along(tmp_path: Path) -> None:
    class Choking(KernelSandbox):
        async def run(self, argv: list[str], **rest: object) -> Completed:
            if any(word.endswith("bad.py") for word in argv):
                return Completed("timeout", None, b"", b"", Usage(1.0))
            return await super().run(argv, **rest)  # type: ignore[arg-type]

    files = {f"f{number}.py": GOOD for number in range(15)} | {"bad.py": GOOD}
    result = await RuffAnalyser(SECURITY).run(lay_out(tmp_path / "tree", files), Choking())
    assert result.run.failure is None
    assert "bad.py" in result.failed
    assert len(result.failed) <= 2
    assert len(result.findings) >= 14


async def test_a_huge_literal_is_cut_by_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_tool, "LIMITS", Limits(memory_bytes=400 * 1024**2, cpu_seconds=10, wall_seconds=20))
    tree = lay_out(tmp_path / "tree", {"big.py": "x = [" + "1," * 2_000_000 + "]\n"})
    result = await BanditAnalyser().run(tree, KernelSandbox())
    assert result.failed.keys() == {"big.py"}
    assert result.failed["big.py"] in (CoverageReason.MEMORY, CoverageReason.TIMEOUT, CoverageReason.CRASHED)


async def test_deep_nesting_ends_in_the_ledger_not_in_a_clean_bill(tmp_path: Path) -> None:
    deep = "x = " + "(" * 100_000 + ")" * 100_000 + "\n"
    sums = "y = " + " + ".join(["a"] * 20_000) + "\n"
    tree = lay_out(tmp_path / "tree", {"deep.py": deep, "sums.py": sums, "good.py": GOOD})
    for expert in (SECURITY, QUALITY):
        result = await PanelAnalyst(KernelSandbox()).analyse(expert, tree)
        rows = {row.path: row for row in result.coverage}
        assert rows["good.py"].status is CoverageStatus.ANALYSED
        assert rows["deep.py"].status is CoverageStatus.FAILED


async def test_patterns_do_not_explode_on_a_long_line(tmp_path: Path) -> None:
    lines = ["://" + "a" * 400_000, "aws" + " " * 400_000, "password=" + "'" * 300_000, "eyJ" + "A" * 400_000]
    tree = lay_out(tmp_path / "tree", {f"{number}.yml": line + "\n" for number, line in enumerate(lines)})
    result = await SecretsAnalyser().run(tree, KernelSandbox())
    assert result.analysed == frozenset(row.path for row in tree.manifest.files)
    assert result.run.seconds < 15


def test_a_slow_file_is_given_up_by_itself(tmp_path: Path) -> None:
    from activities.experts.analysers import tool_child

    said: list[tuple[int, object]] = []
    before = signal.signal(signal.SIGALRM, tool_child._alarm)
    try:

        def slow() -> list[dict[str, object]]:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            while True:
                pass

        tool_child.guarded(7, slow, lambda number, what: said.append((number, what)))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert said == [(7, "timeout")]


def test_chunks_keep_every_file_once_and_stay_in_bounds(tmp_path: Path) -> None:
    tree = lay_out(tmp_path / "tree", {f"{'d' * 60}/{number}.py": "x" * 300 for number in range(2500)})
    paths = [row.path for row in tree.manifest.files]
    groups = chunks(tree, paths, most_bytes=100_000)
    assert [path for group in groups for path in group] == paths
    sizes = {row.path: row.size for row in tree.manifest.files}
    for group in groups:
        assert sum(sizes[path] for path in group) <= 100_000
        assert sum(len(str(tree.root / path)) + 1 for path in group) <= 100_000
