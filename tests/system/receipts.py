"""Taking a delivered receipt apart: what of it is neither template nor a value that may fill one.

What a mail server adds on the way (trace fields) is left out. The sentences are those of the catalogues, filled with
the settings, with a reference, and with moments and days that are known to be the installation's own.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from html.parser import HTMLParser

from config.settings import DeskSettings
from notify.catalogue import Catalogue, catalogue_for

_TRACE = {"received", "return-path", "envelope-to", "delivery-date", "delivered-to"}
_TOKEN = "[a-z2-7]{32}"
_HEADERS = {
    "auto-submitted": "auto-replied",
    "x-auto-response-suppress": "All",
    "mime-version": r"1\.0",
    "message-id": rf"<{_TOKEN}@[^>]+>",
    "content-type": r'multipart/alternative; boundary="[=_0-9a-f]+"',
    "content-language": "[a-z]{2}",
    "date": r"\w{3}, \d\d? \w{3} \d{4} [\d:]{8} [+-]\d{4}",
}


@dataclass(frozen=True)
class Allowed:
    """All that may stand in a receipt of one installation."""

    desk: DeskSettings
    moments: frozenset[datetime]
    days: frozenset[date]

    def left_over(self, receipt: EmailMessage, sender: str, message_id: str) -> list[str]:
        """Give what may not be there; nothing for a receipt that betrays nothing."""
        left = [
            f"{name}: {value}" for name, value in receipt.items() if not self._header(name, value, sender, message_id)
        ]
        whole = self._sentences(catalogue_for(str(receipt["Content-Language"])))
        for part in receipt.iter_parts():
            content = part.get_content()
            pieces = _texts(content) if part.get_content_subtype() == "html" else _blocks(content)
            left += [piece for piece in pieces if not whole.fullmatch(piece)]
        return left

    def _header(self, name: str, value: str, sender: str, message_id: str) -> bool:
        address = re.escape(self.desk.address)
        local, _, domain = self.desk.address.partition("@")
        exact = {
            "to": rf"<?{re.escape(sender)}>?",
            "from": f"<?{address}>?",
            "x-loop": address,
            "reply-to": rf"<?{re.escape(local)}\+{_TOKEN}@{re.escape(domain)}>?",
            "in-reply-to": re.escape(message_id),
            "references": re.escape(message_id),
            "subject": "|".join(map(re.escape, self.desk.neutral_subject.values())),
        }
        name = name.lower()
        return name in _TRACE or re.fullmatch({**_HEADERS, **exact}.get(name, "(?!)"), value, re.I) is not None

    def _sentences(self, catalogue: Catalogue) -> re.Pattern[str]:
        values = {
            "desk": re.escape(self.desk.name),
            "organisation": re.escape(self.desk.organisation),
            "reference": "[0-9A-Z]{2,8}(?:-[0-9A-Z]{2,8})+",
            "received": _either(catalogue.moment(moment, self.desk.timezone) for moment in self.moments),
            "feedback_by": _either(catalogue.date(day) for day in self.days),
            "term": r"\d{1,2} \w+",
            **{name: re.escape(str(text)) for name, text in self.desk.texts.model_dump().items()},
        }
        texts = [*catalogue.sentences.values(), *catalogue.fields.values(), *self.desk.neutral_subject.values()]
        return re.compile("|".join(_pattern(text, values) for text in texts))


def _pattern(sentence: str, values: dict[str, str]) -> str:
    pieces = re.split(r"\{(\w+)\}", " ".join(sentence.split()))
    return "".join(values.get(piece, "(?!)") if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces))


def _either(texts: Iterable[str]) -> str:
    return "(?:" + ("|".join(sorted(map(re.escape, texts))) or "(?!)") + ")"


def _blocks(text: str) -> Iterator[str]:
    for block in text.replace("\r\n", "\n").split("\n\n"):
        for item in re.split(r"(?m)^- ", re.sub(r"(?m)^-+$", "", block)):
            if item.strip():
                yield " ".join(item.split())


def _texts(html: str) -> list[str]:
    page = _Leaves()
    page.feed(html)
    return page.found


class _Leaves(HTMLParser):
    """Every text of a page, each on its own, comments too."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append(" ".join(data.split()))

    def handle_comment(self, data: str) -> None:
        self.found.append(data)
