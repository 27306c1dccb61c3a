"""What is asked for every mail and every case is found without reading all that ever came and went."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_desk_not_before", "outbox", ["desk", "not_before", "kind", "state"])
    op.create_index("ix_ledger_account_state", "ledger", ["account", "state"])
    op.create_index("ix_mail_cap_desk_digest_at", "mail_cap", ["desk", "digest", "at"])
    op.drop_index("ix_mail_cap_digest", "mail_cap")
    op.create_index("ix_due_case_id_state", "due", ["case_id", "state"])
    op.create_index("ix_audit_desk_case_id_at", "audit", ["desk", "case_id", "at"])
    op.drop_index("ix_audit_case_id", "audit")
