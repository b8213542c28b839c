"""Vulture: unused Python code, only where it is sure; what it is less sure of is mostly public API."""

from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import PYTHON, Hit, Part, analysis, files_of, in_chunks
from activities.experts.analysers.python_tool import run_child, with_hits
from activities.ports import SourceBatch, SourceTree
from models.expert import ExpertName, Severity

KINDS = {
    "import": ("unused-import", "Delete the import."),
    "unreachable_code": ("unreachable-code", "Delete it, or repair the condition before it."),
}
CONFIDENCE = {"unused-import": 0.6}
"""Lower than vulture's own: a caller may demand a parameter, and code after a loop without end may be reached."""
PARAMETER = ("unused-variable", "Delete it, or start its name with an underscore if a caller demands it.")


class VultureAnalyser:
    """Vulture in the hands of the quality expert."""

    name = "vulture"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python file."""
        return files_of(tree, PYTHON)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Look at all files together: a name that one file defines another may use."""
        paths = self.wants(tree)

        async def call(group: tuple[str, ...]) -> Part:
            rows, part = await run_child(self.name, "vulture", tree.root, sandbox, group)
            return with_hits(part, [to_hit(path, row) for path, row in rows])

        part = await in_chunks(tree, [paths] if paths else [], call)
        return await analysis(tree, ExpertName.QUALITY, self.name, "vulture", paths, part)

    async def run_many(self, batch: SourceBatch, sandbox: Sandbox) -> list[Analysis]:
        """Look at each source by itself, all in one child."""
        wanted = {tree.root.name: self.wants(tree) for tree in batch.trees}
        paths = tuple(f"{name}/{path}" for name, mine in wanted.items() for path in mine)
        counts = tuple(map(len, wanted.values()))
        rows, whole = await run_child(self.name, "vulture", batch.root, sandbox, paths, counts)
        parts = {
            name: Part(whole=whole.whole, usage=whole.usage.part(len(wanted[name]) / len(paths))) for name in wanted
        }
        for path in paths:
            name, _, mine = path.partition("/")
            if (why := whole.whole or whole.failed.get(path)) is not None:
                parts[name].failed[mine] = why
        for path, row in rows:
            name, _, mine = path.partition("/")
            with_hits(parts[name], [to_hit(mine, row)])
        return [
            await analysis(
                tree, ExpertName.QUALITY, self.name, "vulture", wanted[tree.root.name], parts[tree.root.name]
            )
            for tree in batch.trees
        ]


def to_hit(path: str, row: dict[str, Any]) -> Hit | None:
    """One piece of unused code; imports of a package's front page are its interface, not unused."""
    sort = str(row["type"])
    if sort == "import" and path.endswith("__init__.py"):
        return None
    kind, advice = KINDS.get(sort, PARAMETER)
    message = str(row["message"])
    return Hit(
        path,
        row["start"],
        max(row["start"], row["end"]),
        rule=sort.replace("_", "-"),
        kind=kind,
        cwe="CWE-561" if kind == "unreachable-code" else None,
        severity=Severity.LOW,
        confidence=CONFIDENCE.get(kind, 0.5),
        message=f"{message[:1].upper()}{message[1:]}.",
        recommendation=advice,
    )
