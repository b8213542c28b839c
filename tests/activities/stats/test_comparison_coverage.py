"""How often intervals hold what they are of, and how often tests cry wolf, over thousands of simulated data sets."""

import importlib
from functools import cache
from typing import Any

import numpy as np
import pytest

from activities.stats.clusters import clustered_mean
from activities.stats.means import paired_log_t
from activities.stats.paired import agresti_min, mcnemar, tango
from activities.stats.resampling import ratio_difference
from activities.stats.sequential import e_process

stats: Any = importlib.import_module("scipy.stats")
DATA_SETS = 2_000
NEAR = 0.015


def discordant(n: int, share: float, difference: float, seed: int) -> Any:
    """Pairs on v1 alone, on v2 alone, and the rest, of every data set."""
    chances = [(share - difference) / 2, (share + difference) / 2, 1 - share]
    return np.random.default_rng(seed).multinomial(n, chances, size=DATA_SETS)


@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.parametrize(("share", "difference"), [(0.1, 0.0), (0.2, 0.05), (0.3, 0.1), (0.3, 0.0)])
def test_intervals_of_paired_shares_hold(n: int, share: float, difference: float) -> None:
    score, adjusted = cache(tango), cache(agresti_min)
    held = {"tango": 0, "agresti-min": 0}
    for only_v1, only_v2, _ in discordant(n, share, difference, seed=n).tolist():
        for name, interval in (("tango", score), ("agresti-min", adjusted)):
            low, high = interval(only_v1, only_v2, n)
            held[name] += low <= difference <= high
    assert {name: count / DATA_SETS for name, count in held.items()} == {
        "tango": pytest.approx(0.95, abs=NEAR),
        "agresti-min": pytest.approx(0.95, abs=NEAR),
    }


@pytest.mark.parametrize("share", [0.04, 0.1, 0.3])
def test_a_version_against_itself_raises_few_alarms(share: float) -> None:
    test = cache(mcnemar)
    alarms = [test(only_v1, only_v2).p_value for only_v1, only_v2, _ in discordant(100, share, 0.0, seed=1).tolist()]
    assert sum(p is not None and p < 0.05 for p in alarms) / DATA_SETS <= 0.05


def test_the_log_interval_holds_the_ratio() -> None:
    rng = np.random.default_rng(2)
    v1 = rng.lognormal(0, 0.6, size=(DATA_SETS, 100))
    v2 = v1 * rng.lognormal(np.log(1.1), 0.4, size=v1.shape)
    held = 0
    for first, second in zip(v1, v2, strict=True):
        found = paired_log_t(first, second)
        held += found.low is not None and found.high is not None and found.low <= 1.1 <= found.high
    assert held / DATA_SETS == pytest.approx(0.95, abs=NEAR)


@pytest.mark.parametrize(("icc", "naive"), [(0.0, 0.057), (0.1, 0.160), (0.3, 0.328), (0.5, 0.399)])
def test_the_clustered_interval_holds_where_the_naive_one_does_not(icc: float, naive: float) -> None:
    """30 clusters of 10: alarms of the naive t rise with the correlation, those of the clustered one stay at 5 %."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(DATA_SETS, 30, 1)) * icc**0.5
    values = (shared + rng.normal(size=(DATA_SETS, 30, 10)) * (1 - icc) ** 0.5).reshape(DATA_SETS, 300)
    groups = np.repeat(np.arange(30), 10)
    found = [clustered_mean(row, groups) for row in values]
    held = [each.low is not None and each.high is not None and each.low <= 0 <= each.high for each in found]
    assert np.mean(held) == pytest.approx(0.95, abs=NEAR)
    assert [(each.p_value or 1) >= 0.05 for each in found] == held
    assert np.mean([each.design_effect for each in found]) == pytest.approx(1 + 9 * icc, abs=0.25)
    assert np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue < 0.05) == pytest.approx(naive, abs=0.035)


def test_the_percentile_interval_of_a_difference_of_ratios_holds() -> None:
    """Precision of 200 samples with up to five findings each, which both sides share in part; 1,000 resamples."""
    rng = np.random.default_rng(4)
    held = 0
    for seed in range(DATA_SETS):
        shared = rng.integers(0, 3, size=200)
        den1, den2 = shared + rng.integers(0, 3, size=200), shared + rng.integers(0, 3, size=200)
        common = rng.binomial(shared, 0.6)
        num1, num2 = common + rng.binomial(den1 - shared, 0.6), common + rng.binomial(den2 - shared, 0.7)
        # Half of the findings of a side are its own: the difference of precisions is half of 0.7 - 0.6.
        found = ratio_difference(num1, den1, num2, den2, None, seed, resamples=1_000)
        held += found.low is not None and found.high is not None and found.low <= 0.05 <= found.high
    assert held / DATA_SETS == pytest.approx(0.95, abs=NEAR)


def test_looking_at_the_evidence_again_and_again_is_allowed() -> None:
    """Every 10 of 500 samples, 20 % of them discordant; McNemar's test at 5 % each time alarms far more often."""
    rng = np.random.default_rng(5)
    cells = rng.multinomial(10, [0.1, 0.1, 0.8], size=(DATA_SETS, 50)).cumsum(axis=1)
    evidence, test = cache(e_process), cache(mcnemar)
    alarms = peeked = 0
    for data in cells[:, :, :2].tolist():
        alarms += any(evidence(*looked)[1] < 0.05 for looked in data)
        peeked += any((test(*looked).p_value or 0) < 0.05 for looked in data)
    assert alarms / DATA_SETS <= 0.05
    assert peeked / DATA_SETS > 0.2
