"""Understanding: from the text of a mail to a structured report with suggestions.

    triage = load()
    report = triage.understand(MailText(subject, from_name, from_email, own_text, quoted_text))

Promises: `understand` answers for any text whatever (empty, odd, very long: it looks at the first `text.MAX_OWN`
and `text.MAX_QUOTED` characters) and never raises; the same mail gets the same answer in any order, process or batch;
what it quotes (evidence, names, numbers, addresses) stands in the text exactly so, but for control characters; no
model file holds text or runs code when loaded. It suggests and never decides: nothing here keeps a mail from a person.
A model that was trained on a pretrained pipeline has that loaded with it (`triage.pretrained`): it is code of others,
and may raise what it likes. The packaged model is not, and no model is that a desk trained from its own decisions.

It does no I/O but reading and writing models and corpora, knows nothing of mail formats (the caller tells the
reporter's own words from quoted ones), and does not recognise automatic mail.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.report import CategoryScore, Concerned, Contact, Evidence, InvalidReport, MailText, Report

if TYPE_CHECKING:
    from triage.pipeline import Triage

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


def load(path: Path | None = None) -> Triage:
    """The understanding that comes with Meldpost, or one trained elsewhere; raises BadModel where there is none."""
    from triage.model import MODEL, Model
    from triage.pipeline import Triage

    return Triage(Model.load(path or MODEL))


def __getattr__(name: str) -> Any:
    """`Triage` on demand (PEP 562): who only carries reports about does not pay for spaCy."""
    if name != "Triage":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from triage.pipeline import Triage

    return Triage
