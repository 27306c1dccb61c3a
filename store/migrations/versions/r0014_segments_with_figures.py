"""Segments of the search index hold what is counted of each case: all are made anew at the next log-in."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("segment_case", "segment_piece", "segment"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - a name from here
    op.execute("UPDATE case_file SET folded = 0")
