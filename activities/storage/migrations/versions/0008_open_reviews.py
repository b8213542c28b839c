"""Reviews that have not ended are found without reading those that have: they are counted whenever one is accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index; `owner` is all that the count wants of a row."""
    op.create_index(
        "reviews_open", "reviews", ["owner"], postgresql_where=sa.text("status = 'running' AND NOT background")
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("reviews_open", "reviews")
