"""Who sealed a record, and their signature; and finding a record's rows on the trail without reading all of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

HOLDS_A_DIGEST = sa.text("sha256 IS NOT NULL")


def upgrade() -> None:
    op.add_column("record", sa.Column("signed_by", sa.String(length=32), nullable=True))
    op.add_column("record", sa.Column("signature", sa.LargeBinary(length=64), nullable=True))
    op.create_index(
        "ix_audit_record",
        "audit",
        ["subject_id", "record_kind"],
        sqlite_where=HOLDS_A_DIGEST,
        postgresql_where=HOLDS_A_DIGEST,
    )
