"""What the steps of processes, calls and reports are measured by: from what is known of them to numbers."""

from collections import Counter
from collections.abc import Iterator

from models import metrics
from models.audit_views import CheckpointReport
from models.call import CallFailure, TokenUsage
from models.comparison import HIGHLY, ComparisonReport
from models.experiment import ExperimentStatus, ExperimentTask
from models.expert import ExpertName, StaticResult
from models.health import KEY_TROUBLE, Probe
from models.metrics import Half, Measurement, ReviewEnd, Significance
from models.opinion import Consultation, OpinionSummary
from models.order import AnalysisSummary, AnalysisTask, PanelJudgement, PanelTask, ReviewOrder, ReviewOutcome
from models.promotion import PromotionState, PromotionStatus
from models.routing import RouteDecision


def of_order(order: ReviewOrder) -> Iterator[Measurement]:
    """A review that was accepted."""
    yield Measurement(metrics.COMPLEXITY, order.complexity.score, {"language": order.main_language})


def of_step(name: str, task: object, result: object, seconds: float) -> Iterator[Measurement]:
    """A step of a process that came to its end.

    Args:
        name: of the activity.
        task: what it was given.
        result: what it gave.
        seconds: how long it took.
    """
    match task, result:
        case AnalysisTask(), AnalysisSummary() if result.seconds:
            # None when it was made before a crash, and measured then.
            yield _expert(task.expert, Half.STATIC, result.seconds)
        case Consultation(), OpinionSummary():
            yield from _consulted(task, result, seconds)
        case PanelTask(), PanelJudgement():
            yield _expert(ExpertName.META, Half.STATIC, result.seconds)
        case PanelTask(), ReviewOutcome():
            yield from _published(task, result)
        case ExperimentTask(), _ if name == "open_experiment":
            yield _experiment(ExperimentStatus.RUNNING)
        case _, ExperimentStatus() if name in ("settle_experiment", "note_status"):
            if result in EXPERIMENT_ENDS:
                yield _experiment(result)
        case _, PromotionState() if result.ended:
            yield of_promotion(result.status)
        case _, CheckpointReport():
            verdict = metrics.Verdict.INTACT if result.verdict.intact else metrics.Verdict.BROKEN
            yield Measurement(metrics.AUDIT_CHECKS, 1, {"verdict": verdict})
        case _:
            pass


EXPERIMENT_ENDS = frozenset(ExperimentStatus) - {
    ExperimentStatus.CREATED,
    ExperimentStatus.RUNNING,
    ExperimentStatus.PAUSED,
    ExperimentStatus.EVALUATING,
}


def _expert(expert: ExpertName, half: Half, seconds: float) -> Measurement:
    return Measurement(metrics.EXPERT_SECONDS, seconds, {"expert": expert, "half": half})


def _experiment(status: ExperimentStatus) -> Measurement:
    return Measurement(metrics.EXPERIMENTS, 1, {"status": status})


def of_promotion(status: PromotionStatus) -> Measurement:
    """A promotion that is asked for, or ended."""
    return Measurement(metrics.PROMOTIONS, 1, {"status": status})


def _consulted(question: Consultation, said: OpinionSummary, seconds: float) -> Iterator[Measurement]:
    yield _expert(question.expert, Half.MODEL, seconds)
    if question.route_position > 0 and question.rejection is not None:
        yield Measurement(metrics.FALLBACKS, 1, {"expert": question.expert, "reason": question.rejection})
    if said.code is CallFailure.QUOTA_EXCEEDED:
        yield of_refusal(metrics.Stage.CALL)


def of_refusal(stage: metrics.Stage) -> Measurement:
    """A quota that said no."""
    return Measurement(metrics.QUOTA_VIOLATIONS, 1, {"stage": stage})


def _published(task: PanelTask, outcome: ReviewOutcome) -> Iterator[Measurement]:
    yield of_review(task.mode, ReviewEnd.PARTIAL if outcome.partial else ReviewEnd.COMPLETE)
    for each in task.outcomes:
        yield Measurement(metrics.EXPERT_RESULTS, 1, {"expert": each.expert, "status": each.status})
    if outcome.judgement is not None:
        yield _expert(ExpertName.META, Half.STATIC, outcome.judgement.seconds)


def of_review(mode: str, end: ReviewEnd) -> Measurement:
    """A review that ended."""
    return Measurement(metrics.REVIEWS, 1, {"mode": mode, "end": end})


def of_analysis(result: StaticResult) -> Iterator[Measurement]:
    """Files that analysers failed over; one that does not run at all fails over each of its files."""
    failed = Counter((tool, entry.reason) for entry in result.coverage for tool in entry.failed_tools)
    for (tool, reason), files in failed.items():
        yield Measurement(metrics.ANALYSER_FAILURES, files, {"tool": tool, "reason": reason or metrics.OTHER})


def of_route(decision: RouteDecision) -> Iterator[Measurement]:
    """A route that was decided."""
    for first in decision.chain[:1]:
        labels = {"provider": first.provider_name, "tier": first.tier}
        yield Measurement(metrics.PROVIDER_SELECTIONS, 1, labels)


def of_probe(provider: str, probe: Probe) -> Measurement:
    """A look at a provider."""
    trouble = probe.failure in {each.value for each in KEY_TROUBLE}
    seen = metrics.CheckResult.GOOD if probe.good else metrics.CheckResult.BAD
    result = metrics.CheckResult.KEY if trouble else seen
    return Measurement(metrics.HEALTH_CHECKS, 1, {"provider": provider, "result": result})


def of_call(
    provider: str, failure: CallFailure | None, usage: TokenUsage | None, seconds: float
) -> Iterator[Measurement]:
    """A model call: how it went, how long it took where an answer came, and the tokens that were counted."""
    result = "ok" if failure is None else failure.value
    yield Measurement(metrics.CALLS, 1, {"provider": provider, "result": result})
    if failure is None:
        yield Measurement(metrics.CALL_SECONDS, seconds, {"provider": provider})
    if usage is not None:
        cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
        counted = zip(metrics.Direction, (usage.input, cached, usage.output), strict=True)
        for direction, tokens in counted:
            yield Measurement(metrics.TOKENS, tokens, {"provider": provider, "direction": direction})


def of_comparison(report: ComparisonReport) -> Iterator[Measurement]:
    """A comparison that has its report."""
    yield Measurement(metrics.COMPARISONS, 1, {"recommendation": report.recommendation})
    for test in report.statistical_tests:
        result = Significance.NONE
        if test.is_significant:
            high = test.p_value is not None and test.p_value < HIGHLY
            result = Significance.HIGHLY if high else Significance.SIGNIFICANT
        yield Measurement(metrics.STATISTICAL_TESTS, 1, {"test": test.test_name, "result": result})
