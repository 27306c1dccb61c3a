"""What goes out because a mail came in: the receipt, if it may have one, and the members' notice of a new case.

`decide` gathers the facts for the rules of `cases.receipts`, `members_to_tell` those for notices; `queue_receipt` and
`queue_notices` write what follows into the outbox, in the intake transaction. Nothing is sent here.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cases.lifecycle import OPEN
from cases.receipts import Caps, ReceiptDecision, ReceiptFacts, ReceiptKind, decide_receipt
from cases.terms import feedback_due
from config.addresses import BadAddress, domain_to_ascii, without_tag
from ingest.authentication import Authentication
from ingest.automatic import Verdict, bare
from ingest.intake import Intake
from ingest.mail import ParsedMail
from ingest.threads import Thread
from ingest.unread import has_unread_files
from notify import compose, notices
from notify.addressing import Addressing, address
from store import lookups, mailer_contact, outbox
from store.intake import CaseKeys
from store.keyring import DeskPublicKeys
from store.mailer_contact import Contact
from store.members import notice_addresses
from store.outbox import NewOutgoing, OutgoingKind, new_outbox_id
from triage import Report

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Arrival:
    """When and how a mail came. `at` is the mail server's time, None where nobody wrote it down; `kept_at` is then the
    best that its source knows."""

    at: datetime | None
    kept_at: datetime
    imported: bool = False
    first_connection: bool = False

    @property
    def waits(self) -> bool:
        """Neither a first start nor an import sends mail by itself (DESIGN, promise 6)."""
        return self.imported or self.first_connection


@dataclass(frozen=True)
class Understood:
    """A mail that was read, and what was made of it. `report` is None where nobody could understand it."""

    mail: ParsedMail
    report: Report | None
    verdict: Verdict
    thread: Thread
    authentication: Authentication | None = None

    @property
    def disowned(self) -> bool:
        return self.authentication is not None and bool(self.authentication.denial)


def answer_address(mail: ParsedMail, own: frozenset[str]) -> str | None:
    """Where a receipt goes: to From, or to Reply-To where that is the same mailbox, with another plus tag at most.

    Any other Reply-To, of the same domain too, may be of somebody who asked for nothing. Neither to what no mail can go
    to, nor to ourselves: where Reply-To is such an address, From is left.
    """
    if mail.from_ is None:
        return None
    candidates = [mail.from_.address]
    if len(mail.reply_to) == 1 and not answers_go_elsewhere(mail):
        candidates.insert(0, mail.reply_to[0].address)
    return next((each for each in candidates if _can_be_written_to(each, own)), None)


def answers_go_elsewhere(mail: ParsedMail) -> bool:
    """Would an answer go to another mailbox than From's? Ours does not; a person should know before they write."""
    if mail.from_ is None:
        return False
    return any(_mailbox(each.address) != _mailbox(mail.from_.address) for each in mail.reply_to)


def noteworthy(mail: ParsedMail, authentication: Authentication | None) -> list[str]:
    """What a person should know of where a mail says it comes from: slugs of docs/flow.md."""
    found = [authentication.denial] if authentication and authentication.denial else []
    if mail.from_ is None:
        named = mail.header("from")
        found.append("several_senders" if len(named) > 1 or "".join(named).count("@") > 1 else "no_sender")
    return [*found, "reply_to_elsewhere"] if answers_go_elsewhere(mail) else found


def decide(session: Session, intake: Intake, arrival: Arrival, read: Understood, now: datetime) -> ReceiptDecision:
    """Which receipt, if any, and why."""
    to = answer_address(read.mail, intake.own_addresses)
    rules = intake.settings.rules
    report, follow_up = read.report, read.thread.case_id is not None
    return decide_receipt(
        ReceiptFacts(
            now=now,
            arrived_at=arrival.at,
            has_sender=to is not None,
            own_mail=read.verdict.own_mail,
            automatic=read.verdict.kind,
            understood=report is not None,
            anonymous=report is not None and report.anonymous,
            kind_scores=report.kind_scores if report else {},
            # what a first mail held already would be missing in each one that adds to it
            missing_scores=report.missing_scores if report and not follow_up else {},
            sender_is_new_to_case=read.thread.sender_is_new,
            first_connection=arrival.first_connection,
            imported=arrival.imported,
            denial=read.authentication.denial if read.authentication else "",
            caps=_caps(session, intake, to or "", read.thread.case_id, now),
            max_age=timedelta(days=rules.receipt_max_age_days),
            ask_threshold=rules.ask_threshold,
            kind_threshold=rules.kind_threshold,
            encrypted=_is_encrypted(read.mail),
            unread_files=has_unread_files(read.mail),
        )
    )


