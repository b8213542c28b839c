"""Times and counts in a provider's headers; whatever makes no sense is unknown, nothing raises."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER_SECONDS = 3_600.0
"""Whoever asks for a longer wait gets this one; then we look again."""
LONGEST_RESET_SECONDS = 86_400.0

_DIGITS = 15
_NUMBER = re.compile(rf"[0-9]{{1,{_DIGITS}}}(?:\.[0-9]{{0,{_DIGITS}}})?")
_COUNT = re.compile(rf"[0-9]{{1,{_DIGITS}}}")
_DURATION = re.compile(
    r"(?:(?P<days>[0-9]{1,9})d)?(?:(?P<hours>[0-9]{1,9})h)?(?:(?P<minutes>[0-9]{1,9})m(?!s))?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)s)?(?:(?P<milliseconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?"
)
_UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait a provider asks for, 0 to `LONGEST_RETRY_AFTER_SECONDS`; None when it asks for none that makes sense.

    `retry-after-ms` (OpenAI) is finer than `retry-after`, which has seconds or an HTTP date (RFC 9110, 10.2.3). A date
    that has passed is no wait.

    Args:
        headers: names in lower case.
        now: with a time zone.
    """
    fine = _number(headers.get("retry-after-ms"))
    if fine is not None:
        return min(fine / 1_000, LONGEST_RETRY_AFTER_SECONDS)
    text = headers.get("retry-after")
    coarse = _number(text)
    if coarse is None:
        coarse = _until_http_date(text, now)
    return None if coarse is None else min(coarse, LONGEST_RETRY_AFTER_SECONDS)


def duration_seconds(text: str | None) -> float | None:
    """A duration as OpenAI writes it (`6m0s`, `120ms`, `1.5s`), or plain seconds; None for nothing, 0, or nonsense."""
    plain = _number(text)
    if plain is not None:
        return min(plain, LONGEST_RESET_SECONDS) or None
    found = _DURATION.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    total = sum(float(value) * _UNITS[name] for name, value in found.groupdict().items() if value)
    return min(total, LONGEST_RESET_SECONDS) or None


def until_rfc3339(text: str | None, now: datetime) -> float | None:
    """Seconds until a moment as Anthropic writes it (`2026-11-05T12:00:00Z`); None when past or nonsense."""
    if not text or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        # Without a zone it is no RFC 3339.
        left = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(left, LONGEST_RESET_SECONDS) if left > 0 else None


def remaining(count: str | None, limit: str | None) -> int | None:
    """How many are left. Some servers send -1 or 0 for "not counted": 0 is believed only beside a real limit."""
    left, most = _count(count), _count(limit)
    return left if left or (left == 0 and most) else None


def _number(text: str | None) -> float | None:
    # Own pattern: `float` also takes "nan", "1e9", "1_0" and digits of other scripts.
    return float(text) if text is not None and _NUMBER.fullmatch(text := text.strip()) else None


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and _COUNT.fullmatch(text := text.strip()) else None


def _until_http_date(text: str | None, now: datetime) -> float | None:
    if not text or len(text) > 60:
        return None
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
