"""Rotation: a new version of a wrapping key, and every key that it wraps wrapped anew."""

from enum import StrEnum

from pydantic import Field

from models.wire import Wire

NEWEST_UNTOLD = ""
"""Mark of a key service whose wrapped keys do not tell their version: everything is wrapped anew, once."""


class Ring(StrEnum):
    """Keys that are wrapped by one wrapping key."""

    PROVIDER_KEYS = "provider-keys"
    PAYLOAD_KEYS = "payload-keys"


class RingTask(Wire):
    """One step on one ring."""

    ring: Ring
    mark: str = NEWEST_UNTOLD
    """What wrapped keys of the version in question begin with."""


class PageTask(RingTask):
    """One page of a ring."""

    after: str = ""
    """Id of the last key of the page before."""
    size: int = Field(ge=1, le=1_000)


class PageResult(Wire):
    """What became of one page."""

    last: str | None
    """Where the next page begins; None: there was nothing left."""
    rewrapped: int = 0
    changed: int = 0
    """Replaced or removed by somebody else meanwhile, so no longer of the old version."""
    refused: int = 0
    """The key service does not open them: changed or swapped rows. They stay as they are."""


class RingReport(Wire):
    """How one ring stands."""

    ring: Ring
    mark: str = NEWEST_UNTOLD
    rotated: bool = False
    """Whether this run made a new version of the wrapping key."""
    rewrapped: int = 0
    refused: int = 0
    """In the last pass."""
    behind: int = 0
    """Still of an older version at the end."""
    retired: bool = False
    """Whether older versions of the wrapping key no longer open anything."""


class RotationState(Wire):
    """Where a run stands, carried over when its history gets long."""

    done: tuple[RingReport, ...] = ()
    current: RingReport | None = None
    """None: the next ring has not begun."""
    passes: int = 0
    after: str = ""


class RotationOrder(Wire):
    """What a run is to do."""

    rings: tuple[Ring, ...] = tuple(Ring)
    rotate: bool = False
    """Make a new version of each wrapping key first. Needs the operator's token; without one this is skipped."""
    retire: bool = False
    """In the end let older versions open nothing any more, if no key needs them. Older backups become unreadable."""
    page_size: int = Field(default=100, ge=1, le=1_000)
    state: RotationState = RotationState()


class RotationReport(Wire):
    """What a run did, ring by ring."""

    rings: tuple[RingReport, ...]

    @property
    def complete(self) -> bool:
        """Whether no key is of an older version."""
        return all(ring.behind == 0 for ring in self.rings)


class RotationRequest(Wire):
    """Body of `POST /key-rotations`."""

    rotate: bool = False
    """Make a new version of each wrapping key first; skipped without the operator's token."""
    retire: bool = False
    """In the end let older versions open nothing any more; skipped without that token or while a key needs them."""


class RotationStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Failed, or ended by somebody. What it wrapped anew stays so, and a new run does the rest."""


class RotationView(Wire):
    """A run as the API shows it."""

    workflow_id: str
    workflow_url: str | None = None
    """Where to watch it; None: the address of Temporal's UI is not known."""
    status: RotationStatus
    rotate: bool = False
    """Whether this run was asked for new versions: one that was under way already goes on as it was begun."""
    retire: bool = False
    started_at: str
    failure: str | None = None
    """Code of the step that failed."""
    report: RotationReport | None = None
    """None until it is done."""
