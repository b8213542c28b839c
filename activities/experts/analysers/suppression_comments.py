"""Reports the comments by which code asks analysers to look away; none of them has any effect here."""

import asyncio
import time

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import CODE, Hit, files_of, quoted, read_text
from activities.experts.suppressions import suppressions
from activities.ports import SourceTree
from models.expert import ExpertName, Severity, ToolRun


class SuppressionAnalyser:
    """Suppression comments in the hands of the quality expert."""

    name = "suppressions"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file of code."""
        return files_of(tree, CODE)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Search all files; it is our own linear search over text, so it needs no sandbox."""
        del sandbox
        started = time.monotonic()
        paths = self.wants(tree)
        hits = await asyncio.to_thread(_search, tree, paths)
        run = ToolRun(tool=self.name, version="1", seconds=round(time.monotonic() - started, 3), files=len(paths))
        return Analysis(run, quoted(tree, ExpertName.QUALITY, self.name, hits), frozenset(paths))


def _search(tree: SourceTree, paths: tuple[str, ...]) -> list[Hit]:
    return [
        Hit(
            path,
            line,
            line,
            rule=marker,
            kind="suppression-comment",
            severity=Severity.LOW,
            confidence=0.5,
            message="A comment asks an analyser to look away; the review looked all the same.",
            recommendation="Say beside it why the warning is wrong, or repair what it warns of and delete it.",
        )
        for path in paths
        for line, marker in suppressions(read_text(tree, path))
    ]
