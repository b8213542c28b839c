"""Paired statistics against published numbers, against the libraries, and as properties."""

import importlib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.stats.clusters import Clustered, clustered_mean
from activities.stats.intervals import clopper_pearson, quantile, wilson
from activities.stats.means import (
    brunner_munzel,
    hedges_j,
    mann_whitney,
    paired_log_t,
    paired_t,
    walsh_median,
    welch,
    wilcoxon,
)
from activities.stats.multiplicity import benjamini_hochberg, holm
from activities.stats.paired import (
    agresti_min,
    matched_odds_ratio,
    mcnemar,
    mcnemar_chi2,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe,
    tango,
)
from activities.stats.power import mcnemar_detectable, mcnemar_sample_size, mean_difference_sample_size
from activities.stats.rates import rate_ratio, split_check
from activities.stats.resampling import (
    Interval,
    permutation_difference,
    quantile_difference,
    ratio_difference,
    total_increase,
)
from activities.stats.sequential import e_process

stats: Any = importlib.import_module("scipy.stats")
tables: Any = importlib.import_module("statsmodels.stats.contingency_tables")

# R `sleep`: extra hours of ten patients under two drugs. The table has v1 - v2 as -1.58: drug 1 less drug 2, so that
# drug 2 is v1 here and drug 1 is v2.
DRUG1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
# Hollander and Wolfe (1973), p. 29, as in R's `?wilcox.test`: depression before (x) and after (y) a treatment.
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
# Darwin (1876), heights of maize, cross-fertilised less self-fertilised, in eighths of an inch (scipy's documentation).
MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
# pingouin's documentation of `wilcoxon` and `mwu`.
PINGOUIN_X = [20, 22, 19, 20, 22, 18, 24, 20, 19, 24, 26, 13]
PINGOUIN_Y = [38, 37, 33, 29, 14, 12, 20, 22, 17, 25, 26, 16]
AIRCONDITIONING = [10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213]


# Shares of one side


