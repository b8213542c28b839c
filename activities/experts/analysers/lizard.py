"""Lizard: branches, length and parameters of every function, in every language."""

from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import CODE, Hit, Part, analysis, chunks, files_of, in_chunks
from activities.experts.analysers.python_tool import PYTHON_CHUNK_BYTES, run_child, with_hits
from activities.ports import SourceTree
from models.expert import ExpertName, Severity

MOST_BRANCHES = 15
MOST_LINES = 100
MOST_PARAMETERS = 8


class LizardAnalyser:
    """Lizard in the hands of the quality expert."""

    name = "lizard"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file in a language with functions."""
        return files_of(tree, CODE)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Measure every function."""
        paths = self.wants(tree)
        # Of a function in a fragment nobody knows where it ends.
        fragments = {file.path for file in tree.manifest.files if file.fragment}

        async def call(group: tuple[str, ...]) -> Part:
            rows, part = await run_child(self.name, "lizard", tree.root, sandbox, group)
            hits = [hit for path, row in rows for hit in to_hits(path, row)]
            return with_hits(part, [hit for hit in hits if hit.rule == "parameters" or hit.path not in fragments])

        work = in_chunks(tree, chunks(tree, paths, PYTHON_CHUNK_BYTES), call)
        return await analysis(tree, ExpertName.QUALITY, self.name, "lizard", paths, await work)


def to_hits(path: str, row: dict[str, Any]) -> list[Hit]:
    """What is too much in one function."""
    checks = (
        ("branches", MOST_BRANCHES, "complex-function", "ways through it", "Split it along its branches.", 0.7),
        ("length", MOST_LINES, "long-function", "lines", "Move steps that have a name into functions.", 0.7),
        ("parameters", MOST_PARAMETERS, "many-parameters", "parameters", "Pass what belongs together as one.", 0.6),
    )
    return [
        Hit(
            path,
            row["start"],
            max(row["start"], row["end"]),
            rule=measure,
            kind=kind,
            severity=Severity.MEDIUM if row[measure] > 2 * most and measure != "parameters" else Severity.LOW,
            confidence=confidence,
            message=f"{name_of(row)} has {row[measure]} {unit}, more than {most}.",
            recommendation=advice,
        )
        for measure, most, kind, unit, advice, confidence in checks
        if row[measure] > most
    ]


def name_of(row: dict[str, Any]) -> str:
    """A function's name for a message."""
    name = str(row["name"])[:80]
    return "A function without a name" if name in ("", "(anonymous)") else f"{name}()"
