"""Seeds of members that a passkey opens by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("second_factor", sa.Column("wrapped_seed", sa.LargeBinary(), nullable=True))
