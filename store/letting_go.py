"""A member who may not open a case any more does not have it any more: it is nobody's, for others to take."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from store.schema import CaseFile


def let_go(session: Session, desk: str, member_id: str, *, but: Collection[str] = ()) -> None:
    """Let nobody have any of the cases that this member has, `but` these."""
    _let_go(session, desk, member_id, CaseFile.id.not_in(list(but)))


def let_go_of(session: Session, desk: str, member_id: str, case_id: str) -> None:
    """Let nobody have this case, if this member has it."""
    _let_go(session, desk, member_id, CaseFile.id == case_id)


def _let_go(session: Session, desk: str, member_id: str, which: ColumnElement[bool]) -> None:
    theirs = (CaseFile.desk == desk, CaseFile.taken_by_id == member_id, which)
    session.execute(update(CaseFile).where(*theirs).values(taken_by_id=None))
