"""What is old is found without reading everything."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """An index on the hour, by which records go away."""
    op.create_index("votes_by_hour", "votes", ["hour"])
    op.create_index("unanswered_by_hour", "unanswered", ["hour"])
