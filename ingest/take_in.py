"""What becomes of one mail, from its bytes to the commit. Reads from top to bottom like "The way of a mail".

The caller committed the attempt before it touched a byte, and takes the mail out of its mailbox afterwards. Whatever
goes wrong in between leaves no trace but the attempt; after `MAX_ATTEMPTS` without a result a mail is sealed whole.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy.orm import Session

from cases.receipts import ReceiptKind
from cases.references import new_reference
from cases.terms import DueKind, dues_of_a_new_case
from config.faults import fault
from config.taxonomy import Automatic, Severity
from ingest.authentication import Authentication, authenticate
from ingest.automatic import inside, judge
from ingest.bounces import came_back, failed_recipients, returned_tokens
from ingest.conflicts import apart, as_closed_as, restricted
from ingest.digests import without_trace_fields
from ingest.errors import CannotParse, ReaderDied, ReaderTimedOut, UnderstandingFailed
from ingest.intake import Intake
from ingest.mail import ParsedMail
from ingest.message import SEEN_BEFORE, mail_text, read_message, unread_message
from ingest.outgoing import (
    Arrival,
    InCase,
    Understood,
    answer_address,
    decide,
    members_to_tell,
    noteworthy,
    promise,
    queue_notices,
    queue_receipt,
)
from ingest.raw import RawMail
from ingest.readers import FILES_DEFECT
from ingest.reading import read_mail
from ingest.threads import clues, find_thread
from store import audit, dues, ledger, lookups, mailer_contact, outbox
from store.audit import Action
from store.database import clock
from store.intake import NewMessage, TakenIn, add_message, end_waiting, open_case
from store.keyring import DeskPublicKeys
from store.ledger import AlreadyTakenIn, LedgerEntry
from store.outbox import OutgoingKind
from store.restriction import Restriction
from triage import Report

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 2


class Result(StrEnum):
    TAKEN = "taken"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Outcome:
    """`queued`: something waits in the outbox now."""

    result: Result
    queued: bool = False


_Unread = Literal["unreadable", "too_large"]


@dataclass(frozen=True)
class _Taking:
    """One mail on its way in, and the digests by which it is known ever after."""

    intake: Intake
    entry: LedgerEntry
    raw: RawMail
    arrival: Arrival
    raw_digest: bytes
    stable_digest: bytes


@dataclass(frozen=True)
class ReadMail:
    """A mail that was read, or could not be; nothing of it is committed yet."""

    taking: _Taking
    mail: ParsedMail | _Unread


def take_in(intake: Intake, entry: LedgerEntry, raw: RawMail, arrival: Arrival) -> Outcome:
    """Both steps of one mail, one after the other.

    Raises NurseryGone, DeskKeyDiffers, UnprovenKey, AlreadyTakenIn and the database's errors: then nothing happened but
    the attempt.
    """
    found = read(intake, entry, raw, arrival)
    return found if isinstance(found, Outcome) else commit(found)


def read(intake: Intake, entry: LedgerEntry, raw: RawMail, arrival: Arrival) -> ReadMail | Outcome:
    """The first step: is it known, else what does it say? An Outcome where it was in already. Raises as `take_in`."""
    index = intake.index
    stable_digest = index.stable(without_trace_fields(raw.chunks()))
    taking = _Taking(intake, entry, raw, arrival, index.raw(raw.chunks()), stable_digest)
    return Outcome(Result.DUPLICATE) if _settle_as_duplicate(taking) else ReadMail(taking, _read(taking))


def commit(found: ReadMail) -> Outcome:
    """The second step: understand, decide, and write all of it in one transaction. Raises as `take_in`."""
    taking, mail, intake = found.taking, found.mail, found.taking.intake
    report = None if isinstance(mail, str) else _understand(intake, mail)
    try:
        with intake.database.begin() as session:
            if isinstance(mail, str):
                queued = _write_unread(session, taking, mail)
            else:
                queued = _write_read(session, taking, mail, report)
            fault("before-intake-commit")
    except AlreadyTakenIn:
        if not _settle_as_duplicate(taking):  # another daemon took in the same mail from another place
            raise
        return Outcome(Result.DUPLICATE)
    fault("after-intake-commit")
    return Outcome(Result(mail) if isinstance(mail, str) else Result.TAKEN, queued)


def _settle_as_duplicate(taking: _Taking) -> bool:
    """Is this mail, or one that differs in trace fields only, in already? Then that is its result."""
    database, account = taking.intake.database, taking.intake.account
    with database.read() as session:
        known = ledger.find_by_digest(session, account, taking.raw_digest, taking.stable_digest)
    if known is None or known.id == taking.entry.id:
        return False
    with database.begin() as session:
        ledger.settle_duplicate(session, taking.entry.id, known.id)
    log.info("%s: uid %d: in already, with case %s", account, taking.entry.place.uid, known.case_id)
    return True


def _read(taking: _Taking) -> ParsedMail | _Unread:
    intake, entry = taking.intake, taking.entry
    if taking.raw.size > intake.settings.limits.max_parse_bytes:
        return "too_large"
    while entry.attempts <= MAX_ATTEMPTS:
        try:
            mail = read_mail(intake.readers, taking.raw, intake.opening, intake.scanner)
        except CannotParse:
            break
        except (ReaderDied, ReaderTimedOut) as error:
            log.warning("%s: uid %d: %s", intake.account, entry.place.uid, type(error).__name__)
            entry = ledger.begin_attempt(intake.database, intake.desk, entry.place)
        else:
            if any(defect.startswith(FILES_DEFECT) for defect in mail.defects):
                log.warning("%s: uid %d: a reader ended over the mail's files", intake.account, entry.place.uid)
            return mail
    return "unreadable"


def _understand(intake: Intake, mail: ParsedMail) -> Report | None:
    try:
        return intake.understanders.understand(mail_text(mail))
    except UnderstandingFailed:
        log.warning("%s: a mail goes on without suggestions: it could not be understood", intake.account)
        return None


def _write_read(session: Session, taking: _Taking, mail: ParsedMail, report: Report | None) -> bool:
    """The middle of the transaction for a mail that was read; does something wait in the outbox now?"""
    intake, arrival, now = taking.intake, taking.arrival, clock(session)
    keys = intake.keys(session)
    sender = mail.from_.address if mail.from_ else None
    verdict = judge(mail.headers, sender, intake.own(mail), inside(mail))
    authentication = authenticate(mail.headers, intake.desk_settings.trusted_authserv_id, sender)
    found = clues(mail, intake.desk_settings, authentication)
    if verdict.kind is Automatic.BOUNCE:
        found = replace(found, tokens=(*found.tokens, *returned_tokens(mail)))
    answered_in = find_thread(session, intake.desk, found, intake.index, intake.tokens)
    kept = restricted(session, intake, report) if answered_in.case_id is None or verdict.kind is None else None
    thread = apart(session, answered_in, kept)
    kept = as_closed_as(session, intake.desk, intake.desk_settings, thread.linked_case, report, kept)
    read = Understood(mail, report, verdict, thread, authentication)
    decision = decide(session, intake, arrival, read, now)
    new = read_message(
        taking.raw,
        mail,
        report,
        verdict,
        arrival.at or _plausible(mail.date, now) or arrival.kept_at,
        authentication=authentication,
        flags=_flags(session, intake, mail, authentication),
        decided={"thread": thread.reason, "automatic": verdict.reason, "receipt": decision.reason},
    )
    # a machine that answers a notice must bring about no further one, now or when something would be overdue
    quiet = thread.answers_no_case and verdict.kind is not None
    notify = thread.case_id is None and verdict.may_report and not arrival.waits and not quiet
    answered = answer_address(mail, intake.own_addresses) if decision.goes_at_once else None
    among = None if kept is None else kept.recipients.keys()
    members = members_to_tell(session, intake, sender, answered, now, among) if notify else {}
    today = notify and intake.desk_settings.look_today and report is not None and report.severity is Severity.ACUUT
    # of a new case, all is asked by now, so that what follows is written in one go
    promised = None
    if thread.case_id is None:
        due = {} if quiet else _dues(intake, arrival, new.received_at, now, may_report=verdict.may_report)
        promised = promise(intake, decision, new.received_at, now)
        due |= {DueKind.FEEDBACK: promised} if promised else {}
        due |= {DueKind.URGENT_LOOK: now + timedelta(hours=intake.desk_settings.deputy_hours)} if today else {}
        case, taken = _open(session, intake, keys, new, due, now, linked_case=thread.linked_case, kept=kept)
        if answered_in.case_id is not None and not answered_in.sender_is_new:  # who answered elsewhere is not reminded
            dues.finish_dues(session, answered_in.case_id, [DueKind.REMINDER])
    else:
        case, taken = _add(session, intake, keys, new, thread.case_id, read, now)
    numbers = [intake.index.partner_number(domain, number) for domain, number in found.numbers]
    lookups.remember_partner_numbers(session, intake.desk, taken.case_id, taken.message_id, numbers)
    _note_bounce(session, intake, read, taken)
    queued = queue_receipt(session, intake, keys, read, decision, case, promised, now)
    queued = bool(queue_notices(session, intake, keys, case, members, now, today=today)) or queued
    decided = {"receipt": decision.kind, "held": decision.held, "reason": decision.reason}
    _note_decision(session, intake, taken, decided | {"thread": thread.reason, "automatic": verdict.kind}, now)
    _settle(session, taking, taken)
    log.info(
        "%s: uid %d: case %s (thread: %s; automatic: %s; receipt: %s, %s%s)",
        *(intake.account, taking.entry.place.uid, taken.case_id, thread.reason, verdict.reason),
        *(decision.kind, decision.reason, ", held" if decision.held else ""),
    )
    return queued


def _write_unread(session: Session, taking: _Taking, state: _Unread) -> bool:
    """The middle of the transaction for a mail that is kept whole. Nobody knows whom it is from: no receipt."""
    intake, arrival, now = taking.intake, taking.arrival, clock(session)
    keys = intake.keys(session)
    new = unread_message(taking.raw, state, arrival.at or arrival.kept_at)
    due = _dues(intake, arrival, new.received_at, now, may_report=True)
    members = {} if arrival.waits else members_to_tell(session, intake, None, None, now)
    case, taken = _open(session, intake, keys, new, due, now, linked_case=None)
    told = queue_notices(session, intake, keys, case, members, now)
    decided = {"receipt": ReceiptKind.NONE, "held": False, "reason": state, "thread": "new", "automatic": None}
    _note_decision(session, intake, taken, decided, now)
    _settle(session, taking, taken)
    log.warning("%s: uid %d: case %s, kept whole: %s", intake.account, taking.entry.place.uid, taken.case_id, state)
    return told > 0


def _dues(
    intake: Intake, arrival: Arrival, received_at: datetime, now: datetime, *, may_report: bool
) -> dict[DueKind, datetime]:
    """What is due for a new case. At what is surely no report a person only has to take a look. A mail that waited
    elsewhere until now is not overdue before the desk could look at it: an import must set off no alarm."""
    due = dict(dues_of_a_new_case(received_at, intake.terms))
    if arrival.waits:
        first_look = dues_of_a_new_case(now, intake.terms)[DueKind.FIRST_LOOK]
        due = {kind: max(due_at, first_look) for kind, due_at in due.items()}
    return due if may_report else {DueKind.FIRST_LOOK: due[DueKind.FIRST_LOOK]}


def _open(
    session: Session,
    intake: Intake,
    keys: DeskPublicKeys,
    new: NewMessage,
    due: Mapping[DueKind, datetime],
    now: datetime,
    *,
    linked_case: str | None,
    kept: Restriction | None = None,
) -> tuple[InCase, TakenIn]:
    reference = new_reference(intake.randbelow)
    taken = open_case(
        *(session, keys, intake.index, new),
        reference=reference,
        now=now,
        dues=due,
        linked_case=linked_case,
        restriction=kept,
    )
    return InCase(taken.case_id, reference, new.received_at, taken.keys), taken


def _add(
    session: Session,
    intake: Intake,
    keys: DeskPublicKeys,
    new: NewMessage,
    case_id: str,
    read: Understood,
    now: datetime,
) -> tuple[InCase, TakenIn]:
    """A further message, and what it changes: who answers is not reminded any more, nor waited for."""
    sender_is_new = read.thread.sender_is_new
    taken = add_message(session, keys, intake.index, case_id, new, sender_is_new=sender_is_new, now=now)
    if read.verdict.kind is None and not sender_is_new:
        dues.finish_dues(session, case_id, [DueKind.REMINDER])
        end_waiting(session, taken.keys, now)
        mailer_contact.forget(session, case_id)  # a receipt, where there is one, notes it anew
    return InCase(case_id, None, new.received_at, taken.keys), taken


def _note_bounce(session: Session, intake: Intake, read: Understood, taken: TakenIn) -> None:
    """Tie a bounce to the mail that came back; a reporter's address that bounced is not reminded.

    A bounce is easily made up, so it ends a reminder only where it knows whom that very receipt went to, that was the
    case's own reporter, and the domain that it comes from does not disown it.
    """
    sent = read.thread.answers
    if sent is None or read.verdict.kind is not Automatic.BOUNCE or not came_back(read.mail):
        return
    outbox.note_bounce(session, sent.id, taken.message_id)
    if sent.case_id is None or sent.kind is not OutgoingKind.RECEIPT or read.disowned:
        return
    failed = [intake.index.recipient(sent.id, address) for address in failed_recipients(read.mail)]
    reporter = lookups.recipients_among(session, intake.desk, sent.case_id, failed)
    if reporter:
        lookups.remember_came_back(session, intake.desk, sent.case_id, reporter)
        dues.cancel_dues(session, sent.case_id, [DueKind.REMINDER])


def _settle(session: Session, taking: _Taking, taken: TakenIn) -> None:
    ledger.settle(
        session,
        taking.entry.id,
        raw_digest=taking.raw_digest,
        stable_digest=taking.stable_digest,
        case_id=taken.case_id,
        message_id=taken.message_id,
    )


def _note_decision(session: Session, intake: Intake, taken: TakenIn, detail: Mapping[str, Any], now: datetime) -> None:
    audit.write(
        session,
        intake.desk,
        Action.RECEIPT_DECIDED,
        now,
        case_id=taken.case_id,
        subject_id=taken.message_id,
        detail=detail,
        to=taken.keys.case,
    )


def _flags(session: Session, intake: Intake, mail: ParsedMail, authentication: Authentication | None) -> list[str]:
    """What a person should know of where a mail comes from: the slugs of docs/flow.md."""
    digest = None if mail.message_id is None else intake.index.message_id(mail.message_id)
    seen = digest is not None and lookups.message_with_id(session, intake.desk, digest)
    # with other content, it is a new mail (mail-cases 18)
    return [*([SEEN_BEFORE] if seen else []), *noteworthy(mail, authentication)]


def _plausible(date: datetime | None, now: datetime) -> datetime | None:
    """What the mail says of its own time, unless that is yet to come."""
    return date if date is not None and date <= now else None