@dataclass(frozen=True)
class InCase:
    """The case that a mail is in now. `reference` is None where it was there before: only its digest is in clear."""

    case_id: str
    reference: str | None
    received_at: datetime
    keys: CaseKeys

    @property
    def is_new(self) -> bool:
        return self.reference is not None


def promise(intake: Intake, decision: ReceiptDecision, received_at: datetime, now: datetime) -> datetime | None:
    """Until when the reporter of a new case is promised an answer; what the receipt says is due from now on, however
    late it gets out. None, where the receipt waits for a person's word: a day in it could be long past by then."""
    if decision.held or decision.kind is not ReceiptKind.FULL:
        return None
    return feedback_due(received_at, now, intake.terms)


def queue_receipt(
    session: Session,
    intake: Intake,
    keys: DeskPublicKeys,
    read: Understood,
    decision: ReceiptDecision,
    case: InCase,
    promised: datetime | None,
    now: datetime,
) -> bool:
    """Put the receipt into the outbox, and note what the mailer has to know for later; was there one?

    `promised` is the day that `promise` gave.
    """
    to = answer_address(read.mail, intake.own_addresses)
    if decision.kind is ReceiptKind.NONE or to is None:
        return False
    outbox_id = new_outbox_id()
    addressing = _address(intake, outbox_id, to, now, read.mail)
    # of an encrypted mail the receipt tells nothing, be it the language of what was in it
    encrypted = _is_encrypted(read.mail)
    report = None if encrypted else read.report
    language = report.language if report else intake.desk_settings.language if encrypted else ""
    written = compose.compose_receipt(
        intake.desk_settings,
        compose.ReceiptFacts(
            reference=case.reference,
            received_at=case.received_at,
            language=language,
            full=decision.kind is ReceiptKind.FULL,
            ask=decision.ask,
            anonymous=report is not None and report.anonymous,
            feedback_by=None if promised is None else promised.astimezone(intake.terms.timezone).date(),
            feedback_months=intake.terms.feedback_months if decision.held and case.is_new else None,
            follow_up=not case.is_new,
            encrypted_unread=read.mail.protection is not None and read.mail.protection.is_for_another_key,
        ),
        addressing,
    )
    new = NewOutgoing(
        id=outbox_id,
        kind=OutgoingKind.RECEIPT,
        case_id=case.case_id,
        recipient=addressing.to,
        mime=written.mime,
        message_id=addressing.message_id,
        envelope_sender=addressing.envelope_sender,
        held=decision.held,
        caps=intake.index.caps(to, now)[0],
        copy={"kind": "receipt", "subject": written.subject, "text": written.text, "to": to},
    )
    outbox.enqueue(session, keys.mailer, intake.index, new, now, identity=case.keys.identity)
    if not read.thread.sender_is_new:
        lookups.remember_recipient(session, intake.desk, case.case_id, intake.index.recipient(outbox_id, addressing.to))
    contact = Contact(addressing.to, language, decision.ask)
    if case.is_new:
        mailer_contact.add(session, keys.mailer, case.case_id, contact, now)
    elif not read.thread.sender_is_new and lookups.case_status(session, case.case_id) in OPEN:
        mailer_contact.write(session, keys.mailer, case.case_id, contact, now)
    return True


