"""One metric of a comparison: what changed, how sure that is, and the tests that say so.

The method follows the metric: McNemar for what is right or wrong, permutation for ratios whose denominator varies too,
the paired t-test on logarithms for seconds, the bootstrap for quantiles and totals. Where samples are not independent,
what is resampled or summed is their groups.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from activities.stats.clusters import clustered_mean
from activities.stats.means import Mean, mann_whitney, paired_log_t, welch, wilcoxon
from activities.stats.observed import Observation
from activities.stats.paired import matched_odds_ratio, mcnemar, tango
from activities.stats.pairs import Pairs
from activities.stats.resampling import (
    permutation_difference,
    quantile_difference,
    ratio_difference,
    total_increase,
)
from activities.stats.sequential import e_process
from models.comparison import Compared, StatisticalTest

Better = Literal["higher", "lower", "neither"]
Ratio = Callable[[Observation], tuple[float, float]]
"""Numerator and denominator of one observation."""

UNPAIRED = "Treats the two runs as unpaired: secondary, never read by the verdict."
LEAST_FOR_P99 = 400


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric and its tests."""

    metric: Compared
    tests: tuple[StatisticalTest, ...] = field(default=())


def share(name: str, pairs: Pairs, read: Callable[[Observation], bool], better: Better, alpha: float) -> Effect:
    """What is so or not so of each sample."""
    one, other = [read(each) for each in pairs.v1], [read(each) for each in pairs.v2]
    n = len(pairs)
    if not n:
        return Effect(Compared(better=better))
    only_v1 = sum(a and not b for a, b in zip(one, other, strict=True))
    only_v2 = sum(b and not a for a, b in zip(one, other, strict=True))
    change = (only_v2 - only_v1) / n
    found = mcnemar(only_v1, only_v2)
    grouped = (
        clustered_mean([b - a for a, b in zip(one, other, strict=True)], pairs.groups) if pairs.clustered else None
    )
    by_group = grouped is not None and grouped.low is not None
    if grouped is not None and by_group:
        low, high = grouped.low, grouped.high
    else:
        low, high = tango(only_v1, only_v2, n) if only_v1 or only_v2 else _agreed(len(set(pairs.groups)))
    tests = [_test(found.name, name, found.p_value, alpha, n, "risk-difference", change, not by_group, low, high)]
    if grouped is not None and by_group:
        tests.append(_test("cluster-t", name, grouped.p_value, alpha, n, "risk-difference", change, True, low, high))
        tests[0] = tests[0].model_copy(update={"note": "Takes samples of one group for independent.", "low": None,
                                               "high": None})  # fmt: skip
    evidence, anytime = e_process(only_v1, only_v2)
    odds, _ = matched_odds_ratio(only_v1, only_v2)
    tests.append(
        _test("e-process", name, anytime, alpha, n, "odds-ratio", odds, False).model_copy(
            update={"statistic": evidence, "note": "Holds whenever one looks, also while samples arrive."}
        )
    )
    p = grouped.p_value if grouped is not None and by_group else found.p_value
    return Effect(
        Compared(
            v1=sum(one) / n,
            v2=sum(other) / n,
            change=change,
            low=low,
            high=high,
            p_value=p,
            better=better,
            n=n,
            method="cluster-t" if by_group else "tango",
        ),
        tuple(tests),
    )


def ratio(name: str, pairs: Pairs, read: Ratio, better: Better, alpha: float, seed: int) -> Effect:
    """A ratio of sums whose denominator differs between the sides."""
    one, other = [read(each) for each in pairs.v1], [read(each) for each in pairs.v2]
    columns = ([row[0] for row in one], [row[1] for row in one], [row[0] for row in other], [row[1] for row in other])
    v1, v2 = _quotient(columns[0], columns[1]), _quotient(columns[2], columns[3])
    if v1 is None or v2 is None:
        return Effect(Compared(v1=v1, v2=v2, better=better, n=len(pairs), note="One side has nothing to count over."))
    interval = ratio_difference(*columns, pairs.groups, seed)
    p = permutation_difference(*columns, pairs.groups, seed)
    if interval.low is None and all(a == b for a, b in zip(one, other, strict=True)):
        filled = len({group for group, row in zip(pairs.groups, one, strict=True) if row[1]})
        interval = replace(interval, low=_agreed(filled)[0], high=_agreed(filled)[1], method="tango")
    test = _test("permutation", name, p, alpha, len(pairs), "difference", v2 - v1, True, interval.low, interval.high)
    return Effect(
        Compared(
            v1=v1,
            v2=v2,
            change=v2 - v1,
            low=interval.low,
            high=interval.high,
            p_value=p,
            better=better,
            n=len(pairs),
            method=interval.method,
        ),
        (test.model_copy(update={"seed": seed}),),
    )


def _agreed(clusters: int) -> tuple[float, float]:
    """What so many clusters without a difference leave possible (Tango): nothing varies that could be drawn anew."""
    return tango(0, 0, clusters)


