"""From what steps and calls gave to numbers."""

from collections.abc import Iterable

from models import measuring, metrics
from models.audit import AuditProblem, AuditVerdict
from models.audit_views import CheckpointReport
from models.call import CallFailure, TokenUsage
from models.config import OrchestratorConfig
from models.experiment import ExperimentStatus, ExperimentTask
from models.expert import CoverageEntry, CoverageReason, CoverageStatus, ExpertName, StaticResult
from models.health import Probe
from models.measuring import of_analysis, of_call, of_probe, of_step
from models.metrics import Measurement
from models.opinion import Consultation, OpinionSummary, Rejection
from models.order import AnalysisSummary, AnalysisTask, ExpertOutcome, PanelJudgement, PanelTask, ReviewOutcome
from models.promotion import PromotionState, PromotionStatus
from models.review import ExpertStatus, ReviewMode

ID = "0" * 32


def told(found: Iterable[Measurement]) -> dict[str, float]:
    """Measurements as `metric label label` with their values."""
    return {" ".join([each.metric.name, *each.labels.values()]): each.value for each in found}


def test_a_static_half_is_timed_by_its_own_clock_and_not_again_when_it_is_read_again() -> None:
    task = AnalysisTask(review_id=ID, source_id=ID, expert=ExpertName.SECURITY)
    name = "orchestrator_expert_execution_time_seconds security static"
    assert told(of_step("analyse_source", task, AnalysisSummary(findings=1, seconds=2.5), 9.0)) == {name: 2.5}
    assert told(of_step("analyse_source", task, AnalysisSummary(findings=1), 0.1)) == {}


def test_a_question_further_down_the_route_is_a_fallback_with_its_reason() -> None:
    asked = Consultation(
        review_id=ID,
        source_id=ID,
        expert=ExpertName.TEST,
        attempt=2,
        route_position=1,
        budget_micro_usd=1,
        rejection=Rejection.PROVIDER_ERROR,
    )
    timed = {"orchestrator_expert_execution_time_seconds test model": 3.0}
    fallback = {"orchestrator_provider_fallbacks_total test provider_error": 1}
    assert told(of_step("consult_model", asked, OpinionSummary(), 3.0)) == timed | fallback
    first = asked.model_copy(update={"route_position": 0})
    refused = OpinionSummary(failure=Rejection.QUOTA_EXCEEDED, code=CallFailure.QUOTA_EXCEEDED)
    assert told(of_step("consult_model", first, refused, 3.0)) == timed | {"provider_quota_violations_total call": 1}


def test_a_published_report_counts_the_review_and_its_experts() -> None:
    task = PanelTask(
        review_id=ID,
        source_id=ID,
        mode=ReviewMode.PIPELINE,
        outcomes=(ExpertOutcome(expert=ExpertName.QUALITY, status=ExpertStatus.DEGRADED),),
        config=OrchestratorConfig(),
    )
    outcome = ReviewOutcome(review_id=ID, partial=True, reported=0, suppressed=0, totals={})
    assert told(of_step("publish_report", task, outcome, 1.0)) == {
        "orchestrator_reviews_total pipeline partial": 1,
        "orchestrator_expert_results_total quality degraded": 1,
    }
    judged = told(of_step("judge_panel", task, PanelJudgement(seconds=0.5), 1.0))
    assert judged == {"orchestrator_expert_execution_time_seconds meta static": 0.5}


def test_experiments_count_when_they_begin_and_when_they_end_and_not_between() -> None:
    task, name = ExperimentTask(experiment_id=ID), "version_control_experiments_total"
    assert told(of_step("open_experiment", task, None, 1.0)) == {f"{name} running": 1}
    assert told(of_step("settle_experiment", None, ExperimentStatus.PASSED, 1.0)) == {f"{name} passed": 1}
    assert told(of_step("note_status", None, ExperimentStatus.CANCELLED, 1.0)) == {f"{name} cancelled": 1}
    assert told(of_step("note_status", None, ExperimentStatus.PAUSED, 1.0)) == {}


def test_a_promotion_counts_when_it_has_ended() -> None:
    for status, count in ((PromotionStatus.AWAITING, 0), (PromotionStatus.APPLIED, 1)):
        found = told(of_step("settle_promotion", None, PromotionState(status=status, needed=1), 1.0))
        assert len(found) == count


def test_a_broken_chain_is_told() -> None:
    verdict = AuditVerdict(intact=False, total=1, verified=0, problem=AuditProblem.BAD_CHECKPOINT)
    assert told(of_step("write_checkpoint", None, CheckpointReport(verdict=verdict), 1.0)) == {
        "audit_checks_total broken": 1
    }


def test_tokens_are_counted_by_what_they_were_and_failures_by_their_code() -> None:
    usage = TokenUsage(input=10, cache_read=3, cache_write_5m=2, output=7, reasoning=5)
    found = told(of_call("first", None, usage, 0.5))
    assert found == {
        "provider_calls_total first ok": 1,
        "provider_call_duration_seconds first": 0.5,
        "provider_tokens_total first input": 10,
        "provider_tokens_total first cached": 5,
        "provider_tokens_total first output": 7,
    }
    assert told(of_call("first", CallFailure.TIMEOUT, None, 9.0)) == {"provider_calls_total first provider_timeout": 1}


def test_a_refused_key_says_nothing_of_the_provider() -> None:
    good = Probe(provider_id=ID, http_status=200, latency_ms=5, valid_json=True)
    for probe, result in (
        (good, "good"),
        (good.model_copy(update={"http_status": 429}), "bad"),
        (good.model_copy(update={"http_status": 401, "failure": CallFailure.KEY_INVALID}), "key_trouble"),
    ):
        assert of_probe("first", probe).labels["result"] == result


def test_analysers_that_fail_count_by_file_and_reason() -> None:
    entry = CoverageEntry(
        expert=ExpertName.SECURITY,
        path="a.py",
        status=CoverageStatus.FAILED,
        failed_tools=("bandit", "ruff"),
        reason=CoverageReason.TIMEOUT,
    )
    whole = entry.model_copy(update={"path": "c.py", "failed_tools": (), "reason": None})
    coverage = (entry, entry.model_copy(update={"path": "b.py"}), whole)
    found = told(of_analysis(StaticResult(expert=ExpertName.SECURITY, coverage=coverage)))
    name = "orchestrator_analyser_failures_total"
    assert found == {f"{name} bandit timeout": 2, f"{name} ruff timeout": 2}


def test_every_measurement_names_the_labels_of_its_metric() -> None:
    refusal = measuring.of_refusal(metrics.Stage.CALL)
    assert set(refusal.labels) == set(refusal.metric.labels)
