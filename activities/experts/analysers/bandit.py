"""Bandit: Python security checks. It parses with the running Python, so files in newer syntax fail, and we say so."""

from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import PYTHON, Hit, Part, analysis, chunks, files_of, in_chunks
from activities.experts.analysers.python_tool import PYTHON_CHUNK_BYTES, run_child, with_hits
from activities.experts.kinds import BANDIT_RATINGS
from activities.ports import SourceTree
from models.expert import ExpertName

CONFIDENCE_FACTOR = {"HIGH": 1.0, "MEDIUM": 0.9, "LOW": 0.75}
"""Bandit's own doubt about one hit, applied to what is known of the rule."""


class BanditAnalyser:
    """Bandit in the hands of the security expert."""

    name = "bandit"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python file."""
        return files_of(tree, PYTHON)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Check all Python files, with in-line exceptions ignored."""
        paths = self.wants(tree)

        async def call(group: tuple[str, ...]) -> Part:
            rows, part = await run_child(self.name, "bandit", tree.root, sandbox, group)
            return with_hits(part, [to_hit(path, row) for path, row in rows])

        work = in_chunks(tree, chunks(tree, paths, PYTHON_CHUNK_BYTES), call)
        return await analysis(tree, ExpertName.SECURITY, self.name, "bandit", paths, await work)


def to_hit(path: str, row: dict[str, Any]) -> Hit | None:
    """One of bandit's issues; None for the checks that say nothing of a weakness by themselves."""
    rating = BANDIT_RATINGS.get(str(row["test_id"])[1:])
    if rating is None:
        return None
    start = int(row["line_number"])
    return Hit(
        path,
        start,
        max([start, *row["line_range"]]),
        rule=row["test_id"],
        kind=rating.kind,
        cwe=rating.cwe,
        severity=rating.severity,
        confidence=round(rating.confidence * CONFIDENCE_FACTOR[row["issue_confidence"]], 2),
        message=row["issue_text"],
        recommendation=rating.recommendation,
    )
