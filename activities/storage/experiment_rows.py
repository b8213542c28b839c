"""Experiments and evaluations: rows as models, models as rows, and what the audit chain says of them."""

from collections.abc import Mapping
from typing import Any

from activities.experiment_ports import StoredExperiment
from models import tables
from models.audit import AuditAction, AuditEvent
from models.experiment import Bar, Evaluation, ExperimentStatus
from models.gate import Decision, PolicyName
from models.measure import Metrics
from models.reviewer_config import ReviewerConfig
from models.verdict import AiVerdict, Override


def stored(row: tables.Experiment) -> StoredExperiment:
    """A row as the port has it."""
    return StoredExperiment(
        id=row.id,
        name=row.name,
        config=ReviewerConfig.model_validate(row.config),
        config_hash=row.config_hash,
        dataset_id=row.dataset_id,
        positions=tuple(row.positions),
        policy=PolicyName(row.policy),
        status=ExperimentStatus(row.status),
        bar=None if row.bar is None else Bar.model_validate(row.bar),
        created_by=row.created_by,
    )


def evaluation_of(row: tables.Evaluation) -> Evaluation:
    """A row as the API has it."""
    override = None
    if row.human_override is not None:
        override = Override.model_validate(
            {"verdict": row.human_override, "reason": row.override_reason, "by": row.evaluated_by}
        )
    ai = {
        "verdict": row.ai_verdict,
        "confidence": row.ai_confidence,
        "reasons": row.ai_reasons,
        "judged_by": row.judged_by,
    }
    return Evaluation(
        metrics=Metrics.model_validate(row.metrics),
        ai=AiVerdict.model_validate(ai),
        override=override,
        decision=Decision.model_validate(row.decision),
        report_hash=row.report_hash,
        evaluated_at=row.evaluated_at,
    )


def evaluation_row(experiment_id: str, evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as a row; there is one for each experiment."""
    return {
        "id": experiment_id,
        "experiment_id": experiment_id,
        "metrics": evaluation.metrics.model_dump(mode="json"),
        "ai_verdict": evaluation.ai.verdict.value,
        "ai_confidence": evaluation.ai.confidence,
        "ai_reasons": list(evaluation.ai.reasons),
        "judged_by": evaluation.ai.judged_by,
        "decision": evaluation.decision.model_dump(mode="json"),
        "report_hash": evaluation.report_hash,
        "evaluated_at": evaluation.evaluated_at,
    }


def evaluated(experiment_id: str, evaluation: Evaluation, status: ExperimentStatus) -> tuple[AuditEvent, AuditEvent]:
    """What the chain says of an end that the gate decided: names, counts and hashes."""
    counts, decision = evaluation.metrics.quality.counts, evaluation.decision
    measured = {
        "report_hash": evaluation.report_hash,
        "samples": counts.samples,
        "right": counts.right,
        "errors": counts.errors,
        "cost_micro_usd": evaluation.metrics.cost_micro_usd,
        "verdict": evaluation.ai.verdict.value,
        "judged_by": evaluation.ai.judged_by,
    }
    gated = {
        "report_hash": evaluation.report_hash,
        "outcome": decision.outcome.value,
        "denials": [denial.id for denial in decision.denials],
        "policy": decision.policy.value,
        "policy_hash": decision.policy_hash,
        "engine": decision.engine,
        "input_hash": decision.input_hash,
        "decision_id": decision.decision_id,
        "status": status.value,
    }
    return (
        event_of(AuditAction.EXPERIMENT_EVALUATED, "conclave", experiment_id, measured),
        event_of(AuditAction.EXPERIMENT_GATED, "conclave", experiment_id, gated),
    )


def event_of(action: AuditAction, actor: str, subject: str, data: Mapping[str, Any]) -> AuditEvent:
    """One entry for the chain."""
    return AuditEvent(action=action, actor=actor, subject=subject, data=dict(data))


def quarantine_evidence(experiment_id: str, evaluation: Evaluation) -> dict[str, object]:
    """Why the gate put a configuration on the blacklist."""
    denials = [denial.model_dump(mode="json") for denial in evaluation.decision.denials]
    return {"experiment_id": experiment_id, "report_hash": evaluation.report_hash, "denials": denials}
