"""What comparisons need from the world, and how it may fail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from activities.experiment_ports import SampleResult
from models.comparison import (
    ComparedSide,
    ComparisonReport,
    ComparisonRequest,
    ComparisonStatus,
    Side,
)
from models.reviewer_config import ReviewerConfig


class ComparisonUnknown(Exception):
    """No such comparison."""


class DatasetsDiffer(Exception):
    """The recorded runs are of different datasets: nothing of them can be paired."""


class NotMeasured(Exception):
    """A recorded run has no results that may be compared: it did not come to its end."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One side before it is stored: who, with which configuration, and its recorded run if that is compared."""

    side: ComparedSide
    config: ReviewerConfig
    recorded: str | None = None
    """Id of the experiment whose results are compared; None: it is run anew."""


@dataclass(frozen=True, slots=True)
class ComparisonCreation:
    """What is asked for, and by whom."""

    id: str
    name: str
    request: ComparisonRequest
    v1: Contender
    v2: Contender
    dataset_id: str
    prices: str | None
    by: str
    request_hash: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class StoredComparison:
    """A comparison as it is stored."""

    id: str
    name: str
    sides: dict[Side, ComparedSide]
    dataset_id: str
    dataset: str
    """Name and version."""
    dataset_hash: str
    dataset_size: int
    request: ComparisonRequest
    prices: str | None
    attempts: int
    """Experiments and comparisons on this dataset so far, runs of comparisons left out."""
    status: ComparisonStatus

    @property
    def recorded(self) -> bool:
        """Whether its runs were made before, at different times."""
        return self.request.dataset_id is None


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What is known of a run as a whole."""

    tokens: int
    models: bool
    """Whether models were asked: without them samples are analysed together, and none has a time of its own."""
    started_at: datetime
    finished_at: datetime | None


class Comparisons(Protocol):
    """Comparisons, their runs and their reports. Saving the same thing twice changes nothing.

    Every method raises StoreUnavailable when the store cannot be reached, ComparisonUnknown when there is none.
    """

    async def get(self, comparison_id: str) -> StoredComparison: ...

    def results(self, experiment_id: str) -> AsyncIterator[SampleResult]:
        """What came of every sample of a run, in order; streamed."""
        ...

    async def totals(self, experiment_id: str) -> RunTotals: ...

    async def set_status(
        self, comparison_id: str, status: ComparisonStatus, failure: str | None = None
    ) -> ComparisonStatus:
        """Change the status unless it has ended; gives what it is now. An end is audited in the same transaction."""
        ...

    async def settle(self, report: ComparisonReport) -> None:
        """Keep the report with its tests, and end as completed, audited in the same transaction."""
        ...


class Comparer(Protocol):
    """Makes a report of the results of both sides."""

    async def report(self, comparison: StoredComparison) -> ComparisonReport:
        """The whole of it.

        Raises:
            StoreUnavailable: the results cannot be read.
        """
        ...


class Prices(Protocol):
    """The price table."""

    async def fingerprint(self) -> str:
        """Hash of what every provider that is switched on costs.

        Raises:
            StoreUnavailable: the catalogue cannot be read.
        """
        ...
