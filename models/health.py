"""Provider health: what a probe saw, and when a provider counts as healthy."""

from pydantic import Field

from models.wire import Slug, Wire

RECOVERY_STREAK = 3
"""Good checks in a row before an unhealthy provider takes traffic again."""

SLOW_AFTER_MS = 10_000
"""A probe at or above this many milliseconds counts as failed."""


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
