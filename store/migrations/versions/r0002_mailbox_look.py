"""When each mailbox was last read, and what still lies in its done folder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LYING = sa.text("moved_at IS NOT NULL AND expunged_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "mailbox_look",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["desk"], ["desk.slug"]),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_index("ix_ledger_lying", "ledger", ["account"], sqlite_where=LYING, postgresql_where=LYING)
