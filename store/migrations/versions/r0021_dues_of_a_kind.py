"""The cases that wait for a first look are counted by an index, without all else that is due."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_due_of_a_kind", "due", ["desk", "kind", "state", "case_id"])
