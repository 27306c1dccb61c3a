"""The later messages of cases that nobody has looked at, and that no card knows yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from store.schema import Message


def unread(session: Session, case_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each follow-up that nobody has looked at, with its case."""
    first = aliased(Message)
    before = exists().where(first.case_id == Message.case_id, first.taken_in_at < Message.taken_in_at)
    unseen = select(Message.id, Message.case_id).where(Message.case_id.in_(case_ids), Message.seen_at.is_(None), before)
    yield from ((message_id, case_id) for message_id, case_id in session.execute(unseen))
