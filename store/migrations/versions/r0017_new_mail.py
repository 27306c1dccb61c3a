"""Messages are found by when they were taken in: each open queue asks now and then which are new."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_message_taken_in", "message", ["desk", "taken_in_at"])
