"""What every analyser needs: programs and versions, chunks of files, findings with their quotes, honest failures."""

import asyncio
import functools
import importlib.metadata
import re
import sysconfig
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from activities.experts.analyser import Analysis, Completed, Usage
from activities.ports import SourceTree
from models.expert import CoverageReason, ExpertFinding, ExpertName, Place, Severity, ToolRun
from models.source import Language, SourceFile

CHUNK_FILES = 1000
CHUNK_BYTES = 4 * 1024**2
"""Source bytes in one call of a tool: bounds its memory, and lets large sources use all processors."""
CHUNK_ARGUMENT_BYTES = 100_000
RETRY_PIECES = 8
"""A chunk that failed as a whole is tried again in so many pieces, so that one bad file costs an eighth, not all."""
QUOTE_LENGTH = 400

PYTHON = frozenset({Language.PYTHON})
CODE = frozenset(Language) - {Language.OTHER}


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding as a tool tells it; the quote and the expert are added later."""

    path: str
    line_start: int
    line_end: int
    rule: str
    kind: str
    severity: Severity
    confidence: float
    message: str
    cwe: str | None = None
    recommendation: str = ""
    related: tuple[Place, ...] = ()


@dataclass(slots=True)
class Part:
    """What came of one chunk."""

    hits: list[Hit] = field(default_factory=list[Hit])
    failed: dict[str, CoverageReason] = field(default_factory=dict[str, CoverageReason])
    whole: CoverageReason | None = None
    """Why nothing of the chunk can be trusted."""
    usage: Usage = Usage()


def program(name: str) -> str:
    """Absolute path of a program installed beside the running Python."""
    return str(Path(sysconfig.get_path("scripts")) / name)


@functools.cache
def version(distribution: str) -> str:
    """Version of an installed tool; `missing` if it is not."""
    try:
        return importlib.metadata.version(distribution)[:40]
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def files_of(tree: SourceTree, languages: frozenset[Language]) -> tuple[str, ...]:
    """Paths of the source in these languages, in the manifest's order."""
    return tuple(file.path for file in tree.manifest.files if file.language in languages)


def read_text(tree: SourceTree, path: str) -> str:
    """Text of one file; line ends are left as they are."""
    return (tree.root / path).read_bytes().decode("utf-8", errors="replace")


def failure_of(done: Completed) -> CoverageReason | None:
    """Why a run cannot be trusted as a whole; None if the program ended by itself."""
    return {
        "exited": None,
        "timeout": CoverageReason.TIMEOUT,
        "cpu": CoverageReason.TIMEOUT,
        "memory": CoverageReason.MEMORY,
        "killed": CoverageReason.CRASHED,
        "output_too_large": CoverageReason.OUTPUT_TOO_LARGE,
        "tool_missing": CoverageReason.TOOL_MISSING,
    }[done.outcome]


def chunks(tree: SourceTree, paths: Sequence[str], most_bytes: int = CHUNK_BYTES) -> list[tuple[str, ...]]:
    """Paths in groups that one call of a tool can take: in number, in bytes of source and of command line."""
    sizes = {file.path: file.size for file in tree.manifest.files}
    prefix = len(str(tree.root)) + 2
    result: list[list[str]] = []
    room = arguments = 0
    for path in paths:
        size, length = sizes[path], len(path.encode()) + prefix
        if not result or len(result[-1]) >= CHUNK_FILES or size > room or length > arguments:
            result.append([])
            room, arguments = most_bytes, CHUNK_ARGUMENT_BYTES
        result[-1].append(path)
        room, arguments = room - size, arguments - length
    return [tuple(chunk) for chunk in result]


def quoted(tree: SourceTree, expert: ExpertName, tool: str, hits: Iterable[Hit]) -> tuple[ExpertFinding, ...]:
    """Turn hits into findings in a fixed order, with lines that exist and the quote from the file itself."""
    files: dict[str, SourceFile] = {file.path: file for file in tree.manifest.files}
    findings: list[ExpertFinding] = []
    ordered = sorted(set(hits), key=lambda hit: (hit.path, hit.line_start, hit.line_end, hit.rule, hit.message))
    at, lines = "", list[str]()
    for hit in ordered:
        if hit.path not in files:
            continue
        if hit.path != at:
            at, lines = hit.path, read_text(tree, hit.path).split("\n")
        start = min(max(hit.line_start, 1), len(lines))
        findings.append(
            ExpertFinding(
                expert=expert,
                tool=tool,
                rule=rule_name(hit.rule),
                kind=hit.kind,
                cwe=hit.cwe,
                severity=hit.severity,
                confidence=hit.confidence,
                path=hit.path,
                line_start=start,
                line_end=min(max(hit.line_end, start), len(lines)),
                message=" ".join(hit.message.split())[:500] or hit.kind,
                recommendation=hit.recommendation[:1000],
                quote=lines[start - 1].strip()[:QUOTE_LENGTH],
                related=hit.related,
            )
        )
    return tuple(findings)


def rule_name(name: str) -> str:
    """A tool's rule name in the characters that a rule may have."""
    return re.sub(r"[^A-Za-z0-9._/-]", "-", name).lstrip("._/-")[:120] or "unnamed"


async def in_chunks(
    tree: SourceTree,
    groups: Sequence[tuple[str, ...]],
    call: Callable[[tuple[str, ...]], Awaitable[Part]],
) -> Part:
    """Run a tool over groups of files at once; the sandbox bounds how many processes that is."""

    async def once(group: tuple[str, ...], again: bool) -> list[tuple[tuple[str, ...], Part]]:
        part = await call(group)
        if part.whole is None or not again or len(group) == 1 or part.whole is CoverageReason.TOOL_MISSING:
            return [(group, part)]
        step = -(-len(group) // RETRY_PIECES)
        pieces = [group[at : at + step] for at in range(0, len(group), step)]
        return [row for rows in await asyncio.gather(*(once(piece, False) for piece in pieces)) for row in rows]

    done = [row for rows in await asyncio.gather(*(once(group, True) for group in groups)) for row in rows]
    total = Part()
    for group, part in done:
        total.usage += part.usage
        if part.whole is not None:
            total.failed |= dict.fromkeys(group, part.whole)
            continue
        total.hits += part.hits
        total.failed |= {path: why for path, why in part.failed.items() if path in group}
    if done and all(part.whole is not None for _, part in done):
        total.whole = done[0][1].whole
    return total


async def analysis(
    tree: SourceTree,
    expert: ExpertName,
    tool: str,
    distribution: str,
    paths: Sequence[str],
    part: Part,
) -> Analysis:
    """State what a tool read of a source, what it did not, and what it found."""
    run = ToolRun(
        tool=tool,
        version=version(distribution),
        files=len(paths),
        failure=part.whole,
        **part.usage.told(),
    )
    findings = await asyncio.to_thread(quoted, tree, expert, tool, part.hits)
    return Analysis(run=run, findings=findings, analysed=frozenset(paths) - part.failed.keys(), failed=part.failed)