@pytest.mark.parametrize(
    ("hits", "n", "by_wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_published_intervals_of_one_share(
    hits: int, n: int, by_wilson: tuple[float, float], exact: tuple[float, float]
) -> None:
    assert wilson(hits, n) == pytest.approx(by_wilson, abs=5e-5)
    assert clopper_pearson(hits, n) == pytest.approx(exact, abs=5e-5)
    assert wilson(19, 38) == pytest.approx((0.348499283643951, 0.651500716356049), abs=1e-14)


def test_quantiles_have_the_bounds_of_the_documented_example() -> None:
    """scipy's documentation of `quantile_test`: statistic 45, p 0.3682016; the p-value itself is not one of ours."""
    data = stats.uniform.rvs(size=100, random_state=np.random.default_rng(6981396440634228121))
    test = stats.quantile_test(data, q=0.5, p=0.5)
    assert (test.statistic, round(test.pvalue, 7)) == (45, 0.3682016)
    bounds = test.confidence_interval(0.95)
    ours = quantile(sorted(data.tolist()), 0.5)
    assert (ours.low, ours.high) == (bounds.low, bounds.high)


# Shares of pairs


def test_mcnemar_is_that_of_r_and_of_agresti() -> None:
    """Its p-value does not depend on which side is which."""
    for only_v1, only_v2, corrected, plain in (
        (121, 59, (20.67222, 5.450095e-06), (21.35556, 3.815136e-06)),
        (86, 150, (16.8178, 4.1146e-05), (17.3559, 3.0993e-05)),
    ):
        for sides in ((only_v1, only_v2), (only_v2, only_v1)):
            test = mcnemar_chi2(*sides, correction=True)
            assert (test.statistic, test.p_value) == pytest.approx(corrected, rel=1e-5)
            test = mcnemar_chi2(*sides, correction=False)
            assert (test.statistic, test.p_value) == pytest.approx(plain, rel=1e-5)
    assert mcnemar_exact(86, 150).p_value == pytest.approx(3.7159e-05, rel=1e-5)
    assert mcnemar_exact(10, 30).p_value == pytest.approx(0.0022214, rel=1e-4)


def test_agresti_min_is_that_of_r() -> None:
    """PropCIs estimates (c - b) / n of `diffpropci.mp(b, c, n)`: b is only_v1, c is only_v2."""
    assert agresti_min(40, 20, 160) == pytest.approx((-0.21601726, -0.03089632), abs=5e-9)


def test_the_matched_odds_ratio_is_that_of_r() -> None:
    """`oddsratioci.mp(b, c)` is of c / b: b is only_v1, c is only_v2."""
    ratio, bounds = matched_odds_ratio(40, 20)
    assert ratio == 0.5
    assert bounds == pytest.approx((0.2941510, 0.8499038), abs=5e-8)


def test_tango_and_newcombe_of_published_tables() -> None:
    """The table (20, 12, 2, 16) estimates (12 - 2) / 50: the 12 are only_v2, the 2 only_v1."""
    assert tango(2, 12, 50) == pytest.approx((0.0611, 0.3447), abs=5e-5)
    # Airway responses before and after (Bentur and others, 2009), as in Fagerland, Lydersen and Laake (2014):
    # both 1, before 1, after 7, neither 12, and before - after is estimated, so that before is v2.
    assert tango(7, 1, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert newcombe(1, 7, 1, 12) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_bounds_at_the_edges() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    assert tango(0, 0, 100) == pytest.approx((-z2 / (100 + z2), z2 / (100 + z2)))
    assert tango(0, 100, 100) == pytest.approx(((100 - z2) / (100 + z2), 1.0))
    assert tango(100, 0, 100) == pytest.approx((-1.0, -(100 - z2) / (100 + z2)))
    assert matched_odds_ratio(0, 7) == (None, None)
    assert matched_odds_ratio(0, 0) == (None, None)
    ratio, bounds = matched_odds_ratio(7, 0)
    assert (ratio, bounds and bounds[0]) == (0.0, 0.0)


def test_without_discordant_pairs_nothing_is_shown_and_nothing_is_nan() -> None:
    """`ttest_rel` is nan there."""
    assert math.isnan(stats.ttest_rel([1, 0, 1], [1, 0, 1]).pvalue)
    assert mcnemar(0, 0).p_value == mcnemar_exact(0, 0).p_value == mcnemar_mid_p(0, 0).p_value == 1.0
    assert mcnemar_chi2(0, 0, correction=False).p_value is None
    same = paired_t([1, 0, 1], [1, 0, 1])
    assert (same.p_value, same.value, same.low, same.high) == (None, 0.0, None, None)


def test_which_mcnemar_is_chosen_and_that_few_pairs_show_nothing() -> None:
    assert mcnemar(4, 20).name == "mcnemar-exact"
    assert mcnemar(5, 20).name == "mcnemar-mid-p"
    assert mcnemar_exact(0, 5).p_value == pytest.approx(0.0625)
    assert mcnemar_exact(0, 6).p_value == pytest.approx(0.03125)


@pytest.mark.parametrize(("discordance", "exact", "mid_p"), [(0.10, 0.021, 0.040), (0.04, 0.006, 0.016)])
def test_how_conservative_mcnemar_is(discordance: float, exact: float, mid_p: float) -> None:
    """The chance of an alarm in 100 alike pairs, by enumeration."""
    alarms = {mcnemar_exact: 0.0, mcnemar_mid_p: 0.0}
    for moved in range(101):
        chance = stats.binom.pmf(moved, 100, discordance)
        for ahead in range(moved + 1):
            for test in alarms:
                p_value = test(ahead, moved - ahead).p_value
                assert p_value is not None
                alarms[test] += chance * stats.binom.pmf(ahead, moved, 0.5) * (p_value < 0.05)
    assert alarms[mcnemar_exact] == pytest.approx(exact, abs=0.004)
    assert alarms[mcnemar_mid_p] == pytest.approx(mid_p, abs=0.006)


# Amounts of pairs


def test_sleep() -> None:
    test = paired_t(DRUG2, DRUG1)
    assert (test.statistic, test.p_value) == pytest.approx((-4.0621277, 0.00283289), rel=1e-6)
    assert (test.low, test.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)
    assert (test.value, test.n, test.name) == (pytest.approx(-1.58), 10, "paired-t")
    assert test.effects["d-z"] == pytest.approx(-1.28456, abs=5e-6)
    assert test.effects["g-z"] == pytest.approx(-1.28456 * 0.9138749, abs=5e-6)
    apart = welch(DRUG2, DRUG1)
    assert apart.p_value == pytest.approx(0.0794, abs=5e-5)
    assert (apart.statistic, apart.value) == pytest.approx((-1.8608135, -1.58), rel=1e-6)


def test_standardised_differences() -> None:
    test = paired_t([9, 6, 7, 8, 7, 9, 8, 8, 8, 7], [9, 7, 8, 9, 8, 9, 9, 10, 9, 9])
    assert (test.statistic, test.p_value) == pytest.approx((4.743416, 0.0010539), rel=5e-5)
    assert (test.effects["d-z"], test.effects["d-av"]) == pytest.approx((1.5, 1.1287), abs=5e-5)
    assert (hedges_j(9), hedges_j(18)) == pytest.approx((0.9138749, 0.9576464), abs=5e-8)


def test_wilcoxon_of_the_books() -> None:
    """R's one-sided V = 40, p .01953125 is of before less after: after is v1. Two-sided p is twice that."""
    depression = wilcoxon(AFTER, BEFORE)
    assert (depression.statistic, depression.p_value) == (40, 2 * 0.01953125)
    maize = wilcoxon([0] * 15, MAIZE)
    assert (15 * 16 / 2 - (maize.statistic or 0), maize.p_value) == (24, 0.041259765625)
    assert maize.effects["rank-biserial"] == pytest.approx((96 - 24) / 120)


def test_rank_tests_of_pingouin() -> None:
    """Its effects are of X against Y: Y is v1."""
    pairs = wilcoxon(PINGOUIN_Y, PINGOUIN_X)
    assert (pairs.statistic, pairs.p_value) == (20.5, pytest.approx(0.288086, abs=5e-7))
    assert pairs.effects["rank-biserial"] == pytest.approx(-0.378788, abs=5e-7)
    apart = mann_whitney(PINGOUIN_Y, PINGOUIN_X)
    assert (apart.statistic, apart.value) == (57, pytest.approx(0.395833, abs=5e-7))
    assert apart.effects["cliffs-delta"] == pytest.approx(-0.208333, abs=5e-7)


def test_mann_whitney_and_brunner_munzel_of_the_documentation() -> None:
    """scipy names the first sample's U: that sample is v2. Its Brunner-Munzel is above 0 where the second is larger."""
    first, second = [19, 22, 16, 29, 24], [20, 11, 17, 12]
    exact, asymptotic = mann_whitney(second, first), mann_whitney(second, first, method="asymptotic")
    assert (exact.statistic, exact.p_value) == (17, pytest.approx(0.1111111, abs=5e-8))
    assert asymptotic.p_value == pytest.approx(0.1113469, abs=5e-8)
    test = brunner_munzel([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4])
    assert (test.statistic, test.p_value) == pytest.approx((3.1374674823, 0.0057862087), rel=1e-8)
    assert test.value == pytest.approx(0.788961, abs=5e-7)


def test_a_shift_that_does_not_vary_is_no_proof() -> None:
    """`ttest_rel` has t = inf and p = 0 there, `wilcoxon` of zeros and BCa of a constant nan."""
    v1 = [0.1, 0.2, 0.3, 0.7]
    for test in (paired_t(v1, [each + 0.1 for each in v1]), paired_log_t(v1, [each * 1.1 for each in v1])):
        assert (test.p_value, test.statistic, test.low, test.high) == (None, None, None, None)
        assert test.value == pytest.approx(0.1 if test.name == "paired-t" else 1.1)
    still = wilcoxon(v1, v1)
    assert (still.p_value, still.value) == (None, 0.0)
    constant = total_increase([2.0] * 9, [3.0] * 9, None, 1)
    assert (constant.value, constant.low, constant.high) == (0.5, None, None)
    proportional = total_increase(v1, [each * 1.1 for each in v1], None, 1)
    assert (proportional.value, proportional.low) == (pytest.approx(0.1), None)
    assert clustered_mean([0.1] * 6, [0, 0, 1, 1, 2, 2], 0.025).p_value is None
    assert brunner_munzel([1, 2, 3], [7, 8, 9]).p_value is None


def test_one_pair_or_none() -> None:
    for v1, v2 in (([], []), ([1.0], [2.0])):
        for test in (paired_t, paired_log_t, welch, brunner_munzel):
            found = test(v1, v2)
            assert (found.p_value, found.low, found.high) == (None, None, None)
        assert total_increase(v1, v2, None, 1).low is None
        assert ratio_difference(v1, v1, v2, v1, None, 1).low is None
        assert quantile_difference(v1, v2, 0.5, None, 1).low is None
        assert clustered_mean(v1, None).low is None
    assert wilcoxon([], []).p_value is None
    assert mann_whitney([], [1.0]).p_value is None


def test_what_is_no_column_of_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        paired_t([1, 2], [1])
    with pytest.raises(ValueError, match="finite"):
        paired_t([1, math.nan], [1, 2])
    with pytest.raises(ValueError, match="above 0"):
        paired_log_t([1, 0], [1, 2])
    with pytest.raises(ValueError, match="one group"):
        clustered_mean([1, 2], ["a"])
    with pytest.raises(ValueError, match="degree"):
        hedges_j(1)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_the_walsh_median_is_the_median_of_all_means(values: list[int]) -> None:
    means = [(one + other) / 2 for place, one in enumerate(values) for other in values[place:]]
    assert walsh_median(values) == pytest.approx(float(np.median(means)), abs=1e-12)


# Resampling


def test_the_permutation_of_sleep() -> None:
    ones = [1] * 10
    assert permutation_difference(DRUG2, ones, DRUG1, ones, None, 0) == 0.00390625


def test_permutations_are_those_of_the_library() -> None:
    """Up to 12 clusters all of them; of 13 that differ some are drawn."""
    rng = np.random.default_rng(3)
    for clusters, error in ((12, 1e-12), (13, 0.015)):
        v1, v2, ones = rng.normal(size=clusters), rng.normal(0.4, 1, size=clusters), np.ones(clusters)
        library = stats.permutation_test(
            (v1, v2), lambda one, two: two.mean() - one.mean(), permutation_type="samples", n_resamples=np.inf
        )
        assert permutation_difference(v1, ones, v2, ones, None, 5) == pytest.approx(library.pvalue, abs=error)


def test_bca_of_r() -> None:
    """R `boot`: mean, BCa 32.31 to 91.43. 10,000 resamples leave an error of about 1 in the upper bound."""
    many = total_increase([1] * 16, AIRCONDITIONING, None, 1, resamples=400_000)
    assert many.value == pytest.approx(np.mean(AIRCONDITIONING) - 1)
    assert (many.low or 0) + 1 == pytest.approx(32.31, abs=0.2)
    assert (many.high or 0) + 1 == pytest.approx(91.43, abs=0.3)
    assert (many.method, many.resamples) == ("bootstrap-bca", 400_000)


def test_percentiles_of_r() -> None:
    """R `boot`: mean, percentile 28.86 to 84.21."""
    zeros, ones = [0] * 16, [1] * 16
    found = ratio_difference(zeros, ones, AIRCONDITIONING, ones, None, 1, resamples=100_000)
    assert (found.low, found.high) == pytest.approx((28.86, 84.21), abs=0.4)


def test_the_bootstrap_is_that_of_the_library() -> None:
    rng = np.random.default_rng(2)
    v1 = rng.lognormal(size=60)
    v2 = v1 * rng.lognormal(0.2, 0.5, size=60)
    ours = total_increase(v1, v2, None, 1)
    library = stats.bootstrap(
        (v1, v2), lambda one, two, axis: two.sum(axis) / one.sum(axis) - 1, paired=True, vectorized=True, rng=1
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((library.low, library.high), abs=0.02)
    middle = quantile_difference(v1, v2, 0.5, None, 1, resamples=10_000)
    library = stats.bootstrap(
        (v1, v2),
        lambda one, two, axis: (
            np.quantile(two, 0.5, axis=axis, method="inverted_cdf")
            - np.quantile(one, 0.5, axis=axis, method="inverted_cdf")
        ),
        paired=True,
        vectorized=True,
        method="percentile",
        rng=1,
    ).confidence_interval
    assert (middle.low, middle.high) == pytest.approx((library.low, library.high), abs=0.03)


def test_quantiles_of_clusters_count_every_observation() -> None:
    """The shortcut around the quantile against resamples that are laid out."""
    rng = np.random.default_rng(4)
    v1, v2, groups = rng.lognormal(size=500), rng.lognormal(0.1, 1, size=500), rng.integers(0, 40, 500)
    found = quantile_difference(v1, v2, 0.9, groups, 7)
    places = [np.flatnonzero(groups == group) for group in dict.fromkeys(groups.tolist())]
    drawn = np.random.default_rng(7).integers(0, len(places), size=(2_000, len(places)))
    values = [np.concatenate([places[each] for each in row]) for row in drawn]
    slow = [
        np.quantile(v2[at], 0.9, method="inverted_cdf") - np.quantile(v1[at], 0.9, method="inverted_cdf")
        for at in values
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))), abs=1e-12)


