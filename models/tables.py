"""Rows of the database: columns only, no methods. Imported by `activities/storage` alone."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import date as Day
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _utc(**options: Any) -> Any:
    return Field(sa_type=DateTime(timezone=True), **options)  # pyright: ignore[reportArgumentType, reportCallIssue]


class Source(SQLModel, table=True):
    """A source under review, stored once per owner by its content hash."""

    __tablename__ = "sources"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    content_hash: str = Field(max_length=64)
    manifest: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """zstd of the JSON object path -> text."""
    artifacts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """zstd in base64, by kind."""
    created_at: datetime = _utc()


class Review(SQLModel, table=True):
    """One review, from acceptance to report."""

    __tablename__ = "reviews"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    source_id: str = Field(foreign_key="sources.id", max_length=32)
    status: str = Field(max_length=20)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    review_order: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The `ReviewOrder`: enough to start the process again."""
    report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    partial: bool | None = None
    failure: str | None = Field(default=None, max_length=80)
    config_hash: str | None = Field(default=None, max_length=80)
    """Of the reviewer configuration; None: from before there were any."""
    background: bool = False
    """Made by an experiment or a trial: in no user's list, and started by nobody but its process."""
    created_at: datetime = _utc()
    finished_at: datetime | None = _utc(default=None)


class ExpertResult(SQLModel, table=True):
    """What one expert delivered in one review: attempt 0 is the static half, 1 and up are model attempts."""

    __tablename__ = "expert_results"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    expert: str = Field(primary_key=True, max_length=20)
    attempt: int = Field(primary_key=True)
    status: str = Field(max_length=20)
    findings: int = 0
    seconds: float = 0.0
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    started_at: datetime = _utc()


class Finding(SQLModel, table=True):
    """One reported finding."""

    __tablename__ = "findings"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    fingerprint: str = Field(primary_key=True, max_length=32)
    rank: int
    kind: str = Field(max_length=80)
    cwe: str | None = Field(default=None, max_length=12)
    severity: str = Field(max_length=10)
    confidence: float
    path: str
    line_start: int
    line_end: int


class PayloadKey(SQLModel, table=True):
    """A key of the Temporal payload codec, wrapped by the key service."""

    __tablename__ = "payload_keys"

    id: str = Field(primary_key=True, max_length=32)
    wrapped: str
    active: bool = True
    created_at: datetime = _utc()


def _usd() -> Any:
    return Field(default=Decimal(0), sa_column=Column(Numeric(18, 6), nullable=False))


class Provider(SQLModel, table=True):
    """One model at one endpoint."""

    __tablename__ = "providers"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=60, unique=True)
    provider_type: str = Field(max_length=20)
    protocol: str = Field(max_length=30)
    model_name: str = Field(max_length=200)
    api_endpoint: str = Field(max_length=300)
    tier: str = Field(max_length=20)
    quality: float = 0.5
    is_active: bool = True
    is_platform_provided: bool = True
    needs_key: bool = True
    last_resort: bool = False
    cost_per_1k_tokens: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    """The `PriceOverride` (USD per million tokens, by kind); null: the price library's."""
    context_tokens: int
    max_tokens: int
    """Longest answer."""
    timeout_seconds: int = 120
    max_concurrency: int = 16
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created_at: datetime = _utc()
    updated_at: datetime = _utc()


class UserProvider(SQLModel, table=True):
    """A key of a user or of the platform for one provider, encrypted under a data key of its own."""

    __tablename__ = "user_providers"

    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(max_length=120)
    provider_id: str = Field(foreign_key="providers.id", max_length=32)
    provider_name: str = Field(max_length=60)
    provider_type: str = Field(max_length=20)
    model_name: str = Field(max_length=200)
    endpoint: str = Field(max_length=300)
    """The endpoint the key was given for; it goes nowhere else."""
    version: int = 1
    encrypted_api_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """nonce and ciphertext, AES-256-GCM."""
    encrypted_dek: str
    """The data key as the key service wrapped it."""
    key_service: str = Field(max_length=20)
    """`transit` or `aws-kms`."""
    key_last_4_chars: str = Field(max_length=4)
    state: str = Field(default="active", max_length=20)
    reason: str | None = Field(default=None, max_length=80)
    is_active: bool = True
    created_at: datetime = _utc()
    rotated_at: datetime | None = _utc(default=None)


class KeyVersion(SQLModel, table=True):
    """The newest version that a key ever had: an older row that somebody puts back is refused. Only rises."""

    __tablename__ = "key_versions"

    key_id: str = Field(primary_key=True, max_length=32)
    version: int