def seconds(pairs: Pairs, alpha: float) -> Effect:
    """Seconds per sample, as the ratio of geometric means."""
    kept = _timed(pairs)
    v1, v2 = kept.values(_seconds)
    if len(kept) < 2:
        return Effect(Compared(unit="seconds", scale="ratio", better="lower", n=len(kept)))
    main = paired_log_t(v1, v2)
    low, high, p, method = main.low, main.high, main.p_value, "paired-t-log"
    tests = [_of_mean(main, "latency", alpha, "geometric-mean-ratio", main.value, not kept.clustered)]
    if kept.clustered:
        logs = [math.log(b / a) for a, b in zip(v1, v2, strict=True)]
        grouped = clustered_mean(logs, kept.groups)
        if grouped.low is not None and grouped.high is not None:
            low, high, p, method = math.exp(grouped.low), math.exp(grouped.high), grouped.p_value, "cluster-t-log"
            tests.append(
                _test(method, "latency", p, alpha, len(kept), "geometric-mean-ratio", main.value, True, low, high)
            )
        else:
            tests[0] = tests[0].model_copy(update={"primary": True})
    ranks, unpaired, plain = wilcoxon(v1, v2), mann_whitney(v1, v2), welch(v1, v2)
    tests.append(_of_mean(ranks, "latency", alpha, "rank-biserial", ranks.effects.get("rank-biserial"), False))
    for each, effect in ((unpaired, "cliffs-delta"), (plain, "hedges-g")):
        secondary = _of_mean(each, "latency", alpha, effect, each.effects.get(effect), False)
        tests.append(secondary.model_copy(update={"paired": False, "note": UNPAIRED}))
    return Effect(
        Compared(
            v1=_geometric(v1),
            v2=_geometric(v2),
            change=None if main.value is None else main.value - 1,
            low=None if low is None else low - 1,
            high=None if high is None else high - 1,
            p_value=p,
            unit="seconds",
            scale="ratio",
            better="lower",
            n=len(kept),
            method=method,
        ),
        tuple(tests),
    )


def quantile(pairs: Pairs, at: float, seed: int) -> Effect:
    """The difference of a quantile of the seconds."""
    import numpy as np

    kept = _timed(pairs)
    base: dict[str, Any] = {"unit": "seconds", "better": "lower", "n": len(kept)}
    if not len(kept):
        return Effect(Compared(**base))
    if at > 0.95 and len(kept) < LEAST_FOR_P99:
        note = f"Refused: it takes {LEAST_FOR_P99} samples to say anything about it."
        return Effect(Compared(**base, verdict="refused", note=note))
    v1, v2 = kept.values(_seconds)
    found = quantile_difference(v1, v2, at, kept.groups, seed)
    first, second = (float(np.quantile(each, at)) for each in (v1, v2))
    bounds = {"low": found.low, "high": found.high, "method": found.method}
    return Effect(Compared(v1=first, v2=second, change=second - first, **bounds, **base))


def cost(pairs: Pairs, alpha: float, seed: int) -> Effect:
    """What an analysis costs, as the increase of the total."""
    kept = pairs.where(lambda one, other: one.cost_micro_usd is not None and other.cost_micro_usd is not None)
    v1, v2 = kept.values(lambda each: float(each.cost_micro_usd or 0))
    n = len(kept)
    base: dict[str, Any] = {"unit": "micro_usd", "scale": "ratio", "better": "lower", "n": n}
    if not n:
        return Effect(Compared(**base))
    base |= {"v1": sum(v1) / n, "v2": sum(v2) / n}
    if not any(v1):
        if any(v2):
            return Effect(Compared(**base, note="v1 costs nothing: there is no relative increase."))
        note = "Neither side asks a paid model."
        return Effect(Compared(**base, change=0.0, low=0.0, high=0.0, verdict="same", note=note))
    found = total_increase(v1, v2, kept.groups, seed)
    test = _test("bootstrap", "cost", None, alpha, n, "relative-increase", found.value, True, found.low, found.high)
    metric = Compared(**base, change=found.value, low=found.low, high=found.high, method=found.method)
    return Effect(metric, (test.model_copy(update={"seed": seed}),))


def _timed(pairs: Pairs) -> Pairs:
    """Those of which both sides have fresh times."""
    return pairs.where(lambda one, other: bool(one.seconds) and bool(other.seconds))


def _seconds(each: Observation) -> float:
    return each.seconds or 0.0


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _quotient(above: Sequence[float], below: Sequence[float]) -> float | None:
    return sum(above) / sum(below) if sum(below) else None


def _of_mean(found: Mean, metric: str, alpha: float, effect: str, size: float | None, primary: bool) -> StatisticalTest:
    test = _test(found.name, metric, found.p_value, alpha, found.n, effect, size, primary, found.low, found.high)
    return test.model_copy(update={"statistic": found.statistic})


def _test(
    name: str,
    metric: str,
    p: float | None,
    alpha: float,
    n: int,
    effect: str,
    size: float | None,
    primary: bool,
    low: float | None = None,
    high: float | None = None,
) -> StatisticalTest:
    return StatisticalTest(
        test_name=name,
        metric=metric,
        p_value=p,
        is_significant=p is not None and p < alpha,
        effect_size=size,
        effect_name=effect,
        low=low,
        high=high,
        n=n,
        primary=primary,
    )
