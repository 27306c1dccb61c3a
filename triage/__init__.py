"""Understanding: from the text of a mail to a structured report with suggestions.

    triage = load()
    report = triage.understand(MailText(subject, from_name, from_email, own_text, quoted_text))

Promises: `understand` answers for any text whatever (empty, odd, very long: it looks at the first `text.MAX_OWN`
and `text.MAX_QUOTED` characters) and never raises; the same mail gets the same answer in any order, process or batch;
what it quotes (evidence, names, numbers, addresses) stands in the text exactly so, but for control characters; no
model file holds text or runs code when loaded. It suggests and never decides: nothing here keeps a mail from a person.

It does no I/O but reading and writing models and corpora, knows nothing of mail formats (the caller tells the
reporter's own words from quoted ones), and does not recognise automatic mail.
"""

from triage.pipeline import Triage, load
from triage.report import CategoryScore, Concerned, Contact, Evidence, InvalidReport, MailText, Report

__all__ = [
    "CategoryScore",
    "Concerned",
    "Contact",
    "Evidence",
    "InvalidReport",
    "MailText",
    "Report",
    "Triage",
    "load",
]
