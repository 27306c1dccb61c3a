"""Where things stand in a mail: greeting, body, signature."""

import re
from dataclasses import dataclass

from triage.text import Span, lines
from triage.word_lists import phrases_of

_PHONE_FOOTER = re.compile(
    r"(?:verzonden|verstuurd|sent from|envoyé|gesendet|enviado|inviato|dikirim|gönderildi|"
    r"надіслано|wysłano|get outlook)\b",
    re.IGNORECASE,
)
_SHORT = 60


@dataclass(frozen=True, slots=True)
class Layout:
    """Up to `greeting_end` the mail greets; from `signature_start` on its writer signs."""

    greeting_end: int
    signature_start: int


class Layouts:
    """Knows the words with which mails begin and end."""

    def __init__(self) -> None:
        self._closings = tuple(phrases_of("closing"))
        self._greetings = frozenset(phrases_of("greeting"))

    def of(self, text: str) -> Layout:
        greeting = self._greeting_end(text)
        return Layout(greeting, max(self._signature_start(text), greeting))

    def _signature_start(self, text: str) -> int:
        """After the closing words, else where the last short lines begin."""
        filled = [(span, line) for span in lines(text) if (line := _short(span, text)) is not None]
        for span, line in reversed(filled[-10:]):
            if span.start and len(line) < _SHORT and line.lower().strip(" ,.!-").startswith(self._closings):
                return span.start
        start = len(text)
        for span, line in reversed(filled[-7:]):
            if len(line) > _SHORT or (line.endswith((".", "?", "!")) and len(line.split()) > 4):
                break
            start = span.start
        return start if start > 0 else len(text)

    def _greeting_end(self, text: str) -> int:
        for span in lines(text):
            line = span.of(text).strip()
            if not line:
                continue
            if line[:40].split()[0].lower().strip(",:!") not in self._greetings:
                return 0
            if len(line) < _SHORT:
                return span.end
            comma = re.compile("[,:!]").search(text, span.start, span.start + _SHORT)
            return comma.end() if comma else 0
        return 0


def _short(span: Span, text: str) -> str | None:
    """The line, None for an empty one or the advertisement of a telephone."""
    line = text[span.start : min(span.end, span.start + 200)].strip()
    return None if not line or _PHONE_FOOTER.match(line) else line
