"""Where a mail goes, where its answers and bounces come back, and which mail it answers.

Three places carry the signed token of the outbox row, so that an answer finds its case even when one of them is
rewritten on the way: the Message-ID ``<TOKEN@domain>``, the Reply-To ``desk+TOKEN@domain`` and the envelope sender
``desk+b.TOKEN@domain`` (VERP). Everything that comes from the reporter's mail is checked here: an identifier that is
not one plain ASCII word in angle brackets is left out, never repaired, so that no header can be injected through it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from config.addresses import domain_to_ascii
from config.settings import DeskSettings

BOUNCE_MARK = "b."
"""Stands before the token in the envelope sender, and nowhere else."""

MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>")
"""RFC 5322 §3.6.4 read generously: any printable ASCII but the angle brackets themselves."""

MAX_REFERENCES = 900
"""RFC 5322 §2.1.1: a line holds at most 998 characters; longer chains keep the first and the last few."""


MAX_LOCAL_PART = 64
"""RFC 5321 §4.5.3.1.1."""


@dataclass(frozen=True)
class Addressing:
    """The outside of one mail, apart from its subject. Addresses have their domain as A-labels (`domain_to_ascii`)."""

    to: str
    message_id: str
    from_: str
    from_name: str
    reply_to: str | None
    envelope_sender: str
    """Empty for the null reverse-path."""
    date: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


def address(
    desk: DeskSettings,
    token: str,
    to: str,
    *,
    date: datetime,
    in_reply_to: str | None = None,
    references: tuple[str, ...] = (),
    by_a_person: bool = False,
) -> Addressing:
    """The outside of a mail of this desk to ``to``, which answers the mail ``in_reply_to`` where there is one.

    What is ``by_a_person`` has an envelope sender always: nobody has to know of its bounces but who wrote it.

    Raises BadAddress.
    """
    sender = domain_to_ascii(desk.address)
    domain = sender.rpartition("@")[2].lower()
    parent = clean_message_id(in_reply_to)
    return Addressing(
        to=domain_to_ascii(to),
        message_id=f"<{token}@{domain}>",
        from_=sender,
        from_name=desk.display_name,
        reply_to=with_tag(sender, token) if desk.plus_addressing else None,
        envelope_sender=_bounces_to(desk, token, by_a_person=by_a_person),
        date=date,
        in_reply_to=parent,
        references=thread(references, parent),
    )


def _bounces_to(desk: DeskSettings, token: str, *, by_a_person: bool) -> str:
    if desk.null_return_path and not by_a_person:
        return ""  # RFC 3834 §3.3; bounces then come back to nobody
    bounces = domain_to_ascii(desk.bounces_to)
    return with_tag(bounces, BOUNCE_MARK + token) if desk.plus_addressing else bounces


def with_tag(plain: str, tag: str) -> str:
    """``local+tag@domain`` (RFC 5233); the plain address where that would be longer than a local part may be."""
    local, _, domain = plain.rpartition("@")
    tagged = f"{local}+{tag}"
    return f"{tagged}@{domain}" if len(tagged) <= MAX_LOCAL_PART else plain


def clean_message_id(value: str | None) -> str | None:
    """The identifier, if it is one that can stand in a header as it is; else None."""
    stripped = (value or "").strip()
    return stripped if MESSAGE_ID.fullmatch(stripped) else None


def thread(references: Iterable[str], parent: str | None) -> tuple[str, ...]:
    """The References of an answer (RFC 5322 §3.6.4): those of the parent and the parent itself; when they are too long
    for one line, the first and as many of the last as fit."""
    chain = list(dict.fromkeys(clean for value in references if (clean := clean_message_id(value)) and clean != parent))
    if parent is not None:
        chain.append(parent)
    if _length(chain) <= MAX_REFERENCES:
        return tuple(chain)
    first, last = chain[:1], chain[1:]
    while last and _length(first + last) > MAX_REFERENCES:
        del last[0]
    return tuple(first + last) if last else tuple(chain[-1:])


def _length(chain: list[str]) -> int:
    return sum(len(item) + 1 for item in chain)


def rfc5322_date(moment: datetime) -> str:
    """RFC 5322 §3.3."""
    return format_datetime(moment)
