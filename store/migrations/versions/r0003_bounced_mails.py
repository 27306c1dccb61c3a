"""Finding the mails that came back without reading all that ever went out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BOUNCED = sa.text("bounce_message_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_outbox_bounced", "outbox", ["desk", "bounce_message_id"], sqlite_where=BOUNCED, postgresql_where=BOUNCED
    )