def test_a_p99_of_few_pairs_is_refused() -> None:
    values = np.arange(400.0)
    assert quantile_difference(values[:399], values[:399] + 1, 0.99, None, 1).value is None
    assert quantile_difference(values, values + 1, 0.99, None, 1).value == 1.0


def test_whole_clusters_are_drawn() -> None:
    rng = np.random.default_rng(5)
    apart = np.repeat(rng.normal(size=40), 10)
    zeros, ones, groups = np.zeros(400), np.ones(400), np.repeat(np.arange(40), 10)
    alone, together = (ratio_difference(zeros, ones, apart, ones, each, 1) for each in (None, groups))
    assert None not in (alone.low, alone.high, together.low, together.high)
    assert (together.high or 0) - (together.low or 0) > 2.5 * ((alone.high or 0) - (alone.low or 0))


def test_the_seed_decides_and_no_total_is_no_value() -> None:
    v1, v2, ones = [1.0, 2.0, 4.0, 3.5], [2.0, 1.5, 7.0, 4.0], [1] * 4
    assert total_increase(v1, v2, None, 1) == total_increase(v1, v2, None, 1) != total_increase(v1, v2, None, 2)
    assert total_increase([0, 0], [1, 2], None, 1).value is None
    assert ratio_difference([0, 0], [0, 0], [1, 1], [1, 1], None, 1).value is None
    assert permutation_difference([0, 0], [0, 0], [1, 1], [1, 1], None, 1) is None
    assert permutation_difference(v1, ones, v1, ones, None, 1) == 1.0


