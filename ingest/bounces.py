"""What a report about one of our mails says of it. Pure."""

import re
from typing import Any

from ingest.mail import ParsedMail
from ingest.phrases import says_late

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


def _failed(report: dict[str, Any]) -> bool:
    if report["kind"] != "delivery":
        return False
    actions = {recipient["action"] for recipient in report["recipients"]} - {""}
    classes = {recipient["status"][:2] for recipient in report["recipients"]} - {""}
    if actions:
        return "failed" in actions
    return not classes or "5." in classes  # RFC 3463 §2: the class of a permanent failure
