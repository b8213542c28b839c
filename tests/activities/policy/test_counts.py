"""Whatever is counted is a fact that the policies accept: no bound is out of range or on the wrong side by rounding."""

from collections.abc import Callable

import pytest

from activities.stats.intervals import ONE_SIDED, Bounds, clopper_pearson, wilson


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize("n", [1, 2, 99, 100, 219, 1000, 12345])
def test_bounds_of_counts_are_in_range_and_in_order(interval: Callable[[int, int, float], Bounds], n: int) -> None:
    for k in {*range(min(n, 400) + 1), *range(max(0, n - 400), n + 1)}:
        low, high = interval(k, n, ONE_SIDED)
        assert 0 <= low <= k / n + 1e-9
        assert k / n - 1e-9 <= high <= 1
