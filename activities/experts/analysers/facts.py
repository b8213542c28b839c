"""Starts our own child programs in the sandbox and checks the facts they answer with."""

import asyncio
import json
import re
import sys
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.experts.analyser import Analysis, Completed, Limits, Sandbox, Usage
from activities.experts.analysers.common import Hit, failure_of, quoted, version
from activities.experts.children.protocol import INPUT_INVALID
from activities.ports import SourceBatch, SourceTree
from models.expert import CoverageReason, ExpertName, ToolRun
from models.source import ArtifactKind, LineRange, SourceFile

CHILDREN = Path(__file__).resolve().parent.parent / "children"
LIMITS = Limits(wall_seconds=90, cpu_seconds=120, memory_bytes=1536 * 1024**2, output_bytes=16 * 1024**2)
"""A 100,000-line source takes a few seconds and under 300 MiB; an answer of more than 16 MiB is not one of ours."""
MAX_HITS = 200
"""Findings kept of one run, the first in the analyser's own order; a report shows 15."""
PARSED = frozenset(["python", "javascript", "typescript", "java", "rust", "c", "cpp"])
_UNSAFE_IN_NAME = re.compile(r"[^\w$.<>~:*@/+-]")

Line = Annotated[int, Field(ge=1, le=10_000_000)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(max_length=1024)]
"""A name or a path as it stands in the code; never shown without `plain_name` or `plain_path`."""
Share = Annotated[float, Field(ge=0)]


class Facts(BaseModel):
    """Base of what children say."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Answer(Facts):
    """What every child answers; each adds its own facts."""

    analysed: tuple[str, ...]
    failed: dict[str, CoverageReason]


A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Told:
    """What an analyser makes of a child's answer."""

    hits: Sequence[Hit] = ()
    metrics: dict[str, float] = field(default_factory=dict[str, float])


class ChildAnalyser(ABC, Generic[A]):
    """An analyser whose work is done by a child program of ours: facts come out of the sandbox, findings of facts."""

    name: str
    expert: ExpertName
    child: str
    """File name of the program in the children's folder."""
    package: str
    """Distribution whose version a run reports."""
    answer: type[A]
    """What a valid answer looks like."""
    artifacts: tuple[ArtifactKind, ...] = ()
    """Reports and profiles that the program reads besides."""

    @abstractmethod
    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Paths the program reads; see `activities.experts.analyser.Analyser`."""

    @abstractmethod
    def told(self, answer: A, tree: SourceTree) -> Told:
        """What the facts of one source mean, the most important first."""

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Read one source."""
        return (await self.run_many(SourceBatch(tree.root, (tree,)), sandbox))[0]

    async def run_many(self, batch: SourceBatch, sandbox: Sandbox) -> list[Analysis]:
        """Read sources one after the other in one child; each is a project of its own."""
        wanted = [self.wants(tree) for tree in batch.trees]
        given = [self._given(tree) for tree in batch.trees]
        orders = [_request(*each) for each in zip(batch.trees, wanted, given, strict=True)]
        done = await sandbox.run(
            [sys.executable, "-I", str(CHILDREN / self.child)],
            tree=batch.root,
            extra_read=tuple(path for each in given for path in each.values()),
            stdin=b"".join(orders),
            limits=LIMITS,
        )
        answers = await asyncio.to_thread(_read, done, self.answer, len(orders))
        total = sum(map(len, wanted)) or 1
        return [
            await self._analysis(tree, paths, answer, done.usage.part(len(paths) / total))
            for tree, paths, answer in zip(batch.trees, wanted, answers, strict=True)
        ]

    def _given(self, tree: SourceTree) -> dict[ArtifactKind, Path]:
        return {kind: tree.artifacts[kind] for kind in self.artifacts if kind in tree.artifacts}

    async def _analysis(
        self, tree: SourceTree, wanted: tuple[str, ...], answer: A | CoverageReason, usage: Usage
    ) -> Analysis:
        """The result, with each wanted file accounted for: one the child did not mention has failed."""
        failure = answer if isinstance(answer, CoverageReason) else None
        run = ToolRun(
            tool=self.name,
            version=version(self.package),
            files=len(wanted),
            failure=failure,
            **usage.told(),
        )
        if isinstance(answer, CoverageReason):
            return Analysis(run=run, failed=dict.fromkeys(wanted, answer))
        analysed = frozenset(answer.analysed) & frozenset(wanted)
        failed = {
            path: answer.failed.get(path, CoverageReason.OUTPUT_INVALID) for path in wanted if path not in analysed
        }
        told = self.told(answer, tree)
        findings = await asyncio.to_thread(quoted, tree, self.expert, self.name, told.hits[:MAX_HITS])
        return Analysis(run, findings, analysed, failed, told.metrics)


def _request(tree: SourceTree, wanted: tuple[str, ...], artifacts: dict[ArtifactKind, Path]) -> bytes:
    chosen = frozenset(wanted)
    files = [
        [
            file.path,
            file.language,
            file.lines,
            None if file.changed is None else [[r.start, r.end] for r in file.changed],
        ]
        for file in tree.manifest.files
        if file.path in chosen
    ]
    others = [file.path for file in tree.manifest.files if file.path not in chosen]
    named = {kind.value: str(path) for kind, path in artifacts.items()}
    order = {
        "root": str(tree.root.absolute()),
        "label": tree.manifest.label,
        "files": files,
        "others": others,
        "artifacts": named,
    }
    return json.dumps(order).encode() + b"\n"


def _read(done: Completed, answer_type: type[A], count: int) -> list[A | CoverageReason]:
    """The child's answers, one a line; if it failed, or one answer is none, the reason in the place of all."""
    failure = failure_of(done)
    if failure is None and done.returncode != 0:
        failure = CoverageReason.OUTPUT_INVALID if done.returncode == INPUT_INVALID else CoverageReason.CRASHED
    lines = done.stdout.splitlines()
    if failure is None and len(lines) != count:
        failure = CoverageReason.OUTPUT_INVALID
    if failure is None:
        try:
            return [answer_type.model_validate_json(line) for line in lines]
        except ValidationError:
            failure = CoverageReason.OUTPUT_INVALID
    return [failure] * count


def plain_name(name: str) -> str:
    """A name from the code, with nothing in it but what names are made of."""
    return _UNSAFE_IN_NAME.sub("?", name)[:80] or "?"


def plain_names(names: Iterable[str], limit: int = 4) -> str:
    """A few names in code marks; the rest is counted."""
    every = list(names)
    shown = ", ".join(f"`{plain_name(name)}`" for name in every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit} more"


def plain_path(path: str, length: int = 80) -> str:
    """A path without characters that a terminal would act on, shortened from the left."""
    clean = "".join("?" if unicodedata.category(c).startswith("C") else c for c in path)
    return clean if len(clean) <= length else "..." + clean[3 - length :]


def files_by_path(tree: SourceTree) -> dict[str, SourceFile]:
    """The source's files by path."""
    return {file.path: file for file in tree.manifest.files}


def under_review(file: SourceFile, start: int, end: int) -> bool:
    """Whether lines are under review: in a change only those it touches are."""
    if file.changed is None:
        return True
    lines = LineRange(start=start, end=max(start, end))
    return any(lines.overlaps(changed) for changed in file.changed)
