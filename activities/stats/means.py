"""Amounts on two sides. Every difference is v2 - v1, every ratio v2 / v1.

What reads pairs says so; the others take the sides for independent samples, which of pairs loses most of the power.
"""

import math
import warnings
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from activities.stats.arrays import column, finite, pairs
from activities.stats.clusters import NO_SPREAD
from activities.stats.intervals import TWO_SIDED

if TYPE_CHECKING:
    from activities.stats.arrays import Floats, Values

Method = Literal["auto", "exact", "asymptotic"]


@dataclass(frozen=True, slots=True)
class Mean:
    """What a test of amounts came to, two-sided. What cannot be computed is None, an effect is left out."""

    name: str
    p_value: float | None
    statistic: float | None
    value: float | None
    """What the test is about, in the unit of the observations if it has one."""
    low: float | None
    high: float | None
    n: int
    """Pairs; of unpaired tests observations on both sides."""
    effects: dict[str, float] = field(default_factory=dict[str, float])
    """Effect sizes by name."""


def hedges_j(df: float) -> float:
    """Factor that takes the bias out of a standardised difference: G(df/2) / (sqrt(df/2) G((df-1)/2)) (Hedges, 1981).

    ValueError for one degree of freedom or fewer.
    """
    from scipy.special import gammaln

    if df <= 1:
        raise ValueError("the factor needs more than one degree of freedom")
    return math.exp(float(gammaln(df / 2) - gammaln((df - 1) / 2)) - math.log(df / 2) / 2)


def paired_t(v1: "Values", v2: "Values", tail: float = TWO_SIDED) -> Mean:
    """Student's t of the differences of pairs; the value is their mean.

    Effects: `d-z` (in standard deviations of the differences), `d-av` (in the mean of
    those of the sides), and both with Hedges' factor of n - 1 degrees of freedom, `g-z` and `g-av` (Lakens, 2013).

    Args:
        v1: amounts.
        v2: as many, in the same order.
        tail: chance of error on each side.
    """
    first, second = pairs(v1, v2)
    return _paired_t("paired-t", first, second, tail)


def paired_log_t(v1: "Values", v2: "Values", tail: float = TWO_SIDED) -> Mean:
    """The same of logarithms: the value is the geometric mean of the ratios, with its bounds.

    Raises:
        ValueError: an amount is not above 0.
    """
    import numpy as np

    first, second = pairs(v1, v2)
    if bool((first <= 0).any()) or bool((second <= 0).any()):
        raise ValueError("logarithms are of amounts above 0")
    logs = _paired_t("paired-t-log", np.log(first), np.log(second), tail)
    value, low, high = (None if it is None else finite(np.exp(it)) for it in (logs.value, logs.low, logs.high))
    return Mean(logs.name, logs.p_value, logs.statistic, value, low, high, logs.n, logs.effects)


def _paired_t(name: str, first: "Floats", second: "Floats", tail: float) -> Mean:
    from scipy.special import stdtr, stdtrit

    n, apart = len(first), second - first
    if n == 0:
        return Mean(name, None, None, None, None, None, 0)
    mean, spread = float(apart.mean()), _spread(apart, first, second)
    if not spread:
        return Mean(name, None, None, mean, None, None, n)
    error = spread / math.sqrt(n)
    half = float(stdtrit(n - 1, 1 - tail)) * error
    p_value = min(1.0, 2 * float(stdtr(n - 1, -abs(mean) / error)))
    effects = {"d-z": mean / spread}
    sides = (float(first.std(ddof=1)) + float(second.std(ddof=1))) / 2
    if sides:
        effects["d-av"] = mean / sides
    if n > 2:
        effects |= {f"g-{name[2:]}": effect * hedges_j(n - 1) for name, effect in effects.items()}
    return Mean(name, p_value, mean / error, mean, mean - half, mean + half, n, effects)


def _spread(apart: "Floats", first: "Floats", second: "Floats") -> float:
    """Standard deviation of the differences; 0 where it is nothing but rounding."""
    import numpy as np

    largest = max(float(np.abs(first).max()), float(np.abs(second).max()))
    spread = float(apart.std(ddof=1)) if len(apart) > 1 else 0.0
    return spread if spread > NO_SPREAD * largest else 0.0


def wilcoxon(v1: "Values", v2: "Values") -> Mean:
    """Wilcoxon's signed-rank test of pairs; pairs without a difference are left out of it (Hollander and Wolfe, 1973).

    The statistic is the sum of the ranks of positive differences (R's V), the value the Hodges-Lehmann median of the
    means of any two differences, the effect the matched rank-biserial correlation (Kerby, 2014).

    Args:
        v1: amounts.
        v2: as many, in the same order.
    """
    first, second = pairs(v1, v2)
    apart = second - first
    n, moved = len(apart), apart[apart != 0]
    middle = walsh_median(apart)
    if len(moved) == 0:
        return Mean("wilcoxon", None, None, middle, None, None, n)
    library: Any = import_module("scipy.stats")
    ranks = library.rankdata(abs(moved))
    above, total = float(ranks[moved > 0].sum()), float(ranks.sum())
    p_value = finite(library.wilcoxon(moved).pvalue)
    return Mean("wilcoxon", p_value, above, middle, None, None, n, {"rank-biserial": 2 * above / total - 1})


