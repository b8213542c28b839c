"""When a provider counts as healthy, and what a look at it says of its key."""

from hypothesis import given
from hypothesis import strategies as st

from models.call import CallFailure
from models.health import RECOVERY_STREAK, SLOW_AFTER_MS, Health, Probe, after, key_trouble, passive_probe


def good(**changes: object) -> Probe:
    return Probe.model_validate(
        {"provider_id": "p", "http_status": 200, "latency_ms": 50, "valid_json": True} | changes
    )


def bad(**changes: object) -> Probe:
    return good(http_status=500, failure="server_error", **changes)


def test_a_good_look_is_200_in_time_with_json() -> None:
    assert good().good
    for change in ({"http_status": 429}, {"http_status": None}, {"latency_ms": SLOW_AFTER_MS}, {"valid_json": False}):
        assert not good(**change).good


@given(st.lists(st.booleans(), max_size=30))
def test_one_bad_look_stops_a_provider_and_only_three_good_ones_in_a_row_bring_it_back(looks: list[bool]) -> None:
    health, healthy, streak = Health(provider_id="p"), True, 0
    for each in looks:
        health = after(health, good() if each else bad())
        streak = streak + 1 if each else 0
        healthy = each and (healthy or streak >= RECOVERY_STREAK)
        assert health.is_healthy is healthy
        assert health.success_rate is not None and 0 <= health.success_rate <= 1
        assert (health.last_error is None) is each


def test_what_is_the_keys_fault_is_not_the_providers() -> None:
    assert key_trouble(bad()) is None and key_trouble(good()) is None
    assert key_trouble(good(http_status=401, failure="key_invalid")) is CallFailure.KEY_INVALID
    assert key_trouble(good(http_status=429, failure="provider_spend_limit")) is CallFailure.SPEND_LIMIT
    assert key_trouble(good(http_status=429, failure="rate_limited")) is None


def test_only_outages_of_real_calls_are_bad_looks() -> None:
    seen = passive_probe("p", CallFailure.TIMEOUT, 120_000)
    assert seen is not None and not seen.good and seen.failure == "provider_timeout"
    for failure in (
        None,
        CallFailure.RATE_LIMITED,
        CallFailure.KEY_INVALID,
        CallFailure.REFUSED,
        CallFailure.TRUNCATED,
    ):
        assert passive_probe("p", failure, 10) is None
    assert passive_probe("p", CallFailure.OVERLOADED, 10, 429) is None
