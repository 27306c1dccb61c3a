"""From the text of a mail to a report, step by step."""

import re
from pathlib import Path

from config.taxonomy import Category, Kind, MissingField, Severity
from triage.addresses import own_address
from triage.language import Languages
from triage.layout import Layout, Layouts
from triage.lexicon import words
from triage.phones import own_phone
from triage.report import CategoryScore, Concerned, Contact, Evidence, MailText, Report
from triage.rules import FUNCTION, TITLED_NAME, Rules
from triage.text import MAX_OWN, MAX_QUOTED, MAX_SUBJECT, clean, sentences

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_ANONYMOUS = re.compile(r"\b(?:anoniem|anonymous|anonym|anonyme|anónim|anônim|anonim)", re.I)
_MELDINGS = (Kind.MELDING, Kind.AANVULLING)


class Triage:
    """Understands mails; holds no text of any of them."""

    def __init__(self) -> None:
        self._languages = Languages()
        self._rules = Rules()
        self._layouts = Layouts()

    def understand(self, mail: MailText) -> Report:
        own, quoted = clean(mail.own_text, MAX_OWN), clean(mail.quoted_text, MAX_QUOTED)
        subject = clean(mail.subject, MAX_SUBJECT)
        whole = f"{subject}\n{own}\n{quoted}"
        language = self._languages.of(own, subject, quoted)
        layout = self._layouts.of(own)
        signature = layout.signature_start
        kind_scores = dict(zip(Kind, self._rules.kind_scores(whole), strict=True))
        kind = max(kind_scores, key=lambda k: kind_scores[k])
        scores = dict(zip(Category, self._rules.category_scores(whole), strict=True))
        primary = max(scores, key=lambda c: scores[c]) if kind not in (Kind.KLACHT, Kind.OVERIG) else None
        concerned = self._concerned(own, quoted, layout)
        phone, address = own_phone(own, language, signature), own_address(own, signature)
        contact = Contact(
            name=mail.from_name or None,
            email=mail.from_email or next((m.group() for m in _EMAIL.finditer(own)), None),
            phone=phone.text if phone else None,
            address=address.text if address else None,
        )
        missing_scores = {
            MissingField.CONCERNED_NAME: 0.1 if any(c.name for c in concerned) else 0.6,
            MissingField.CONCERNED_FUNCTION: 0.1 if any(c.function for c in concerned) else 0.6,
            MissingField.DESCRIPTION: 0.6 if len(words(own)) < 25 else 0.1,
            MissingField.ADDRESS: 0.02 if address else 0.9,
            MissingField.PHONE: 0.02 if phone else 0.9,
            MissingField.EMAIL: 0.0 if contact.email else 1.0,
        }
        return Report(
            language=language,
            kind=kind,
            kind_scores=kind_scores,
            categories=tuple(CategoryScore(c, s) for c, s in scores.items() if primary and (c == primary or s > 0.25)),
            primary=primary,
            severity=Severity.MIDDEN,
            concerned=concerned,
            contact=contact,
            missing=tuple(f for f, s in missing_scores.items() if s >= 0.5) if kind in _MELDINGS else (),
            missing_scores=missing_scores,
            anonymous=bool(_ANONYMOUS.search(own)),
            evidence=self._evidence(own, primary),
        )

    def _concerned(self, own: str, quoted: str, layout: Layout) -> tuple[Concerned, ...]:
        body = own[layout.greeting_end : layout.signature_start]
        name = TITLED_NAME.search(body) or TITLED_NAME.search(quoted)
        function = FUNCTION.search(body) or FUNCTION.search(quoted)
        if not name and not function:
            return ()
        return (Concerned(name.group(1) if name else None, function.group() if function else None),)

    def _evidence(self, own: str, primary: Category | None) -> tuple[Evidence, ...]:
        if primary is None:
            return ()
        index = list(Category).index(primary)
        scored = [(self._rules.categories.counts(words(s.of(own)))[index], s) for s in sentences(own)]
        best = sorted((pair for pair in scored if pair[0]), key=lambda pair: (-pair[0], pair[1].start))[:2]
        return tuple(Evidence(span.of(own), primary) for _, span in sorted(best, key=lambda pair: pair[1].start))


def load(path: Path | None = None) -> Triage:
    """The understanding that comes with Meldpost, or one trained elsewhere."""
    return Triage()
