"""The search index: sealed segments, and what of which case they know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TO_FOLD = sa.text("changes <> folded")


def upgrade() -> None:
    op.add_column("case_file", sa.Column("changes", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("case_file", sa.Column("folded", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_case_file_to_fold",
        "case_file",
        ["desk", "opened_at"],
        sqlite_where=_TO_FOLD,
        postgresql_where=_TO_FOLD,
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("key_pair_id", sa.String(length=32), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("dead", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk"], ["desk.slug"]),
        sa.ForeignKeyConstraint(["key_pair_id"], ["key_pair.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_segment_key_pair_id", "segment", ["key_pair_id"])
    op.create_table(
        "segment_piece",
        sa.Column("segment_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"]),
        sa.PrimaryKeyConstraint("segment_id", "number"),
    )
    op.create_table(
        "segment_case",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("segment_id", sa.String(length=32), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"]),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"]),
        sa.PrimaryKeyConstraint("case_id", "segment_id"),
    )
    op.create_index("ix_segment_case_segment_id", "segment_case", ["segment_id"])