class ProviderHealth(SQLModel, table=True):
    """Where a provider stands."""

    __tablename__ = "provider_health"

    id: str = Field(primary_key=True, max_length=32)
    provider_id: str = Field(foreign_key="providers.id", unique=True, max_length=32)
    is_healthy: bool = True
    good_streak: int = 0
    last_check_at: datetime | None = _utc(default=None)
    last_error: str | None = Field(default=None, max_length=80)
    consecutive_failures: int = 0
    response_time_ms: int | None = None
    success_rate: float | None = None


class UserQuota(SQLModel, table=True):
    """Limits of one user; null is no limit."""

    __tablename__ = "user_quotas"

    user_id: str = Field(primary_key=True, max_length=120)
    daily_limit: int | None = None
    monthly_limit: int | None = None
    """Requests."""
    daily_cost_limit: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 6), nullable=True))
    monthly_cost_limit: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 6), nullable=True))
    """USD."""
    updated_at: datetime = _utc()


class QuotaCounter(SQLModel, table=True):
    """What a user has used and set aside in one period: changed in the transaction that changes the ledger."""

    __tablename__ = "quota_counters"

    user_id: str = Field(primary_key=True, max_length=120)
    period: str = Field(primary_key=True, max_length=10)
    """`2026-11-26` or `2026-11`, UTC."""
    requests: int = 0
    spent_micro_usd: int = 0
    held_micro_usd: int = 0
    revision: int = 0
    """Rises with every change, so that a copy of these numbers knows whether it is older."""


class LedgerEntry(SQLModel, table=True):
    """One reservation and what became of it: the truth about money."""

    __tablename__ = "ledger"

    id: str = Field(primary_key=True, max_length=32)
    workflow_id: str = Field(max_length=120)
    step: str = Field(max_length=80)
    attempt: int
    delivery: int
    user_id: str = Field(max_length=120)
    review_id: str | None = Field(default=None, max_length=32)
    expert: str | None = Field(default=None, max_length=20)
    provider_id: str = Field(max_length=32)
    key_id: str | None = Field(default=None, max_length=32)
    state: str = Field(max_length=12)
    day: str = Field(max_length=10)
    reserved_micro_usd: int
    cost_micro_usd: int = 0
    price: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    usage: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    useful: bool = True
    failure: str | None = Field(default=None, max_length=80)
    created_at: datetime = _utc()
    ended_at: datetime | None = _utc(default=None)


class ModelAnswer(SQLModel, table=True):
    """An answer that was paid for, encrypted and kept with its booking: after a crash it is read, not paid again."""

    __tablename__ = "model_answers"

    reservation_id: str = Field(primary_key=True, foreign_key="ledger.id", max_length=32)
    workflow_id: str = Field(max_length=120)
    step: str = Field(max_length=80)
    attempt: int
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _utc()


class UsageTracking(SQLModel, table=True):
    """Settled use per user and UTC day."""

    __tablename__ = "usage_tracking"

    user_id: str = Field(primary_key=True, max_length=120)
    date: Day = Field(primary_key=True)
    requests_count: int = 0
    tokens_used: int = 0
    cost_usd: Decimal = _usd()


class CostAlert(SQLModel, table=True):
    """An alert and its delivery: the row is the outbox."""

    __tablename__ = "cost_alerts"

    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(max_length=120)
    """Whom or what it is about: a user, a provider, a key."""
    alert_type: str = Field(max_length=30)
    period: str = Field(max_length=40)
    threshold_percentage: int = 0
    triggered_at: datetime = _utc()
    delivered_at: datetime | None = _utc(default=None)
    claimed_until: datetime | None = _utc(default=None)
    """Until then one worker delivers it; when that one dies, another may."""
    delivery_attempts: int = 0
    delivered_to: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    """Fingerprints of the targets that have it."""
    acknowledged: bool = False
    acknowledged_by: str | None = Field(default=None, max_length=120)


class Route(SQLModel, table=True):
    """The routing decision of one expert in one review, with its inputs."""

    __tablename__ = "routes"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    expert: str = Field(primary_key=True, max_length=20)
    decision: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = _utc()


def _json() -> Any:
    return Field(sa_column=Column(JSONB, nullable=False))


class ReviewerConfiguration(SQLModel, table=True):
    """A reviewer configuration by its hash."""

    __tablename__ = "reviewer_configs"

    config_hash: str = Field(primary_key=True, max_length=80)
    similarity_hash: str = Field(max_length=90)
    config: dict[str, Any] = _json()
    created_by: str = Field(max_length=120)
    created_at: datetime = _utc()


class Dataset(SQLModel, table=True):
    """One immutable version of a dataset."""

    __tablename__ = "datasets"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=60)
    version: int
    content_hash: str = Field(max_length=80)
    stats: dict[str, Any] = _json()
    created_by: str = Field(max_length=120)
    created_at: datetime = _utc()


