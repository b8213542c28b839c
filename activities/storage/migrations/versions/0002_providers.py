"""Providers, keys, health, quotas, ledger, answers, alerts, routes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

TABLES = (
    "routes",
    "cost_alerts",
    "usage_tracking",
    "model_answers",
    "ledger",
    "quota_counters",
    "user_quotas",
    "provider_health",
    "key_versions",
    "user_providers",
    "providers",
)

ONLY_RISES = """
CREATE FUNCTION key_versions_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.version < OLD.version OR NEW.key_id <> OLD.key_id THEN
        RAISE EXCEPTION 'key_versions only rise';
    END IF;
    RETURN NEW;
END
$$
"""
"""Whoever may write rows but not change the schema cannot make an old key the newest again."""


def _moment(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables of the provider service."""
    _providers()
    _money()
    _messages()


def _providers() -> None:
    op.create_table(
        "providers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False, unique=True),
        sa.Column("provider_type", sa.String(20), nullable=False),
        sa.Column("protocol", sa.String(30), nullable=False),
        sa.Column("model_name", sa.String(200), nullable=False),
        sa.Column("api_endpoint", sa.String(300), nullable=False),
        sa.Column("tier", sa.String(20), nullable=False),
        sa.Column("quality", sa.Float, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("is_platform_provided", sa.Boolean, nullable=False),
        sa.Column("needs_key", sa.Boolean, nullable=False),
        sa.Column("last_resort", sa.Boolean, nullable=False),
        sa.Column("cost_per_1k_tokens", JSONB),
        sa.Column("context_tokens", sa.BigInteger, nullable=False),
        sa.Column("max_tokens", sa.BigInteger, nullable=False),
        sa.Column("timeout_seconds", sa.Integer, nullable=False),
        sa.Column("max_concurrency", sa.Integer, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("tokens_per_minute", sa.BigInteger),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_table(
        "user_providers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(120), nullable=False, index=True),
        sa.Column("provider_id", sa.String(32), sa.ForeignKey("providers.id"), nullable=False, index=True),
        sa.Column("provider_name", sa.String(60), nullable=False),
        sa.Column("provider_type", sa.String(20), nullable=False),
        sa.Column("model_name", sa.String(200), nullable=False),
        sa.Column("endpoint", sa.String(300), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("encrypted_api_key", sa.LargeBinary, nullable=False),
        sa.Column("encrypted_dek", sa.Text, nullable=False),
        sa.Column("key_service", sa.String(20), nullable=False),
        sa.Column("key_last_4_chars", sa.String(4), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("is_active", sa.Boolean, nullable=False),
        _moment("created_at"),
        _moment("rotated_at", nullable=True),
    )
    op.create_table(
        "key_versions",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.execute(ONLY_RISES)
    op.execute(
        "CREATE TRIGGER key_versions_only_rise BEFORE UPDATE OR DELETE ON key_versions "
        "FOR EACH ROW EXECUTE FUNCTION key_versions_only_rise()"
    )
    op.create_table(
        "provider_health",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("provider_id", sa.String(32), sa.ForeignKey("providers.id"), nullable=False, unique=True),
        sa.Column("is_healthy", sa.Boolean, nullable=False),
        sa.Column("good_streak", sa.Integer, nullable=False),
        _moment("last_check_at", nullable=True),
        sa.Column("last_error", sa.String(80)),
        sa.Column("consecutive_failures", sa.Integer, nullable=False),
        sa.Column("response_time_ms", sa.Integer),
        sa.Column("success_rate", sa.Float),
    )


def _money() -> None:
    op.create_table(
        "user_quotas",
        sa.Column("user_id", sa.String(120), primary_key=True),
        sa.Column("daily_limit", sa.BigInteger),
        sa.Column("monthly_limit", sa.BigInteger),
        sa.Column("daily_cost_limit", sa.Numeric(18, 6)),
        sa.Column("monthly_cost_limit", sa.Numeric(18, 6)),
        _moment("updated_at"),
    )
    op.create_table(
        "quota_counters",
        sa.Column("user_id", sa.String(120), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("spent_micro_usd", sa.BigInteger, nullable=False),
        sa.Column("held_micro_usd", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("requests >= 0 AND spent_micro_usd >= 0 AND held_micro_usd >= 0", "counters_not_negative"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("workflow_id", sa.String(120), nullable=False),
        sa.Column("step", sa.String(80), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("delivery", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String(120), nullable=False),
        sa.Column("review_id", sa.String(32)),
        sa.Column("expert", sa.String(20)),
        sa.Column("provider_id", sa.String(32), nullable=False),
        sa.Column("key_id", sa.String(32)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("reserved_micro_usd", sa.BigInteger, nullable=False),
        sa.Column("cost_micro_usd", sa.BigInteger, nullable=False),
        sa.Column("price", JSONB, nullable=False),
        sa.Column("usage", JSONB),
        sa.Column("useful", sa.Boolean, nullable=False),
        sa.Column("failure", sa.String(80)),
        _moment("created_at"),
        _moment("ended_at", nullable=True),
        sa.UniqueConstraint("workflow_id", "step", "attempt", "delivery"),
    )
    op.create_index("ledger_by_user", "ledger", ["user_id", "day"])
    op.create_index(
        "ledger_open",
        "ledger",
        ["created_at"],
        postgresql_where=sa.text("state IN ('reserved', 'dispatched', 'unknown')"),
    )
    op.create_table(
        "model_answers",
        sa.Column("reservation_id", sa.String(32), sa.ForeignKey("ledger.id"), primary_key=True),
        sa.Column("workflow_id", sa.String(120), nullable=False),
        sa.Column("step", sa.String(80), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        _moment("created_at"),
        sa.UniqueConstraint("workflow_id", "step", "attempt"),
    )
    op.create_table(
        "usage_tracking",
        sa.Column("user_id", sa.String(120), primary_key=True),
        sa.Column("date", sa.Date, primary_key=True),
        sa.Column("requests_count", sa.BigInteger, nullable=False),
        sa.Column("tokens_used", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Numeric(18, 6), nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "cost_alerts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(120), nullable=False),
        sa.Column("alert_type", sa.String(30), nullable=False),
        sa.Column("period", sa.String(40), nullable=False),
        sa.Column("threshold_percentage", sa.Integer, nullable=False),
        _moment("triggered_at"),
        _moment("delivered_at", nullable=True),
        _moment("claimed_until", nullable=True),
        sa.Column("delivery_attempts", sa.Integer, nullable=False),
        sa.Column("delivered_to", JSONB, nullable=False, server_default="[]"),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sa.Column("acknowledged_by", sa.String(120)),
        sa.UniqueConstraint("alert_type", "user_id", "period", "threshold_percentage"),
    )
    op.create_index(
        "alerts_undelivered", "cost_alerts", ["triggered_at"], postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.create_table(
        "routes",
        sa.Column("review_id", sa.String(32), sa.ForeignKey("reviews.id"), primary_key=True),
        sa.Column("expert", sa.String(20), primary_key=True),
        sa.Column("decision", JSONB, nullable=False),
        _moment("created_at"),
    )


def downgrade() -> None:
    """Drop the tables of the provider service."""
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION key_versions_only_rise()")
