"""Intervals against published and independently computed numbers."""

import importlib
import subprocess
import sys
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.stats.intervals import ONE_SIDED, clopper_pearson, exact_share, quantile, ratio, share, wilson

stats: Any = importlib.import_module("scipy.stats")
"""The reference: what is tested does without it."""
CASES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("hits", "n", "by_wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_published_intervals(hits: int, n: int, by_wilson: tuple[float, float], exact: tuple[float, float]) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I."""
    assert wilson(hits, n) == pytest.approx(by_wilson, abs=5e-5)
    assert clopper_pearson(hits, n) == pytest.approx(exact, abs=5e-5)


def test_wilson_to_the_last_digit() -> None:
    assert wilson(19, 38) == pytest.approx((0.348499283643951, 0.651500716356049), abs=1e-14)


@pytest.mark.parametrize(("n", "least"), [(100, 91), (200, 179), (500, 439), (1000, 869)])
def test_how_many_right_prove_more_than_85_percent(n: int, least: int) -> None:
    assert wilson(least, n, ONE_SIDED)[0] > 0.85 >= wilson(least - 1, n, ONE_SIDED)[0]


@pytest.mark.parametrize(("n", "most"), [(100, 1), (200, 4), (500, 16)])
def test_how_many_errors_still_prove_less_than_5_percent(n: int, most: int) -> None:
    assert clopper_pearson(most, n, ONE_SIDED)[1] < 0.05 <= clopper_pearson(most + 1, n, ONE_SIDED)[1]


@settings(deadline=None)
@given(CASES, st.sampled_from([0.025, 0.05]))
def test_shares_agree_with_the_library_and_hold_the_share(case: tuple[int, int], tail: float) -> None:
    hits, n = case
    test = stats.binomtest(hits, n)
    for ours, method in ((wilson(hits, n, tail), "wilson"), (clopper_pearson(hits, n, tail), "exact")):
        reference = test.proportion_ci(1 - 2 * tail, method)
        assert ours == pytest.approx((reference.low, reference.high), abs=1e-9)
        assert 0 <= ours[0] <= hits / n + 1e-12
        assert hits / n - 1e-12 <= ours[1] <= 1


def test_nothing_to_count_over_is_unknown_not_zero() -> None:
    for estimate in (share(0, 0), exact_share(0, 0), quantile([], 0.5), ratio([], 0), ratio([(0, 0)] * 5, 0)):
        assert (estimate.value, estimate.low, estimate.high, estimate.n, estimate.method) == (
            None,
            None,
            None,
            0,
            "none",
        )


@settings(deadline=None)
@given(st.integers(1, 600), st.sampled_from([0.5, 0.95]))
def test_quantiles_agree_with_the_library(n: int, at: float) -> None:
    ordered = [float(each) for each in range(1, n + 1)]
    reference = stats.quantile_test(ordered, q=0, p=at).confidence_interval(0.95)
    ours = quantile(ordered, at)
    assert [ours.low, ours.high] == [None if np.isnan(each) else each for each in (reference.low, reference.high)]


def test_how_many_observations_bound_a_p95_from_above() -> None:
    """0.95 ** 72 is the first power below 0.025. For a p99 it is 368, where its value is refused anyway."""
    assert quantile(range(71), 0.95).high is None
    assert quantile(range(72), 0.95).high == 71


def test_a_p99_of_few_is_refused() -> None:
    ordered = [float(each) for each in range(400)]
    refused = quantile(ordered[:399], 0.99)
    assert (refused.value, refused.high, refused.n) == (None, None, 399)
    given_ = quantile(ordered, 0.99)
    assert (given_.value, given_.high) == (395.0, 399.0)


def test_a_quantile_is_an_observation() -> None:
    ordered = [float(each) for each in range(1, 101)]
    assert [quantile(ordered, at).value for at in (0.5, 0.95)] == [50.0, 95.0]


GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)).map(lambda row: (min(row), row[1])), max_size=40)


@settings(deadline=None, max_examples=40)
@given(GROUPS, st.randoms(use_true_random=False))
def test_a_ratio_is_within_its_interval_and_does_not_depend_on_the_order(
    rows: list[tuple[int, int]], random: Random
) -> None:
    estimate = ratio(rows, 7)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert ratio(shuffled, 7) == estimate
    if estimate.low is not None and estimate.high is not None:
        assert 0 <= estimate.low <= estimate.high <= 1


def test_clusters_are_drawn_whole() -> None:
    """Ten files of ten alike findings are ten observations, not a hundred."""
    apart = ratio([(1, 1)] * 50 + [(0, 1)] * 50, 1)
    together = ratio([(10, 10)] * 5 + [(0, 10)] * 5, 1)
    assert apart.value == together.value == 0.5
    assert apart.low == pytest.approx(0.40, abs=0.011)
    assert together.low == pytest.approx(0.20, abs=0.011)
    assert apart.method == together.method == "bootstrap-percentile"


def test_the_bootstrap_is_that_of_the_library() -> None:
    rows = [(1, 2), (2, 3), (0, 1), (3, 4), (1, 1), (0, 2), (2, 2), (1, 3)] * 4
    table = np.array(rows)

    def statistic(index: Any) -> float:
        return float(table[index, 0].sum() / table[index, 1].sum())

    library = stats.bootstrap(
        (np.arange(len(rows)),), statistic, method="percentile", vectorized=False, n_resamples=2_000, rng=1
    ).confidence_interval
    ours = ratio(rows, 1)
    assert (ours.low, ours.high) == pytest.approx((library.low, library.high), abs=0.02)


def test_a_share_that_does_not_vary_is_not_certain() -> None:
    all_right = ratio([(2, 2)] * 5 + [(0, 0)] * 5, 0)
    assert (all_right.value, all_right.n, all_right.method) == (1.0, 10, "clopper-pearson")
    assert all_right.low == pytest.approx(clopper_pearson(5, 5)[0])
    assert ratio([(1, 2)], 0).low is None


def test_the_seed_decides_the_draws() -> None:
    rows = [(1, 2), (0, 1), (1, 1)] * 10
    assert ratio(rows, 1) == ratio(rows, 1) != ratio(rows, 2)


def test_the_heavy_part_of_scipy_is_never_imported() -> None:
    """It would cost a worker some 60 MB more."""
    code = (
        "import asyncio, sys\n"
        "import activities.stats.metrics\n"
        "assert 'scipy' not in sys.modules and 'numpy' not in sys.modules, 'imported before it is needed'\n"
        "from activities.stats.metrics import measured\n"
        "from tests.activities.stats.made import NOW, finding, label, report, result, sample\n"
        "results = [result(sample(n, *[label()] * (n % 2)), report(finding())) for n in range(9)]\n"
        "metrics = asyncio.run(measured(results, measured_at=NOW, versions={}))\n"
        "assert metrics.quality.precision.low is not None\n"
        "assert 'scipy.stats' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
