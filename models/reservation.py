"""Money set aside for one call, with an identity that outlives every crash."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from models.call import TokenUsage
from models.wire import Wire

MICRO = 1_000_000
"""Micro-USD in one USD."""


class ReservationState(StrEnum):
    """Where a reservation stands. Nothing moves back."""

    RESERVED = "reserved"
    """Set aside; the question has not left us."""
    DISPATCHED = "dispatched"
    """The question may have left us."""
    SETTLED = "settled"
    """The cost is known and booked."""
    RELEASED = "released"
    """Nothing was spent."""
    UNKNOWN = "unknown"
    """Sent, never answered: the hold stays until it is resolved."""


OPEN_STATES = frozenset({ReservationState.RESERVED, ReservationState.DISPATCHED, ReservationState.UNKNOWN})
"""States in which the reserved amount is held."""


class ReservationKey(Wire):
    """Identity of one try of one call: at most one reservation has it."""

    workflow_id: str
    step: str
    """`security`, `meta`, `health-probe`, ...: what the workflow was doing."""
    attempt: int = Field(ge=1)
    """Number of the question within the step, counted by the workflow."""
    delivery: int = Field(ge=1)
    """Which try of the activity: above 1 after a crash."""


class Hold(Wire):
    """What to set aside, and for whom."""

    key: ReservationKey
    user_id: str
    review_id: str | None = None
    expert: str | None = None
    provider_id: str
    key_id: str | None = None
    amount_micro_usd: int = Field(ge=0)
    """The worst case; the call is bounded so that it cannot cost more."""
    price: dict[str, Any] = Field(default_factory=dict)
    """The price sheet that the worst case was counted with; settlement uses the same."""


class Reservation(Wire):
    """A granted hold."""

    id: str
    hold: Hold
    state: ReservationState
    day: str
    """UTC date of the grant; everything about it is booked there, whenever it ends."""


class Settlement(Wire):
    """What a call really cost."""

    usage: TokenUsage = TokenUsage()
    cost_micro_usd: int = Field(ge=0)
    useful: bool = True
    """False: billed, but the answer cannot be used."""


class SweepOrder(Wire):
    """What one tick of the sweep is to do."""

    grace_seconds: int = Field(default=60, ge=0)
    """Entries younger than this are left alone: their workflow may not be visible yet."""


class SweepReport(Wire):
    """What one tick found and did."""

    looked_at: int = Field(default=0, ge=0)
    """Open entries older than the grace."""
    left: int = Field(default=0, ge=0)
    """Of those, how many belong to workflows that run, or of which Temporal could not say."""
    released: int = Field(default=0, ge=0)
    """Never sent: nothing was spent."""
    resolved: int = Field(default=0, ge=0)
    """Sent without an answer: booked at the worst case."""
    counters_compared: int = Field(default=0, ge=0)
    """Counters in Redis that were held against the ledger's."""
    counters_corrected: int = Field(default=0, ge=0)
    """Of those, how many differed."""
