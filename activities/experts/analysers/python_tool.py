"""Runs one of the analysers of `tool_child.py` in the sandbox and reads its lines."""

import asyncio
import functools
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activities.experts.analyser import Limits, Sandbox
from activities.experts.analysers.common import Hit, Part, failure_of
from models.expert import CoverageReason

CHILD = str(Path(__file__).with_name("tool_child.py"))
LIMITS = Limits(wall_seconds=180.0, cpu_seconds=150)
PYTHON_CHUNK_BYTES = 1024**2
"""About 25,000 lines: seven seconds of the slowest of these tools."""
REASONS = {reason.value: reason for reason in CoverageReason}


@functools.cache
def _compile_once(tool: str, package: str) -> None:
    """Let Python keep the tool's compiled modules, as it does when a tool is run by hand.

    Inside the sandbox nothing can be written, so without this every run would compile the whole tool again.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or Path(importlib.util.cache_from_source(spec.origin)).exists():
        return
    order = b'{"root": "/", "files": [], "projects": []}'
    subprocess.run([sys.executable, "-I", CHILD, tool], input=order, capture_output=True, check=False, timeout=60)


async def run_child(
    tool: str,
    package: str,
    root: Path,
    sandbox: Sandbox,
    paths: tuple[str, ...],
    projects: tuple[int, ...] | None = None,
) -> tuple[list[tuple[str, dict[str, Any]]], Part]:
    """Run a tool over files.

    Args:
        tool: its name.
        package: its module.
        root: folder in which the files are.
        sandbox: where it runs.
        paths: the files.
        projects: how many files each of several projects has, one project after the other; None: all are one.

    Returns:
        What it saw, as (path, row), and which files it could not read.
    """
    await asyncio.to_thread(_compile_once, tool, package)
    order = json.dumps({"root": str(root), "files": paths, "projects": projects or (len(paths),)}).encode()
    done = await sandbox.run([sys.executable, "-I", CHILD, tool], tree=root, stdin=order, limits=LIMITS)
    whole = failure_of(done)
    if whole is None and done.returncode != 0:
        missing = b"ModuleNotFoundError" in done.stderr
        whole = CoverageReason.TOOL_MISSING if missing else CoverageReason.CRASHED
    if whole is not None:
        return [], Part(whole=whole, usage=done.usage)
    rows, part = read_rows(done.stdout, paths)
    part.usage = done.usage
    return rows, part


def read_rows(output: bytes, paths: tuple[str, ...]) -> tuple[list[tuple[str, dict[str, Any]]], Part]:
    """Read the child's lines; anything but exactly one line per file and the end mark is invalid output."""
    rows: list[tuple[str, dict[str, Any]]] = []
    part = Part()
    try:
        parsed: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
        *lines, end = parsed
        if end != {"end": len(paths)} or sorted(line["file"] for line in lines) != list(range(len(paths))):
            return [], Part(whole=CoverageReason.OUTPUT_INVALID)
        for line in lines:
            path = paths[int(line["file"])]
            if "error" in line:
                part.failed[path] = REASONS[line["error"]]
            else:
                hits: list[dict[str, Any]] = line["hits"]
                rows += [(path, row) for row in hits]
    except (ValueError, KeyError, TypeError):
        return [], Part(whole=CoverageReason.OUTPUT_INVALID)
    return rows, part


def with_hits(part: Part, hits: Sequence[Hit | None]) -> Part:
    """Add what was seen, without what is not worth reporting."""
    part.hits += [hit for hit in hits if hit is not None]
    return part
