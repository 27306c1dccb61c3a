"""Which case does a mail belong to?

A token that we signed joins a mail to its case, whoever sends it. A reference in the subject joins it only with a
sender whom the case knows and for whom our own mail server vouches. Anyone else gets a new case, linked to the one
that was named: nobody gets into a case by quoting it (mail-cases 91, 94, 95).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cases.partners import numbers_in
from cases.references import references_in
from config.addresses import ascii_domain_of, domain_to_ascii
from config.settings import DeskSettings
from ingest.authentication import Authentication, Verdict
from ingest.automatic import bare
from ingest.mail import ParsedMail
from notify.addressing import BOUNCE_MARK
from store import lookups, outbox
from store.lookups import IndexKey, TokenKey
from store.outbox import OutgoingRow

_DELIVERY_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To")
_MOST = 200
"""Addresses and Message-IDs of one mail that are looked at."""


@dataclass(frozen=True)
class Clues:
    """What in a mail may name its case. `tokens` are not verified yet.

    `numbers` are those of a partner's ticket system, each with that partner's domain. `joins_by_message_id`: a known
    sender who is vouched for joins by a Message-ID that the case knows, as the desk wishes it (mail-cases 92).
    `vouched_for`: From passed DMARC. `disowned`: its domain denies the mail, so that nobody is known by it.
    """

    tokens: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    sender: str | None = None
    vouched_for: bool = False
    disowned: bool = False
    numbers: tuple[tuple[str, str], ...] = ()
    joins_by_message_id: bool = False


@dataclass(frozen=True)
class Thread:
    """`case_id` is the case that the mail joins; else it opens a new one, linked to `linked_case` where it named one.

    `answers` is the mail of ours that it answers, or that bounced, by a token that we signed. `reason` is a slug.
    """

    case_id: str | None
    linked_case: str | None
    sender_is_new: bool
    answers: OutgoingRow | None
    reason: str

    @property
    def answers_no_case(self) -> bool:
        """Is it about a mail of ours that is about no one case, such as a notice of what is overdue?"""
        return self.answers is not None and self.case_id is None


def clues(mail: ParsedMail, desk: DeskSettings, authentication: Authentication | None = None) -> Clues:
    """Pure: what the mail says of where it belongs, and our own server of its sender."""
    sender = mail.from_.address if mail.from_ else None
    vouched_for = authentication is not None and authentication.verdict is Verdict.PASS
    answered = tuple(filter(None, (mail.in_reply_to, *reversed(mail.references))))
    original = (mail.delivery_report or {}).get("original_message_id")
    answered += (original,) if original else ()
    recipients = [entry.address for entry in (*mail.to, *mail.cc)]
    delivered = [value.strip() for name in _DELIVERY_FIELDS for value in mail.header(name)]
    return Clues(
        tokens=tuple(dict.fromkeys([*plus_tokens(delivered + recipients, desk), *id_tokens(answered, desk)])),
        references=references_in(mail.subject[:1000])[:5],
        message_ids=answered[:_MOST],
        sender=sender,
        vouched_for=vouched_for,
        numbers=_partner_numbers(mail.subject, sender, desk) if vouched_for and sender else (),
        joins_by_message_id=desk.join_by_references,
        disowned=authentication is not None and authentication.verdict is Verdict.FAIL,
    )


def _partner_numbers(subject: str, sender: str, desk: DeskSettings) -> tuple[tuple[str, str], ...]:
    domain = ascii_domain_of(sender)
    partners = set(map(ascii_domain_of, desk.partner_domains))
    return tuple((domain, number) for number in numbers_in(subject)) if domain in partners else ()


def plus_tokens(addresses: Iterable[str], desk: DeskSettings) -> list[str]:
    """What stands behind the plus of our own addresses (RFC 5233)."""
    own = own_addresses(desk)
    found = []
    for address in list(addresses)[:_MOST]:
        tag = address.strip().strip("<>").lower().rpartition("@")[0].partition("+")[2]
        if tag and bare(address) in own:
            found.append(tag.removeprefix(BOUNCE_MARK))
    return found


def id_tokens(message_ids: Iterable[str], desk: DeskSettings) -> list[str]:
    """The left sides of Message-IDs of our own domain; ids of another instance never match (mail-cases 94)."""
    domain = domain_to_ascii(desk.address).rpartition("@")[2].lower()
    pattern = re.compile(rf"<([a-z0-9]+)@{re.escape(domain)}>", re.IGNORECASE)
    found = (pattern.fullmatch(message_id.strip()) for message_id in list(message_ids)[:_MOST])
    return [match[1].lower() for match in found if match]


def own_addresses(desk: DeskSettings) -> frozenset[str]:
    """The desk's addresses, as `bare` writes them."""
    return frozenset(bare(domain_to_ascii(address)) for address in (desk.address, desk.bounces_to, *desk.own_addresses))


def find_thread(session: Session, desk: str, found: Clues, index: IndexKey, tokens: TokenKey) -> Thread:
    """The first that names a case wins: token, reference, a partner's number, then any Message-ID that we know."""
    answers = None
    for outbox_id in filter(None, map(tokens.verify, found.tokens)):
        sent = outbox.with_id(session, desk, outbox_id)
        if sent and sent.case_id:
            return _joined(session, desk, sent.case_id, found, index, sent, "token")
        answers = answers or sent
    linked = None
    for reference in found.references:
        case_id = lookups.case_by_reference(session, desk, index.reference(reference))
        if case_id is None:
            continue
        thread = _joined(session, desk, case_id, found, index, None, "reference")
        if found.vouched_for and not thread.sender_is_new:
            return thread
        linked = linked or thread.case_id
    if linked:
        return Thread(None, linked, False, answers, "linked_by_reference")
    numbered = _numbered(session, desk, found, index)
    if len(numbered) > 1:
        return Thread(None, numbered[0], False, answers, "linked_by_partner_numbers")
    if numbered:
        return _joined(session, desk, numbered[0], found, index, None, "partner_number")
    for message_id in found.message_ids:
        known = lookups.message_with_id(session, desk, index.message_id(message_id))
        if known:
            thread = _joined(session, desk, known.case_id, found, index, None, "message_id")
            if found.joins_by_message_id and found.vouched_for and not thread.sender_is_new:
                return thread
            linked = thread.case_id
            return Thread(None, linked, False, answers, "linked_by_message_id")
    return Thread(None, None, False, answers, "answers_no_case" if answers else "new")


def _numbered(session: Session, desk: str, found: Clues, index: IndexKey) -> tuple[str, ...]:
    """The cases that a partner's numbers name, each once. With several, nobody can tell in which the mail belongs."""
    digests = [index.partner_number(domain, number) for domain, number in found.numbers]
    named = filter(None, (lookups.case_by_partner_number(session, desk, digest) for digest in digests))
    return tuple(dict.fromkeys(lookups.surviving_case(session, case_id) for case_id in named))


def _joined(
    session: Session, desk: str, case_id: str, found: Clues, index: IndexKey, sent: OutgoingRow | None, reason: str
) -> Thread:
    """Replies to a merged case go to its survivor (mail-cases 97); the sender may be known to either."""
    survivor = lookups.surviving_case(session, case_id)
    known = (
        not found.disowned
        and found.sender is not None
        and any(
            lookups.knows_address(session, desk, either, index.address(either, found.sender))
            for either in {case_id, survivor}
        )
    )
    return Thread(survivor, None, not known, sent, reason)
