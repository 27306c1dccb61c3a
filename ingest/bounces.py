"""What a report about one of our mails says of it: which, whether it failed, and for whom. Pure."""

import re
from typing import Any

from ingest.mail import ParsedMail
from ingest.phrases import says_late

_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/plain")
_TEXT_CHARS = 100_000
_MOST = 50
_TOKEN = re.compile(r"(?<![a-z0-9])[a-z2-7]{32}(?![a-z0-9])")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")
_REPORT_TYPE = re.compile(r";\s{0,9}report-type\s{0,9}=\s{0,9}\"?([a-z-]{1,40})")


def came_back(mail: ParsedMail) -> bool:
    """Does this report say that a mail of ours will not arrive? One that gives no details does.

    A mail that is delayed, relayed or delivered (RFC 3464 §2.3.3) may still arrive or did, and so did one that
    somebody saw (RFC 8098) or complained about (RFC 5965).
    """
    if mail.delivery_report is not None:
        return _failed(mail.delivery_report)
    if says_late((mail.subject, mail.text)):
        return False
    content_type = "".join(mail.header("content-type")[:1])[:1000].lower()
    said = _REPORT_TYPE.search(content_type)
    return not content_type.startswith("message/feedback-report") and (said is None or said[1] == "delivery-status")


def returned_tokens(mail: ParsedMail) -> tuple[str, ...]:
    """What looks like a token of ours in what a bounce gives back of a mail: its text, its header, its Message-ID.

    Mail systems that know no reports return the header within their own words.
    """
    ids = [file.child.message_id or "" for file in mail.attachments if file.child]
    texts = [mail.text, *(file.text for file in mail.attachments if file.content_type in _RETURNED)]
    found = (match[0] for text in (*ids, *texts) for match in _TOKEN.finditer(text[:_TEXT_CHARS].lower()))
    return tuple(dict.fromkeys(found))[:_MOST]


def failed_recipients(mail: ParsedMail) -> tuple[str, ...]:
    """For whom a mail failed, as far as the bounce says, in its report, in its header or in its own words."""
    recipients = (mail.delivery_report or {}).get("recipients", ())
    reported = [entry[part] for part in ("original", "address") for entry in recipients]
    told = [*reported, *mail.header("x-failed-recipients"), mail.text[:_TEXT_CHARS]]
    found = (match[0] for text in told for match in _ADDRESS.finditer(text.lower()))
    return tuple(dict.fromkeys(found))[:_MOST]


def _failed(report: dict[str, Any]) -> bool:
    if report["kind"] != "delivery":
        return False
    actions = {recipient["action"] for recipient in report["recipients"]} - {""}
    classes = {recipient["status"][:2] for recipient in report["recipients"]} - {""}
    if actions:
        return "failed" in actions
    return not classes or "5." in classes  # RFC 3463 §2: the class of a permanent failure