# Several tests, power, evidence, rates

BH_1995 = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.324,
    0.4262,
    0.5719,
    0.6528,
    0.759,
    1,
]


def test_the_family_of_benjamini_and_hochberg() -> None:
    by_holm, by_bh = holm(BH_1995), benjamini_hochberg(BH_1995)
    assert (sum((p or 0) <= 0.05 for p in by_holm), sum((p or 0) <= 0.05 for p in by_bh)) == (3, 4)
    assert (by_bh[3], by_holm[3]) == (pytest.approx(0.035625), pytest.approx(0.114))


def test_what_could_not_be_computed_is_no_member_of_the_family() -> None:
    assert holm([0.01, None, 0.02]) == [pytest.approx(0.02), None, pytest.approx(0.02)]
    assert benjamini_hochberg([None, 0.03]) == [None, pytest.approx(0.03)]
    assert holm([None]) == [None]
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize(("n", "points"), [(100, (8.8, 12.4, 15.2)), (500, (4.0, 5.6, 6.9)), (1000, (2.8, 4.0, 4.9))])
def test_what_so_many_pairs_can_show(n: int, points: tuple[float, ...]) -> None:
    for discordant, expected in zip((0.1, 0.2, 0.3), points, strict=True):
        found = mcnemar_detectable(n, discordant)
        assert found is not None
        assert 100 * found == pytest.approx(expected, abs=0.06)
        assert mcnemar_sample_size(discordant, found) == pytest.approx(n, abs=1)
        assert mcnemar_sample_size(discordant, -found) == mcnemar_sample_size(discordant, found)


