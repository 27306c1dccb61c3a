"""A mail prepared once for all models: one text of subject, own and quoted words, its tokens, n-grams and places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.features import Array, folded
from triage.forms import Field, Forms
from triage.language import Languages
from triage.layout import Layout, Layouts
from triage.masking import Masking
from triage.people import Reading
from triage.pretrained import Pretrained
from triage.report import MailText
from triage.tagging import features
from triage.text import MAX_OWN, MAX_QUOTED, MAX_SUBJECT, clean
from triage.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the models look at."""

    language: str
    subject: str
    own: str
    """The reporter's own words, cleaned; offsets are those of the mail."""
    quoted: str
    layout: Layout
    """Of `own`."""
    told: str
    """Subject, own words without greeting and signature, quoted words."""
    content: str
    """The same, folded."""
    vector: Array
    """Of a pretrained pipeline; of length 0 where the model is built on none."""
    reading: Reading
    tagging: NDArray[np.int64]
    fields: tuple[Field, ...]
    """Of forms; their places are those in the text of `reading`."""


class Preparation:
    """Holds the tokeniser, the word lists and the pretrained pipeline, if any; made once a process."""

    def __init__(self, pretrained: Pretrained | None = None) -> None:
        self._pretrained = pretrained
        self._languages = Languages()
        self._layouts = Layouts()
        self._tokens = Tokens()
        self._forms = Forms()
        self.masking = Masking()

    def of(self, mail: MailText) -> Prepared:
        subject, own = clean(mail.subject, MAX_SUBJECT), clean(mail.own_text, MAX_OWN)
        quoted = clean("\n".join(t for t in (mail.quoted_text, mail.attachment_text) if t), MAX_QUOTED)
        layout = self._layouts.of(own)
        told = f"{subject}\n{own[layout.greeting_end : layout.signature_start]}\n{quoted}"
        reading = self._reading(subject, own, quoted, layout, mail)
        return Prepared(
            language=self._languages.of(own, subject, quoted),
            subject=subject,
            own=own,
            quoted=quoted,
            layout=layout,
            told=told,
            content=folded(told),
            vector=self._pretrained.vector(told) if self._pretrained else np.zeros(0, dtype=np.float32),
            reading=reading,
            tagging=features(reading.tokens, reading.text, reading.layout, reading.sender),
            fields=self._fields(reading, mail.from_name),
        )

    def _fields(self, reading: Reading, sender: str) -> tuple[Field, ...]:
        """Of the own and the quoted words, each by itself: no form goes on in a quote."""
        own, quoted = reading.text[: reading.own_end], reading.text[reading.own_end :]
        behind = self._forms.of(quoted)
        return (*self._forms.of(own, sender), *(f.moved(len(own)) for f in behind))

    def _reading(self, subject: str, own: str, quoted: str, layout: Layout, mail: MailText) -> Reading:
        text = f"{subject}\n{own}\n{quoted}"
        start = len(subject) + 1
        moved = Layout(layout.greeting_end + start, layout.signature_start + start)
        sender = clean(f"{mail.from_name} {mail.from_email}", 300)
        return Reading(text, self._tokens.of(text), moved, start, start + len(own), sender)
