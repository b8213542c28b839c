"""Paired bootstrap and permutation over clusters: what is drawn is drawn for both sides.

Clusters enter as rows of sums, in an order that their names do not decide.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from activities.stats.arrays import codes, pairs
from activities.stats.clusters import NO_SPREAD
from activities.stats.intervals import LEAST_FOR_P99, TWO_SIDED

if TYPE_CHECKING:
    from activities.stats.arrays import Codes, Floats, Groups, Values

CELLS = 250_000
"""Numbers of each kind in memory at once: what fits the cache is fast."""
MOST_DRAWS = 400_000_000
"""Clusters drawn in all, about two seconds. Above 40,000 different clusters there are fewer than 10,000 resamples, of
100,000 clusters 4,000: the chance of error is then within 0.5 points of the 2.5 on each side, 19 times of 20."""
LEAST_RESAMPLES = 200
MOST_EXACT = 12
"""Clusters up to which all ways to swap sides are tried."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its bounds; None: there is none, or nothing is known about it."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    resamples: int
    """That were drawn; 0: the bounds are not asked of any."""
    seed: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """Different rows of sums, and how many clusters have each."""

    sums: "Floats"
    counts: "Codes"

    @property
    def clusters(self) -> int:
        return int(self.counts.sum())


class _Ordered:
    """One side's quantile in resamples of clusters.

    Observations are counted one by one only around the quantile: eight standard deviations to both sides.
    """

    def __init__(self, side: "Floats", code: "Codes", clusters: int, at: float) -> None:
        import numpy as np

        order = np.argsort(side, kind="stable")
        self._values, self._codes, self._at = side[order], code[order], at
        self._clusters, n, middle = clusters, len(side), math.ceil(len(side) * at)
        self._sizes = self._before(n)
        apart = self._before(middle) - at * self._sizes
        reach = 8 * math.ceil(math.sqrt(float(apart @ apart))) + int(self._sizes.max())
        self._near = max(middle - reach, 0), min(middle + reach, n)
        self._below = self._before(self._near[0])

    def _before(self, place: int) -> "Floats":
        """How many observations of each cluster are among the first so many."""
        import numpy as np

        return np.bincount(self._codes[:place], minlength=self._clusters).astype(np.float64)

    def quantiles(self, drawn: "Floats") -> "Floats":
        """In every resample, given how often each cluster is in it."""
        import numpy as np

        ranks = np.maximum(np.ceil(drawn @ self._sizes * self._at - 1e-9), 1)
        places = self._places(drawn, ranks, drawn @ self._below, self._near)
        if places is None:
            places = self._places(drawn, ranks, np.zeros(len(drawn)), (0, len(self._values)))
        return self._values[places]

    def _places(self, drawn: "Floats", ranks: "Floats", below: "Floats", near: tuple[int, int]) -> "Codes | None":
        """Where the ranks are; None: not all are between these places."""
        import numpy as np

        running = below[:, None] + np.cumsum(drawn[:, self._codes[slice(*near)]], axis=1)
        if bool((below >= ranks).any()) or bool((running[:, -1] < ranks).any()):
            return None
        return near[0] + (running < ranks[:, None]).sum(axis=1)


def ratio_difference(
    num1: "Values",
    den1: "Values",
    num2: "Values",
    den2: "Values",
    groups: "Groups",
    seed: int,
    *,
    resamples: int = 10_000,
    tail: float = TWO_SIDED,
) -> Interval:
    """`sum(num2) / sum(den2) - sum(num1) / sum(den1)`, with a percentile bootstrap interval over clusters.

    Bounds are None where the difference does not vary when it is drawn again, which does not make it certain.

    Args:
        num1: of each pair on v1, e.g. findings that are right.
        den1: e.g. findings; not below 0.
        num2: on v2.
        den2: on v2.
        groups: cluster of each pair; None: each is its own.
        seed: of the generator.
        resamples: to draw; fewer of many clusters (`MOST_DRAWS`).
        tail: chance of error on each side.
    """
    method = "bootstrap-percentile"
    rows = _rows((num1, den1, num2, den2), groups)
    value = _ratio_difference(rows.counts @ rows.sums)
    if value is None:
        return Interval(None, None, None, method, 0, seed)
    return _percentile(value, _drawn(rows, resamples, seed, _ratio_differences), method, seed, tail)


def total_increase(
    v1: "Values", v2: "Values", groups: "Groups", seed: int, *, resamples: int = 10_000, tail: float = TWO_SIDED
) -> Interval:
    """`sum(v2) / sum(v1) - 1` with a BCa bootstrap interval over clusters (Efron, 1987).

    The acceleration is that of the jackknife over clusters. Fewer than two clusters, or clusters all with the same
    increase, have no bounds; a total of 0 on v1 has no value.

    Args:
        v1: amounts, not below 0.
        v2: as many, in the same order.
        groups: cluster of each pair; None: each is its own.
        seed: of the generator.
        resamples: to draw; fewer of many clusters (`MOST_DRAWS`).
        tail: chance of error on each side.
    """
    import numpy as np

    method = "bootstrap-bca"
    rows = _rows((v1, v2), groups)
    totals = rows.counts @ rows.sums
    if float(totals[0]) <= 0:
        return Interval(None, None, None, method, 0, seed)
    value = float(totals[1] / totals[0]) - 1
    acceleration = _acceleration(rows, totals)
    if acceleration is None:
        return Interval(value, None, None, method, 0, seed)
    found = _drawn(rows, resamples, seed, _increases)
    at = _bca_levels(found, value, acceleration, tail)
    if at is None:
        return Interval(value, None, None, method, len(found), seed)
    low, high = np.quantile(found, at)
    return Interval(value, float(low), float(high), method, len(found), seed)


