"""When the error rate of what is in production is too high, and when it only looks so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.stats.intervals import ONE_SIDED, clopper_pearson
from models.monitor import LEAST_REVIEWS, ErrorRule

RULE = ErrorRule(window=50, limit=0.05)


def low(errors: int, reviews: int) -> float:
    return clopper_pearson(errors, reviews, ONE_SIDED)[0]


@pytest.mark.parametrize(
    ("errors", "reviews", "breached"),
    [(5, 50, False), (6, 50, True), (2, 2, False), (9, 9, False), (3, 10, True), (2, 10, False), (0, 50, False)],
)
def test_the_bound_decides_and_few_reviews_decide_nothing(errors: int, reviews: int, breached: bool) -> None:
    """P(6 or more of 50 | 5 %) is 0.038, of 5 or more 0.104; of 3 or more of 10 it is 0.0115, of 2 or more 0.086."""
    assert RULE.breached(errors, reviews, low) is breached


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.9))
def test_a_rate_within_the_limit_never_breaches_it_and_more_errors_never_help(
    counted: tuple[int, int], limit: float
) -> None:
    errors, reviews = counted
    rule = ErrorRule(limit=limit)
    breached = rule.breached(errors, reviews, low)
    if breached:
        assert errors / reviews > limit and reviews >= LEAST_REVIEWS
        assert rule.breached(min(errors + 1, reviews), reviews, low)
