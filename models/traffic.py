"""What a call's outcome says about its provider, and how long a provider is left alone afterwards."""

import math
from enum import StrEnum

from models.call import CallFailure

OUTAGE = frozenset(
    {
        CallFailure.SERVER_ERROR,
        CallFailure.OVERLOADED,
        CallFailure.TIMEOUT,
        CallFailure.UNREACHABLE,
        CallFailure.DNS_FAILED,
        CallFailure.TLS_FAILED,
        CallFailure.REDIRECTED,
        CallFailure.ADDRESS_NOT_ALLOWED,
        CallFailure.BAD_RESPONSE,
    }
)
"""The endpoint did not do its work, whoever asked and whatever was asked."""

POOR = frozenset(
    {
        CallFailure.TRUNCATED,
        CallFailure.REFUSED,
        CallFailure.CONTENT_FILTERED,
        CallFailure.SCHEMA_VIOLATION,
        CallFailure.RESPONSE_TOO_LARGE,
    }
)
"""The model answered, and the answer is of no use."""

TOO_MANY_REQUESTS = 429

LONGEST_COOLDOWN_SECONDS = 86_400.0
"""However long a provider asks to be left alone: after a day it is tried again."""

UNTOLD_COOLDOWN_SECONDS = 10.0
"""After a rate limit that does not say for how long."""

CIRCUIT_FAILURES = 5
"""Outages in a row, over all workers, after which a provider is out of rotation."""

CIRCUIT_FIRST_SECONDS = 30.0
CIRCUIT_LONGEST_SECONDS = 300.0
"""How long it is out: the first time, and at most; each failed comeback doubles it."""


class Outcome(StrEnum):
    """What one call says about its provider."""

    GOOD = "good"
    POOR = "poor"
    """It answered, so it is there; but the answer is of no use."""
    OUTAGE = "outage"
    NEUTRAL = "neutral"
    """Nothing: the key, its account's limits, our question or we ourselves are the reason."""


def outcome_of(failure: CallFailure | None, http_status: int | None = None) -> Outcome:
    """Read an outcome off a call.

    A 429 is about an account and never about its provider, whatever code came with it: one user's limits must not
    keep others away.
    """
    if failure is None:
        return Outcome.GOOD
    if http_status == TOO_MANY_REQUESTS:
        return Outcome.NEUTRAL
    if failure in OUTAGE:
        return Outcome.OUTAGE
    return Outcome.POOR if failure in POOR else Outcome.NEUTRAL


def cooldown_seconds(failure: CallFailure, retry_after_seconds: float | None) -> float | None:
    """How long the key that met this failure is left alone; None: not at all.

    Args:
        failure: what happened.
        retry_after_seconds: what the provider asked for.
    """
    if failure not in (CallFailure.RATE_LIMITED, CallFailure.OVERLOADED):
        return None
    if retry_after_seconds is not None:
        return bounded_seconds(retry_after_seconds)
    return UNTOLD_COOLDOWN_SECONDS if failure is CallFailure.RATE_LIMITED else None


def bounded_seconds(seconds: float) -> float:
    """A wait that somebody else asked for, made sane: 0 to a day."""
    if math.isnan(seconds):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_COOLDOWN_SECONDS)


def circuit_seconds(openings: int) -> float:
    """How long a provider is out of rotation for the n-th time in a row, n from 1."""
    return min(CIRCUIT_FIRST_SECONDS * 2.0 ** min(openings - 1, 30), CIRCUIT_LONGEST_SECONDS)


def percentile(ascending: list[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least this share of the values does not exceed.

    Args:
        ascending: sorted values.
        share: above 0 up to 1.
    """
    if not ascending:
        return None
    return ascending[max(math.ceil(share * len(ascending)), 1) - 1]
