"""Chains of hashes for the trail, and checkpoints. The first row of each desk's chains says from which id on."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from store.chains import GENESIS, row_hash
from store.schema import UtcTime, new_id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHAINED = "trail_chained"
TEXTS = ("desk", "action", "member_id", "case_id", "subject_id", "record_kind", "detail_id", "key_pair_id", "chain_id")
NUMBERS = ("record_version", "number")
BYTES = ("sha256", "detail_sha256", "previous", "hash")
TRAIL = sa.table(
    "audit",
    sa.column("id", sa.Integer()),
    sa.column("at", UtcTime()),
    *(sa.column(name, sa.String()) for name in TEXTS),
    *(sa.column(name, sa.Integer()) for name in NUMBERS),
    *(sa.column(name, sa.LargeBinary()) for name in BYTES),
)


def upgrade() -> None:
    for name, kind in (
        ("detail_sha256", sa.LargeBinary(length=32)),
        ("chain_id", sa.String(length=32)),
        ("number", sa.Integer()),
        ("previous", sa.LargeBinary(length=32)),
        ("hash", sa.LargeBinary(length=32)),
    ):
        op.add_column("audit", sa.Column(name, kind, nullable=True))
    op.create_index("ix_audit_chain_id_number", "audit", ["chain_id", "number"], unique=True)
    op.create_table(
        "audit_checkpoint",
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["desk"], ["desk.slug"]),
        sa.PrimaryKeyConstraint("desk", "number"),
    )
    op.create_table(
        "audit_covered",
        sa.Column("chain_id", sa.String(length=32), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["desk"], ["desk.slug"]),
        sa.PrimaryKeyConstraint("chain_id"),
    )
    connection = op.get_bind()
    for desk in connection.scalars(sa.text("SELECT slug FROM desk ORDER BY slug")).all():
        _begin(connection, desk)


def _begin(connection: sa.Connection, desk: str) -> None:
    """The first row of a desk's chains names the last id without a hash, and says how many such rows there are."""
    of_the_desk = sa.select(sa.func.coalesce(sa.func.max(TRAIL.c.id), 0), sa.func.count())
    newest, count = connection.execute(of_the_desk.where(TRAIL.c.desk == desk)).one()
    row = dict.fromkeys((*TEXTS, *NUMBERS, *BYTES)) | {
        "desk": desk,
        "at": datetime.now(UTC),
        "action": CHAINED,
        "subject_id": str(newest),
        "record_version": count,
        "chain_id": new_id(),
        "number": 1,
        "previous": GENESIS,
    }
    row["hash"] = row_hash(row)
    connection.execute(sa.insert(TRAIL).values(**row))
