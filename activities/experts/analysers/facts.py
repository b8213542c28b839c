"""Starts one of our own child programs in the sandbox and checks the facts it answers with."""

import asyncio
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.experts.analyser import Analysis, Completed, Limits, Sandbox
from activities.experts.analysers.common import Hit, failure_of, quoted, version
from activities.experts.children.protocol import INPUT_INVALID
from activities.ports import SourceTree
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
class Asked(Generic[A]):
    """A child's run, and its answer if there is a valid one."""

    run: ToolRun
    answer: A | None
    wanted: tuple[str, ...]

    async def analysis(
        self, tree: SourceTree, expert: ExpertName, hits: Sequence[Hit] = (), metrics: dict[str, float] | None = None
    ) -> Analysis:
        """The result, with each wanted file accounted for: one the child did not mention has failed."""
        if self.answer is None:
            reason = self.run.failure or CoverageReason.CRASHED
            return Analysis(run=self.run, failed=dict.fromkeys(self.wanted, reason))
        analysed = frozenset(self.answer.analysed) & frozenset(self.wanted)
        failed = {
            path: self.answer.failed.get(path, CoverageReason.OUTPUT_INVALID)
            for path in self.wanted
            if path not in analysed
        }
        findings = await asyncio.to_thread(quoted, tree, expert, self.run.tool, hits[:MAX_HITS])
        return Analysis(self.run, findings, analysed, failed, metrics or {})


async def ask(
    tool: str,
    child: str,
    answer_type: type[A],
    tree: SourceTree,
    sandbox: Sandbox,
    wanted: tuple[str, ...],
    *,
    package: str,
    artifacts: tuple[ArtifactKind, ...] = (),
) -> Asked[A]:
    """Run a child program over the wanted files.

    Args:
        tool: the analyser's name.
        child: file name of the program in the children's folder.
        answer_type: what a valid answer looks like.
        tree: the source.
        sandbox: where the program runs.
        wanted: paths it reads.
        package: distribution whose version the run reports.
        artifacts: reports and profiles it reads besides.
    """
    given = {kind: tree.artifacts[kind] for kind in artifacts if kind in tree.artifacts}
    done = await sandbox.run(
        [sys.executable, "-I", str(CHILDREN / child)],
        tree=tree.root,
        extra_read=tuple(given.values()),
        stdin=_request(tree, wanted, given),
        limits=LIMITS,
    )
    answer, failure = await asyncio.to_thread(_read, done, answer_type)
    seconds = round(done.seconds, 3)
    run = ToolRun(tool=tool, version=version(package), seconds=seconds, files=len(wanted), failure=failure)
    return Asked(run, answer, wanted)


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
    return json.dumps(order).encode()


def _read(done: Completed, answer_type: type[A]) -> tuple[A | None, CoverageReason | None]:
    failure = failure_of(done)
    if failure is not None:
        return None, failure
    if done.returncode != 0:
        return None, CoverageReason.OUTPUT_INVALID if done.returncode == INPUT_INVALID else CoverageReason.CRASHED
    try:
        return answer_type.model_validate_json(done.stdout), None
    except ValidationError:
        return None, CoverageReason.OUTPUT_INVALID


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
