"""Provider health: what a probe saw, and when a provider counts as healthy."""

from pydantic import Field

from models.call import CallFailure
from models.provider import ProviderName
from models.traffic import Outcome, outcome_of
from models.wire import Slug, Wire

RECOVERY_STREAK = 3
"""Good checks in a row before an unhealthy provider takes traffic again."""

SLOW_AFTER_MS = 10_000
"""A probe at or above this many milliseconds counts as failed."""


PASSIVE_STREAK = 3
"""Outages in a row, seen by real calls, that count like one bad probe: a single one must not stop a provider."""

PASSIVE_WINDOW_SECONDS = 600
"""Outages further apart are not in a row."""

KEY_TROUBLE = frozenset(
    {CallFailure.KEY_INVALID, CallFailure.KEY_FORBIDDEN, CallFailure.BILLING, CallFailure.SPEND_LIMIT}
)
"""Answers that are about the key or its account, and never about the provider."""

KEY_IS_BAD = KEY_TROUBLE - {CallFailure.SPEND_LIMIT}
"""Of those, what does not pass by itself: the key is set aside until its owner acts."""


class Probe(Wire):
    """One look at one provider."""

    provider_id: str
    http_status: int | None = None
    """None when no answer came at all."""
    latency_ms: int = Field(ge=0)
    valid_json: bool = False
    failure: Slug | None = None
    """Code of what went wrong; None when nothing did."""

    @property
    def good(self) -> bool:
        """HTTP 200 (so not 429), under the time limit, and a body that is JSON."""
        return self.http_status == 200 and self.latency_ms < SLOW_AFTER_MS and self.valid_json


class Health(Wire):
    """Where a provider stands after all looks so far."""

    provider_id: str
    is_healthy: bool = True
    good_streak: int = Field(default=0, ge=0)
    consecutive_failures: int = Field(default=0, ge=0)
    last_check_at: str | None = None
    last_error: Slug | None = None
    response_time_ms: int | None = None
    success_rate: float | None = Field(default=None, ge=0, le=1)
    """Exponentially weighted share of good looks."""


def after(health: Health, probe: Probe) -> Health:
    """Health after one more probe.

    One bad probe makes a provider unhealthy; only `RECOVERY_STREAK` good ones in a row bring it back.
    """
    rate = 0.8 * (1.0 if health.success_rate is None else health.success_rate) + 0.2 * probe.good
    seen = {"response_time_ms": probe.latency_ms, "success_rate": round(rate, 6)}
    if not probe.good:
        bad = {
            "is_healthy": False,
            "good_streak": 0,
            "consecutive_failures": health.consecutive_failures + 1,
            "last_error": probe.failure or "bad_probe",
        }
        return health.model_copy(update=seen | bad)
    streak = health.good_streak + 1
    good = {
        "is_healthy": health.is_healthy or streak >= RECOVERY_STREAK,
        "good_streak": streak,
        "consecutive_failures": 0,
        "last_error": None,
    }
    return health.model_copy(update=seen | good)


def key_trouble(probe: Probe) -> CallFailure | None:
    """What a probe says about the key it was made with; None when it says nothing."""
    return next((each for each in KEY_TROUBLE if each == probe.failure), None)


def passive_probe(
    provider_id: str, failure: CallFailure | None, latency_ms: int, http_status: int | None = None
) -> Probe | None:
    """A real call that met an outage, as a bad look; None when the call says nothing against its provider."""
    if outcome_of(failure, http_status) is not Outcome.OUTAGE:
        return None
    return Probe(provider_id=provider_id, http_status=http_status, latency_ms=latency_ms, failure=failure)


class HealthTick(Wire):
    """What one tick of the schedule is to check."""

    provider_ids: tuple[str, ...] = ()
    """Only these; empty: every active provider."""


class ProviderToCheck(Wire):
    """One provider of a tick."""

    id: str
    name: ProviderName


class ProvidersToCheck(Wire):
    """Every provider of a tick."""

    providers: tuple[ProviderToCheck, ...] = ()


class Check(Wire):
    """What came of checking one provider."""

    health: Health | None = None
    skipped: Slug | None = None
    """Why it could not be asked although nothing is known against it: it has no usable key."""


class HealthReport(Wire):
    """What one tick found."""

    checked: tuple[Health, ...] = ()
    skipped: tuple[str, ...] = ()
    """Ids of providers that nobody has a usable key for."""
    failed: tuple[str, ...] = ()
    """Ids of providers whose check did not come through, because of a part of ours."""
