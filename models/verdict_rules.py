"""The Version Control AI without a model: stated rules that read confidence bounds.

A number decides only when its one-sided 95 % bound is on one side of the threshold; in between people look. So they do
where the numbers themselves cannot be trusted: few samples, partial reports, false alarms on clean code, unknown cost.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from models.experiment import MIN_SAMPLES
from models.gate import GateInput
from models.measure import Metrics
from models.verdict import AiVerdict, Verdict

ACCURACY_ABOVE = 0.85
ERROR_RATE_BELOW = 0.05
COST_INCREASE_BELOW = 0.20
FALSE_POSITIVE_RATE_UP_TO = 0.10
LEAST_CLEAN = 30
"""Clean samples from which on a false-positive rate says something: none of 30 bounds it by 10 %, one-sided."""
PARTIAL_UP_TO = 0.05
"""Share of samples with a partial report."""
COST_CONFIDENCE = 0.975
"""Of a bound of the mean cost: those are of a two-sided interval, each wrong once in forty times."""
JUDGE = "rules"


@dataclass(frozen=True, slots=True)
class Word:
    """What one rule says."""

    verdict: Verdict
    confidence: float
    reason: str


def ruled(metrics: Metrics, facts: GateInput) -> AiVerdict:
    """The rules' verdict: fail if any rule says so, pass if all do, else people look.

    Confidence is in the word as a whole. Pass: that of the least sure rule. Fail: that of the surest. Manual review:
    1 where a rule asks for people whatever the numbers are, else how well the numbers agree with the threshold itself
    (the two-sided p value of the score test). Only reasons for the word are given.

    Args:
        metrics: what was measured.
        facts: the same with one-sided bounds and the cost of the stable configuration.
    """
    words = [_accuracy(metrics, facts), _errors(metrics, facts), *_cost(facts), *_trust(metrics)]
    said = {word.verdict for word in words}
    verdict = next(each for each in (Verdict.FAIL, Verdict.MANUAL_REVIEW, Verdict.PASS) if each in said)
    ours = [word for word in words if word.verdict is verdict]
    sure = [word.confidence for word in ours]
    confidence = min(sure) if verdict is Verdict.PASS else max(sure)
    return AiVerdict(
        verdict=verdict,
        confidence=round(confidence, 4),
        reasons=tuple(word.reason for word in ours),
        judged_by=JUDGE,
    )


def _accuracy(metrics: Metrics, facts: GateInput) -> Word:
    counts, limit = metrics.quality.counts, ACCURACY_ABOVE
    low, high = facts.accuracy_low, facts.accuracy_high
    if facts.accuracy is None or low is None or high is None:
        return Word(Verdict.MANUAL_REVIEW, 1.0, "Accuracy was not measured.")
    said = f"Accuracy {facts.accuracy:.3f} ({low:.3f} to {high:.3f}, n {counts.samples})"
    above = _probability_above(counts.right, counts.samples, limit)
    if low > limit:
        return Word(Verdict.PASS, above, f"{said} is above {limit}.")
    if high < limit:
        return Word(Verdict.FAIL, 1 - above, f"{said} is below {limit}.")
    return Word(Verdict.MANUAL_REVIEW, _undecided(above), f"{said} is not clearly above or below {limit}.")


def _errors(metrics: Metrics, facts: GateInput) -> Word:
    counts, limit = metrics.quality.counts, ERROR_RATE_BELOW
    low, high = facts.error_rate_low, facts.error_rate_high
    if facts.error_rate is None or low is None or high is None:
        return Word(Verdict.MANUAL_REVIEW, 1.0, "The error rate was not measured.")
    said = f"Error rate {facts.error_rate:.3f} ({low:.3f} to {high:.3f}, n {counts.samples})"
    above = _probability_above(counts.errors, counts.samples, limit)
    if high < limit:
        return Word(Verdict.PASS, 1 - above, f"{said} is below {limit}.")
    if low > limit:
        return Word(Verdict.FAIL, above, f"{said} is above {limit}.")
    return Word(Verdict.MANUAL_REVIEW, _undecided(above), f"{said} is not clearly above or below {limit}.")


def _cost(facts: GateInput) -> Iterator[Word]:
    increase, high, limit = facts.cost_increase, facts.cost_increase_high, COST_INCREASE_BELOW
    if increase is None:
        yield Word(Verdict.MANUAL_REVIEW, 1.0, "The cost cannot be compared with that of the stable configuration.")
    elif (facts.cost_increase_low or 0.0) >= limit:
        yield Word(
            Verdict.FAIL, COST_CONFIDENCE, f"An analysis costs {increase:+.1%}, which is not below {limit:+.0%}."
        )
    elif high is None or high >= limit:
        yield Word(Verdict.MANUAL_REVIEW, 1.0, f"An analysis costs {increase:+.1%}, not clearly below {limit:+.0%}.")
    else:
        yield Word(Verdict.PASS, COST_CONFIDENCE, f"An analysis costs {increase:+.1%}, which is below {limit:+.0%}.")


def _trust(metrics: Metrics) -> Iterator[Word]:
    """Whether the numbers can be trusted at all."""
    counts, rate = metrics.quality.counts, metrics.quality.false_positive_rate.value
    if counts.samples < MIN_SAMPLES:
        yield _people(f"Only {counts.samples} samples: fewer than {MIN_SAMPLES} say too little.")
    if counts.clean < LEAST_CLEAN:
        yield _people(f"Only {counts.clean} clean samples: false alarms take {LEAST_CLEAN} to be seen.")
    elif rate is not None and rate > FALSE_POSITIVE_RATE_UP_TO:
        yield _people(
            f"False alarms on {counts.false_alarms} of {counts.clean} clean samples ({rate:.1%}), "
            f"more than {FALSE_POSITIVE_RATE_UP_TO:.0%}."
        )
    if counts.partial > PARTIAL_UP_TO * counts.samples:
        yield _people(f"{counts.partial} of {counts.samples} reports are partial: silence in them is no praise.")


def _people(reason: str) -> Word:
    return Word(Verdict.MANUAL_REVIEW, 1.0, reason)


def _probability_above(hits: int, n: int, limit: float) -> float:
    """How sure it is that the true share is above a limit: one minus the p value of the score test."""
    z = (hits / n - limit) / math.sqrt(limit * (1 - limit) / n)
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _undecided(above: float) -> float:
    return 2 * min(above, 1 - above)
