"""Experiments that passed their gate, written straight into the tables, for what comes after them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from activities.promotion_ports import Terms
from activities.storage.database import Database
from activities.storage.experiment_rows import evaluation_row
from models import experiment
from models.config import OrchestratorConfig
from models.experiment import Bar
from models.gate import Decision, Outcome, PolicyHash, PolicyName
from models.measure import Counts, Estimate, Latency, Metrics, Quality
from models.promotion import Evidence
from models.report_hash import report_hash
from models.reviewer_config import ReviewerConfig, config_hash
from models.tables import Dataset, Evaluation, Experiment
from models.verdict import AiVerdict, Override, Verdict

AUTHOR = "ann"
POLICY: PolicyHash = f"policy:v1:sha256:{'1' * 64}"
HASH = "0" * 64


def hash_of(_policy: PolicyName) -> PolicyHash:
    return POLICY


def terms(needed: int = 1, key: str | None = None, lifetime: timedelta = timedelta(days=7)) -> Terms:
    return Terms(needed=needed, lifetime=lifetime, request_hash=HASH, request_key=key)


def a_config() -> ReviewerConfig:
    """One that nobody else has."""
    return ReviewerConfig(orchestrator=OrchestratorConfig(budget_micro_usd=uuid.uuid4().int % 2**40))


def decision(outcome: Outcome, policy_hash: PolicyHash = POLICY) -> Decision:
    """What a gate said."""
    return Decision(
        outcome=outcome, policy=PolicyName.DEFAULT, policy_hash=policy_hash, engine="regopy", input_hash=HASH
    )


def metrics() -> Metrics:
    """Good numbers, some of them hard to write down."""
    share = Estimate(value=140 / 150, low=0.1 + 0.2, high=1.0, n=150, method="wilson")
    shares = {name: share for name in Quality.model_fields if name != "counts"}
    return Metrics(
        quality=Quality(counts=Counts(samples=150, right=140), **shares),
        error_rate=Estimate(value=0.0, low=0.0, high=1 / 3, n=150, method="clopper-pearson"),
        latency=Latency(p50=share, p95=share, p99=Estimate(value=1e-7, method="none")),
        cost_per_analysis=Estimate(value=0.0, low=0.0, high=0.0, n=150, method="bootstrap-percentile"),
        measured_at=datetime.now(UTC),
    )


async def passed(
    database: Database,
    config: ReviewerConfig | None = None,
    author: str = AUTHOR,
    outcome: Outcome = Outcome.PASS,
    status: str = "passed",
    override: Verdict | None = None,
    policy_hash: PolicyHash = POLICY,
) -> str:
    """Store an experiment with its dataset and evaluation; returns its id."""
    config = config or a_config()
    now, experiment_id, dataset_id = datetime.now(UTC), uuid.uuid4().hex, uuid.uuid4().hex
    content = f"ds:v1:sha256:{dataset_id}{dataset_id}"
    bar = Bar(
        config_hash=config_hash(config),
        dataset_hash=content,
        policy=PolicyName.DEFAULT,
        policy_hash=policy_hash,
        samples=150,
    )
    gated = decision(outcome, policy_hash)
    measured, ai = metrics(), AiVerdict(verdict=Verdict.PASS, confidence=0.7 + 0.1, judged_by="rules")
    word = Override(verdict=override, reason="because", by="eve") if override else None
    evaluated = experiment.Evaluation(
        metrics=measured,
        ai=ai,
        decision=gated,
        report_hash=report_hash(measured, ai, gated, word),
        evaluated_at=now,
    )
    rows: list[Any] = [
        Dataset(
            id=dataset_id,
            name=f"d-{dataset_id}",
            version=1,
            content_hash=content,
            stats={"samples": 150, "clean": 50, "labels": 100, "groups": 150, "lines": 1},
            created_by=author,
            created_at=now,
        ),
        Experiment(
            id=experiment_id,
            name="variant",
            config=config.model_dump(mode="json"),
            config_hash=config_hash(config),
            dataset_id=dataset_id,
            positions=list(range(150)),
            policy=PolicyName.DEFAULT,
            status=status,
            bar=bar.model_dump(mode="json"),
            request_hash=HASH,
            created_by=author,
            created_at=now,
            finished_at=now,
        ),
        Evaluation(
            **evaluation_row(experiment_id, evaluated),
            human_override=override,
            override_reason=word and word.reason,
            evaluated_by=word and word.by,
        ),
    ]
    async with database.transaction() as session:
        for row in rows:
            session.add(row)
            await session.flush()
    return experiment_id


async def change(database: Database, statement: str, **values: object) -> None:
    """Change something behind everybody's back."""
    async with database.statements() as session:
        await session.execute(text(statement), values)


async def chain(database: Database, subject: str) -> list[tuple[str, str, str | None]]:
    """Action, actor and refusal of every audit entry about something, in order."""
    async with database.statements() as session:
        query = text("SELECT action, actor, data ->> 'refusal' FROM audit_log WHERE subject = :subject ORDER BY seq")
        return [(row[0], row[1], row[2]) for row in (await session.execute(query, {"subject": subject})).all()]


def other(evidence: Evidence) -> Evidence:
    """The evidence of another report."""
    return evidence.model_copy(update={"report_hash": f"report:v1:sha256:{'f' * 64}"})
