"""Which member has a case, in clear: the queue is chosen and counted by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TAKEN = sa.text("taken_by_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("case_file", sa.Column("taken_by_id", sa.String(32)))
    op.create_index(
        *("ix_case_file_taken", "case_file", ["desk", "taken_by_id", "status", "restricted", "id"]),
        sqlite_where=_TAKEN,
        postgresql_where=_TAKEN,
    )
    op.drop_index("ix_case_file_queue", "case_file")
    op.create_index(
        "ix_case_file_queue", "case_file", ["desk", "status", "opened_at", "restricted", "id", "taken_by_id"]
    )
