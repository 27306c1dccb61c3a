"""What is counted on top of the queue, and which cases are linked, is read from indexes that hold no more than that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_UNSEEN = sa.text("seen_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_message_unseen", "message")
    op.create_index(
        *("ix_message_unseen", "message", ["desk", "seen_at", "case_id"]),
        sqlite_where=_UNSEEN,
        postgresql_where=_UNSEEN,
    )
    op.drop_index("ix_case_file_restricted", "case_file")
    op.create_index(
        *("ix_case_file_restricted", "case_file", ["desk", "restricted", "id"]),
        sqlite_where=sa.text("restricted IS 1"),
        postgresql_where=sa.text("restricted IS true"),
    )
    op.create_index("ix_case_file_linked_case_id", "case_file", ["linked_case_id"])
    op.create_index("ix_due_of_cases", "due", ["desk", "state", "case_id", "due_at", "kind"])
