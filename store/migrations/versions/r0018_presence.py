"""Who has which case open right now: rows of the moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("case_id", sa.String(32), sa.ForeignKey("case_file.id"), primary_key=True),
        sa.Column("member_id", sa.String(32), sa.ForeignKey("member.id"), primary_key=True),
        sa.Column("desk", sa.String(64), sa.ForeignKey("desk.slug"), nullable=False),
        sa.Column("doing", sa.String(16), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_presence_until", "presence", ["until"])