def members_to_tell(
    session: Session,
    intake: Intake,
    sender: str | None,
    answered: str | None,
    now: datetime,
    among: Collection[str] | None = None,
) -> dict[str, str]:
    """The addresses of the members, by id, who can have a notice of one more case: of those who open what comes in, or
    of those `among` whom this one is opened by alone. `answered` is where a receipt goes at once, which counts against
    the caps, too.

    A member's robot that answers notices in no form that we know would have us write for ever; so a case that a
    member's own address opened has the lower cap. It is not passed over in silence: From is easily forged.
    """
    addresses = notice_addresses(session, intake.desk, among)
    by_member = sender is not None and bare(sender) in map(bare, addresses.values())
    most = min(notices.A_DAY, intake.settings.rules.per_address_per_day) if by_member else notices.A_DAY
    on_the_way = [] if answered is None else [intake.index.caps(answered, now)[0]]
    told = {}
    for member_id, to in notices.reached(session, intake.desk, addresses, now).items():
        caps = intake.index.caps(to, now)
        if outbox.recent_count(session, intake.desk, now - DAY, digests=caps) + on_the_way.count(caps[0]) < most:
            told[member_id] = to
            on_the_way.append(caps[0])  # members may share a mailbox
    return told


def queue_notices(
    session: Session,
    intake: Intake,
    keys: DeskPublicKeys,
    case: InCase,
    members: Mapping[str, str],
    now: datetime,
    *,
    today: bool = False,
) -> int:
    """Tell these members of a new case, and if meant that it is to be looked at `today`. How many were told?"""
    told = 0
    for member_id, member in members.items():
        outbox_id = new_outbox_id()
        try:
            addressing = _address(intake, outbox_id, member, now, None)
        except BadAddress as error:
            log.warning("desk %s: a member gets no notice, for their address is no good: %s", intake.desk, error)
            continue
        facts = compose.NoticeFacts(
            compose.Notice.LOOK_TODAY if today else compose.Notice.NEW_CASE,
            intake.desk_settings.language,
            intake.settings.web.public_url,
            case.reference,
            now.astimezone(intake.terms.timezone).date() if today else None,
        )
        new = NewOutgoing(
            id=outbox_id,
            kind=OutgoingKind.NOTICE,
            case_id=case.case_id,
            recipient=addressing.to,
            mime=compose.compose_notice(intake.desk_settings, facts, addressing).mime,
            message_id=addressing.message_id,
            envelope_sender=addressing.envelope_sender,
            caps=intake.index.caps(member, now)[0],
            member_id=member_id,
        )
        outbox.enqueue(session, keys.mailer, intake.index, new, now)
        told += 1
    return told


def _address(intake: Intake, outbox_id: str, to: str, now: datetime, mail: ParsedMail | None) -> Addressing:
    return address(
        intake.desk_settings,
        intake.tokens.sign(outbox_id),
        to,
        date=now,
        in_reply_to=mail.message_id if mail else None,
        references=mail.references if mail else (),
    )


def _can_be_written_to(to: str, own: frozenset[str]) -> bool:
    try:
        return bare(domain_to_ascii(to)) not in own
    except BadAddress:
        return False


def _caps(session: Session, intake: Intake, to: str, case_id: str | None, now: datetime) -> Caps:
    rules = intake.settings.rules
    return Caps(
        to_address=outbox.recent_count(session, intake.desk, now - DAY, digests=intake.index.caps(to, now)),
        to_address_max=rules.per_address_per_day,
        to_domain=outbox.recent_count_to_domain(session, intake.desk, now - DAY, intake.index.caps(to, now)),
        to_domain_max=rules.per_domain_per_day,
        in_case=outbox.recent_count_in_case(session, case_id, now - DAY) if case_id else 0,
        in_case_max=rules.per_case_per_day,
        in_all=outbox.recent_count_in_all(session, intake.desk, now - HOUR),
        in_all_max=rules.total_per_hour,
    )


def _is_encrypted(mail: ParsedMail) -> bool:
    return mail.protection is not None and mail.protection.encrypted is not None


def _mailbox(address_: str) -> str:
    """An address for comparing; what no mail can go to is like itself alone."""
    try:
        return without_tag(address_)
    except BadAddress:
        return address_
