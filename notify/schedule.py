"""What goes out because time passed: notices to members, and the reporter's one reminder.

Time lives in the due rows. A tick claims what is due, and writes the mail into the outbox in the very transaction that
settles the row; so a tick that is killed, repeated, or run by two daemons at once sends nothing twice.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cases.retention import policy_of
from cases.terms import DueKind
from config.addresses import BadAddress
from config.settings import DeskSettings, Settings
from notify import notices
from notify.addressing import Addressing, address
from notify.compose import Notice, NoticeFacts, Outgoing, ReminderFacts, compose_notice, compose_reminder
from notify.keys import SenderKeys, own_pair
from store import dues, lookups, mailer_contact, outbox, taking
from store.database import Database, clock
from store.dues import DueClaim, LeaseLost
from store.frame import SealError
from store.keyring import UnprovenKey
from store.mailer_contact import Contact
from store.members import notice_addresses
from store.outbox import NewOutgoing, OutboxState, OutgoingKind, OutgoingRow
from store.reach import kept_from
from store.retention import destroy_at, is_held

LEASE_SECONDS = 120
MOST_AT_ONCE = 1000
LATER = timedelta(days=1)

BROUGHT_ABOUT = frozenset({Notice.GIVEN})
"""What members can bring about as often as they like, so that it counts against the cap of who gets it."""

NOTICES = {DueKind.FIRST_LOOK: Notice.NOT_LOOKED_AT, DueKind.FEEDBACK: Notice.FEEDBACK_OVERDUE}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queued:
    """How many mails a tick wrote into the outbox."""

    notices: int
    reminders: int


@dataclass(frozen=True)
class Noticed:
    """How many mails tell of it, and of which cases somebody hears by them."""

    written: int
    case_ids: frozenset[str]


NOBODY = Noticed(0, frozenset())


def run_due(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> Queued:
    """One tick of both kinds. Safe to repeat, at any time and by anyone."""
    of_members = (tell_deputies, notify_members, tell_holders, announce_destructions)
    return Queued(
        sum(tell(settings, database, keys) for tell in of_members), remind_reporters(settings, database, keys)
    )


def notify_members(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> int:
    """Tell members, once a case and term, that a first look or a feedback is overdue; gives the mails written.

    What a tick finds goes into one notice a desk and kind, so that a hundred old cases are one mail, not a hundred.
    The row stays open: only a person does what is due.
    """
    groups: dict[tuple[str, DueKind], list[DueClaim]] = defaultdict(list)
    for claim in _claims(database, NOTICES):
        groups[claim.desk, claim.kind].append(claim)
    written = 0
    for (desk, kind), claims in groups.items():
        if desk in keys:
            with database.begin() as session:
                held = [claim for claim in claims if _left_open(session, claim)]
                if held:
                    written += _notice(session, settings, keys[desk], desk, NOTICES[kind], held).written
    return written


def tell_deputies(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> int:
    """Tell the deputy of cases to be looked at today that nobody looked at in time, once a case; gives the mails
    written. Of one that the deputy does not open all who do are told.
    """
    groups: dict[str, list[DueClaim]] = defaultdict(list)
    for claim in _claims(database, [DueKind.URGENT_LOOK]):
        groups[claim.desk].append(claim)
    written = 0
    for desk, claims in groups.items():
        if desk not in keys:
            continue
        with database.begin() as session:
            held = [claim for claim in claims if _left_open(session, claim)]
            notice, deputy = Notice.NOT_LOOKED_AT_TODAY, settings.desks[desk].deputy
            to = {each: to for each, to in notice_addresses(session, desk).items() if each == deputy}
            told = _notice(session, settings, keys[desk], desk, notice, held, among=to) if to else NOBODY
            left = [claim for claim in held if claim.case_id not in told.case_ids]
            written += told.written
            written += _notice(session, settings, keys[desk], desk, notice, left).written if left else 0
    return written


def tell_holders(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> int:
    """Tell members of the cases that they were given and have by now; gives the mails written. One a member and tick.

    Nobody is told of a case that went on to another, ended, or may not be opened by them any more.
    """
    groups: dict[str, list[DueClaim]] = defaultdict(list)
    for claim in _claims(database, [DueKind.GIVEN_NOTICE]):
        groups[claim.desk].append(claim)
    written = 0
    for desk, claims in groups.items():
        if desk in keys:
            with database.begin() as session:
                held = [claim for claim in claims if _settled(session, claim)]
                have = taking.holders(session, [claim.case_id for claim in held])
                for member_id, to in notice_addresses(session, desk, set(have.values())).items():
                    theirs = [claim for claim in held if have.get(claim.case_id) == member_id]
                    among = {member_id: to}
                    written += _notice(session, settings, keys[desk], desk, Notice.GIVEN, theirs, among=among).written
    return written


def announce_destructions(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> int:
    """Tell members that cases are to be destroyed; gives the mails written. One notice a desk and tick.

    Only this wakes a destruction, for when the notice is as old as the desk wants it: where nobody can be told, or the
    clock stood wrong, nothing is destroyed.
    """
    groups: dict[str, list[DueClaim]] = defaultdict(list)
    for claim in _claims(database, [DueKind.DESTROY_NOTICE]):
        groups[claim.desk].append(claim)
    written = 0
    for desk, claims in groups.items():
        if desk in keys:
            with database.begin() as session:
                written += _announce(session, settings, keys[desk], desk, claims)
    return written


def _announce(session: Session, settings: Settings, keys: SenderKeys, desk: str, claims: Sequence[DueClaim]) -> int:
    policy, now = policy_of(settings, desk), clock(session)
    waiting = [claim for claim in claims if not policy.is_filled_in or is_held(session, claim.case_id)]
    for claim in waiting:  # lifting a hold, or filling the table in, sets the dates anew
        _left_open(session, claim, now + LATER)
    told = [claim for claim in claims if claim not in waiting and _left_open(session, claim, now + LATER)]
    if not told:
        return 0
    on = {claim.case_id: destroy_at(session, claim.case_id) or now for claim in told}
    result = _notice(session, settings, keys, desk, Notice.DESTRUCTION, told, on)
    for case_id in result.case_ids:  # the others tomorrow again
        dues.finish_dues(session, case_id, [DueKind.DESTROY_NOTICE])
        dues.wake(session, case_id, DueKind.DESTROY, now + policy.notice)
    return result.written


def remind_reporters(settings: Settings, database: Database, keys: Mapping[str, SenderKeys]) -> int:
    """Send the one reminder of what is missing where nothing came; gives the mails written."""
    written = 0
    for claim in _claims(database, [DueKind.REMINDER]):
        if claim.desk in keys:
            try:
                with database.begin() as session:
                    written += _remind(session, settings, keys[claim.desk], claim)
            except LeaseLost:
                log.info("a reminder was taken over or called off meanwhile")
            except SealError:
                log.error("case %s: its contact cannot be opened; a later round tries again", claim.case_id)  # noqa: TRY400
            except UnprovenKey as error:
                log.error("case %s: no reminder is written: %s", claim.case_id, error)  # noqa: TRY400
    return written


def _claims(database: Database, kinds: Iterable[DueKind]) -> Iterator[DueClaim]:
    wanted = tuple(kinds)
    for _ in range(MOST_AT_ONCE):
        claim = dues.claim_due(database, wanted, LEASE_SECONDS)
        if claim is None:
            return
        yield claim


def _left_open(session: Session, claim: DueClaim, wake_at: datetime | None = None) -> bool:
    try:
        dues.leave_open(session, claim, wake_at)
    except LeaseLost:
        return False
    return True


def _settled(session: Session, claim: DueClaim) -> bool:
    try:
        dues.settle_due(session, claim)
    except LeaseLost:
        return False
    return True


def _notice(
    session: Session,
    settings: Settings,
    keys: SenderKeys,
    desk: str,
    notice: Notice,
    claims: Sequence[DueClaim],
    on: Mapping[str, datetime] | None = None,
    among: Mapping[str, str] | None = None,
) -> Noticed:
    """Tell each member of those cases that they may know of: one that they are kept out of is not counted for them.

    It names the earliest date of these. `on`: the dates by case, where it is not that of the claim. `among`: the
    addresses of members, by id, where not all who open what comes in are meant.
    """
    now = clock(session)
    of_desk = settings.desks[desk]
    dates = on or {claim.case_id: claim.due_at for claim in claims}
    kept = kept_from(session, dates)
    written = 0
    told: set[str] = set()
    addresses = notice_addresses(session, desk) if among is None else among
    for member_id, recipient in notices.reached(session, desk, addresses, now).items():
        theirs = {case_id: at for case_id, at in dates.items() if case_id not in kept or member_id in kept[case_id]}
        caps = keys.index.caps(recipient, now)
        counts = notice in BROUGHT_ABOUT
        if not theirs or (counts and outbox.recent_count(session, desk, now - LATER, caps) >= notices.A_DAY):
            continue
        earliest = min(theirs.values()).astimezone(ZoneInfo(of_desk.timezone)).date()
        facts = NoticeFacts(notice, of_desk.language, settings.web.public_url, due=earliest, count=len(theirs))
        outbox_id = outbox.new_outbox_id()
        try:
            outside = address(of_desk, keys.token.sign(outbox_id), recipient, date=now)
        except BadAddress as error:
            log.warning("desk %s: a member gets no notice, for their address is no good: %s", desk, error)
            continue
        mail = compose_notice(of_desk, facts, outside)
        counted = caps[0] if counts else None
        new = _new(outbox_id, OutgoingKind.NOTICE, None, outside, mail, caps=counted, member_id=member_id)
        _enqueue(session, keys, desk, new, now)
        written += 1
        told |= theirs.keys()
    return Noticed(written, frozenset(told))


def _remind(session: Session, settings: Settings, keys: SenderKeys, claim: DueClaim) -> int:
    contact = keys.mailer.opening(lambda private: mailer_contact.read(session, private, claim.case_id))
    receipts = [row for row in outbox.of_case(session, claim.case_id) if row.kind == OutgoingKind.RECEIPT]
    if (
        contact is None
        or not contact.asked
        or not receipts
        or _cannot_be_reached(session, keys, claim, contact, receipts)
    ):
        dues.settle_due(session, claim)
        mailer_contact.forget(session, claim.case_id)
        return 0
    now = clock(session)
    arrived = [row for row in receipts if row.may_have_arrived]
    if not arrived or _over_caps(session, settings, keys, claim.desk, contact, now):
        dues.leave_open(session, claim, now + LATER)  # who had no receipt yet gets no reminder of it either
        return 0
    dues.settle_due(session, claim)
    mailer_contact.forget(session, claim.case_id)
    try:
        new = _reminder(session, settings.desks[claim.desk], keys, claim, contact, arrived[0], now)
    except BadAddress:
        return 0
    _enqueue(session, keys, claim.desk, new, now)
    return 1


def _cannot_be_reached(
    session: Session, keys: SenderKeys, claim: DueClaim, contact: Contact, receipts: Sequence[OutgoingRow]
) -> bool:
    """A bounce, or a refusal for good, ends all reminders: they would only come back too.

    Only of mail to this very address: whoever got hold of a token has receipts in the case, and lets them bounce.
    """
    desk, case_id = claim.desk, claim.case_id
    for row in receipts:
        theirs = keys.index.recipient(row.id, contact.address)
        refused = row.state == OutboxState.FAILED and lookups.recipients_among(session, desk, case_id, [theirs])
        if refused or lookups.came_back(session, desk, case_id, theirs):
            return True
    return False


def _over_caps(
    session: Session, settings: Settings, keys: SenderKeys, desk: str, contact: Contact, now: datetime
) -> bool:
    caps = keys.index.caps(contact.address, now)
    return outbox.recent_count(session, desk, now - LATER, caps) >= settings.rules.per_address_per_day


def _reminder(
    session: Session,
    desk: DeskSettings,
    keys: SenderKeys,
    claim: DueClaim,
    contact: Contact,
    receipt: OutgoingRow,
    now: datetime,
) -> NewOutgoing:
    """It answers our own receipt, whose Message-ID we can make again; of the reporter's mail nothing is known here."""
    outbox_id = outbox.new_outbox_id()
    of_receipt = address(desk, keys.token.sign(receipt.id), contact.address, date=now).message_id
    outside = address(desk, keys.token.sign(outbox_id), contact.address, date=now, in_reply_to=of_receipt)
    received = lookups.first_received_at(session, claim.case_id)
    facts = ReminderFacts(received or receipt.created_at, contact.language, contact.asked)
    mail = compose_reminder(desk, facts, outside)
    caps, _ = keys.index.caps(contact.address, now)
    return _new(outbox_id, OutgoingKind.REMINDER, claim.case_id, outside, mail, caps=caps)


def _new(
    outbox_id: str,
    kind: OutgoingKind,
    case_id: str | None,
    outside: Addressing,
    mail: Outgoing,
    caps: bytes | None = None,
    member_id: str | None = None,
) -> NewOutgoing:
    """The outbox row of a mail; the case keeps a copy of what went to its reporter."""
    copy = {"kind": kind.value, "subject": mail.subject, "text": mail.text, "to": outside.to}
    return NewOutgoing(
        id=outbox_id,
        kind=kind,
        case_id=case_id,
        recipient=outside.to,
        mime=mail.mime,
        message_id=outside.message_id,
        envelope_sender=outside.envelope_sender,
        caps=caps,
        copy=copy if case_id is not None else None,
        member_id=member_id,
    )


def _enqueue(session: Session, keys: SenderKeys, desk: str, new: NewOutgoing, now: datetime) -> None:
    outbox.enqueue(session, own_pair(session, desk, keys), keys.index, new, now)
