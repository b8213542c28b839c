"""What trials and the monitor of stable need from the world, and how it may fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from models.order import ReviewOrder
from models.reviewer_config import ReviewerConfig
from models.trial_report import Comparison, Half
from models.version import Version


class TrialUnknown(Exception):
    """No such trial."""


class TrialRunning(Exception):
    """Another trial runs; there is one at a time.

    Attributes:
        trial_id: which.
    """

    def __init__(self, trial_id: str) -> None:
        super().__init__(trial_id)
        self.trial_id = trial_id


class ConfigStable(Exception):
    """The configuration is in production: there is nothing to compare it with."""


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """What the admission of a review needs to know."""

    id: str
    config: ReviewerConfig
    share_percent: int


@dataclass(frozen=True, slots=True)
class OpenPair:
    """A candidate's review that is not over."""

    review_id: str
    """The candidate's."""
    order: ReviewOrder
    wanted: bool
    """False: its trial has stopped, or its configuration is quarantined."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A live review and the candidate's, both over."""

    trial_id: str
    review_id: str
    stable: Half
    candidate: Half


class Trials(Protocol):
    """Trials and their pairs. Noting the same twice changes nothing. Every method raises StoreUnavailable."""

    async def stop_unfit(self) -> str | None:
        """Stop the running trial if its configuration is quarantined, or has become stable; gives its id then."""
        ...

    async def finished(self, size: int) -> list[Pair]:
        """Pairs that are over and not compared yet, the oldest first."""
        ...

    async def note(self, pair: Pair, comparison: Comparison) -> None:
        """Keep the numbers of a pair."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest reviews with a version."""

    reviews: int
    errors: int
    breached: bool
    alerted: bool
    """An alert was raised now, and not before on the same day."""


class Watch(Protocol):
    """How reviews with a version went. Every method raises StoreUnavailable."""

    async def look(self, version: Version, window: int, breached: Callable[[int, int], bool]) -> Seen:
        """Count the latest reviews, and raise the alert in the same transaction where it is called for.

        Args:
            version: whose reviews, since it was promoted.
            window: how many at most.
            breached: tells, by errors and reviews, whether too many went wrong.
        """
        ...

    async def rollback_tried(self, version_id: str) -> bool:
        """Whether the service itself went back from this version before, or tried to."""
        ...


class Production(Protocol):
    """The version in production."""

    async def current(self) -> Version:
        """The stable version, quarantined or not."""
        ...

    async def rollback(
        self, reason: str, by: str, from_version_id: str | None = None, request_key: str | None = None
    ) -> Version:
        """Make the version before it stable again; gives that.

        Raises:
            ChangeRefused: that is not possible; the audit chain has the attempt.
        """
        ...
