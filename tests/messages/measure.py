"""What the product makes of each message that other projects keep for their tests, beside what it should make of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import CannotParse
from ingest.mail import ParsedMail
from ingest.parse import parse_bytes
from ingest.sources.outlook import as_mail
from tests.ingest.fuzz import answered, read_whole
from tests.messages.expectations import fulfilled, outliers, same_text
from tests.messages.independent import Leaf, leaves

TOP = Path(__file__).parents[2]
MAILS = Path(os.environ.get("MELDPOST_SHARED") or TOP.parent / "shared") / "mime"
MAIL, BODY = "mail", "body"
_FOR_PROGRAMS = ("text/css", "text/javascript", "text/x-amp-html")
_UNSEEN = re.compile(rb"(?is)<!--.*?-->|<(style|script|title)\b.*?</\1|<[^<>]*>|&[a-z#0-9]+;")


@dataclass(frozen=True)
class Found:
    """Of one file. `silent`: there is a text, and none of it was found. Numbers of files exclude those in children."""

    project: str
    path: str
    kind: str
    taken_in: bool
    refusal: str = ""
    silent: bool = False
    has_text: bool = False
    files: int = 0
    other_files: tuple[str, ...] = ()
    children: int = 0
    has_history: bool = False
    has_signature: bool = False
    expectations: int = 0
    failed: tuple[str, ...] = ()


def measured(mails: Path = MAILS) -> list[Found]:
    """All files of the folder, in the order of its manifest."""
    texts: dict[str, str] = {}
    found = [_of_file(mails, json.loads(line), texts) for line in _manifest(mails)]
    different = set(outliers(texts))
    return [_with_group(each, each.path in different) for each in found]


def _manifest(mails: Path) -> Iterator[str]:
    yield from (mails / "MANIFEST.jsonl").read_text("utf-8").splitlines()


def _of_file(mails: Path, entry: dict[str, str], texts: dict[str, str]) -> Found:
    path, project, kind = entry["path"], entry["repo"], entry["kind"]
    data = (mails / path).read_bytes()
    if kind == BODY:
        data = _as_mail(path, data)
    elif kind != MAIL:
        data = b"".join(as_mail([data]))
    try:
        answered(data)
        mail = parse_bytes(data) if kind in (MAIL, BODY) else read_whole(data) or parse_bytes(data)
    except CannotParse as error:
        return Found(project, path, kind, taken_in=False, refusal=str(error))
    independent = list(leaves(data))
    if same_text(path):
        texts[path] = mail.text
    expected = fulfilled(path, mail, is_text=kind == BODY) if kind in (MAIL, BODY) else []
    return Found(
        project,
        path,
        kind,
        taken_in=True,
        silent=_is_silent(mail, independent),
        has_text=bool(mail.text.strip()) or (kind not in (MAIL, BODY) and any(each.text for each in mail.attachments)),
        files=sum(1 for each in mail.attachments if each.inside is None),
        other_files=tuple(_other_files(mail, independent)),
        children=sum(1 for each in mail.attachments if each.child is not None),
        has_history=bool(mail.quoted_text),
        has_signature=bool(mail.signature_text),
        expectations=len(expected),
        failed=tuple(says for says, holds in expected if not holds),
    )


def _as_mail(path: str, body: bytes) -> bytes:
    kind = b"html" if path.endswith(".html") else b"plain"
    return b"Content-Type: text/" + kind + b"; charset=utf-8\r\n\r\n" + body


def _is_silent(mail: ParsedMail, independent: list[Leaf]) -> bool:
    if mail.text.strip() or any(each.text.strip() for each in mail.attachments):
        return False
    return any(_says_something(leaf) for leaf in independent)


def _says_something(leaf: Leaf) -> bool:
    if leaf.kind == "text/html":
        return re.search(rb"[A-Za-z0-9\x80-\xff]", _UNSEEN.sub(b"", leaf.data)) is not None
    is_text = leaf.kind.startswith("text/") or leaf.kind in ("text", "plain", "plain/text")
    return is_text and leaf.kind not in _FOR_PROGRAMS and leaf.data.strip() != b""


def _other_files(mail: ParsedMail, independent: list[Leaf]) -> Iterator[str]:
    """Files whose bytes an independent reading does not find in the mail."""
    known = {leaf.data for leaf in independent}
    for number, attachment in enumerate(mail.attachments, start=1):
        if attachment.inside is None and b"".join(attachment.chunks()) not in known:
            yield f"{attachment.content_type}, file {number}"


def _with_group(found: Found, differs: bool) -> Found:
    if not found.taken_in or same_text(found.path) is None:
        return found
    failed = (*found.failed, "has the same words as its other forms") if differs else found.failed
    values = {**found.__dict__, "expectations": found.expectations + 1, "failed": failed}
    return Found(**values)