def quantile_difference(
    v1: "Values",
    v2: "Values",
    at: float,
    groups: "Groups",
    seed: int,
    *,
    resamples: int = 2_000,
    tail: float = TWO_SIDED,
) -> Interval:
    """Quantile of v2 less that of v1, with a percentile bootstrap interval over clusters.

    A quantile is one of the observations, as in `intervals.quantile`.

    Args:
        v1: amounts.
        v2: as many, in the same order.
        at: which quantile, 0 to 1; above 0.95 it is refused below `LEAST_FOR_P99` pairs.
        groups: cluster of each pair; None: each is its own.
        seed: of the generator.
        resamples: to draw; fewer of many pairs (`MOST_DRAWS`).
        tail: chance of error on each side.
    """
    import numpy as np

    method = "bootstrap-percentile"
    first, second = pairs(v1, v2)
    n = len(first)
    code, count = codes(groups, n)
    if n == 0 or (at > 0.95 and n < LEAST_FOR_P99):
        return Interval(None, None, None, method, 0, seed)
    sides = [_Ordered(side, code, count, at) for side in (first, second)]
    v1_at, v2_at = (float(side.quantiles(np.ones((1, count)))[0]) for side in sides)
    value = v2_at - v1_at
    if count < 2:
        return Interval(value, None, None, method, 0, seed)
    found: list[Floats] = []
    for drawn in _counts(count, min(resamples, _most(count)), seed):
        quantiles = [side.quantiles(drawn) for side in sides]
        found.append(quantiles[1] - quantiles[0])
    return _percentile(value, np.concatenate(found), method, seed, tail)


def permutation_difference(
    num1: "Values",
    den1: "Values",
    num2: "Values",
    den2: "Values",
    groups: "Groups",
    seed: int,
    *,
    resamples: int = 10_000,
) -> float | None:
    """Two-sided p-value of a difference of ratios of sums, by swapping the sides of whole clusters.

    Up to 12 clusters that differ all ways are tried, and p is the share of those with a difference as large. Else ways
    are drawn, and p = (hits + 1) / (resamples + 1) (Phipson and Smyth, 2010). A way without a denominator is a hit.
    None where a side has no denominator. Arguments as of `ratio_difference`.
    """
    import numpy as np

    rows = _rows((num1, den1, num2, den2), groups)
    total = rows.counts @ rows.sums
    observed = _ratio_difference(total)
    if observed is None:
        return None
    swap = rows.sums[:, 2:] - rows.sums[:, :2]
    moved = (swap != 0).any(axis=1)
    swap, counts = swap[moved], rows.counts[moved]
    if (clusters := int(counts.sum())) <= MOST_EXACT:
        ways = np.array(list(product((0.0, 1.0), repeat=clusters)))
        return _hits(ways @ np.repeat(swap, counts, axis=0), total, observed) / 2**clusters
    rounds = min(resamples, _most(len(swap)))
    hits = sum(_hits(moves @ swap, total, observed) for moves in _swaps(counts, rounds, seed))
    return (hits + 1) / (rounds + 1)


def _rows(columns: "tuple[Values, ...]", groups: "Groups") -> _Rows:
    """Sums by cluster: different rows in ascending order, with their numbers."""
    import numpy as np

    sides = [pairs(columns[0], each)[1] for each in columns]
    code, count = codes(groups, len(sides[0]))
    sums = np.zeros((count, len(sides)))
    for place, side in enumerate(sides):
        sums[:, place] = np.bincount(code, weights=side, minlength=count)
    sums = sums[np.lexsort(sums.T[::-1])]
    starts = np.flatnonzero(np.r_[True, (sums[1:] != sums[:-1]).any(axis=1)]) if count else np.arange(0)
    return _Rows(sums[starts], np.diff(np.r_[starts, count]).astype(np.int64))


def _ratio_difference(totals: "Floats") -> float | None:
    found = _ratio_differences(totals[None, :])
    return float(found[0]) if len(found) else None


def _ratio_differences(totals: "Floats") -> "Floats":
    """Of rows of totals; those without a denominator are left out."""
    kept = totals[(totals[:, 1] > 0) & (totals[:, 3] > 0)]
    return kept[:, 2] / kept[:, 3] - kept[:, 0] / kept[:, 1]


def _increases(totals: "Floats") -> "Floats":
    kept = totals[totals[:, 0] > 0]
    return kept[:, 1] / kept[:, 0] - 1