def test_samples_for_a_mean_and_what_is_hopeless() -> None:
    """Miller (2024): 969 samples."""
    assert mean_difference_sample_size(0.03, 1 / 9) == 969
    assert mean_difference_sample_size(0.03, 1 / 9, noise1=0.1, noise2=0.1, repeats1=10, repeats2=10) == 1144
    assert mean_difference_sample_size(0, 1) is None
    assert mcnemar_sample_size(0.1, 0) is None
    assert mcnemar_sample_size(0.1, 0.2) is None
    assert mcnemar_detectable(20, 0.1) is None
    assert mcnemar_detectable(100, 0) is None


def test_evidence_while_samples_arrive() -> None:
    evidence, p_value = e_process(10, 30)
    assert evidence == pytest.approx(31.6369, abs=5e-5)
    assert p_value == pytest.approx(0.031609, abs=5e-7)
    assert e_process(0, 0) == (1.0, 1.0)
    assert e_process(30, 10) == e_process(10, 30)
    assert math.isfinite(e_process(0, 5_000)[0])


def test_evidence_is_on_average_1_where_nothing_differs() -> None:
    """Which is what makes it an e-value."""
    chances = stats.binom.pmf(np.arange(51), 50, 0.5)
    assert sum(e_process(50 - b, b)[0] * chances[b] for b in range(51)) == pytest.approx(1.0)


