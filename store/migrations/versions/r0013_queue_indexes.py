"""The queue of very many cases is read by indexes, no further than a page needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UNSEEN = sa.text("seen_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_case_file_desk_status_opened", "case_file")
    op.create_index("ix_case_file_queue", "case_file", ["desk", "status", "opened_at", "restricted", "id"])
    op.create_index(
        "ix_case_file_restricted",
        "case_file",
        ["desk", "id"],
        sqlite_where=sa.text("restricted IS 1"),
        postgresql_where=sa.text("restricted IS true"),
    )
    op.create_index("ix_due_queue", "due", ["desk", "state", "due_at", "case_id", "kind"])
    op.create_index("ix_message_unseen", "message", ["desk", "case_id"], sqlite_where=_UNSEEN, postgresql_where=_UNSEEN)
