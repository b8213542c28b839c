"""What follows from the metrics of a comparison: the rule of superiority and non-inferiority.

v2 is promoted if it is better on the success metric and on no guardrail worse than its margin: every one of these must
hold, so none is tested at less than full alpha (an intersection-union test). Not to have shown a difference is never
taken for there being none: only an interval within the margin says that.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from models.comparison import Compared, Finding, Margins, Recommendation

SUCCESS = "accuracy"
GUARDRAILS = ("recall", "precision", "false_positive_rate", "error_rate", "latency", "cost")
MOST_SAMPLES = 100_000
"""More further samples than this nobody takes."""
FOUR_OF_FIVE = ((NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) / NormalDist().inv_cdf(0.975)) ** 2
"""What a test that succeeds four times of five takes more than one that succeeds every other time."""
NOTHING = 0.5
"""The confidence where nothing was decided."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A recommendation with its grounds."""

    recommendation: Recommendation
    confidence: float
    findings: tuple[Finding, ...]


def judged(metric: Compared, margin: float | None) -> Compared:
    """A metric with its verdict.

    Args:
        metric: with its interval.
        margin: within which a change does not count; None: there is none.
    """
    if metric.verdict in ("refused", "same") or metric.low is None or metric.high is None or metric.better == "neither":
        return metric
    worst, best = _oriented(metric)
    if worst > 0:
        verdict = "better"
    elif best < 0:
        verdict = "worse"
    elif margin is not None and -margin < worst and best < margin:
        verdict = "same"
    else:
        verdict = "unclear"
    return metric.model_copy(update={"verdict": verdict})


def concluded(metrics: Mapping[str, Compared], margins: Margins, alpha: float, *, attrition: bool) -> Conclusion:
    """The recommendation.

    Args:
        metrics: judged.
        margins: of the guardrails.
        alpha: level of the tests.
        attrition: whether one side lost more samples than the other by more than chance.
    """
    success = metrics[SUCCESS]
    findings = [_success(success, margins.accuracy)]
    guards = [name for name in GUARDRAILS if name in metrics and metrics[name].verdict != "refused"]
    findings += [_guardrail(name, metrics[name], _margin(name, margins)) for name in guards]
    if attrition:
        said = "One side failed on more samples than the other: what is left may not be comparable."
        findings.append(Finding(role="quality", metric="error_rate", verdict="unclear", reason=said))
    lost = [each for each in findings if each.role == "guardrail" and each.verdict == "fail"]
    if success.verdict == "worse" or lost:
        # The interval that decided is wrong in at most half of alpha on this side.
        by_success = _sure(success) if success.verdict == "worse" else 0.0
        return Conclusion(Recommendation.REJECT, max(by_success, 1 - alpha / 2 if lost else 0.0), tuple(findings))
    held = all(each.verdict == "pass" for each in findings if each.role != "success")
    if held and success.verdict == "better":
        sure = min(_sure(success), 1 - alpha / 2 if guards else 1.0)
        return Conclusion(Recommendation.PROMOTE, sure, tuple(findings))
    if held and success.verdict == "same":
        return Conclusion(Recommendation.HOLD, 1 - alpha, tuple(findings))
    return Conclusion(Recommendation.INCONCLUSIVE, NOTHING, tuple(findings))


def more_samples(metrics: Mapping[str, Compared], conclusion: Conclusion, margins: Margins, samples: int) -> int | None:
    """Further samples with which what is unclear would be decided four times of five, if things are as they look.

    An interval's width falls with the square root of the number of samples: the one that has to shrink most tells.

    Args:
        metrics: judged.
        conclusion: inconclusive; of any other there is nothing left to decide.
        margins: of the guardrails.
        samples: in the comparison.

    Returns:
        None where nothing is left to decide, or where more samples than anybody takes would not decide it.
    """
    if conclusion.recommendation is not Recommendation.INCONCLUSIVE:
        return None
    open_ = [each for each in conclusion.findings if each.verdict == "unclear" and each.role != "quality"]
    factors = [_factor(metrics[each.metric], _margin(each.metric, margins), each.role == "success") for each in open_]
    if not factors or None in factors:
        return None
    further = math.ceil(samples * (max(each for each in factors if each is not None) - 1))
    return further if 0 < further <= MOST_SAMPLES else None


def _factor(metric: Compared, margin: float, success: bool) -> float | None:
    """How many times the samples an unclear metric takes; None: no number of them."""
    if metric.low is None or metric.high is None or metric.change is None:
        return None
    worse = metric.change if metric.better == "lower" else -metric.change
    # A success metric is decided by being shown to differ, or to lie within the margin; a guardrail by clearing it.
    distance = max(abs(metric.change), margin - abs(metric.change)) if success else margin - worse
    if distance <= 0:
        return None
    return ((metric.high - metric.low) / 2 / distance) ** 2 * FOUR_OF_FIVE


def _sure(metric: Compared) -> float:
    """One less the one-sided p-value."""
    return NOTHING if metric.p_value is None else 1 - metric.p_value / 2


def _success(metric: Compared, margin: float) -> Finding:
    verdict = {"better": "pass", "worse": "fail", "same": "fail"}.get(metric.verdict, "unclear")
    said = {
        "better": f"Accuracy is better: {_change(metric)}.",
        "worse": f"Accuracy is worse: {_change(metric)}.",
        "same": f"Accuracy differs by less than {_points(margin)}: {_change(metric)}.",
    }.get(metric.verdict, f"Accuracy may be better or worse: {_change(metric)}.")
    return Finding.model_validate({"role": "success", "metric": SUCCESS, "verdict": verdict, "reason": said})


def _guardrail(name: str, metric: Compared, margin: float) -> Finding:
    """Whether a metric is shown to be no worse than its margin."""
    spoken = name.replace("_", " ").capitalize()
    limit = _points(margin) if metric.scale == "difference" else f"{margin:.0%}"
    if metric.low is None or metric.high is None:
        why = metric.note or "there is too little to measure it on."
        verdict, said = "unclear", f"{spoken} cannot be compared: {why}"
    else:
        worst, best = _oriented(metric)
        if worst > -margin:
            verdict, said = "pass", f"{spoken} is worse by less than {limit}, if at all: {_change(metric)}."
        elif best < -margin:
            verdict, said = "fail", f"{spoken} is worse by more than {limit}: {_change(metric)}."
        else:
            verdict, said = "unclear", f"{spoken} may be worse by more than {limit}: {_change(metric)}."
    return Finding.model_validate({"role": "guardrail", "metric": name, "verdict": verdict, "reason": said})


def _oriented(metric: Compared) -> tuple[float, float]:
    """The interval so that more is better."""
    assert metric.low is not None and metric.high is not None
    return (-metric.high, -metric.low) if metric.better == "lower" else (metric.low, metric.high)


def _margin(name: str, margins: Margins) -> float:
    return getattr(margins, name)


def _change(metric: Compared) -> str:
    """Change and interval for people."""
    if metric.change is None:
        return "not measured"
    unit = " points" if metric.scale == "difference" else " %"
    numbers = [f"{100 * each:+.1f}" for each in (metric.change, metric.low, metric.high) if each is not None]
    bounds = f" (95 % interval {numbers[1]} to {numbers[2]})" if len(numbers) == 3 else ""
    return f"{numbers[0]}{unit}{bounds}"


def _points(margin: float) -> str:
    return f"{100 * margin:g} points"
