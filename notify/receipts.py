"""What follows from a receipt that went out: its own term is met, that of the feedback runs, and the reminder of what
it asked for gets its day. All in the transaction that notes the mail as sent, so that it happens when that is so."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from cases.terms import DueKind, Terms, feedback_due, reminder_due, terms_of
from config.settings import Settings
from notify.keys import SenderKeys
from store import dues, lookups, mailer_contact
from store.frame import SealError
from store.mailer_contact import Contact
from store.outbox import OutgoingKind
from store.sending import Claim

log = logging.getLogger(__name__)


def was_sent(
    session: Session, settings: Settings, keys: SenderKeys, claimed: Claim, recipient: str, now: datetime
) -> None:
    """Note what a mail that was handed over changes; nothing, unless it is a receipt to the case's own reporter.

    Who got hold of a token gets a receipt too, and must not be able to meet a term by it.
    """
    case_id = claimed.case_id
    if claimed.kind != OutgoingKind.RECEIPT or case_id is None:
        return
    contact = _contact(session, keys, case_id)
    known = contact is not None and contact.address == recipient
    if not known and not lookups.knows_address(session, claimed.desk, case_id, keys.index.address(case_id, recipient)):
        return
    terms = terms_of(settings, claimed.desk)
    if contact is not None and contact.asked:
        dues.set_due(session, claimed.desk, case_id, DueKind.REMINDER, reminder_due(now, terms))
    open_at = {due.kind: due.due_at for due in dues.open_dues(session, case_id)}
    if DueKind.RECEIPT in open_at:
        dues.finish_dues(session, case_id, [DueKind.RECEIPT])
        if DueKind.FEEDBACK in open_at:
            _start_feedback(session, claimed.desk, case_id, open_at[DueKind.FEEDBACK], terms, now)


def _start_feedback(session: Session, desk: str, case_id: str, due_at: datetime, terms: Terms, now: datetime) -> None:
    """The first receipt that is sent in time starts the term (directive (EU) 2019/1937 art. 9(1)(f)); an earlier day,
    promised in the receipt itself, holds. One that is sent late changes nothing: the term has begun without it."""
    received = lookups.first_received_at(session, case_id)
    if received is None:
        return
    from_receipt = feedback_due(received, now, terms)
    if from_receipt < min(due_at, feedback_due(received, None, terms)):
        dues.set_due(session, desk, case_id, DueKind.FEEDBACK, from_receipt)


def _contact(session: Session, keys: SenderKeys, case_id: str) -> Contact | None:
    try:
        return keys.mailer.opening(lambda private: mailer_contact.read(session, private, case_id))
    except SealError:
        log.error("case %s: its contact cannot be opened; its reporter gets no reminder", case_id)  # noqa: TRY400
        return None
