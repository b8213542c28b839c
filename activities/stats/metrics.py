"""From what came of every sample to what the experiment measured, one result at a time."""

import asyncio
from array import array
from collections.abc import AsyncIterable, Iterable, Mapping
from datetime import datetime
from importlib import import_module

from activities.experiment_ports import SampleResult
from activities.stats.intervals import exact_share, quantile, ratio
from activities.stats.matching import judged
from activities.stats.slices import Slice
from models.expert import CoverageStatus, ExpertName
from models.matching import LINE_TOLERANCE, Claim, claim_of
from models.measure import Estimate, Latency, Metrics
from models.review import ExpertStatus, ReviewReport
from models.source import Language

WORKED = frozenset({ExpertStatus.DONE, ExpertStatus.DEGRADED})


async def measured(
    results: AsyncIterable[SampleResult] | Iterable[SampleResult],
    *,
    measured_at: datetime,
    versions: Mapping[str, str],
    tolerance: int = LINE_TOLERANCE,
    tokens: int = 0,
    seed: int = 0,
) -> Metrics:
    """Measure an experiment. Results are read one by one and not kept.

    Args:
        results: of every sample, those without a report included.
        measured_at: noted.
        versions: of what computed it, by name; those of scipy and numpy are added.
        tolerance: lines that a finding may be off its label.
        tokens: of all questions to models; 0 where unknown.
        seed: of the bootstrap.
    """
    await asyncio.to_thread(_loaded)
    tally = Tally(tolerance)
    if isinstance(results, AsyncIterable):
        async for result in results:
            tally.add(result)
    else:
        for result in results:
            tally.add(result)
    # Drawing thousands of samples anew takes a moment, in which heartbeats have to go on.
    return await asyncio.to_thread(tally.metrics, measured_at, versions, tokens, seed)


class Tally:
    """Sums over results: some numbers per group of samples, and one per sample for latency and cost."""

    def __init__(self, tolerance: int = LINE_TOLERANCE) -> None:
        self._tolerance = tolerance
        self._all = Slice()
        self._languages: dict[Language, Slice] = {}
        self._experts = {expert: Slice() for expert in ExpertName}
        self._worked: set[ExpertName] = set()
        self._seconds = array("d")
        self._costs: dict[str, tuple[int, int]] = {}
        self._cached = 0
        self._files_not_analysed = 0

    def add(self, result: SampleResult) -> None:
        """Count one sample."""
        report, sample = result.report, result.sample
        worked = working(report)
        self._worked |= worked
        claims = [] if report is None else [claim for found in report.findings if (claim := claim_of(found))]
        is_judged = bool(worked - {ExpertName.META})
        language = self._languages.setdefault(sample.language, Slice())
        self._judge((self._all, language), result, claims if is_judged else None)
        failed = _failing(report)
        for expert, each in self._experts.items():
            own = [claim for claim in claims if expert in claim.experts]
            self._judge((each,), result, own if is_judged and expert not in failed else None)
        self._cached += result.cached
        if report is not None:
            self._files_not_analysed += _not_analysed(report)
            if not result.cached:
                self._seconds.append(result.seconds)
                spent, analyses = self._costs.get(sample.group, (0, 0))
                self._costs[sample.group] = spent + report.cost_micro_usd, analyses + 1

    def _judge(self, slices: Iterable[Slice], result: SampleResult, claims: list[Claim] | None) -> None:
        """Count a sample in some slices by some of its findings; None: it could not be judged."""
        sample = result.sample
        found = judged(claims or (), sample.labels, sample.scope, self._tolerance)
        is_partial = result.report is not None and result.report.partial
        for each in slices:
            each.add(sample.group, found, is_error=claims is None, is_partial=is_partial)

    def metrics(self, measured_at: datetime, versions: Mapping[str, str], tokens: int = 0, seed: int = 0) -> Metrics:
        """What the results so far come to. Arguments as of `measured`."""
        import numpy
        import scipy

        counts = self._all.counts
        return Metrics(
            quality=self._all.quality(seed),
            by_language={name: each.quality(seed) for name, each in sorted(self._languages.items())},
            by_expert={name: each.quality(seed) for name, each in self._experts.items() if name in self._worked},
            error_rate=exact_share(counts["errors"], counts["samples"]),
            latency=self._latency(),
            cost_micro_usd=sum(spent for spent, _ in self._costs.values()),
            cost_per_analysis=self._cost(seed),
            cached=self._cached,
            files_not_analysed=self._files_not_analysed,
            tokens=tokens,
            line_tolerance=self._tolerance,
            measured_at=measured_at,
            seed=seed,
            versions={**versions, "scipy": scipy.__version__, "numpy": numpy.__version__},
        )

    def _latency(self) -> Latency:
        ordered = sorted(self._seconds)
        return Latency(p50=quantile(ordered, 0.5), p95=quantile(ordered, 0.95), p99=quantile(ordered, 0.99))

    def _cost(self, seed: int) -> Estimate:
        return ratio(self._costs.values(), seed, is_share=False)


def _loaded() -> None:
    """Import what takes a second to import before it is met in between."""
    for name in ("numpy", "scipy.optimize", "scipy.special"):
        import_module(name)


def working(report: ReviewReport | None) -> frozenset[ExpertName]:
    """Experts that delivered something."""
    return frozenset() if report is None else frozenset(it.expert for it in report.experts if it.status in WORKED)


def _failing(report: ReviewReport | None) -> frozenset[ExpertName]:
    """Experts that were asked and delivered nothing."""
    failed = ExpertStatus.FAILED
    return frozenset() if report is None else frozenset(it.expert for it in report.experts if it.status is failed)


def _not_analysed(report: ReviewReport) -> int:
    failed = {entry.path for entry in report.coverage if entry.status is CoverageStatus.FAILED}
    return len(failed | {file.path for file in report.skipped if file.is_code})
