"""Cases that are kept from the desk's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column: sa.Column[bool] = sa.Column("restricted", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("case_file", column)
