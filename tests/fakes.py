"""In-memory ports, and the small sources and findings that tests are made of."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from activities.ports import CallIdentity, Material, ModelFailed, SourceBatch, SourceTree, SourceUnknown, Statics, Text
from models.complexity import complexity_of
from models.config import OrchestratorConfig
from models.expert import (
    CoverageEntry,
    CoverageStatus,
    ExpertFinding,
    ExpertName,
    Severity,
    StaticResult,
)
from models.opinion import Consultation, Opinion
from models.order import ExpertProgress, ReviewOrder
from models.review import ReviewMode, ReviewReport, ReviewStatus
from models.source import LineRange, SourceFile, SourceManifest, language_of

TEXTS = {"shop/app.py": "import os\n\n\ndef run(cmd):\n    os.system(cmd)\n", "shop/db.py": "x = 1\n"}


def manifest(
    texts: Mapping[str, str] = TEXTS, changed: Mapping[str, tuple[LineRange, ...]] | None = None
) -> SourceManifest:
    files = tuple(
        SourceFile(
            path=path,
            language=language_of(path),
            sha256="0" * 64,
            size=len(text.encode()),
            characters=len(text),
            lines=text.count("\n"),
            changed=None if changed is None else changed.get(path, ()),
        )
        for path, text in sorted(texts.items())
    )
    return SourceManifest(source_id="5" * 32, label="shop", content_hash="c" * 64, files=files)


def finding(**changes: object) -> ExpertFinding:
    base: dict[str, object] = {
        "expert": ExpertName.SECURITY,
        "tool": "bandit",
        "rule": "B605",
        "kind": "command-injection",
        "cwe": "CWE-78",
        "severity": Severity.HIGH,
        "confidence": 0.8,
        "path": "shop/app.py",
        "line_start": 5,
        "line_end": 5,
        "message": "A shell runs a command that comes from outside.",
        "quote": "os.system(cmd)",
    }
    return ExpertFinding.model_validate(base | changes)


def static(
    expert: ExpertName, *findings: ExpertFinding, status: CoverageStatus = CoverageStatus.ANALYSED
) -> StaticResult:
    coverage = tuple(CoverageEntry(expert=expert, path=path, status=status) for path in sorted(TEXTS))
    return StaticResult(expert=expert, findings=findings, coverage=coverage)


def order(mode: ReviewMode = ReviewMode.PARALLEL, queue: str = "queue", **changes: object) -> ReviewOrder:
    base: dict[str, object] = {
        "review_id": "a" * 32,
        "source_id": "5" * 32,
        "label": "shop",
        "mode": mode,
        "experts": tuple(ExpertName),
        "budget_micro_usd": 700_000,
        "complexity": complexity_of(manifest().files),
        "config": OrchestratorConfig(),
        "analysis_queue": queue,
        "models_queue": queue,
    }
    return ReviewOrder.model_validate(base | changes)


class MemorySources:
    """One source, never laid out."""

    def __init__(self, texts: Mapping[str, str] = TEXTS) -> None:
        self.texts = texts

    @asynccontextmanager
    async def checkout(self, source_id: str) -> AsyncGenerator[SourceTree, None]:
        if source_id != manifest().source_id:
            raise SourceUnknown
        yield SourceTree(root=Path("/nowhere"), manifest=manifest(self.texts), artifacts={})

    @asynccontextmanager
    async def checkout_many(self, source_ids: Sequence[str]) -> AsyncGenerator[SourceBatch, None]:
        trees = [
            SourceTree(root=Path("/nowhere") / str(place), manifest=manifest(self.texts), artifacts={})
            for place, _ in enumerate(source_ids)
        ]
        yield SourceBatch(Path("/nowhere"), tuple(trees))

    async def lines(self, source_id: str) -> Text:
        return manifest(self.texts), {path: text.splitlines() for path, text in self.texts.items()}

    async def lines_many(self, source_ids: Sequence[str]) -> dict[str, Text]:
        return {each: await self.lines(each) for each in source_ids}


class MemoryReviews:
    """The store of reviews, in dictionaries."""

    def __init__(self) -> None:
        self.statics: dict[str, dict[ExpertName, tuple[StaticResult, float]]] = {}
        self.opinions: dict[tuple[str, ExpertName, int], Opinion] = {}
        self.reports: dict[str, ReviewReport] = {}
        self.ended: dict[str, ReviewStatus] = {}
        self.progress: list[tuple[ExpertName, str]] = []

    async def start_expert(self, review_id: str, expert: ExpertName) -> StaticResult | None:
        stored = self.statics.get(review_id, {}).get(expert)
        return stored[0] if stored else None

    async def save_static(self, review_id: str, result: StaticResult, seconds: float) -> None:
        self.statics.setdefault(review_id, {})[result.expert] = (result, seconds)

    async def save_statics(self, statics: Sequence[tuple[str, StaticResult, float]]) -> None:
        for each in statics:
            await self.save_static(*each)

    async def static_seconds(self, review_ids: Sequence[str]) -> dict[str, dict[ExpertName, float]]:
        return {
            each: {name: seconds for name, (_, seconds) in self.statics[each].items()}
            for each in review_ids
            if each in self.statics
        }

    async def static_results(self, review_id: str) -> Statics:
        return self.statics.get(review_id, {})

    async def static_results_many(self, review_ids: Sequence[str]) -> dict[str, Statics]:
        return {each: dict(self.statics.get(each, {})) for each in review_ids}

    async def save_opinion(self, review_id: str, expert: ExpertName, attempt: int, opinion: Opinion) -> None:
        self.opinions[review_id, expert, attempt] = opinion

    async def opinion(self, review_id: str, expert: ExpertName, attempt: int) -> Opinion | None:
        return self.opinions.get((review_id, expert, attempt))

    async def note_progress(self, review_id: str, expert: ExpertName, progress: ExpertProgress) -> None:
        self.progress.append((expert, progress.status))

    async def publish(self, reports: Sequence[ReviewReport]) -> None:
        for report in reports:
            self.reports[report.review_id] = report
            self.ended[report.review_id] = ReviewStatus.COMPLETED

    async def finish(self, review_id: str, status: ReviewStatus, reason: str | None, finished_at: datetime) -> None:
        self.ended.setdefault(review_id, status)

    async def report(self, review_id: str) -> ReviewReport | None:
        return self.reports.get(review_id)


class ScriptedAnalyst:
    """Answers by expert; an exception is raised instead. Notes when each expert began and ended."""

    def __init__(self, script: Mapping[ExpertName, StaticResult | Exception], seconds: float = 0.0) -> None:
        self._script = script
        self._seconds = seconds
        self.calls: list[ExpertName] = []
        self.tools_off: tuple[str, ...] = ()
        self.at_work = 0
        self.most_at_once = 0
        self.first_at = 0.0

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        self.calls.append(expert)
        self.tools_off = tuple(tools_off)
        self.first_at = self.first_at or time.monotonic()
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        await asyncio.sleep(self._seconds)
        self.at_work -= 1
        answer = self._script.get(expert, static(expert))
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedModels:
    """Answers each expert's questions from a list; the last answer repeats. Keeps the questions."""

    def __init__(
        self,
        script: Mapping[ExpertName, Sequence[Opinion | ModelFailed]],
        usual: Opinion | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._seconds = seconds
        self.at_work = self.most_at_once = 0
        self.first_at = 0.0
        self._script = {name: list(answers) for name, answers in script.items()}
        self._usual = usual or Opinion(confidence=0.9)
        self.questions: list[Consultation] = []
        self.asked_at: list[datetime] = []
        self.shown: list[list[ExpertName]] = []

    async def consult(self, question: Consultation, call: CallIdentity, material: Material) -> Opinion:
        self.questions.append(question)
        self.asked_at.append(datetime.now(UTC))
        self.shown.append([each.expert for each in material.earlier])
        self.first_at = self.first_at or time.monotonic()
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        await asyncio.sleep(self._seconds)
        self.at_work -= 1
        answers = self._script.get(question.expert)
        if not answers:
            return self._usual
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, ModelFailed):
            raise answer
        return answer

    def asked(self, expert: ExpertName) -> list[Consultation]:
        return [question for question in self.questions if question.expert is expert]
