"""A message as the page shows it: what its content holds, bounded, and put where a template finds it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from config.addresses import BadAddress, without_tag
from desk.highlight import Stretch, Wanted, parts_of, stretches
from ingest.links import WebLink, web_links
from ingest.text import split
from store.casework import CaseMessage

LONGEST_TEXT = 100_000
"""Of the reporter's own words; everything can be had whole beside it."""
LONGEST_ASIDE = 20_000
"""Of a quote, a signature or the text of one file."""
LONGEST_FILES = 200_000
"""Of the texts of all files of a message together."""
LONGEST_HTML = 500_000
"""Of the layout of a message, as far as its links are told."""
LONGEST_LINE = 300
MOST_LINES = 100
DEEPEST = 5
"""Files that were taken out of others are indented up to here; what stands deeper says what it was in all the same."""

DANGEROUS = frozenset({"macros", "program", "bounds"})
"""Findings of files that are not to be opened without a thought."""

_OF_PAGES = frozenset(
    ("application/pdf", *(f"image/{kind}" for kind in ("png", "jpeg", "jpg", "pjpeg", "gif", "tiff", "bmp", "webp")))
)
_NAMES_OF_PAGES = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp")
_READ_OFF = frozenset({"ocr", "no_text"})
_CLOSED = frozenset({"encrypted", "broken", "bounds"})


@dataclass(frozen=True)
class File:
    """An attachment. `within`: the name of the file it was taken out of. `cut`: there is more text than is shown."""

    id: str
    name: str
    size: int
    content_type: str
    inline: bool
    level: int
    within: str | None
    findings: Sequence[str]
    scan: Mapping[str, Any] | None
    child: Mapping[str, Any] | None
    child_date: datetime | None
    words: Sequence[Stretch] = field(repr=False)
    cut: bool

    @property
    def infected(self) -> bool:
        return self.scan is not None and self.scan.get("result") == "found"

    @property
    def dangerous(self) -> bool:
        return self.infected or not DANGEROUS.isdisjoint(self.findings)

    @property
    def has_pages(self) -> bool:
        """Is it a picture or a PDF, as far as can be told without opening it?"""
        said = self.content_type.lower() in _OF_PAGES or self.name.lower().endswith(_NAMES_OF_PAGES)
        return (said or not _READ_OFF.isdisjoint(self.findings)) and _CLOSED.isdisjoint(self.findings)

    @property
    def can_be_shown(self) -> bool:
        return self.has_pages or bool(self.words)


@dataclass(frozen=True)
class Undelivered:
    """To whom a mail could not be delivered, and what the server there says of it."""

    address: str
    status: str
    diagnostic: str

    @property
    def why(self) -> str:
        """Many servers repeat the status code in their own words."""
        return self.diagnostic if self.status in self.diagnostic else f"{self.status} {self.diagnostic}".strip()


@dataclass(frozen=True)
class Hop:
    """A server that handed the mail on, as it says itself."""

    sender: str
    server: str
    at: datetime | None


@dataclass(frozen=True)
class Mail:
    """A message, its words and what came with it. `cut`: the sender wrote more than is shown.

    `others`: to whom it went beside the desk. `hops`: the way that it came, newest first.
    `links`: those to the web whose words do not say where they lead. `subject`: masked where who reported is closed.
    """

    message: CaseMessage
    content: Mapping[str, Any] = field(repr=False)
    subject: str = field(repr=False)
    words: Sequence[Stretch] = field(repr=False)
    signature: Sequence[Stretch] = field(repr=False)
    quoted: Sequence[Stretch] = field(repr=False)
    cut: bool
    files: Sequence[File]
    others: Sequence[str]
    undelivered: Sequence[Undelivered]
    hops: Sequence[Hop]
    defects: Sequence[str]
    links: Sequence[WebLink] = field(repr=False)

    @property
    def texts(self) -> Sequence[Sequence[Stretch]]:
        """Everything in which marks may stand."""
        return [self.words, self.signature, self.quoted, *(file.words for file in self.files)]

    @property
    def locked(self) -> bool:
        """Is it encrypted, and nobody could open it?"""
        protection = self.content.get("protection") or {}
        return bool(protection.get("encrypted")) and not protection.get("opened")

    @property
    def infected(self) -> bool:
        return self.infection is not None or any(file.infected for file in self.files)

    @property
    def infection(self) -> str | None:
        """What the virus scanner found in the mail as it came, None where it found nothing there or did not look."""
        scan = self.content.get("scan") or {}
        return str(scan.get("name") or "?")[:LONGEST_LINE] if scan.get("result") == "found" else None

    @property
    def unfinished(self) -> bool:
        """Was there no time, or no reader left, for some of its files?"""
        return any("no_time" in file.findings for file in self.files)


