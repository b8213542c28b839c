"""Reports text by which a file shows other code than the one that runs."""

import asyncio
import re
import time
from collections.abc import Iterator

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import CODE, Hit, files_of, quoted, read_text
from activities.ports import SourceTree
from models.expert import ExpertName, Severity, ToolRun
from models.source import Language, language_of

# Embeddings, overrides and isolates. The marks U+200E and U+200F, which ordinary text needs, reorder no code.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Java reads these before anything else: a line end that ends a comment, or the end of a block comment.
_JAVA_ESCAPE = re.compile(r"\\u+00(?:0[aAdD]|2[aA]\\u+002[fF])")
_ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN = re.compile(
    r"utf[-_]?8(?:[-_]sig)?|(?:us[-_])?ascii|latin[-_]?[19]|iso[-_]?8859[-_]\d+|(?:cp|windows[-_]?)\d+", re.IGNORECASE
)
"""Encodings in which ASCII text is what it looks like."""


_TOLD = {
    "bidirectional-control": (
        "Invisible characters change the order in which this line is shown: it runs as something else.",
        "Delete the bidirectional control characters, or write them as escapes.",
    ),
    "escaped-line-end": (
        "A Unicode escape ends the line or the comment here: what follows runs, although it looks like text.",
        r"Write \n or \r in strings, and no such escape elsewhere.",
    ),
    "misleading-encoding": (
        "Python decodes this file in another way than editors show it, so other code runs than is seen.",
        "Save the file in UTF-8 and delete the declaration.",
    ),
}
"""What is said of each rule, and what to do."""


class DeceptiveTextAnalyser:
    """Deceptive text in the hands of the security expert."""

    name = "deceptive-text"

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
        return Analysis(run, quoted(tree, ExpertName.SECURITY, self.name, hits), frozenset(paths))


def _search(tree: SourceTree, paths: tuple[str, ...]) -> list[Hit]:
    return [
        Hit(
            path,
            line,
            line,
            rule=rule,
            kind="deceptive-text",
            severity=Severity.HIGH,
            confidence=0.9,
            message=_TOLD[rule][0],
            cwe="CWE-1007",
            recommendation=_TOLD[rule][1],
        )
        for path in paths
        for line, rule in deceptions(read_text(tree, path), language_of(path))
    ]


def deceptions(text: str, language: Language) -> Iterator[tuple[int, str]]:
    """Lines (from 1) that are not what they look like, each with the rule it breaks."""
    yield from _lines_with(_BIDI, "bidirectional-control", text)
    if language is Language.JAVA:
        yield from _lines_with(_JAVA_ESCAPE, "escaped-line-end", text)
    if language is Language.PYTHON:
        for number, line in enumerate(text.split("\n", 2)[:2], start=1):
            named = _ENCODING.match(line)
            if named:
                if not _PLAIN.fullmatch(named[1]):
                    yield number, "misleading-encoding"
                return


def _lines_with(pattern: re.Pattern[str], rule: str, text: str) -> list[tuple[int, str]]:
    if not pattern.search(text):
        return []
    return [(number, rule) for number, line in enumerate(text.split("\n"), start=1) if pattern.search(line)]