class Sample(SQLModel, table=True):
    """One labelled sample; its code is the source."""

    __tablename__ = "samples"

    dataset_id: str = Field(primary_key=True, foreign_key="datasets.id", max_length=32)
    position: int = Field(primary_key=True)
    sample_id: str = Field(max_length=120)
    source_id: str = Field(foreign_key="sources.id", max_length=32)
    path: str
    language: str = Field(max_length=20)
    split: str = Field(max_length=10)
    group_name: str = Field(max_length=120)
    clean: bool
    labels: list[dict[str, Any]] = _json()
    scope: dict[str, Any] = _json()
    extra: dict[str, Any] = _json()
    """Everything else its line said; for people, never for a reviewer."""


class Experiment(SQLModel, table=True):
    """One experiment."""

    __tablename__ = "experiments"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=80)
    config: dict[str, Any] = _json()
    config_hash: str = Field(max_length=80)
    dataset_id: str = Field(foreign_key="datasets.id", max_length=32)
    positions: list[int] = Field(sa_column=Column(JSONB, nullable=False))
    policy: str = Field(max_length=20)
    comparison_id: str | None = Field(default=None, foreign_key="comparisons.id", max_length=32)
    """Of the comparison that it is a run of; such a run is measured, and no gate decides on it."""
    status: str = Field(max_length=20)
    bar: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    failure: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    created_by: str = Field(max_length=120)
    created_at: datetime = _utc()
    finished_at: datetime | None = _utc(default=None)


class ExperimentSample(SQLModel, table=True):
    """One sample of an experiment and the review that was made of it."""

    __tablename__ = "experiment_samples"

    experiment_id: str = Field(primary_key=True, foreign_key="experiments.id", max_length=32)
    number: int = Field(primary_key=True)
    """Place in the experiment."""
    position: int
    """Place in the dataset."""
    review_id: str = Field(foreign_key="reviews.id", unique=True, max_length=32)
    static_seconds: float | None = None
    """Its share of the batch's static analysis; None: not analysed yet."""
    seconds: float | None = None
    """From the begin of its review to its report, without `static_seconds`; None: not over."""
    cached: bool = False
    failure: str | None = Field(default=None, max_length=80)
    finished_at: datetime | None = _utc(default=None)


class Comparison(SQLModel, table=True):
    """Two configurations on the same samples."""

    __tablename__ = "comparisons"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=80)
    v1_version_id: str = Field(max_length=32)
    """Id of a version or an experiment; `config` for a configuration that is neither."""
    v2_version_id: str = Field(max_length=32)
    sides: dict[str, Any] = _json()
    dataset_id: str = Field(foreign_key="datasets.id", max_length=32)
    dataset_size: int
    request: dict[str, Any] = _json()
    prices: str | None = Field(default=None, max_length=64)
    """Hash of the price table when it was asked for; None: the runs were recorded before."""
    status: str = Field(max_length=20)
    metrics: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    recommendation: str | None = Field(default=None, max_length=20)
    confidence: float | None = None
    failure: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    created_by: str = Field(max_length=120)
    created_at: datetime = _utc()
    finished_at: datetime | None = _utc(default=None)


class ComparisonTest(SQLModel, table=True):
    """One statistical test of a comparison."""

    __tablename__ = "statistical_tests"

    id: str = Field(primary_key=True, max_length=40)
    comparison_id: str = Field(foreign_key="comparisons.id", max_length=32)
    test_name: str = Field(max_length=64)
    metric: str = Field(max_length=64)
    p_value: float | None = None
    is_significant: bool
    effect_size: float | None = None
    test: dict[str, Any] = _json()
    """All of it."""


class Evaluation(SQLModel, table=True):
    """What came of an experiment."""

    __tablename__ = "evaluations"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", unique=True, max_length=32)
    metrics: dict[str, Any] = _json()
    ai_verdict: str = Field(max_length=20)
    ai_confidence: float
    ai_reasons: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    judged_by: str = Field(max_length=80)
    human_override: str | None = Field(default=None, max_length=20)
    override_reason: str | None = Field(default=None, max_length=400)
    evaluated_by: str | None = Field(default=None, max_length=120)
    """Who overrode the verdict."""
    decision: dict[str, Any] = _json()
    report_hash: str = Field(max_length=90)
    evaluated_at: datetime = _utc()


class Version(SQLModel, table=True):
    """A configuration that is, or was, in production."""

    __tablename__ = "versions"

    id: str = Field(primary_key=True, max_length=32)
    number: int = Field(unique=True)
    config_hash: str = Field(max_length=80)
    config: dict[str, Any] = _json()
    status: str = Field(max_length=20)
    experiment_id: str | None = Field(default=None, foreign_key="experiments.id", max_length=32)
    promotion_id: str | None = Field(default=None, max_length=32)
    promoted_by: str = Field(max_length=120)
    promoted_at: datetime = _utc()


