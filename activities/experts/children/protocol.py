"""How a child is told what to read, and how it answers: for each project one JSON object each way, on one line."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INPUT_INVALID = 3
"""Exit code: the report or profile that came with the source is not what it says it is."""
MAX_SOURCE_FILE = 1024 * 1024
"""Bytes read of one source file; the source's own limit is lower, so more means the tree was tampered with."""
MAX_ARTIFACT = 128 * 1024 * 1024
"""Bytes read of one report or profile."""


class InputInvalid(Exception):
    """The report or profile cannot be read; the child ends with `INPUT_INVALID`."""


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One file of the source that the child is to read."""

    path: str
    language: str
    lines: int
    changed: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is to do."""

    root: Path
    files: tuple[SourceEntry, ...]
    others: tuple[str, ...]
    """Paths of the remaining files of the source, for looking up names only."""
    artifacts: dict[str, str]
    """Kind to absolute path."""
    label: str
    """What the user calls the source."""


@dataclass(slots=True)
class Ledger:
    """Which files were read to the end, and why the others were not."""

    analysed: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def as_answer(self) -> dict[str, Any]:
        """The part of an answer that every child gives."""
        return {"analysed": sorted(self.analysed), "failed": dict(sorted(self.failed.items()))}


def read_request(text: bytes) -> Request:
    """Read one line of what the worker wrote to the standard input."""
    raw = json.loads(text)
    files = tuple(
        SourceEntry(path, language, lines, None if changed is None else tuple((s, e) for s, e in changed))
        for path, language, lines, changed in raw["files"]
    )
    return Request(Path(raw["root"]), files, tuple(raw["others"]), dict(raw["artifacts"]), raw["label"])


def read_source(root: Path, path: str) -> bytes:
    """The bytes of a source file; links are not followed."""
    return _read(str(root / path), MAX_SOURCE_FILE)


def read_artifact(path: str) -> bytes:
    """The bytes of a report or profile.

    Raises:
        InputInvalid: it is larger than `MAX_ARTIFACT`.
    """
    return _read(path, MAX_ARTIFACT)


def _read(path: str, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputInvalid
    return data


def main(analyse: Callable[[Request], dict[str, Any]]) -> None:
    """Run a child: read the requests, analyse, answer, and exit with the code that says how it went."""
    try:
        for line in sys.stdin.buffer:
            answer = analyse(read_request(line))
            sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=True, allow_nan=False).encode() + b"\n")
        sys.stdout.buffer.flush()
    except InputInvalid:
        leave(INPUT_INVALID)
    leave(0)


def leave(code: int) -> None:
    """End at once: taking apart a million nodes or a half-read profile in order is time and risk for nothing."""
    sys.stdout.flush()
    os._exit(code)
