"""The labelled mails and sentences: read, checked line by line; mails cut into what the reporter wrote and quoted."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.taxonomy import SUBS, Category, Kind, Severity
from triage.report import MailText

CORPUS = Path(__file__).parent / "corpus"
REQUIRED = ("concerned_name", "concerned_function", "description", "address", "phone")
SENTENCES = "sentences"
"""The folder within a corpus that holds single sentences."""

TARGETS = frozenset({"kind", "categories", "severity", "name", "function", "missing", "anonymous", "mentions"})
"""What a label can be known of; `mentions` are the places of all names, functions, addresses, concerned or not."""
ROLES = frozenset({"concerned", "reporter", "victim", "witness", "other"})
_ALL_SUBS = frozenset(sub for subs in SUBS.values() for sub in subs)
_KEYS = frozenset(
    """id lang from_name from_email subject body kind categories sub primary concerned people functions evidence
    description_clear phone address missing severity anonymous difficulty""".split()  # noqa: SIM905 (a table to read)
)
_SENTENCE_KEYS = frozenset({"id", "lang", "text", "categories", "sub", "primary", "severity"})
_REPORTS = ("melding", "aanvulling")

_QUOTE_BEGINS = re.compile(
    r"^\s*(?:-{2,}\s*(?:oorspronkelijk|original|message d|ursprüngliche|mensaje|mensagem|"
    r"messaggio|doorgestuurd|forwarded|begin)|begin (?:doorgestuurd|forwarded)|(?:van|from|de|von|da)\s?:.{3,80}$"
    r"(?=[\s\S]{0,200}^\s*(?:verzonden|sent|"
    r"datum|date|aan|to|à|an|gesendet|enviado|para|envoyé|inviato|onderwerp|subject|objet|betreff|asunto)\s?:)|"
    r"(?:op|on|le|am|el|em) .{6,80}(?:schreef|wrote|a écrit|schrieb|escribió|escreveu).{0,60}:\s*$)",
    re.IGNORECASE | re.MULTILINE,
)


class BadCorpus(ValueError):
    """A labelled mail breaks the rules of the corpus; the message names file, line and rule, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mail, who wrote it (the file's name), and what a careful reader found in it.

    Only what is `known` is taught: what a person at a desk did not decide is no label.
    """

    writer: str
    gold: Mapping[str, Any]
    mail: MailText
    known: frozenset[str] = TARGETS

    @property
    def is_report(self) -> bool:
        return self.gold["kind"] in _REPORTS

    @property
    def tells_what_it_lacks(self) -> bool:
        return self.is_report and "missing" in self.known


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence by itself, who wrote it, and which misconduct it tells of: none, where `categories` is empty."""

    writer: str
    gold: Mapping[str, Any]

    @property
    def text(self) -> str:
        return str(self.gold["text"])


def read(folder: Path = CORPUS) -> list[Labelled]:
    """All mails of a folder in a fixed order; raises BadCorpus at the first fault."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise BadCorpus(f"There are no .jsonl files in {folder}. Name the folder that holds the corpus.")
    return [Labelled(file.stem, gold, as_mail(gold)) for file, gold in _lines(files, _KEYS, _faults)]


def read_sentences(folder: Path = CORPUS) -> list[Sentence]:
    """All single sentences of a corpus, none where it has none; raises BadCorpus at the first fault."""
    files = sorted((folder / SENTENCES).glob("*.jsonl"))
    return [Sentence(file.stem, gold) for file, gold in _lines(files, _SENTENCE_KEYS, _label_faults)]


def _lines(
    files: Iterable[Path], keys: frozenset[str], faults: Callable[[dict[str, Any]], Iterator[str]]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    seen = set()
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            gold, fault = _checked(line, keys, faults)
            if fault is None and gold["id"] in seen:
                fault = "its id stands twice in the corpus"
            if fault is not None:
                raise BadCorpus(f"{file.name}, line {number}: {fault}.")
            seen.add(gold["id"])
            yield file, gold


def as_mail(gold: Mapping[str, Any]) -> MailText:
    """The mail as the reader of real mail would hand it over."""
    own, quoted = split_quotes(gold["body"])
    return MailText(gold["subject"], gold["from_name"], gold["from_email"], own, quoted)


def split_quotes(body: str) -> tuple[str, str]:
    """The writer's own words and the quoted ones: lines with ">", and all that follows the head of an older mail."""
    begins = _QUOTE_BEGINS.search(body)
    head, tail = (body[: begins.start()], body[begins.start() :]) if begins else (body, "")
    own: list[str] = []
    quoted: list[str] = []
    for line in head.split("\n"):
        (quoted if line.lstrip().startswith(">") else own).append(line)
    cleaned = [re.sub(r"^\s*(?:>\s?)+", "", line) for line in [*quoted, *tail.split("\n")]]
    return "\n".join(own), "\n".join(cleaned).strip("\n")


def _checked(
    line: str, keys: frozenset[str], faults: Callable[[dict[str, Any]], Iterator[str]]
) -> tuple[dict[str, Any], str | None]:
    try:
        gold = json.loads(line)
    except ValueError:
        return {}, "it is not JSON"
    if not isinstance(gold, dict) or set(gold) != keys:
        return {}, "its keys are not those that README.md lists"
    return gold, next(faults(gold), None)


def _label_faults(gold: dict[str, Any]) -> Iterator[str]:
    """What may be wrong with the labels that mails and sentences share."""
    if not set(gold["categories"]) <= set(Category) or not set(gold["sub"]) <= _ALL_SUBS:
        yield "unknown category or sub-label"
    if (gold["primary"] is None) != (not gold["categories"]) or gold["primary"] not in [None, *gold["categories"]]:
        yield "the primary category is not among the categories"
    if gold["severity"] is not None and gold["severity"] not in list(Severity):
        yield "unknown severity"


def _faults(gold: dict[str, Any]) -> Iterator[str]:
    if gold["kind"] not in list(Kind):
        yield "unknown kind"
    yield from _label_faults(gold)
    text = f"{gold['subject']}\n{gold['body']}"
    if any(quote not in text for quote in _quotes(gold)):
        yield "a label quotes what does not stand in the mail"
    if any(person["role"] not in ROLES for person in gold["people"]):
        yield "unknown role"
    named = {person["name"] for person in gold["people"] if person["role"] == "concerned"}
    if any(c["name"] and c["name"] not in named for c in gold["concerned"]):
        yield "a person concerned is not among the people"
    if gold["missing"] != (sorted(_missing(gold)) if gold["kind"] in _REPORTS else []):
        yield "the missing fields do not follow from the other labels"


def _quotes(gold: dict[str, Any]) -> Iterator[str]:
    for concerned in gold["concerned"]:
        yield from (concerned[key] for key in ("name", "function") if concerned[key] is not None)
    yield from (person["name"] for person in gold["people"])
    yield from (function["text"] for function in gold["functions"])
    yield from gold["evidence"]
    yield from (gold[key] for key in ("phone", "address") if gold[key] is not None)


def _missing(gold: dict[str, Any]) -> Iterator[str]:
    has = {
        "concerned_name": any(c["name"] for c in gold["concerned"]),
        "concerned_function": any(c["function"] for c in gold["concerned"]),
        "description": gold["description_clear"],
        "address": gold["address"],
        "phone": gold["phone"],
    }
    return (field for field in REQUIRED if not has[field])
