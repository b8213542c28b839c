"""The mean of differences of samples that are not independent."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.stats.arrays import codes, column
from activities.stats.intervals import TWO_SIDED

if TYPE_CHECKING:
    from activities.stats.arrays import Groups, Values

NO_SPREAD = 1e-12
"""Spread relative to the largest number that is rounding and no more."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """A mean with what is known about it. Where bounds and p-value are None nothing is known."""

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    groups: int
    design_effect: float | None = None
    """Variance relative to that of as many independent samples."""


def clustered_mean(differences: "Values", groups: "Groups", tail: float = TWO_SIDED) -> Clustered:
    """Mean of differences, with a standard error that holds within clusters (Liang and Zeger, 1986; Miller, 2024).

    SE = sqrt(C / (C - 1) * sum over clusters of (sum of deviations)^2) / n, and Student's t with C - 1 degrees of
    freedom. Fewer than two clusters, or clusters that do not differ, have no bounds.

    Args:
        differences: v2 - v1 of each pair.
        groups: cluster of each pair; None: each is its own.
        tail: chance of error on each side.
    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    found = column(differences)
    n = len(found)
    code, count = codes(groups, n)
    if n == 0:
        return Clustered(None, None, None, None, 0)
    mean = float(found.mean())
    sums = np.bincount(code, weights=found - mean, minlength=count)
    if count < 2:
        return Clustered(mean, None, None, None, count)
    error = math.sqrt(float(sums @ sums) * count / (count - 1)) / n
    if error <= NO_SPREAD * float(np.abs(found).max()):
        return Clustered(mean, None, None, None, count)
    half = float(stdtrit(count - 1, 1 - tail)) * error
    p_value = min(1.0, 2 * float(stdtr(count - 1, -abs(mean) / error)))
    alone = float(found.var(ddof=1)) / n
    return Clustered(mean, mean - half, mean + half, p_value, count, error**2 / alone)
