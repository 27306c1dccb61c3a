"""What is asked for every mail and of every case takes no longer as the years go by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from cases.terms import DueKind
from store import audit, dues, ledger, outbox
from store.database import open_database
from store.keyring import KeyRing
from tests.store.world import INDEX, NOW

SINCE = NOW - timedelta(hours=1)
RING = KeyRing("member", "desk", "co", {})
CAPS = INDEX.caps("a@x.example", NOW)


@pytest.mark.parametrize(
    ("ask", "plan"),
    [
        (lambda s: outbox.recent_count_in_all(s, "desk", SINCE), "COVERING INDEX ix_outbox_desk_not_before"),
        (lambda s: outbox.recent_count(s, "desk", SINCE, CAPS), "COVERING INDEX ix_mail_cap_desk_digest_at"),
        (lambda s: outbox.recent_count_to_domain(s, "desk", SINCE, CAPS), "COVERING INDEX ix_mail_cap_desk_digest_at"),
        (lambda s: outbox.unreachable_members(s, "desk", SINCE), "INDEX ix_outbox_bounced"),
        (lambda s: ledger.unfinished(s, "desk"), "INDEX ix_ledger_account_state"),
        (lambda s: ledger.find_by_digest(s, "desk", b"r", b"s"), "MULTI-INDEX OR"),
        (lambda s: dues.open_dues(s, "case"), "INDEX ix_due_case_id_state"),
        (lambda s: dues.finish_dues(s, "case", list(DueKind)), "INDEX ix_due_case_id_state"),
        (lambda s: audit.timeline(s, RING, "case"), "INDEX ix_audit_desk_case_id_at"),
    ],
    ids=[
        "in all",
        "to an address",
        "to a domain",
        "members away",
        "without a result",
        "known already",
        "due of a case",
        "done of a case",
        "trail of a case",
    ],
)
def test_it_is_found_by_an_index(
    ask: Callable[[Session], object], plan: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('plans')}/meldpost.db")
    database.upgrade()
    asked: list[tuple[str, object]] = []
    try:
        with database.read() as session:
            connection = session.connection()
            listen = ("before_cursor_execute", lambda _c, _k, statement, values, *_: asked.append((statement, values)))
            event.listen(connection, *listen)
            ask(session)
            event.remove(connection, *listen)
            ((statement, values),) = asked
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    finally:
        database.close()
    assert plan in " / ".join(step.detail for step in steps)
    assert "SCAN" not in " / ".join(step.detail for step in steps)
