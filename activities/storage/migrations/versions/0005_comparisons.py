"""Comparisons and their statistical tests; experiments that are runs of one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create what comparisons need."""
    op.create_table(
        "comparisons",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("v1_version_id", sa.String(32), nullable=False),
        sa.Column("v2_version_id", sa.String(32), nullable=False),
        sa.Column("sides", JSONB, nullable=False),
        sa.Column("dataset_id", sa.String(32), sa.ForeignKey("datasets.id"), nullable=False),
        sa.Column("dataset_size", sa.Integer, nullable=False),
        sa.Column("request", JSONB, nullable=False),
        sa.Column("prices", sa.String(64)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("metrics", JSONB),
        sa.Column("report", JSONB),
        sa.Column("recommendation", sa.String(20)),
        sa.Column("confidence", sa.Float),
        sa.Column("failure", sa.String(80)),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("finished_at", UTC),
        sa.UniqueConstraint("created_by", "idempotency_key"),
    )
    op.create_index("comparisons_by_time", "comparisons", ["created_at", "id"])
    op.create_index("comparisons_by_versions", "comparisons", ["v1_version_id", "v2_version_id", "created_at"])
    op.create_table(
        "statistical_tests",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("comparison_id", sa.String(32), sa.ForeignKey("comparisons.id"), nullable=False, index=True),
        sa.Column("test_name", sa.String(64), nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("p_value", sa.Float),
        sa.Column("is_significant", sa.Boolean, nullable=False),
        sa.Column("effect_size", sa.Float),
        sa.Column("test", JSONB, nullable=False),
    )
    op.add_column("experiments", sa.Column("comparison_id", sa.String(32), sa.ForeignKey("comparisons.id")))
    op.create_index("experiments_by_comparison", "experiments", ["comparison_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("experiments_by_comparison", "experiments")
    op.drop_column("experiments", "comparison_id")
    op.drop_table("statistical_tests")
    op.drop_table("comparisons")
