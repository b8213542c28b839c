"""The rule book of failures, and what providers' headers say."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.call import POSTURE, Billing, CallFailure, Posture, is_quality
from models.call_errors import billing_of, failure_of
from models.call_headers import (
    LONGEST_RESET_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    duration_seconds,
    remaining,
    retry_after_seconds,
    until_rfc3339,
)
from models.provider import WireProtocol

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
OPENAI = (WireProtocol.OPENAI_RESPONSES, WireProtocol.OPENAI_CHAT)
ANTHROPIC = WireProtocol.ANTHROPIC_MESSAGES
F = CallFailure
P = Posture

OPENAI_ERRORS = [
    # status, type, code, meaning, what to do
    (429, "requests", "rate_limit_exceeded", F.RATE_LIMITED, P.RETRY),
    (429, "tokens", "rate_limit_exceeded", F.RATE_LIMITED, P.RETRY),
    (429, "requests", None, F.RATE_LIMITED, P.RETRY),
    (429, None, "slow_down", F.OVERLOADED, P.RETRY),
    (503, "server_error", "slow_down", F.OVERLOADED, P.RETRY),
    (503, "server_error", "server_is_overloaded", F.OVERLOADED, P.RETRY),
    (503, None, None, F.OVERLOADED, P.RETRY),
    (429, "insufficient_quota", "credit_balance_exhausted", F.BILLING, P.NEXT_KEY),
    (429, "insufficient_quota", "insufficient_quota", F.BILLING, P.NEXT_KEY),
    (429, "insufficient_quota", None, F.BILLING, P.NEXT_KEY),
    (429, "requests", "insufficient_quota", F.BILLING, P.NEXT_KEY),
    (429, "insufficient_quota", "organization_usage_limit_exceeded", F.SPEND_LIMIT, P.NEXT_KEY),
    (429, "insufficient_quota", "organization_spend_limit_exceeded", F.SPEND_LIMIT, P.NEXT_KEY),
    (429, "insufficient_quota", "project_spend_limit_exceeded", F.SPEND_LIMIT, P.NEXT_KEY),
    (429, None, "billing_hard_limit_reached", F.SPEND_LIMIT, P.NEXT_KEY),
    (402, None, None, F.BILLING, P.NEXT_KEY),
    (401, "invalid_request_error", "invalid_api_key", F.KEY_INVALID, P.NEXT_KEY),
    (401, None, None, F.KEY_INVALID, P.NEXT_KEY),
    (403, "invalid_request_error", "unsupported_country_region_territory", F.KEY_FORBIDDEN, P.NEXT_KEY),
    (403, None, None, F.KEY_FORBIDDEN, P.NEXT_KEY),
    (404, "invalid_request_error", "model_not_found", F.MODEL_NOT_FOUND, P.NEXT_PROVIDER),
    (404, "NotFoundError", None, F.MODEL_NOT_FOUND, P.NEXT_PROVIDER),
    (400, "invalid_request_error", "model_not_found", F.MODEL_NOT_FOUND, P.NEXT_PROVIDER),
    (400, "invalid_request_error", "context_length_exceeded", F.CONTEXT_TOO_LONG, P.NEXT_PROVIDER),
    (400, "invalid_request_error", "content_filter", F.CONTENT_FILTERED, P.NEXT_PROVIDER),
    (400, "invalid_request_error", None, F.INVALID_REQUEST, P.NEXT_PROVIDER),
    (400, "BadRequestError", None, F.INVALID_REQUEST, P.NEXT_PROVIDER),
    (422, "validation", None, F.INVALID_REQUEST, P.NEXT_PROVIDER),
    (405, None, None, F.INVALID_REQUEST, P.NEXT_PROVIDER),
    (413, None, None, F.REQUEST_TOO_LARGE, P.NEXT_PROVIDER),
    (408, None, None, F.SERVER_ERROR, P.RETRY),
    (409, None, None, F.CONFLICT, P.RETRY),
    (424, "generation", None, F.SERVER_ERROR, P.RETRY),
    (429, "overloaded", None, F.OVERLOADED, P.RETRY),
    (500, "server_error", None, F.SERVER_ERROR, P.RETRY),
    (502, None, None, F.SERVER_ERROR, P.RETRY),
    (504, None, None, F.SERVER_ERROR, P.RETRY),
    (520, None, None, F.SERVER_ERROR, P.RETRY),
    (200, "server_error", "server_error", F.SERVER_ERROR, P.RETRY),
    (200, None, "rate_limit_exceeded", F.RATE_LIMITED, P.RETRY),
    (200, None, None, F.BAD_RESPONSE, P.RETRY),
    (204, None, None, F.BAD_RESPONSE, P.RETRY),
    (301, None, None, F.REDIRECTED, P.NEXT_PROVIDER),
    (307, None, None, F.REDIRECTED, P.NEXT_PROVIDER),
]
ANTHROPIC_ERRORS = [
    (400, "invalid_request_error", None, F.INVALID_REQUEST, P.NEXT_PROVIDER),
    (400, "invalid_request_error", "enforced_spend_limit_reached", F.SPEND_LIMIT, P.NEXT_KEY),
    (401, "authentication_error", None, F.KEY_INVALID, P.NEXT_KEY),
    (402, "billing_error", None, F.BILLING, P.NEXT_KEY),
    (403, "permission_error", None, F.KEY_FORBIDDEN, P.NEXT_KEY),
    (404, "not_found_error", None, F.MODEL_NOT_FOUND, P.NEXT_PROVIDER),
    (409, "conflict_error", None, F.CONFLICT, P.RETRY),
    (413, "request_too_large", None, F.REQUEST_TOO_LARGE, P.NEXT_PROVIDER),
    (413, None, None, F.REQUEST_TOO_LARGE, P.NEXT_PROVIDER),
    (429, "rate_limit_error", None, F.RATE_LIMITED, P.RETRY),
    (429, "rate_limit_error", "ramp_limit_exceeded", F.RATE_LIMITED, P.RETRY),
    (429, "rate_limit_error", "enforced_spend_limit_reached", F.SPEND_LIMIT, P.NEXT_KEY),
    (429, "rate_limit_error", "contract_spend_limit_reached", F.SPEND_LIMIT, P.NEXT_KEY),
    (500, "api_error", None, F.SERVER_ERROR, P.RETRY),
    (504, "timeout_error", None, F.SERVER_ERROR, P.RETRY),
    (529, "overloaded_error", None, F.OVERLOADED, P.RETRY),
    (529, None, None, F.OVERLOADED, P.RETRY),
    (200, "overloaded_error", None, F.OVERLOADED, P.RETRY),
    (200, "api_error", None, F.SERVER_ERROR, P.RETRY),
]
CASES = [(protocol, *case) for protocol in OPENAI for case in OPENAI_ERRORS]
CASES += [(ANTHROPIC, *case) for case in ANTHROPIC_ERRORS]


@pytest.mark.parametrize(("protocol", "status", "kind", "code", "meaning", "posture"), CASES)
def test_each_error_means_one_thing_and_has_one_answer(
    protocol: WireProtocol, status: int, kind: str | None, code: str | None, meaning: CallFailure, posture: Posture
) -> None:
    assert failure_of(protocol, status, kind, code) is meaning
    assert POSTURE[meaning] is posture


def test_the_rule_book_knows_every_failure() -> None:
    assert set(POSTURE) == set(CallFailure)


def test_money_is_never_a_reason_to_ask_the_same_key_again() -> None:
    assert {POSTURE[each] for each in (F.BILLING, F.SPEND_LIMIT, F.KEY_INVALID, F.KEY_FORBIDDEN)} == {P.NEXT_KEY}


def test_only_bad_answers_are_about_quality() -> None:
    assert {each for each in CallFailure if is_quality(each)} == {F.TRUNCATED, F.SCHEMA_VIOLATION}


@given(st.sampled_from(WireProtocol), st.integers(100, 999), st.none() | st.text(), st.none() | st.text())
def test_whatever_comes_has_a_meaning(protocol: WireProtocol, status: int, kind: str | None, code: str | None) -> None:
    assert failure_of(protocol, status, kind, code) in POSTURE


@pytest.mark.parametrize(
    ("status", "said", "billing"),
    [
        (400, True, Billing.FREE),
        (429, False, Billing.FREE),
        (500, True, Billing.FREE),
        (529, True, Billing.FREE),
        (504, True, Billing.FREE),
        (502, False, Billing.UNKNOWN),
        (504, False, Billing.UNKNOWN),
        (524, False, Billing.UNKNOWN),
        (200, False, Billing.UNKNOWN),
        (204, False, Billing.UNKNOWN),
        (302, False, Billing.FREE),
    ],
)
def test_a_no_is_free_unless_a_proxy_says_it(status: int, said: bool, billing: Billing) -> None:
    assert billing_of(status, said) is billing


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1000000000"}, LONGEST_RETRY_AFTER_SECONDS),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "\u0661"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Thu, 26 Nov 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_RETRY_AFTER_SECONDS),
        ({"retry-after": "Thu, 99 Nov 2026 12:01:30 GMT"}, None),
    ],
)
def test_retry_after_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_wait_is_bounded_or_unknown_whatever_stands_there(coarse: str, fine: str) -> None:
    for headers in ({"retry-after": coarse}, {"retry-after-ms": fine}, {"retry-after": coarse, "retry-after-ms": fine}):
        wait = retry_after_seconds(headers, NOW)
        assert wait is None or 0 <= wait <= LONGEST_RETRY_AFTER_SECONDS


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_numbers_of_every_size_are_bounded(number: float) -> None:
    wait = retry_after_seconds({"retry-after": str(number)}, NOW)
    assert wait is None or 0 <= wait <= LONGEST_RETRY_AFTER_SECONDS


@given(st.integers(0, 250_000_000_000))
def test_dates_of_every_age_are_bounded(second: int) -> None:
    text = format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)
    wait = retry_after_seconds({"retry-after": text}, NOW)
    assert wait is not None
    assert 0 <= wait <= LONGEST_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1s", 1.0),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("2d", LONGEST_RESET_SECONDS),
        ("59.5", 59.5),
        ("-1", None),
        ("0", None),
        ("0s", None),
        ("", None),
        ("s", None),
        ("6m 0s", None),
        ("later", None),
        (None, None),
    ],
)
def test_resets_as_openai_writes_them(text: str | None, seconds: float | None) -> None:
    found = duration_seconds(text)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-26T12:01:00Z", 60.0),
        ("2026-11-26T13:01:00+01:00", 60.0),
        ("2026-11-26T12:00:00.250Z", 0.25),
        ("2026-11-26T11:59:59Z", None),
        ("2026-11-26T12:01:00", None),
        ("9999-12-31T00:00:00Z", LONGEST_RESET_SECONDS),
        ("6m0s", None),
        ("", None),
        (None, None),
    ],
)
def test_resets_as_anthropic_writes_them(text: str | None, seconds: float | None) -> None:
    assert until_rfc3339(text, NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[0-9]{1,12}d[0-9]{1,12}h[0-9]{1,12}m[0-9]{1,12}s", fullmatch=True))
def test_resets_are_bounded_or_unknown(text: str) -> None:
    for seconds in (duration_seconds(text), until_rfc3339(text, NOW), until_rfc3339(text, NOW + timedelta(days=9))):
        assert seconds is None or (0 < seconds <= LONGEST_RESET_SECONDS and math.isfinite(seconds))


@pytest.mark.parametrize(
    ("count", "limit", "left"),
    [
        ("59", "60", 59),
        ("59", None, 59),
        ("0", "60", 0),
        ("0", "0", None),
        ("0", None, None),
        ("0", "-1", None),
        ("-1", "60", None),
        ("many", "60", None),
        (None, "60", None),
    ],
)
def test_minus_one_and_zero_without_a_limit_are_unknown(count: str | None, limit: str | None, left: int | None) -> None:
    assert remaining(count, limit) == left
