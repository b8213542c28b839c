"""What a call says about its provider, and how long a provider is left alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.call import CallFailure
from models.traffic import (
    CIRCUIT_LONGEST_SECONDS,
    LONGEST_COOLDOWN_SECONDS,
    UNTOLD_COOLDOWN_SECONDS,
    Outcome,
    bounded_seconds,
    circuit_seconds,
    cooldown_seconds,
    outcome_of,
    percentile,
)

OURS = [
    CallFailure.RATE_LIMITED,
    CallFailure.KEY_INVALID,
    CallFailure.KEY_FORBIDDEN,
    CallFailure.BILLING,
    CallFailure.SPEND_LIMIT,
    CallFailure.QUOTA_EXCEEDED,
    CallFailure.BUSY,
    CallFailure.INVALID_REQUEST,
    CallFailure.CONTEXT_TOO_LONG,
    CallFailure.KEY_UNREADABLE,
    CallFailure.MODEL_NOT_FOUND,
]


@pytest.mark.parametrize("failure", OURS)
def test_keys_limits_and_questions_say_nothing_about_a_provider(failure: CallFailure) -> None:
    assert outcome_of(failure) is Outcome.NEUTRAL


@pytest.mark.parametrize("failure", list(CallFailure))
def test_a_429_is_never_the_providers_fault(failure: CallFailure) -> None:
    assert outcome_of(failure, 429) is Outcome.NEUTRAL


def test_outages_and_poor_answers_are_told_apart() -> None:
    assert outcome_of(None) is Outcome.GOOD
    assert outcome_of(CallFailure.SERVER_ERROR, 500) is Outcome.OUTAGE
    assert outcome_of(CallFailure.TIMEOUT) is Outcome.OUTAGE
    assert outcome_of(CallFailure.SCHEMA_VIOLATION, 200) is Outcome.POOR
    assert outcome_of(CallFailure.REFUSED, 200) is Outcome.POOR


@given(st.floats())
def test_a_wait_is_between_nothing_and_a_day(seconds: float) -> None:
    assert 0 <= bounded_seconds(seconds) <= LONGEST_COOLDOWN_SECONDS
    assert cooldown_seconds(CallFailure.RATE_LIMITED, seconds) == bounded_seconds(seconds)


def test_only_those_who_ask_for_it_are_left_alone() -> None:
    assert cooldown_seconds(CallFailure.RATE_LIMITED, None) == UNTOLD_COOLDOWN_SECONDS
    assert cooldown_seconds(CallFailure.OVERLOADED, 3.0) == 3.0
    assert cooldown_seconds(CallFailure.OVERLOADED, None) is None
    assert cooldown_seconds(CallFailure.KEY_INVALID, 3.0) is None


def test_a_circuit_doubles_up_to_five_minutes() -> None:
    assert [circuit_seconds(n) for n in (1, 2, 3, 4, 5, 6, 1000)] == [30, 60, 120, 240, 300, 300, 300]
    assert circuit_seconds(5) == CIRCUIT_LONGEST_SECONDS


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_a_value_that_was_seen_and_enough_lie_below(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(share * len(values))


def test_percentiles_by_hand() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