def shown(
    message: CaseMessage,
    own_addresses: Collection[str] = (),
    concerned: Sequence[Mapping[str, Any]] | None = None,
    *,
    identity: bool = True,
) -> Mail:
    """`concerned`: whom a person says that the case is about; None: as the machine has it of this message.

    Without `identity` the words are the masked ones.
    """
    content = message.content
    own = content.get("own_text") or ("" if content.get("quoted_text") else content.get("text")) or ""
    signature, quoted = content.get("signature_text") or "", content.get("quoted_text") or ""
    if not identity:
        own, quoted = _masked(message.masked_text)
    evidence = message.report.get("evidence") or ()
    parts = parts_of(message.report.get("concerned") or () if concerned is None else concerned, message.contact)
    return Mail(
        message=message,
        content=content,
        subject=content.get("subject") or "" if identity else message.masked_subject,
        words=list(stretches(own[:LONGEST_TEXT], evidence, parts)),
        signature=list(stretches(signature[:LONGEST_ASIDE], (), parts)),
        quoted=list(stretches(quoted[:LONGEST_ASIDE], evidence, parts)),
        cut=len(own) > LONGEST_TEXT or len(signature) > LONGEST_ASIDE or len(quoted) > LONGEST_ASIDE,
        files=list(_in_order(_files(content.get("attachments") or (), evidence, parts))),
        others=_others(content, own_addresses),
        undelivered=undelivered(content),
        hops=[_hop(each) for each in (content.get("hops") or ())[:MOST_LINES]],
        links=list(dict.fromkeys(islice(web_links((content.get("html") or "")[:LONGEST_HTML]), MOST_LINES))),
        defects=[str(each)[:LONGEST_LINE] for each in (content.get("defects") or ())[:MOST_LINES]],
    )


def _masked(text: str) -> tuple[str, str]:
    """What a masked text says, and what it quotes: where own words are few, it holds the whole mail."""
    parts = split(text)
    return (text, "") if not parts.quoted else ("\n\n".join(filter(None, (parts.own, parts.signature))), parts.quoted)


def _others(content: Mapping[str, Any], own_addresses: Collection[str]) -> Sequence[str]:
    """The desk should know who else has this. Bounded, since a list of thousands is no news."""
    named = [one.get("address") or "" for part in ("to", "cc") for one in content.get(part) or ()]
    others = (each[:LONGEST_LINE] for each in named if each and not _is_own(each, own_addresses))
    return list(dict.fromkeys(others))[:MOST_LINES]


def _is_own(address: str, own_addresses: Collection[str]) -> bool:
    try:
        return without_tag(address.lower()) in own_addresses
    except BadAddress:  # a mail may name anything
        return False


def _hop(about: Mapping[str, Any]) -> Hop:
    at = about.get("at")
    return Hop(
        sender=str(about.get("from") or "")[:LONGEST_LINE],
        server=str(about.get("by") or "")[:LONGEST_LINE],
        at=datetime.fromisoformat(at) if at else None,
    )


def undelivered(content: Mapping[str, Any]) -> Sequence[Undelivered]:
    """What a bounce says, one for each address that did not take the mail."""
    report = content.get("delivery_report") or {}
    if report.get("kind") != "delivery":
        return ()
    return [
        Undelivered(
            *(str(one.get(part) or "")[:LONGEST_LINE] for part in ("address", "status", "diagnostic")),
        )
        for one in (report.get("recipients") or ())[:MOST_LINES]
        if one.get("action") in ("failed", "", None)
    ]


def _files(
    attachments: Sequence[Mapping[str, Any]], evidence: Sequence[Mapping[str, Any]], parts: Sequence[Wanted]
) -> list[tuple[File, int | None]]:
    """Each file with the place of the one that it was taken out of, which comes before it."""
    found: list[tuple[File, int | None]] = []
    left = LONGEST_FILES
    for place, about in enumerate(attachments):
        inside = about.get("inside")
        outer = found[inside][0] if isinstance(inside, int) and 0 <= inside < place else None
        file = file_of(about, min(LONGEST_ASIDE, left), evidence, parts, outer)
        left -= min(LONGEST_ASIDE, left, len(about.get("text") or ""))
        found.append((file, inside if outer else None))
    return found


def file_of(
    about: Mapping[str, Any],
    longest: int = LONGEST_TEXT,
    evidence: Sequence[Mapping[str, Any]] = (),
    parts: Sequence[Wanted] = (),
    outer: File | None = None,
) -> File:
    """An attachment as it is shown, with so much of its text. `outer` is the one that it was taken out of."""
    text, child = about.get("text") or "", about.get("child")
    return File(
        id=about["id"],
        name=about.get("name") or "",
        size=about.get("size") or 0,
        content_type=about.get("found_type") or about.get("content_type") or "",
        inline=bool(about.get("inline")),
        level=min(outer.level + 1, DEEPEST) if outer else 0,
        within=outer.name if outer else None,
        findings=about.get("findings") or (),
        scan=about.get("scan"),
        child=child,
        child_date=datetime.fromisoformat(child["date"]) if child and child.get("date") else None,
        words=list(stretches(text[:longest], evidence, parts)),
        cut=len(text) > longest,
    )


def _in_order(files: Sequence[tuple[File, int | None]]) -> Iterator[File]:
    """Each file, and right below it what was taken out of it."""
    within: dict[int | None, list[int]] = {}
    for place, (_, outer) in enumerate(files):
        within.setdefault(outer, []).append(place)
    waiting = _reversed(within.get(None, ()))
    while waiting:
        place = waiting.pop()
        yield files[place][0]
        waiting += _reversed(within.get(place, ()))


def _reversed(places: Iterable[int]) -> list[int]:
    return list(places)[::-1]