def _most(width: int) -> int:
    """Resamples that as many numbers each allow."""
    return max(MOST_DRAWS // max(width, 1), LEAST_RESAMPLES)


def _drawn(rows: _Rows, resamples: int, seed: int, statistic: "Callable[[Floats], Floats]") -> "Floats":
    """The statistic of the totals of every resample.

    Equal clusters are drawn by their number where that is less work: the same distribution.
    """
    import numpy as np

    clusters, kinds = rows.clusters, len(rows.counts)
    if clusters < 2:
        return np.empty(0)
    if kinds * 10 <= clusters:
        generator = np.random.default_rng(seed)
        chances = rows.counts / clusters
        blocks = (generator.multinomial(clusters, chances, size=size) for size in _sizes(resamples, kinds))
        return np.concatenate([statistic(drawn @ rows.sums) for drawn in blocks])
    sums = np.repeat(rows.sums, rows.counts, axis=0)
    rounds = min(resamples, _most(clusters))
    return np.concatenate([statistic(drawn @ sums) for drawn in _counts(clusters, rounds, seed)])


def _counts(clusters: int, resamples: int, seed: int) -> "Iterator[Floats]":
    """How often each cluster is in each resample, in blocks of rows."""
    import numpy as np

    generator = np.random.default_rng(seed)
    for size in _sizes(resamples, clusters):
        places = generator.integers(0, clusters, size=(size, clusters))
        places += np.arange(size)[:, None] * clusters
        drawn = np.bincount(places.ravel(), minlength=size * clusters)
        yield drawn.reshape(size, clusters).astype(np.float64)


def _swaps(counts: "Codes", resamples: int, seed: int) -> "Iterator[Floats]":
    """How many clusters of each row are swapped, in blocks."""
    import numpy as np

    generator = np.random.default_rng(seed)
    single = bool((counts == 1).all())
    for size in _sizes(resamples, len(counts)):
        if single:
            bits = np.frombuffer(generator.bytes(-(-size * len(counts) // 8)), dtype=np.uint8)
            moves = np.unpackbits(bits, count=size * len(counts)).reshape(size, len(counts))
        else:
            moves = generator.binomial(counts, 0.5, size=(size, len(counts)))
        yield moves.astype(np.float64)


def _sizes(resamples: int, width: int) -> Iterator[int]:
    """Rows of each block."""
    step = max(CELLS // max(width, 1), 1)
    return (min(step, resamples - start) for start in range(0, resamples, step))


def _hits(moves: "Floats", total: "Floats", observed: float) -> int:
    """How many ways have a difference as large as the observed one, rounding aside."""
    import numpy as np

    first, second = total[:2] + moves, total[2:] - moves
    swapped = np.concatenate([first, second], axis=1)
    found = np.abs(_ratio_differences(swapped))
    none = len(swapped) - len(found)
    scale = max(abs(float(total[0] / total[1])), abs(float(total[2] / total[3])), abs(observed))
    return int((found >= abs(observed) - NO_SPREAD * scale).sum()) + none


def _percentile(value: float, found: "Floats", method: str, seed: int, tail: float) -> Interval:
    import numpy as np

    if len(found) < LEAST_RESAMPLES / 2 or _is_still(found):
        return Interval(value, None, None, method, len(found), seed)
    low, high = np.quantile(found, (tail, 1 - tail))
    return Interval(value, float(low), float(high), method, len(found), seed)


def _is_still(found: "Floats") -> bool:
    """Whether numbers differ by rounding and no more."""
    import numpy as np

    return float(np.ptp(found)) <= NO_SPREAD * max(float(np.abs(found).max()), 1.0)


def _acceleration(rows: _Rows, totals: "Floats") -> float | None:
    """Of BCa: skewness of the value with each cluster left out; None where nothing varies or nothing is left."""
    left = totals - rows.sums
    clusters = rows.clusters
    if clusters < 2 or bool((left[:, 0] <= 0).any()):
        return None
    without = left[:, 1] / left[:, 0]
    if _is_still(without):
        return None
    apart = float(rows.counts @ without) / clusters - without
    return float(rows.counts @ apart**3) / (6 * float(rows.counts @ apart**2) ** 1.5)


def _bca_levels(found: "Floats", value: float, acceleration: float, tail: float) -> tuple[float, float] | None:
    """Which quantiles of the resampled values are the bounds; None where the correction cannot be made."""
    from scipy.special import ndtr, ndtri

    if len(found) < LEAST_RESAMPLES / 2 or _is_still(found):
        return None
    below = (float((found < value).sum()) + float((found <= value).sum())) / (2 * len(found))
    if not 0 < below < 1:
        return None
    bias = float(ndtri(below))
    levels: list[float] = []
    for z in (float(ndtri(tail)), float(ndtri(1 - tail))):
        shrunk = 1 - acceleration * (bias + z)
        if shrunk <= 0:
            return None
        levels.append(float(ndtr(bias + (bias + z) / shrunk)))
    return (levels[0], levels[1]) if all(map(math.isfinite, levels)) and levels[0] < levels[1] else None
