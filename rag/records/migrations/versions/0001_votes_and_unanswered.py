"""Votes, and questions asked in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("hour", sa.DateTime, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("quotes", sa.JSON, nullable=False),
        sa.Column("index_digest", sa.String(64), nullable=False),
        # A number is never given twice: what was exported under it is not taken for another.
        sqlite_autoincrement=True,
    )
    op.create_table(
        "unanswered",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("hour", sa.DateTime, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("index_digest", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
