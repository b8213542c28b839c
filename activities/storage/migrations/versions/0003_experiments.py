"""Configurations, datasets, experiments, evaluations, versions, promotions, the blacklist, live trials."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

TABLES = (
    "trial_reviews",
    "trials",
    "blacklist",
    "approvals",
    "promotions",
    "versions",
    "evaluations",
    "experiment_samples",
    "experiments",
    "samples",
    "datasets",
    "reviewer_configs",
)


def _moment(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _id(name: str = "id") -> sa.Column[Any]:
    return sa.Column(name, sa.String(32), primary_key=True)


def _ref(name: str, target: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(32), sa.ForeignKey(f"{target}.id"), **options)


def upgrade() -> None:
    """Create the tables of the version control service."""
    op.create_table(
        "reviewer_configs",
        sa.Column("config_hash", sa.String(80), primary_key=True),
        sa.Column("similarity_hash", sa.String(90), nullable=False, index=True),
        sa.Column("config", JSONB, nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        _moment("created_at"),
    )
    _datasets()
    _experiments()
    _versions()
    _trials()
    # Which configuration a review was done with; reviews of samples belong to their experiment, not to a user's list.
    op.add_column("reviews", sa.Column("config_hash", sa.String(80)))
    op.add_column("reviews", sa.Column("background", sa.Boolean, nullable=False, server_default=sa.false()))
    # How reviews with the stable configuration went is counted every few minutes.
    op.create_index(
        "reviews_by_config", "reviews", ["config_hash", "created_at"], postgresql_where=sa.text("NOT background")
    )


def _datasets() -> None:
    op.create_table(
        "datasets",
        _id(),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.Column("stats", JSONB, nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        _moment("created_at"),
        sa.UniqueConstraint("name", "version"),
        sa.UniqueConstraint("name", "content_hash"),
    )
    op.create_table(
        "samples",
        _ref("dataset_id", "datasets", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sample_id", sa.String(120), nullable=False),
        _ref("source_id", "sources", nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("split", sa.String(10), nullable=False),
        sa.Column("group_name", sa.String(120), nullable=False),
        sa.Column("clean", sa.Boolean, nullable=False),
        sa.Column("labels", JSONB, nullable=False),
        sa.Column("scope", JSONB, nullable=False),
        sa.Column("extra", JSONB, nullable=False),
        sa.UniqueConstraint("dataset_id", "sample_id"),
    )


def _experiments() -> None:
    op.create_table(
        "experiments",
        _id(),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("config", JSONB, nullable=False),
        sa.Column("config_hash", sa.String(80), nullable=False, index=True),
        _ref("dataset_id", "datasets", nullable=False, index=True),
        sa.Column("positions", JSONB, nullable=False),
        sa.Column("policy", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False, index=True),
        sa.Column("bar", JSONB),
        sa.Column("failure", sa.String(80)),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        _moment("created_at"),
        _moment("finished_at", nullable=True),
        sa.UniqueConstraint("created_by", "idempotency_key"),
    )
    op.create_index("experiments_by_age", "experiments", ["created_at", "id"])
    op.create_table(
        "experiment_samples",
        _ref("experiment_id", "experiments", primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False),
        _ref("review_id", "reviews", nullable=False, unique=True),
        sa.Column("static_seconds", sa.Float),
        sa.Column("seconds", sa.Float),
        sa.Column("cached", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("failure", sa.String(80)),
        _moment("finished_at", nullable=True),
    )
    op.create_table(
        "evaluations",
        _id(),
        _ref("experiment_id", "experiments", nullable=False, unique=True),
        sa.Column("metrics", JSONB, nullable=False),
        sa.Column("ai_verdict", sa.String(20), nullable=False),
        sa.Column("ai_confidence", sa.Float, nullable=False),
        sa.Column("ai_reasons", JSONB, nullable=False),
        sa.Column("judged_by", sa.String(80), nullable=False),
        sa.Column("human_override", sa.String(20)),
        sa.Column("override_reason", sa.String(400)),
        sa.Column("evaluated_by", sa.String(120)),
        sa.Column("decision", JSONB, nullable=False),
        sa.Column("report_hash", sa.String(90), nullable=False),
        _moment("evaluated_at"),
    )


def _versions() -> None:
    op.create_table(
        "versions",
        _id(),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("config_hash", sa.String(80), nullable=False),
        sa.Column("config", JSONB, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        _ref("experiment_id", "experiments"),
        sa.Column("promotion_id", sa.String(32)),
        sa.Column("promoted_by", sa.String(120), nullable=False),
        _moment("promoted_at"),
    )
    # At most one is in production, whoever writes.
    op.create_index(
        "versions_one_stable", "versions", ["status"], unique=True, postgresql_where=sa.text("status = 'stable'")
    )
    op.create_table(
        "promotions",
        _id(),
        _ref("experiment_id", "experiments", nullable=False, index=True),
        _ref("from_version_id", "versions"),
        _ref("to_version_id", "versions"),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("requested_by", sa.String(120), nullable=False),
        _moment("requested_at"),
        _moment("expires_at"),
        sa.Column("approver_id", sa.String(120)),
        _moment("promoted_at", nullable=True),
        sa.Column("refusal", sa.String(80)),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("requested_by", "idempotency_key"),
    )
    op.create_index(
        "promotions_one_awaiting",
        "promotions",
        ["experiment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'awaiting'"),
    )
    op.create_table(
        "approvals",
        _ref("promotion_id", "promotions", primary_key=True),
        sa.Column("approver", sa.String(120), primary_key=True),
        sa.Column("vote", sa.String(10), nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("reason", sa.String(400)),
        _moment("at"),
    )
    op.create_table(
        "blacklist",
        _id(),
        sa.Column("config_hash", sa.String(80), nullable=False, unique=True),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("quarantined_by", sa.String(120), nullable=False),
        _moment("quarantined_at"),
        sa.Column("review_status", sa.String(20), nullable=False),
        sa.Column("reviewed_by", sa.String(120)),
        _moment("reviewed_at", nullable=True),
        sa.Column("release_reason", sa.String(400)),
    )


def _trials() -> None:
    """A candidate that reviews a share of the live traffic in the background."""
    op.create_table(
        "trials",
        _id(),
        _ref("experiment_id", "experiments", nullable=False),
        sa.Column("config", JSONB, nullable=False),
        sa.Column("config_hash", sa.String(80), nullable=False),
        sa.Column("share_percent", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_by", sa.String(120), nullable=False),
        _moment("started_at"),
        _moment("stopped_at", nullable=True),
        sa.Column("reason", sa.String(400)),
    )
    op.create_index(
        "trials_one_running", "trials", ["status"], unique=True, postgresql_where=sa.text("status = 'running'")
    )
    op.create_table(
        "trial_reviews",
        _ref("trial_id", "trials", primary_key=True),
        _ref("review_id", "reviews", primary_key=True),
        _ref("candidate_review_id", "reviews", nullable=False, unique=True),
        sa.Column("comparison", JSONB),
        _moment("created_at"),
        _moment("compared_at", nullable=True),
    )


def downgrade() -> None:
    """Drop the tables of the version control service."""
    op.drop_column("reviews", "background")
    op.drop_column("reviews", "config_hash")
    for table in TABLES:
        op.drop_table(table)