def test_rates_of_gu_and_others() -> None:
    """60 in 51477.5 against 30 in 54308.7, ratio above 1: the 60 are v2. Score z 3.417402, one-sided p .000316."""
    ratio, low, high, p_value = rate_ratio(30, 54308.7, 60, 51477.5)
    assert (ratio, low, high) == pytest.approx((2.1100, 1.3660, 3.2593), abs=5e-5)
    assert p_value == pytest.approx(2 * stats.norm.sf(3.417402), rel=1e-5)
    assert p_value == pytest.approx(2 * 0.000316, abs=1e-6)
    assert rate_ratio(0, 1, 3, 1) == (None, None, None, None)
    assert rate_ratio(1, 0, 3, 1) == (None, None, None, None)


def test_a_split_that_is_not_as_it_should_be() -> None:
    assert split_check([821588, 815482]) == pytest.approx(1.8218e-06, rel=1e-4)
    assert split_check([5, 5, 5]) == 1.0
    assert split_check([0, 0]) is None
    assert split_check([3]) is None


# Properties

SPLIT = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda cells: sum(cells) > 0)
AMOUNTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 5)),
    min_size=2,
    max_size=30,
)


@given(SPLIT)
def test_intervals_of_shares_are_in_order_and_turn_with_the_sides(cells: tuple[int, int, int, int]) -> None:
    both, only_v1, only_v2, neither = cells
    n = sum(cells)
    pairs = (
        (agresti_min(only_v1, only_v2, n), agresti_min(only_v2, only_v1, n)),
        (tango(only_v1, only_v2, n), tango(only_v2, only_v1, n)),
        (newcombe(both, only_v1, only_v2, neither), newcombe(both, only_v2, only_v1, neither)),
    )
    for (low, high), turned in pairs:
        assert -1 <= low <= high <= 1
        assert turned == pytest.approx((-high, -low), abs=1e-9)
    low, high = tango(only_v1, only_v2, n)
    assert low - 1e-8 <= (only_v2 - only_v1) / n <= high + 1e-8
    for test in (mcnemar, mcnemar_exact, mcnemar_mid_p):
        p_value = test(only_v1, only_v2).p_value
        assert p_value == test(only_v2, only_v1).p_value
        assert p_value is not None
        assert 0 <= p_value <= 1
    if only_v1 + only_v2:
        library = tables.mcnemar([[both, only_v1], [only_v2, neither]], exact=True)
        assert mcnemar_exact(only_v1, only_v2).p_value == pytest.approx(library.pvalue)


def numbers(found: object) -> list[float]:
    """All numbers of a result."""
    if found is None or isinstance(found, int | str):
        return []
    if isinstance(found, float):
        return [found]
    if isinstance(found, dict):
        return [number for each in found.values() for number in numbers(each)]
    return [number for name in getattr(found, "__slots__", ()) for number in numbers(getattr(found, name))]


