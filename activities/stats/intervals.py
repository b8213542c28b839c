"""Intervals of shares, quantiles and ratios.

Only `scipy.special` is needed: `scipy.stats` would cost a worker some 60 MB more. `tail` is the chance of error on each
side: 0.025 for a two-sided 95 % interval, 0.05 for a one-sided 95 % bound.
"""

import math
from collections.abc import Iterable, Sequence

from models.measure import Estimate

TWO_SIDED = 0.025
ONE_SIDED = 0.05
LEAST_FOR_P99 = 400
"""Observations below which a p99 is refused: fewer than five of them lie beyond it."""

Bounds = tuple[float, float]


def wilson(hits: int, n: int, tail: float = TWO_SIDED) -> Bounds:
    """Wilson score interval of a share (Wilson, 1927): right on average over shares, never outside 0 to 1.

    Args:
        hits: of `n` independent trials.
        n: at least 1.
        tail: chance of error on each side.
    """
    from scipy.special import ndtri

    share, square = hits / n, float(ndtri(1 - tail)) ** 2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(square * (share * (1 - share) / n + square / (4 * n * n))) / (1 + square / n)
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == n else centre + half)


def clopper_pearson(hits: int, n: int, tail: float = TWO_SIDED) -> Bounds:
    """Exact interval of a share (Clopper and Pearson, 1934): never more often wrong than stated. Arguments as above."""
    from scipy.special import betaincinv

    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high


def share(hits: int, n: int) -> Estimate:
    """A share with its 95 % Wilson interval."""
    if n == 0:
        return Estimate(method="none")
    low, high = wilson(hits, n)
    return Estimate(value=hits / n, low=low, high=high, n=n, method="wilson")


def exact_share(hits: int, n: int) -> Estimate:
    """A share with its exact 95 % interval, for what a guarantee is given of."""
    if n == 0:
        return Estimate(method="none")
    low, high = clopper_pearson(hits, n)
    return Estimate(value=hits / n, low=low, high=high, n=n, method="clopper-pearson")


def quantile(ordered: Sequence[float], at: float, tail: float = TWO_SIDED) -> Estimate:
    """A quantile with an interval that holds whatever the distribution is: between two of the observations.

    The number of observations below the true quantile is binomial; a bound is the outermost observation that this
    leaves no doubt about (Conover, Practical Nonparametric Statistics, 3.2). There is no such observation in small
    samples: an upper bound of p95 takes 72, of p99 368.

    Args:
        ordered: observations, ascending.
        at: which quantile, 0 to 1; above 0.95 its value is refused below `LEAST_FOR_P99` observations.
        tail: chance of error on each side.
    """
    n = len(ordered)
    if n == 0:
        return Estimate(method="none")
    if at > 0.95 and n < LEAST_FOR_P99:
        return Estimate(n=n, method="order-statistics")
    import numpy as np
    from scipy.special import bdtr

    below = bdtr(np.arange(n, dtype=float), n, at)
    first = int(np.searchsorted(below, tail, side="right"))
    last = int(np.searchsorted(below, 1 - tail, side="left"))
    return Estimate(
        value=ordered[max(math.ceil(n * at - 1e-9), 1) - 1],
        low=ordered[first - 1] if first else None,
        high=ordered[last] if last < n else None,
        n=n,
        method="order-statistics",
    )


def ratio(clusters: Iterable[tuple[int, int]], seed: int, *, is_share: bool = True) -> Estimate:
    """A ratio of sums whose denominator is random too, with a percentile bootstrap interval over clusters.

    Whole clusters are drawn again (Efron and Tibshirani, 1993): what comes from one file is not independent. A share
    of 0 or 1 does not vary when it is drawn again; there the interval is the exact one, with as many trials as there
    are clusters that have any.

    Args:
        clusters: numerator and denominator of each.
        seed: of the generator.
        is_share: whether numerators are at most the denominators.
    """
    from activities.stats.bootstrap import percentile_interval

    rows = list(clusters)
    above, n = sum(row[0] for row in rows), sum(row[1] for row in rows)
    filled = sum(1 for row in rows if row[1])
    if n == 0:
        return Estimate(method="none")
    if is_share and above in (0, n):
        low, high = clopper_pearson(filled if above else 0, filled)
        return Estimate(value=above / n, low=low, high=high, n=n, method="clopper-pearson")
    if filled < 2:
        return Estimate(value=above / n, n=n, method="none")
    low, high = percentile_interval(rows, seed)
    return Estimate(value=above / n, low=low, high=high, n=n, method="bootstrap-percentile")
