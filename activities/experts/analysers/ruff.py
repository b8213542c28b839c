"""Ruff: fast, reads every Python version's syntax, and says of each file whether it could parse it."""

import json
from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import (
    PYTHON,
    Hit,
    Part,
    analysis,
    chunks,
    failure_of,
    files_of,
    in_chunks,
    program,
)
from activities.experts.analysers.ruff_rules import SELECTIONS, rating
from activities.ports import SourceTree
from models.expert import CoverageReason, ExpertName

OPTIONS = (
    "check",
    "--isolated",
    "--no-cache",
    "--ignore-noqa",
    "--no-force-exclude",
    "--no-respect-gitignore",
    "--no-fix",
    "--no-preview",
    "--exit-zero",
    "--output-format=json-lines",
    "--target-version=py314",
    "--config=lint.mccabe.max-complexity=15",
)


class RuffAnalyser:
    """Ruff's rules that concern one expert."""

    name = "ruff"

    def __init__(self, expert: ExpertName, select: tuple[str, ...] | None = None) -> None:
        """Prepare.

        Args:
            expert: whose findings these are.
            select: rule codes or prefixes; the expert's own selection if None.
        """
        self._expert = expert
        self._select = select or SELECTIONS[expert]

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python file."""
        return files_of(tree, PYTHON)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Lint all Python files."""
        paths = self.wants(tree)
        prefix = f"{tree.root}/"
        argv = [program("ruff"), *OPTIONS, f"--select={','.join(self._select)}", "--"]

        async def call(group: tuple[str, ...]) -> Part:
            done = await sandbox.run([*argv, *(prefix + path for path in group)], tree=tree.root)
            whole = failure_of(done)
            # With --exit-zero any other code means that ruff itself failed; what it said until then is incomplete.
            if whole is None and done.returncode != 0:
                whole = CoverageReason.CRASHED
            part = Part(whole=whole) if whole else parsed(done.stdout, prefix, self._expert, done.stderr)
            part.usage = done.usage
            return part

        work = in_chunks(tree, chunks(tree, paths), call)
        return await analysis(tree, self._expert, self.name, "ruff", paths, await work)


def parsed(output: bytes, prefix: str, expert: ExpertName, errors: bytes = b"") -> Part:
    """Read ruff's JSON lines."""
    part = Part()
    try:
        for line in output.splitlines():
            row: dict[str, Any] = json.loads(line)
            path = str(row["filename"]).removeprefix(prefix)
            code = row["code"]
            if code in (None, "invalid-syntax"):
                part.failed[path] = CoverageReason.PARSE_ERROR
            elif code == "E902":  # could not be read at all
                part.failed[path] = CoverageReason.CRASHED
            elif code == "F401" and path.endswith("__init__.py"):
                continue  # what a package's front page imports is its interface
            elif (rated := rating(code, expert)) is not None:
                part.hits.append(
                    Hit(
                        path,
                        row["location"]["row"],
                        max(row["location"]["row"], row["end_location"]["row"]),
                        rule=code,
                        kind=rated.kind,
                        cwe=rated.cwe,
                        severity=rated.severity,
                        confidence=rated.confidence,
                        message=row["message"],
                        recommendation=rated.recommendation or _fix(row),
                    )
                )
    except (ValueError, KeyError, TypeError):
        return Part(whole=CoverageReason.OUTPUT_INVALID)
    for line in errors.decode(errors="replace").splitlines():
        # A panic over one file, or one that vanished, is only a line on standard error.
        if (at := line.find(prefix)) >= 0:
            path = line[at + len(prefix) :].split(": ")[0].strip("`'\" ")
            part.failed.setdefault(path, CoverageReason.CRASHED)
    return part


def _fix(row: dict[str, Any]) -> str:
    fix: dict[str, Any] = row.get("fix") or {}
    return str(fix.get("message") or "")