@given(AMOUNTS)
def test_turning_the_sides_turns_the_sign_and_nan_never_appears(rows: list[tuple[int, ...]]) -> None:
    num1, den1, num2, den2, groups = ([row[place] for row in rows] for place in range(5))
    few = {"resamples": 200}
    found = [
        *(test(num1, num2) for test in (paired_t, wilcoxon, mann_whitney, welch, brunner_munzel)),
        paired_log_t(den1, den2),
        clustered_mean(np.subtract(num2, num1), groups),
        ratio_difference(num1, den1, num2, den2, groups, 1, **few),
        total_increase(num1, num2, groups, 1, **few),
        quantile_difference(num1, num2, 0.9, groups, 1, **few),
        permutation_difference(num1, den1, num2, den2, groups, 1, **few),
    ]
    assert all(math.isfinite(number) for each in found for number in numbers(each))
    for each in found:
        if isinstance(each, Interval | Clustered) and each.low is not None and each.high is not None:
            assert each.low <= each.high
    turned = clustered_mean(np.subtract(num1, num2), groups)
    straight = clustered_mean(np.subtract(num2, num1), groups)
    assert (turned.value, turned.p_value) == (-(straight.value or 0), pytest.approx(straight.p_value))
    for test in (paired_t, wilcoxon, welch):
        value, other = test(num1, num2), test(num2, num1)
        assert value.value == pytest.approx(-(other.value or 0), abs=1e-12)
        assert value.p_value == (None if other.p_value is None else pytest.approx(other.p_value))
    ratio = ratio_difference(num2, den2, num1, den1, groups, 1, **few)
    assert ratio.value == pytest.approx(-(ratio_difference(num1, den1, num2, den2, groups, 1, **few).value or 0))
    logs, other = paired_log_t(den1, den2).value, paired_log_t(den2, den1).value
    assert logs == pytest.approx(1 / (other or 0))


@given(AMOUNTS, st.permutations(range(6)))
def test_names_of_groups_change_nothing(rows: list[tuple[int, ...]], names: list[int]) -> None:
    num1, den1, num2, den2, groups = ([row[place] for row in rows] for place in range(5))
    others = [f"group-{names[group]}" for group in groups]
    few = {"resamples": 200}
    assert clustered_mean(num1, groups) == clustered_mean(num1, others)
    assert total_increase(num1, num2, groups, 1, **few) == total_increase(num1, num2, others, 1, **few)
    for test in (ratio_difference, permutation_difference):
        assert test(num1, den1, num2, den2, groups, 1, **few) == test(num1, den1, num2, den2, others, 1, **few)
    assert quantile_difference(num1, num2, 0.5, groups, 1, **few) == quantile_difference(
        num1, num2, 0.5, others, 1, **few
    )


def test_the_numbers_of_the_table_that_have_no_routine_here_are_those_of_the_libraries() -> None:
    """What a reader may want to check with the same tools: the power of t-tests, and the basic interval."""
    power = importlib.import_module("statsmodels.stats.power")
    assert power.TTestPower().solve_power(effect_size=0.5, alpha=0.05, power=0.8) == pytest.approx(33.36713, abs=1e-4)
    assert power.TTestIndPower().power(1, 20, 0.05) == pytest.approx(0.868953, abs=1e-5)
    basic = stats.bootstrap(
        (np.array(AIRCONDITIONING, dtype=float),), np.mean, n_resamples=100_000, batch=10_000, method="basic", rng=1
    ).confidence_interval
    assert (basic.low, basic.high) == pytest.approx((23.77, 79.12), abs=0.5)


def test_forgetting_the_pairs_costs_the_power_to_see_a_slowdown() -> None:
    """Of a slowdown by a tenth over 100 pairs that correlate by 0.7, paired tests see half, the unpaired one little."""
    rng = np.random.default_rng(3)
    seen = {"paired": 0, "ranks": 0, "unpaired": 0}
    for _ in range(150):
        common, own1, own2 = rng.normal(size=(3, 100)) * 0.6
        v1 = np.exp(common * 0.7**0.5 + own1 * 0.3**0.5)
        v2 = 1.1 * np.exp(common * 0.7**0.5 + own2 * 0.3**0.5)
        seen["paired"] += (paired_log_t(v1, v2).p_value or 1) < 0.05
        seen["ranks"] += (wilcoxon(v1, v2).p_value or 1) < 0.05
        seen["unpaired"] += (mann_whitney(v1, v2).p_value or 1) < 0.05
    assert seen["paired"] / 150 == pytest.approx(0.53, abs=0.13)
    assert seen["ranks"] / 150 == pytest.approx(0.51, abs=0.13)
    assert seen["unpaired"] / 150 < 0.2
