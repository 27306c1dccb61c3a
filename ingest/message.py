"""What the store keeps of a mail: from what a reader and a triage worker said to the records of one message. Pure."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from cases.masking import mask
from config.taxonomy import Kind, Severity
from ingest.authentication import Authentication
from ingest.automatic import Verdict, without_our_fields
from ingest.letters import other_files, own_words
from ingest.mail import Address, ChildMessage, ParsedAttachment, ParsedMail, SenderKey
from ingest.protection.armour import without_messages
from ingest.raw import RawMail
from store.intake import NewAttachment, NewMessage
from triage import MailText, Report

_FEW_WORDS = 12
_MOST_FOUND = 200
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,190}")
_NUMBER = re.compile(r"\+?\d(?:[\s./()-]{0,3}\d){8,14}")

SEEN_BEFORE = "message_id_seen_before"
"""The flag of a mail whose Message-ID an earlier one has, or refers to."""

GRAVE = (Severity.HOOG, Severity.ACUUT)


def mail_text(mail: ParsedMail) -> MailText:
    """What triage is shown of a mail."""
    sender = mail.from_ or Address("", "")
    words = without_messages(own_words(mail))
    return MailText(mail.subject, sender.name, sender.address, words, mail.quoted_text, other_files(mail))


def kept_text(content: Mapping[str, Any], attachments: Sequence[str] = ()) -> MailText:
    """The same of a mail that was kept, from its content. A letter among its files counts as a file here."""
    sender = content.get("from") or {}
    return MailText(
        content.get("subject") or "",
        sender.get("name") or "",
        sender.get("address") or "",
        without_messages(content.get("own_text") or ""),
        content.get("quoted_text") or "",
        "\n\n".join(filter(None, attachments)),
    )


def read_message(
    raw: RawMail,
    mail: ParsedMail,
    report: Report | None,
    verdict: Verdict,
    received_at: datetime,
    *,
    authentication: Authentication | None,
    flags: Sequence[str],
    decided: Mapping[str, Any],
) -> NewMessage:
    """A mail that was read. `report` is None where nobody could understand it; `decided` is kept for the curious."""
    ids = dict.fromkeys(filter(None, (mail.message_id, mail.in_reply_to, *mail.references)))
    return NewMessage(
        received_at=received_at,
        state="read",
        raw=raw.chunks,
        content=_content(mail, verdict)
        | {"authentication": _authentication(authentication), "flags": list(flags), "intake": dict(decided)},
        contact=_contact(report),
        report=_report(mail, report, verdict) | {"marks": _marks(mail, flags)},
        masked_text=_masked(mail, report),
        masked_subject=_masked_subject(mail, report),
        attachments=tuple(_attachment(attachment) for attachment in mail.attachments),
        message_ids=tuple(ids),
        sender=mail.from_.address if mail.from_ else None,
    )


def unread_message(raw: RawMail, state: Literal["unreadable", "too_large"], received_at: datetime) -> NewMessage:
    """A mail kept whole, for a person, since it could not be read."""
    return NewMessage(
        received_at=received_at,
        state=state,
        raw=raw.chunks,
        content={},
        contact={},
        report={},
        masked_text="",
        attachments=(),
        message_ids=(),
        sender=None,
    )


def _content(mail: ParsedMail, verdict: Verdict) -> dict[str, Any]:
    return {
        "subject": mail.subject,
        "from": _address(mail.from_) if mail.from_ else None,
        "reply_to": [_address(each) for each in mail.reply_to],
        "to": [_address(each) for each in mail.to],
        "cc": [_address(each) for each in mail.cc],
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "text": mail.text,
        "own_text": mail.own_text,
        "signature_text": mail.signature_text,
        "quoted_text": mail.quoted_text,
        "html": mail.html,
        "hops": [{"from": hop.from_, "by": hop.by, "at": hop.at.isoformat() if hop.at else None} for hop in mail.hops],
        "headers": [[name, value] for name, value in without_our_fields(mail.headers)],
        "defects": list(mail.defects),
        "automatic": verdict.kind,
        "delivery_report": mail.delivery_report,
        "protection": asdict(mail.protection) if mail.protection else None,
        "sender_keys": [_key(key) for key in mail.sender_keys],
        "scan": asdict(mail.scan) if mail.scan else None,
    }


def _authentication(found: Authentication | None) -> dict[str, Any] | None:
    return {"verdict": found.verdict, "checks": [asdict(check) for check in found.checks]} if found else None


def _key(key: SenderKey) -> dict[str, str]:
    return {"kind": key.kind, "fingerprint": key.fingerprint, "data": base64.b64encode(key.data).decode("ascii")}


def _contact(report: Report | None) -> dict[str, Any]:
    contact: dict[str, Any] = report.to_json()["contact"] if report else {}
    return contact


def _report(mail: ParsedMail, report: Report | None, verdict: Verdict) -> dict[str, Any]:
    described = report.to_wire() if report else {}
    if report and _is_locked(mail):
        described = _around(described, report) if without_messages(own_words(mail)).strip() else {}
    described.pop("contact", None)  # it is sealed apart, to the identity key
    return described | {"automatic": verdict.kind}


def _is_locked(mail: ParsedMail) -> bool:
    """Is it encrypted, and nobody could open it?"""
    return mail.protection is not None and mail.protection.encrypted is not None and not mail.protection.opened


def _around(described: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What stands around a ciphertext may make a mail graver and never lighter, and nobody knows what it lacks."""
    unsure = {"missing", "missing_scores"}
    unsure |= {"kind", "kind_scores"} if report.kind is Kind.OVERIG else set()
    unsure |= set() if report.severity in GRAVE else {"severity", "severity_scores"}
    return {part: value for part, value in described.items() if part not in unsure}


