"""complexipy: how hard a Python function is to follow (cognitive complexity)."""

from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import PYTHON, Hit, Part, analysis, chunks, files_of, in_chunks
from activities.experts.analysers.python_tool import PYTHON_CHUNK_BYTES, run_child, with_hits
from activities.ports import SourceTree
from models.expert import ExpertName, Severity

MOST = 15


class ComplexipyAnalyser:
    """complexipy in the hands of the quality expert."""

    name = "complexipy"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python file."""
        return files_of(tree, PYTHON)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Measure every function."""
        paths = self.wants(tree)

        async def call(group: tuple[str, ...]) -> Part:
            rows, part = await run_child(self.name, "complexipy", tree.root, sandbox, group)
            return with_hits(part, [to_hit(path, row) for path, row in rows])

        work = in_chunks(tree, chunks(tree, paths, 4 * PYTHON_CHUNK_BYTES), call)
        return await analysis(tree, ExpertName.QUALITY, self.name, "complexipy", paths, await work)


def to_hit(path: str, row: dict[str, Any]) -> Hit | None:
    """A function that is too hard to follow, or None."""
    if row["complexity"] <= MOST:
        return None
    return Hit(
        path,
        row["start"],
        max(row["start"], row["end"]),
        rule="cognitive-complexity",
        kind="complex-function",
        severity=Severity.MEDIUM if row["complexity"] > 2 * MOST else Severity.LOW,
        confidence=0.7,
        message=f"{str(row['name'])[:80]}() has a cognitive complexity of {row['complexity']}, more than {MOST}.",
        recommendation="Return early and move nested parts into functions of their own.",
    )
