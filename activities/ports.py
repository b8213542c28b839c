"""What the activities need from the world, and how it may fail."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from models.call import CallFailure, Posture
from models.expert import ExpertName, StaticResult
from models.opinion import Consultation, Opinion, Rejection
from models.order import ExpertProgress
from models.review import ReviewReport, ReviewStatus
from models.source import ArtifactKind, SourceManifest


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A source laid out as plain regular files, read-only by convention, owned by one caller for a while."""

    root: Path
    """Folder that holds the files at their manifest paths and nothing else."""
    manifest: SourceManifest
    artifacts: dict[ArtifactKind, Path]
    """Reports and profiles that came along; they lie outside `root`."""


class AnalysisFailed(Exception):
    """The static half could not be run at all (not: an analyser failed, which the ledger tells)."""


class IsolationUnavailable(Exception):
    """Isolation is mandatory by settings and this kernel refuses it."""


class Analyst(Protocol):
    """The static halves of the experts."""

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        """Run one expert's analysers over a source.

        Args:
            expert: whose.
            tree: the source.
            tools_off: names of analysers that do not run.

        Raises:
            IsolationUnavailable: isolation is mandatory and cannot be had.
            AnalysisFailed: nothing could be run.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Sources laid out side by side, so that one program can be shown all of them."""

    root: Path
    """Holds the roots of the trees, each a folder in it, and nothing else."""
    trees: tuple[SourceTree, ...]


class BatchAnalyst(Protocol):
    """The static halves of the experts over many sources, for the cost of few programs."""

    async def analyse_many(
        self, expert: ExpertName, batch: SourceBatch, tools_off: Sequence[str] = ()
    ) -> list[StaticResult]:
        """Run one expert's analysers over many sources at once.

        Returns:
            For each source what `Analyst.analyse` says of it alone, but for the seconds, which are its share.

        Raises:
            IsolationUnavailable, AnalysisFailed: as `Analyst.analyse`.
        """
        ...


class StoreUnavailable(Exception):
    """The store cannot be reached or refuses for now; asking again later may work."""


class SourceUnknown(Exception):
    """No such source; asking again cannot help."""


class ReviewUnknown(Exception):
    """No such review; asking again cannot help."""


class ModelFailed(Exception):
    """A model gave no acceptable answer.

    Attributes:
        rejection: why there is no opinion.
        spent_micro_usd: what the attempt cost all the same.
        code: what happened to the call, where one failed.
        posture: what may be done about it.
        retry_after_seconds: how long to wait first.
        further: places down the chain to whom to ask next; None when nobody is left.
    """

    def __init__(
        self,
        rejection: Rejection,
        spent_micro_usd: int = 0,
        *,
        code: CallFailure | None = None,
        posture: Posture | None = None,
        retry_after_seconds: float | None = None,
        further: int | None = None,
    ) -> None:
        super().__init__(rejection)
        self.rejection = rejection
        self.spent_micro_usd = spent_micro_usd
        self.code = code
        self.posture = posture
        self.retry_after_seconds = retry_after_seconds
        self.further = further


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """Which try of which process asks: the identity of what is paid."""

    workflow_id: str
    delivery: int
    """Try of the step, from 1: above 1 after a crash."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a prompt may be made of."""

    manifest: SourceManifest
    lines: Mapping[str, Sequence[str]]
    """Text lines of every file, by path."""
    earlier: Sequence[StaticResult] = ()
    """What earlier experts found."""


class ModelHalf(Protocol):
    """The model halves of the experts."""

    async def consult(self, question: Consultation, call: CallIdentity, material: Material) -> Opinion:
        """Ask one model once; the same call again, after a crash, gives the answer that was paid for.

        Args:
            question: who asks, how often it was asked before and why that was not accepted.
            call: who pays for what.
            material: the source, and what earlier experts found.

        Raises:
            ModelFailed: there is no answer, or none that can be used.
            StoreUnavailable, KeyServiceUnavailable: a part of ours is down; nothing was asked.
        """
        ...


Text = tuple[SourceManifest, Mapping[str, Sequence[str]]]
"""A manifest, and the text lines of every file by path."""