class Promotion(SQLModel, table=True):
    """A promotion that waits, or waited, for people."""

    __tablename__ = "promotions"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", max_length=32)
    from_version_id: str | None = Field(default=None, foreign_key="versions.id", max_length=32)
    to_version_id: str | None = Field(default=None, foreign_key="versions.id", max_length=32)
    status: str = Field(max_length=20)
    reason: str = Field(max_length=400)
    evidence: dict[str, Any] = _json()
    needed: int
    author: str = Field(max_length=120)
    requested_by: str = Field(max_length=120)
    requested_at: datetime = _utc()
    expires_at: datetime = _utc()
    approver_id: str | None = Field(default=None, max_length=120)
    """Whose word completed the number."""
    promoted_at: datetime | None = _utc(default=None)
    refusal: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)


class Approval(SQLModel, table=True):
    """One approver's word."""

    __tablename__ = "approvals"

    promotion_id: str = Field(primary_key=True, foreign_key="promotions.id", max_length=32)
    approver: str = Field(primary_key=True, max_length=120)
    vote: str = Field(max_length=10)
    evidence: dict[str, Any] = _json()
    reason: str | None = Field(default=None, max_length=400)
    at: datetime = _utc()


class Blacklist(SQLModel, table=True):
    """A quarantined configuration; released ones keep their row."""

    __tablename__ = "blacklist"

    id: str = Field(primary_key=True, max_length=32)
    config_hash: str = Field(unique=True, max_length=80)
    reason: str = Field(max_length=400)
    evidence: dict[str, Any] = _json()
    quarantined_by: str = Field(max_length=120)
    quarantined_at: datetime = _utc()
    review_status: str = Field(max_length=20)
    reviewed_by: str | None = Field(default=None, max_length=120)
    reviewed_at: datetime | None = _utc(default=None)
    release_reason: str | None = Field(default=None, max_length=400)


class Trial(SQLModel, table=True):
    """A candidate that reviews a share of the live traffic in the background."""

    __tablename__ = "trials"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", max_length=32)
    config: dict[str, Any] = _json()
    config_hash: str = Field(max_length=80)
    share_percent: int
    status: str = Field(max_length=20)
    started_by: str = Field(max_length=120)
    started_at: datetime = _utc()
    stopped_at: datetime | None = _utc(default=None)
    reason: str | None = Field(default=None, max_length=400)


class TrialReview(SQLModel, table=True):
    """A live review and the candidate's of the same source."""

    __tablename__ = "trial_reviews"

    trial_id: str = Field(primary_key=True, foreign_key="trials.id", max_length=32)
    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    candidate_review_id: str = Field(foreign_key="reviews.id", unique=True, max_length=32)
    comparison: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    created_at: datetime = _utc()
    compared_at: datetime | None = _utc(default=None)


class AuditEntry(SQLModel, table=True):
    """One link of the audit chain. Written by the database's `audit_append` alone."""

    __tablename__ = "audit_log"

    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = _utc()
    action: str = Field(max_length=40)
    actor: str = Field(max_length=120)
    subject: str = Field(max_length=120)
    data: dict[str, Any] = _json()
    dedup: str | None = Field(default=None, unique=True, max_length=160)
    prev_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class IdempotentAnswer(SQLModel, table=True):
    """A request that had an Idempotency-Key, and what was answered to it."""

    __tablename__ = "idempotent_answers"

    id: str = Field(primary_key=True, max_length=64)
    """Digest of caller, method, path and key."""
    body_digest: str = Field(max_length=64)
    claim: str = Field(max_length=32)
    """Of whoever carries the request out."""
    claimed_at: datetime = _utc()
    status: int | None = None
    """None: it is being carried out."""
    headers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """None with a status: the answer held a secret."""


class Token(SQLModel, table=True):
    """A caller's token, known by its digest alone. Rows stay when tokens are revoked: what they did stays, too."""

    __tablename__ = "tokens"

    id: str = Field(primary_key=True, max_length=32)
    digest: str = Field(unique=True, max_length=64)
    """SHA-256 of the token; it has 256 random bits, so nothing slower is needed."""
    name: str = Field(max_length=80)
    owner: str = Field(max_length=120)
    roles: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    """None: everything that the roles may do."""
    made_with: str | None = Field(default=None, foreign_key="tokens.id", max_length=32)
    """The token that was sent to make it, and is not outlived by it; None: one of the settings'."""
    created_by: str = Field(max_length=120)
    created_at: datetime = _utc()
    expires_at: datetime = _utc()
    last_used_at: datetime | None = _utc(default=None)
    """To the minute."""
    revoked_at: datetime | None = _utc(default=None)
    revoked_by: str | None = Field(default=None, max_length=120)
