"""Counts over time, and whether a split is as it was asked for."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from activities.stats.arrays import finite
from activities.stats.intervals import TWO_SIDED

Rates = tuple[float | None, float | None, float | None, float | None]
"""Ratio, its bounds, p-value."""


def rate_ratio(count1: int, exposure1: float, count2: int, exposure2: float, tail: float = TWO_SIDED) -> Rates:
    """Ratio v2 / v1 of two Poisson rates with score interval and two-sided score test (Gu and others, 2008).

    Args:
        count1: events on v1.
        exposure1: time they took, in any unit.
        count2: events on v2.
        exposure2: in the same unit.
        tail: chance of error on each side.

    Returns:
        Ratio, low, high, p-value; all None where nothing happened on one of the sides, or no time went by.
    """
    if min(count1, count2) <= 0 or min(exposure1, exposure2) <= 0:
        return None, None, None, None
    library: Any = import_module("statsmodels.stats.rates")
    sides = (count2, exposure2, count1, exposure1)
    p_value = library.test_poisson_2indep(*sides, method="score", compare="ratio").pvalue
    low, high = library.confint_poisson_2indep(*sides, method="score", compare="ratio", alpha=2 * tail)
    return (count2 / exposure2) / (count1 / exposure1), finite(low), finite(high), finite(p_value)


def split_check(counts: Sequence[int]) -> float | None:
    """Chance of counts at least as uneven where equal ones are asked for (Pearson's chi-square); None: nothing to see.

    Below 0.001 the split is broken (sample ratio mismatch).
    """
    from scipy.special import chdtrc

    total = sum(counts)
    if len(counts) < 2 or total == 0:
        return None
    expected = total / len(counts)
    return finite(chdtrc(len(counts) - 1, sum((count - expected) ** 2 / expected for count in counts)))
