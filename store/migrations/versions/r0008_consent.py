"""The consent of a second member."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_pair_id", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ask_signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("given_by", sa.String(length=32), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("give_signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["desk"], ["desk.slug"]),
        sa.ForeignKeyConstraint(["key_pair_id"], ["key_pair.id"]),
        sa.ForeignKeyConstraint(["asked_by"], ["member.id"]),
        sa.ForeignKeyConstraint(["given_by"], ["member.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_consent_desk_action_subject", "consent", ["desk", "action", "subject"])
