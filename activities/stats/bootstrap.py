"""Percentile bootstrap of a ratio of sums over clusters."""

from collections import Counter
from collections.abc import Sequence

RESAMPLES = 2_000
"""The chance of error that an interval really has is then within 0.7 points of the 2.5 on each side, 19 times of 20."""
CELLS = 500_000
"""Numbers in memory at once."""


def percentile_interval(rows: Sequence[tuple[int, int]], seed: int, tail: float = 0.025) -> tuple[float, float]:
    """Quantiles of the ratio over `RESAMPLES` samples of as many clusters, drawn with replacement.

    Equal clusters are drawn by their number (a multinomial draw): the same distribution at a fraction of the work. The
    order of the clusters does not matter. Draws without a denominator are left out.

    Args:
        rows: numerator and denominator of each cluster; the denominators of at least two are not 0.
        seed: of the generator.
        tail: chance of error on each side.
    """
    import numpy as np

    kinds = sorted(Counter(rows).items())
    values = np.array([kind for kind, _ in kinds], dtype=float)
    chances = np.array([count for _, count in kinds]) / len(rows)
    generator = np.random.default_rng(seed)
    ratios: list[float] = []
    step = max(CELLS // len(kinds), 1)
    for start in range(0, RESAMPLES, step):
        drawn = generator.multinomial(len(rows), chances, size=min(step, RESAMPLES - start))
        sums = drawn @ values
        kept = sums[sums[:, 1] > 0]
        ratios.extend((kept[:, 0] / kept[:, 1]).tolist())
    low, high = np.quantile(ratios, (tail, 1 - tail))
    return float(low), float(high)