def walsh_median(values: "Values") -> float | None:
    """Median of the means of any two values, one and the same included (Hodges and Lehmann, 1963).

    There are n (n + 1) / 2 means. None is kept: how many are below a number is counted along the sorted values, and
    that number is halved in on, in O(n log n) and O(n) memory.
    """
    import numpy as np

    ordered = np.sort(column(values))
    n = len(ordered)
    if n == 0:
        return None
    count = n * (n + 1) // 2
    lower = _walsh_at(ordered, (count + 1) // 2)
    return lower if count % 2 else (lower + _walsh_at(ordered, count // 2 + 1)) / 2


def _walsh_at(ordered: "Floats", rank: int) -> float:
    """The mean of that rank, the least being the first."""
    import numpy as np

    def at_most(limit: float) -> int:
        both = int(np.searchsorted(ordered, 2 * limit - ordered, side="right").sum())
        return (both + int(np.searchsorted(ordered, limit, side="right"))) // 2

    low, high = float(ordered[0]), float(ordered[-1])
    if at_most(low) >= rank:
        return low
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (low, middle) if at_most(middle) >= rank else (middle, high)
    return high


def mann_whitney(v1: "Values", v2: "Values", *, method: Method = "auto") -> Mean:
    """Mann-Whitney's test of independent samples. Of pairs it is secondary.

    The statistic is U of v2, the value the chance that v2 is above v1 (ties half), the effect Cliff's delta.

    Args:
        v1: amounts.
        v2: amounts.
        method: of the p-value; `auto` is exact without ties where a side has at most 8.
    """
    first, second = column(v1), column(v2)
    n = len(first) + len(second)
    if len(first) == 0 or len(second) == 0:
        return Mean("mann-whitney", None, None, None, None, None, n)
    library: Any = import_module("scipy.stats")
    found = library.mannwhitneyu(second, first, alternative="two-sided", method=method)
    above = float(found.statistic) / (len(first) * len(second))
    p_value = finite(found.pvalue)
    return Mean("mann-whitney", p_value, float(found.statistic), above, None, None, n, {"cliffs-delta": 2 * above - 1})


def welch(v1: "Values", v2: "Values", tail: float = TWO_SIDED) -> Mean:
    """Welch's t of independent samples; the value is the difference of means, the effect Hedges' g (pooled, df n - 2).

    Args:
        v1: amounts.
        v2: amounts.
        tail: chance of error on each side.
    """
    from scipy.special import stdtr, stdtrit

    first, second = column(v1), column(v2)
    n1, n2 = len(first), len(second)
    if n1 == 0 or n2 == 0:
        return Mean("welch-t", None, None, None, None, None, n1 + n2)
    mean = float(second.mean() - first.mean())
    if n1 < 2 or n2 < 2 or not (spreads := (_spread(first, first, first), _spread(second, second, second))) > (0, 0):
        return Mean("welch-t", None, None, mean, None, None, n1 + n2)
    part1, part2 = spreads[0] ** 2 / n1, spreads[1] ** 2 / n2
    error = math.sqrt(part1 + part2)
    df = (part1 + part2) ** 2 / (part1**2 / (n1 - 1) + part2**2 / (n2 - 1))
    half = float(stdtrit(df, 1 - tail)) * error
    pooled = math.sqrt(((n1 - 1) * spreads[0] ** 2 + (n2 - 1) * spreads[1] ** 2) / (n1 + n2 - 2))
    effects = {"hedges-g": mean / pooled * hedges_j(n1 + n2 - 2)}
    p_value = min(1.0, 2 * float(stdtr(df, -abs(mean) / error)))
    return Mean("welch-t", p_value, mean / error, mean, mean - half, mean + half, n1 + n2, effects)


def brunner_munzel(v1: "Values", v2: "Values") -> Mean:
    """Brunner and Munzel's test (2000) of independent samples that may differ in spread.

    The value is the chance that v2 is above v1, ties half. Sides that do not overlap have no p-value.

    Args:
        v1: amounts.
        v2: amounts.
    """
    import numpy as np

    first, second = column(v1), column(v2)
    n1, n2 = len(first), len(second)
    if n1 == 0 or n2 == 0:
        return Mean("brunner-munzel", None, None, None, None, None, n1 + n2)
    library: Any = import_module("scipy.stats")
    ranks = library.rankdata(np.concatenate([first, second]))
    above = (float(ranks[n1:].mean()) - (n2 + 1) / 2) / n1
    if n1 < 2 or n2 < 2 or above in (0.0, 1.0):
        return Mean("brunner-munzel", None, None, above, None, None, n1 + n2)
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what does not vary: nan is the answer
        found = library.brunnermunzel(first, second)
    statistic, p_value = finite(found.statistic), finite(found.pvalue)
    if statistic is None:
        p_value = None
    return Mean("brunner-munzel", p_value, statistic, above, None, None, n1 + n2)
