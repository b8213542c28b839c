"""From the results of two configurations to the report that compares them. Runs in a process of its own."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from activities.comparison_ports import RunTotals, StoredComparison
from activities.stats.effects import Effect, cost, quantile, ratio, seconds, share
from activities.stats.multiplicity import benjamini_hochberg, holm
from activities.stats.observed import Observation
from activities.stats.overlap import confusion, consistency, overlap
from activities.stats.paired import mcnemar
from activities.stats.pairs import Pairs, paired
from activities.stats.power import mcnemar_detectable
from models.comparison import (
    ALPHA,
    HIGHLY,
    Compared,
    ComparisonReport,
    ComparisonRequest,
    Economy,
    Histogram,
    Power,
    Regression,
    Resources,
    Side,
)
from models.comparison_rules import concluded, judged, more_samples

BINS = 24
LEAST_IN_SLICE = 10
"""Smaller slices are not looked at: nothing can be seen in them."""
MICRO = 1_000_000
LIBRARIES = ("numpy", "scipy", "statsmodels")


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of one side."""

    observations: tuple[Observation, ...]
    totals: tuple[RunTotals, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a report is made of."""

    comparison: StoredComparison
    v1: Runs
    v2: Runs
    prices_changed: bool
    generated_at: datetime
    conclave: str
    """Version of this release."""


def compare(evidence: Evidence) -> ComparisonReport:
    """Compare. The same evidence gives the same report."""
    stored, request = evidence.comparison, evidence.comparison.request
    pairs = paired(evidence.v1.observations, evidence.v2.observations)
    timed = all(run.models for _, runs in _sides(evidence) for run in runs.totals)
    effects = {name: each if timed else _untimed(name, each) for name, each in _effects(pairs, request)}
    metrics = _adjusted({name: each.metric for name, each in effects.items()}, request)
    for name, each in (("tokens", _tokens(evidence)), ("throughput", _throughput(evidence))):
        if each is not None:
            metrics[name] = each
    metrics["cost"] = _priced(metrics["cost"], evidence)
    conclusion = concluded(
        metrics,
        request.margins,
        ALPHA,
        attrition=metrics["error_rate"].significant,
    )
    further = more_samples(metrics, conclusion, request.margins, stored.dataset_size)
    return ComparisonReport(
        comparison_id=stored.id,
        versions=stored.sides,
        dataset=stored.dataset,
        dataset_hash=stored.dataset_hash,
        dataset_size=stored.dataset_size,
        repeats=request.repeats,
        recorded=stored.recorded,
        prices_changed=evidence.prices_changed,
        pairing=pairs.pairing,
        metrics=metrics,
        statistical_tests=tuple(test for each in effects.values() for test in each.tests),
        regressions=tuple(_regressions(pairs, metrics, ALPHA)),
        overlap=overlap(pairs),
        confusion=confusion(pairs),
        consistency={
            side: consistency([(each.sample_id, each.right) for each in runs.observations], request.repeats)
            for side, runs in _sides(evidence)
        },
        errors={
            side: dict(Counter(each.failure for each in runs.observations if each.failure))
            for side, runs in _sides(evidence)
        },
        latency=_histogram(pairs) if timed else Histogram(),
        resources={side: _resources(runs) for side, runs in _sides(evidence)},
        economy=_economy(pairs, request),
        power=_power(pairs, ALPHA, further),
        margins=request.margins,
        alpha=ALPHA,
        findings=conclusion.findings,
        recommendation=conclusion.recommendation,
        confidence=conclusion.confidence,
        attempts=stored.attempts,
        seed=request.seed,
        libraries={"conclave": evidence.conclave, **{name: version(name) for name in LIBRARIES}},
        generated_at=evidence.generated_at,
    )


def _sides(evidence: Evidence) -> Iterator[tuple[Side, Runs]]:
    yield Side.V1, evidence.v1
    yield Side.V2, evidence.v2


def _effects(pairs: Pairs, request: ComparisonRequest) -> Iterator[tuple[str, Effect]]:
    """Every metric that these samples can tell something about."""
    alpha, seed = ALPHA, request.seed
    yield "accuracy", share("accuracy", pairs, lambda each: each.right, "higher", alpha)
    yield "error_rate", share("error_rate", pairs, lambda each: each.failure is not None, "lower", alpha)
    flawed = pairs.where(lambda one, _: not one.clean)
    if len(flawed):
        yield "recall", _recall(flawed, alpha, seed)
    clean = pairs.where(lambda one, _: one.clean)
    if len(clean):
        yield "false_positive_rate", share("false_positive_rate", clean, lambda each: each.false_alarm, "lower", alpha)
    yield "precision", ratio("precision", pairs, lambda each: (each.found, each.findings), "higher", alpha, seed)
    yield "f1", ratio("f1", pairs, lambda each: (2 * each.found, each.labels + each.findings), "higher", alpha, seed)
    yield "latency", seconds(pairs, alpha)
    for name, at in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        yield name, quantile(pairs, at, seed)
    yield "cost", cost(pairs, alpha, seed)


def _untimed(name: str, effect: Effect) -> Effect:
    """Without times of their own, seconds say nothing about a single sample."""
    if not name.startswith("latency"):
        return effect
    note = "Without models samples are analysed together: the seconds of one are its share of the whole."
    note = note if name == "latency" else None
    shown = {"v1": effect.metric.v1, "v2": effect.metric.v2, "change": effect.metric.change, "n": effect.metric.n}
    kept = {each: getattr(effect.metric, each) for each in ("unit", "scale", "better")}
    return Effect(Compared.model_validate({**shown, **kept, "verdict": "refused", "note": note}))


def _recall(flawed: Pairs, alpha: float, seed: int) -> Effect:
    """By label; where every sample has one label that is right or wrong of each sample."""
    if all(each.labels == 1 for each in flawed.v1):
        return share("recall", flawed, lambda each: each.found > 0, "higher", alpha)
    return ratio("recall", flawed, lambda each: (each.found, each.labels), "higher", alpha, seed)


def _adjusted(metrics: dict[str, Compared], request: ComparisonRequest) -> dict[str, Compared]:
    """With verdicts, and p-values adjusted over all metrics that have one."""
    adjusted = holm([each.p_value for each in metrics.values()])
    found: dict[str, Compared] = {}
    for (name, metric), p in zip(metrics.items(), adjusted, strict=True):
        raw = metric.p_value
        noted = metric.model_copy(
            update={
                "p_adjusted": p,
                "significant": raw is not None and raw < ALPHA,
                "highly_significant": raw is not None and raw < HIGHLY,
            }
        )
        found[name] = judged(noted, getattr(request.margins, name, None))
    return found


def _priced(metric: Compared, evidence: Evidence) -> Compared:
    """The cost; where prices were not the same for both, it decides nothing."""
    if not evidence.prices_changed:
        return metric
    note = "Prices changed while the two were run."
    return metric.model_copy(update={"low": None, "high": None, "verdict": "unclear", "note": note})


def _tokens(evidence: Evidence) -> Compared | None:
    """Tokens of an analysis; known of a run as a whole only."""
    v1, v2 = (sum(run.tokens for run in each.totals) / max(len(each.observations), 1) for _, each in _sides(evidence))
    if not v1 and not v2:
        return None
    change = v2 / v1 - 1 if v1 else None
    n = min(len(evidence.v1.observations), len(evidence.v2.observations))
    return Compared(v1=v1, v2=v2, change=change, unit="tokens", scale="ratio", better="neither", n=n)


def _throughput(evidence: Evidence) -> Compared | None:
    """Samples an hour, of the runs as a whole."""
    v1, v2 = (_pace(len(each.observations), each.totals) for _, each in _sides(evidence))
    if not v1 or v2 is None:
        return None
    note = None if evidence.comparison.recorded else "Both ran at the same time and shared the machine."
    n = len(evidence.v1.totals)
    return Compared(v1=v1, v2=v2, change=v2 / v1 - 1, unit="per_hour", scale="ratio", better="neither", n=n, note=note)


def _pace(samples: int, totals: Sequence[RunTotals]) -> float | None:
    spans = [(run.finished_at - run.started_at).total_seconds() for run in totals if run.finished_at is not None]
    return samples / sum(spans) * 3600 if len(spans) == len(totals) and sum(spans) else None


def _regressions(pairs: Pairs, metrics: dict[str, Compared], alpha: float) -> Iterator[Regression]:
    """Metrics that are worse; then slices of the samples that look worse."""
    for name, metric in metrics.items():
        if metric.verdict == "worse" and metric.change is not None:
            yield Regression(
                metric=name, change=metric.change, p_value=metric.p_value, p_adjusted=metric.p_adjusted, n=metric.n
            )
    slices = [(name, part) for name, part in _slices(pairs) if len(part) >= LEAST_IN_SLICE]
    tests = [_accuracy(part) for _, part in slices]
    adjusted = benjamini_hochberg([p for _, p in tests])
    for (name, part), (change, p), q in zip(slices, tests, adjusted, strict=True):
        if change < 0 and q is not None and q < alpha:
            yield Regression(
                metric="accuracy", slice=name, change=change, p_value=p, p_adjusted=q, n=len(part), exploratory=True
            )


def _slices(pairs: Pairs) -> Iterator[tuple[str, Pairs]]:
    languages = sorted({each.language for each in pairs.v1})
    for language in languages if len(languages) > 1 else ():
        yield f"language:{language}", pairs.where(_in_language(language))
    for cwe in sorted({cwe for each in pairs.v1 for cwe in each.cwes}):
        yield f"cwe:{cwe}", pairs.where(_with_cwe(cwe))


def _in_language(language: str) -> Callable[[Observation, Observation], bool]:
    return lambda one, _: one.language == language


def _with_cwe(cwe: str) -> Callable[[Observation, Observation], bool]:
    return lambda one, _: cwe in one.cwes


def _accuracy(pairs: Pairs) -> tuple[float, float | None]:
    """Change and p-value of the accuracy."""
    table = confusion(pairs)
    return (table.only_v2 - table.only_v1) / len(pairs), mcnemar(table.only_v1, table.only_v2).p_value


def _histogram(pairs: Pairs) -> Histogram:
    """Seconds of both sides in the same bins, of equal width on a log scale."""
    import numpy as np

    timed = [[each.seconds for each in side if each.seconds] for side in (pairs.v1, pairs.v2)]
    every = [value for side in timed for value in side]
    if not every:
        return Histogram()
    low, high = min(every), max(every)
    edges = np.geomspace(low, high if high > low else low * 1.1, BINS + 1)
    edges[0], edges[-1] = low, max(high, float(edges[-1]))
    counts = [np.histogram(side, bins=edges)[0] for side in timed]
    return Histogram(
        edges=tuple(float(each) for each in edges),
        v1=tuple(int(each) for each in counts[0]),
        v2=tuple(int(each) for each in counts[1]),
    )


def _resources(runs: Runs) -> Resources:
    """What the analysers took; what models take is elsewhere, and no analyser has a GPU."""
    seen = runs.observations
    return Resources(
        tool_seconds=round(sum(each.tool_seconds for each in seen), 3),
        cpu_seconds=round(sum(each.cpu_seconds for each in seen), 3),
        memory_mib=max((each.peak_mib for each in seen), default=None),
    )


def _economy(pairs: Pairs, request: ComparisonRequest) -> Economy:
    """Of one run of the samples: repeats are averaged."""
    more = sum(b.found - a.found for a, b in zip(pairs.v1, pairs.v2, strict=True)) / request.repeats
    dearer = sum((b.cost_micro_usd or 0) - (a.cost_micro_usd or 0) for a, b in zip(pairs.v1, pairs.v2, strict=True))
    gained, increase = more * request.value_per_finding_usd, dearer / MICRO / request.repeats
    return Economy(
        value_per_finding_usd=request.value_per_finding_usd,
        more_found=round(more),
        value_gained_usd=round(gained, 6),
        cost_increase_usd=round(increase, 6),
        roi=round((gained - increase) / increase, 6) if increase > 0 else None,
    )


def _power(pairs: Pairs, alpha: float, further: int | None) -> Power:
    """What these samples could have shown, and how many more would."""
    n, table = len(pairs), confusion(pairs)
    discordant = (table.only_v1 + table.only_v2) / n if n else 0.0
    if not discordant:
        return Power(discordant=discordant if n else None, more_samples=further)
    detectable = mcnemar_detectable(n, discordant, alpha=alpha)
    return Power(discordant=discordant, minimum_detectable=detectable, more_samples=further)