class Texts(Protocol):
    """What sources say."""

    async def lines(self, source_id: str) -> Text:
        """The manifest and the text lines of every file.

        Raises:
            SourceUnknown: no such source.
            StoreUnavailable: the store cannot be reached.
        """
        ...


class SourceStore(Texts, Protocol):
    """Sources by id."""

    def checkout(self, source_id: str) -> AbstractAsyncContextManager[SourceTree]:
        """Lay a source out as plain files for as long as the context lasts.

        Raises:
            SourceUnknown: no such source.
            StoreUnavailable: the store cannot be reached.
        """
        ...

    def checkout_many(self, source_ids: Sequence[str]) -> AbstractAsyncContextManager[SourceBatch]:
        """Lay sources out side by side for as long as the context lasts, in this order.

        Raises:
            SourceUnknown: one of them is not there.
            StoreUnavailable: the store cannot be reached.
        """
        ...

    async def lines_many(self, source_ids: Sequence[str]) -> dict[str, Text]:
        """The same of many sources, by id.

        Raises:
            SourceUnknown: one of them is not there.
            StoreUnavailable: the store cannot be reached.
        """
        ...


Statics = dict[ExpertName, tuple[StaticResult, float]]
"""Static halves by expert, with the seconds they took."""


class PanelWork(Protocol):
    """What the experts of reviews found. Every method raises StoreUnavailable when the store cannot be reached."""

    async def start_expert(self, review_id: str, expert: ExpertName) -> StaticResult | None:
        """Note that an expert is at work; returns its result if it was stored before a crash."""
        ...

    async def save_static(self, review_id: str, result: StaticResult, seconds: float) -> None: ...

    async def static_results(self, review_id: str) -> Statics: ...

    async def opinion(self, review_id: str, expert: ExpertName, attempt: int) -> Opinion | None: ...


class ReviewStore(PanelWork, Protocol):
    """Reviews, their experts' results and their reports. Saving the same thing twice changes nothing.

    Every method raises StoreUnavailable when the store cannot be reached.
    """

    async def save_statics(self, statics: Sequence[tuple[str, StaticResult, float]]) -> None:
        """Save static halves of many reviews: (review, result, seconds)."""
        ...

    async def static_seconds(self, review_ids: Sequence[str]) -> dict[str, dict[ExpertName, float]]:
        """The experts of some reviews whose static halves are stored, with the seconds they took."""
        ...

    async def static_results_many(self, review_ids: Sequence[str]) -> dict[str, Statics]:
        """The static halves of many reviews, by id."""
        ...

    async def save_opinion(self, review_id: str, expert: ExpertName, attempt: int, opinion: Opinion) -> None: ...

    async def note_progress(self, review_id: str, expert: ExpertName, progress: ExpertProgress) -> None: ...

    async def publish(self, reports: Sequence[ReviewReport]) -> None:
        """Store reports and end their reviews, which ended when the reports were made; all of it or nothing."""
        ...

    async def finish(self, review_id: str, status: ReviewStatus, reason: str | None, finished_at: datetime) -> None:
        """End a review that has no report; a review that ended stays as it ended."""
        ...

    async def report(self, review_id: str) -> ReviewReport | None: ...


class KeyServiceUnavailable(Exception):
    """The key service cannot be reached, is sealed, refuses, or answers nonsense: then nothing is encrypted or read."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key of the payload codec as it is stored."""

    id: str
    wrapped: str
    active: bool


class DataKeys(Protocol):
    """A service that makes data keys and wraps them. Both methods block."""

    def generate(self) -> str:
        """A new data key, wrapped.

        Raises:
            KeyServiceUnavailable: it cannot be made.
        """
        ...

    def unwrap(self, wrapped: str) -> bytes:
        """A data key in clear, 32 bytes.

        Raises:
            KeyServiceUnavailable: it cannot be opened.
        """
        ...


class PayloadKeyStore(Protocol):
    """Where wrapped keys of the payload codec are kept."""

    async def all(self) -> list[WrappedKey]:
        """Every key, oldest first."""
        ...

    async def add_first(self, wrapped: str) -> None:
        """Store an active key unless there is one."""
        ...
