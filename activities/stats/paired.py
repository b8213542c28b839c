"""Shares of the same samples on two sides: tests and intervals.

Only pairs on which the sides differ tell them apart: `only_v1` of them have the outcome on v1 alone, `only_v2` on v2
alone. Every difference is v2 - v1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from activities.stats.intervals import TWO_SIDED, Bounds, wilson

EXACT_BELOW = 25
"""Discordant pairs below which McNemar's test is the exact one."""
INSIDE = 1e-9
"""How far inside the estimate the search for a bound begins: at it the score may be 0 by 0."""


@dataclass(frozen=True, slots=True)
class Test:
    """What a test came to, two-sided."""

    __test__ = False  # for pytest

    name: str
    p_value: float | None
    """None: it cannot be computed."""
    statistic: float | None = None


def mcnemar(only_v1: int, only_v2: int) -> Test:
    """McNemar's test: exact below 25 discordant pairs, else mid-p."""
    return (mcnemar_exact if only_v1 + only_v2 < EXACT_BELOW else mcnemar_mid_p)(only_v1, only_v2)


def mcnemar_exact(only_v1: int, only_v2: int) -> Test:
    """Binomial test that discordant pairs fall on both sides alike; conservative. The statistic is the lesser count."""
    from scipy.special import bdtr

    least, n = min(only_v1, only_v2), only_v1 + only_v2
    return Test("mcnemar-exact", min(1.0, 2 * float(bdtr(least, n, 0.5))) if n else 1.0, float(least))


def mcnemar_mid_p(only_v1: int, only_v2: int) -> Test:
    """The same with half the chance of the observed counts (Fagerland, Lydersen and Laake, 2013): less conservative."""
    from scipy.special import bdtr, gammaln

    least, n = min(only_v1, only_v2), only_v1 + only_v2
    logs = gammaln(n + 1) - gammaln(least + 1) - gammaln(n - least + 1) - n * math.log(2)
    p = 2 * float(bdtr(least, n, 0.5)) - math.exp(float(logs)) if n else 1.0
    return Test("mcnemar-mid-p", min(1.0, max(p, 0.0)), float(least))


def mcnemar_chi2(only_v1: int, only_v2: int, *, correction: bool) -> Test:
    """McNemar's test by chi-square with one degree of freedom, for many discordant pairs.

    Args:
        only_v1: pairs.
        only_v2: pairs.
        correction: for continuity.
    """
    from scipy.special import chdtrc

    if only_v1 + only_v2 == 0:
        return Test("mcnemar-chi2", None)
    apart = max(abs(only_v1 - only_v2) - correction, 0)
    statistic = apart**2 / (only_v1 + only_v2)
    return Test("mcnemar-chi2", float(chdtrc(1, statistic)), statistic)


def agresti_min(only_v1: int, only_v2: int, n: int, tail: float = TWO_SIDED) -> Bounds:
    """Adjusted Wald interval of the difference of paired shares (Agresti and Min, 2005).

    Half a pair is added to each cell of the table; R has it as `PropCIs::diffpropci.mp(only_v1, only_v2, n)`.

    Args:
        only_v1: pairs.
        only_v2: pairs.
        n: of all pairs.
        tail: chance of error on each side.
    """
    from scipy.special import ndtri

    apart, size = only_v2 - only_v1, n + 2
    half = float(ndtri(1 - tail)) * math.sqrt(only_v1 + only_v2 + 1 - apart**2 / size) / size
    return max(apart / size - half, -1.0), min(apart / size + half, 1.0)


def tango(only_v1: int, only_v2: int, n: int, tail: float = TWO_SIDED) -> Bounds:
    """Score interval of the difference of paired shares (Tango, 1998): holds in small samples and at the edges.

    Args:
        only_v1: pairs.
        only_v2: pairs.
        n: of all pairs, at least 1.
        tail: chance of error on each side.
    """
    return -_upper(only_v2, only_v1, n, tail), _upper(only_v1, only_v2, n, tail)


def _upper(only_v1: int, only_v2: int, n: int, tail: float) -> float:
    """The difference above the estimate whose score is as unlikely as `tail`."""
    from scipy.optimize import brentq  # pyright: ignore[reportUnknownVariableType]
    from scipy.special import ndtri

    if only_v2 == n:
        return 1.0
    z = float(ndtri(1 - tail))

    def excess(difference: float) -> float:
        away = n * difference - (only_v2 - only_v1)
        return away - z * math.sqrt(max(_variance(only_v1, only_v2, n, difference), 0.0))

    solve = cast(Callable[..., float], brentq)
    return float(solve(excess, (only_v2 - only_v1) / n + INSIDE, 1.0, xtol=1e-14))


def _variance(only_v1: int, only_v2: int, n: int, difference: float) -> float:
    """Of `only_v2 - only_v1` where shares differ by `difference`: the other share is the likeliest one."""
    middle = (2 * n - only_v2 + only_v1) * difference - only_v1 - only_v2
    root = math.sqrt(max(middle**2 + 8 * n * only_v1 * difference * (1 - difference), 0.0))
    return n * ((root - middle) / (2 * n) + difference * (1 - difference))


def newcombe(both: int, only_v1: int, only_v2: int, neither: int, tail: float = TWO_SIDED) -> Bounds:
    """Interval of the difference of paired shares out of the Wilson intervals of both (Newcombe, 1998, method 10).

    Args:
        both: pairs with the outcome on both sides.
        only_v1: pairs.
        only_v2: pairs.
        neither: pairs; there is at least one pair in all.
        tail: chance of error on each side.
    """
    n = both + only_v1 + only_v2 + neither
    first, second = (both + only_v1) / n, (both + only_v2) / n
    (low1, high1), (low2, high2) = wilson(both + only_v1, n, tail), wilson(both + only_v2, n, tail)
    phi = _phi(both, only_v1, only_v2, neither)
    below = _together(second - low2, high1 - first, phi)
    above = _together(high2 - second, first - low1, phi)
    return max(second - first - below, -1.0), min(second - first + above, 1.0)


def _together(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))


def _phi(both: int, only_v1: int, only_v2: int, neither: int) -> float:
    """Correlation of the sides, less a continuity correction where it is positive; 0 where a side does not vary."""
    n = both + only_v1 + only_v2 + neither
    margins = (both + only_v1) * (only_v2 + neither) * (both + only_v2) * (only_v1 + neither)
    if not margins:
        return 0.0
    apart = both * neither - only_v1 * only_v2
    return (max(apart - n / 2, 0.0) if apart > 0 else apart) / math.sqrt(margins)


def matched_odds_ratio(
    only_v1: int, only_v2: int, tail: float = TWO_SIDED
) -> tuple[float | None, tuple[float, float] | None]:
    """`only_v2 / only_v1` with an interval out of Wilson's for the share of v2; R: `PropCIs::oddsratioci.mp`.

    Without a pair on v1 alone there is neither ratio nor upper bound.
    """
    if only_v1 == 0:
        return None, None
    low, high = wilson(only_v2, only_v1 + only_v2, tail)
    return only_v2 / only_v1, (low / (1 - low), high / (1 - high))