def _marks(mail: ParsedMail, flags: Sequence[str]) -> list[str]:
    """What the queue says of a message at a glance. None of it tells who wrote it."""
    scans = [mail.scan, *(file.scan for file in mail.attachments)]
    found = {
        "encrypted": _is_locked(mail),
        "virus": any(scan is not None and scan.result == "found" for scan in scans),
        "false_sender": not {"dmarc_fail", "spf_fail"}.isdisjoint(flags),
    }
    return [mark for mark, there in found.items() if there]


def _masked(mail: ParsedMail, report: Report | None) -> str:
    """The reporter's words without what tells who wrote them, as far as a machine knows it.

    Where they are few, the whole text: what is told may stand in what was passed on. There the reporter may be named in
    ways that nobody has looked for, so that all its numbers and addresses of mail are masked.
    """
    text = own_words(mail)
    if len(text.split()) < _FEW_WORDS and mail.quoted_text:
        emails = dict.fromkeys(_EMAIL.findall(mail.quoted_text)[:_MOST_FOUND])
        phones = dict.fromkeys(_NUMBER.findall(mail.quoted_text)[:_MOST_FOUND])
        return _without_the_sender(mail.text, mail, report, emails, phones)
    return _without_the_sender(text, mail, report)


def _masked_subject(mail: ParsedMail, report: Report | None) -> str:
    """Whoever writes it may put their address or number in it: all that are there are masked."""
    emails, phones = _EMAIL.findall(mail.subject)[:_MOST_FOUND], _NUMBER.findall(mail.subject)[:_MOST_FOUND]
    return _without_the_sender(mail.subject, mail, report, emails, phones)


def _without_the_sender(
    text: str, mail: ParsedMail, report: Report | None, emails: Iterable[str] = (), phones: Iterable[str] = ()
) -> str:
    """What is known of the sender is masked in it, and these."""
    sender = mail.from_ or Address("", "")
    names, addresses, emails, phones = [sender.name], [], [sender.address, *emails], [*phones]
    if report:
        names.append(report.contact.name or "")
        addresses.append(report.contact.address or "")
        emails.append(report.contact.email or "")
        phones.append(report.contact.phone or "")
    return mask(
        text,
        names=filter(None, names),
        addresses=filter(None, addresses),
        emails=filter(None, emails),
        phones=filter(None, phones),
    )


def _address(address: Address) -> dict[str, str]:
    return {"name": address.name, "address": address.address}


def _attachment(attachment: ParsedAttachment) -> NewAttachment:
    def chunks() -> Iterator[bytes]:
        return attachment.chunks()

    return NewAttachment(
        name=attachment.name,
        content_type=attachment.content_type,
        size=attachment.size,
        inline=attachment.inline,
        content_id=attachment.content_id,
        chunks=chunks,
        found={
            "text": attachment.text,
            "findings": list(attachment.findings),
            "inside": attachment.inside,
            "found_type": attachment.found_type,
            "child": _child(attachment.child) if attachment.child else None,
            "scan": asdict(attachment.scan) if attachment.scan else None,
        },
    )


def _child(child: ChildMessage) -> dict[str, Any]:
    return {
        "from": _address(child.from_) if child.from_ else None,
        "subject": child.subject,
        "date": child.date.isoformat() if child.date else None,
    }
