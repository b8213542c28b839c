"""ast-grep with our own rules: one engine for every language."""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activities.experts.analyser import Analysis, Completed, Sandbox
from activities.experts.analysers.common import (
    Hit,
    Part,
    analysis,
    chunks,
    failure_of,
    files_of,
    in_chunks,
    program,
    read_text,
)
from activities.experts.rule_pack import MARK, RulePack, rule_pack
from activities.experts.suppressions import neutralised
from activities.experts.temporary import temporary_folder
from activities.ports import SourceTree
from models.expert import CoverageReason, ExpertName, Severity
from models.kinds import kind_of
from models.source import Language

FILE_TYPES = ("hidden", "dot", "exclude", "global", "parent", "vcs")
OPTIONS = ("--json=stream", "--include-metadata", "--inspect=summary", "--color=never")
NO_IGNORE = tuple(word for name in FILE_TYPES for word in ("--no-ignore", name))
IGNORE_COMMENT = "ast-grep-ignore"
CHUNK_BYTES = 2 * 1024**2
COUNTS = re.compile(rb"summary\|file: scannedFileCount=(\d+),skippedFileCount=(\d+)")


class AstGrepAnalyser:
    """Our rules that concern one expert."""

    name = "ast-grep"

    def __init__(self, expert: ExpertName, pack: RulePack | None = None) -> None:
        """Prepare.

        Args:
            expert: whose rules, and whose findings.
            pack: other rules than our own.
        """
        self._expert = expert
        self._given = pack

    @property
    def _pack(self) -> RulePack:
        return self._given or rule_pack(self._expert)

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file in a language for which there are rules."""
        return files_of(tree, frozenset(self._pack.configs))

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Match all rules."""
        await asyncio.to_thread(lambda: self._pack)
        paths = self.wants(tree)
        work = self._scan(tree, sandbox, paths)
        return await analysis(tree, self._expert, self.name, "ast-grep-cli", paths, await work)

    async def _scan(self, tree: SourceTree, sandbox: Sandbox, paths: Sequence[str]) -> Part:
        threads = str(min(os.cpu_count() or 1, 8))
        languages = {file.path: file.language for file in tree.manifest.files}
        empty = {file.path for file in tree.manifest.files if file.size == 0}
        with temporary_folder() as folder:
            copied = await asyncio.to_thread(copy_neutralised, tree, paths, Path(folder))

            async def call(group: tuple[str, ...]) -> Part:
                config = self._pack.configs[languages[group[0]]]
                argv = [program("ast-grep"), "scan", "-c", str(config), *OPTIONS, *NO_IGNORE, "--threads", threads]
                where = {str((Path(folder) if path in copied else tree.root) / path): path for path in group}
                extra = (config.parent, Path(folder)) if copied else (config.parent,)
                done = await sandbox.run([*argv, "--", *where], tree=tree.root, extra_read=extra)
                whole = failure_of(done) or complaint(done, len(group), sum(path in empty for path in group))
                part = Part(whole=whole) if whole else parsed(done.stdout, where)
                part.usage = done.usage
                return part

            by_language = [[path for path in paths if languages[path] is language] for language in Language]
            groups = [group for same in by_language for group in chunks(tree, same, CHUNK_BYTES)]
            return await in_chunks(tree, groups, call)


def copy_neutralised(tree: SourceTree, paths: Sequence[str], folder: Path) -> frozenset[str]:
    """Copy the files with comments that ast-grep would obey, made ineffective; it has no switch for that."""
    copied: set[str] = set()
    for path in paths:
        text = read_text(tree, path)
        if IGNORE_COMMENT in text.lower():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(neutralised(text).encode())
            copied.add(path)
    return frozenset(copied)


def complaint(done: Completed, files: int, empty: int) -> CoverageReason | None:
    """What ast-grep says on standard error about files it did not read; its exit code says nothing of it."""
    counts = COUNTS.search(done.stderr)
    if done.returncode not in (0, 1) or counts is None:
        return CoverageReason.CRASHED
    scanned, skipped = int(counts[1]), int(counts[2])
    return None if scanned == files and skipped <= empty else CoverageReason.CRASHED


def parsed(output: bytes, where: dict[str, str]) -> Part:
    """Read ast-grep's JSON lines.

    Args:
        output: what it wrote.
        where: absolute path of each file given to it, and its path in the source.
    """
    part = Part()
    try:
        part.hits += [to_hit(row, where[row["file"]]) for row in map(json.loads, output.splitlines())]
    except (ValueError, KeyError, TypeError):
        return Part(whole=CoverageReason.OUTPUT_INVALID)
    return part


def to_hit(row: dict[str, Any], path: str) -> Hit:
    """One match; the rule's metadata says what it stands for."""
    meta: dict[str, Any] = row["metadata"]
    cwe: str | None = meta.get("cwe")
    security = meta["expert"] == ExpertName.SECURITY
    return Hit(
        path,
        row["range"]["start"]["line"] + 1,
        row["range"]["end"]["line"] + 1,
        rule=str(row["ruleId"]).split(MARK)[0],
        kind=kind_of(cwe, meta["kind"]) if security else meta["kind"],
        cwe=cwe,
        severity=Severity(meta["severity"]),
        confidence=float(meta["confidence"]),
        message=row["message"],
        recommendation=row.get("note") or "",
    )
