"""Tokens of callers, by their digests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("roles", JSONB, nullable=False),
        sa.Column("scopes", JSONB),
        sa.Column("made_with", sa.String(32), sa.ForeignKey("tokens.id"), index=True),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("last_used_at", UTC),
        sa.Column("revoked_at", UTC),
        sa.Column("revoked_by", sa.String(120)),
    )
    op.create_index("tokens_by_owner", "tokens", ["owner", "created_at", "id"])
    op.create_index("tokens_by_time", "tokens", ["created_at", "id"])
    op.create_index("tokens_by_spelling", "tokens", [sa.text("lower(owner)")])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("tokens")
