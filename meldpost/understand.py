"""`meldpost triage PATH…`: understands mails in files exactly as the daemon would, stores nothing, and prints it.

Each mail is taken apart by an isolated reader, and its text is understood in a process of its own. The JSON object of a
mail is a contract with other programs (docs/triage-json.md).
"""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from config.taxonomy import Automatic
from ingest.automatic import Own, inside, judge
from ingest.errors import ReadError, UnderstandingFailed
from ingest.message import mail_text
from ingest.raw import RawMail
from ingest.readers import Readers
from ingest.sources.files import mails
from ingest.understanding import Understanders
from meldpost import hygiene
from meldpost.mail_files import find
from triage import Report

log = logging.getLogger(__name__)

AHEAD = 4
"""Mails that each worker may have waiting, so that a folder of any size takes no more memory."""


def print_reports(
    paths: Sequence[Path], isolation: Literal["required", "limits-only"], workers: int, *, jsonl: bool
) -> bool:
    """Print one object, or one picture, for each mail, and an object for each other file. Could every mail be read?

    Raises CannotRead, NoMail, NotIsolated.
    """
    hygiene.no_core_dumps()
    all_read = True
    files = find(paths)
    if files.skipped:
        print(f"Files passed over, since they are no mails: {len(files.skipped)}.", file=sys.stderr)
    console = Console(markup=False, highlight=False, emoji=False)
    with Readers(isolation=isolation).start() as readers, Understanders(isolation=isolation).start() as understanders:
        for found in _understood(files.paths, readers, understanders, workers):
            all_read &= "error" not in found
            if jsonl:
                print(json.dumps(found, ensure_ascii=False), flush=True)
            else:
                _picture(console, found)
    if jsonl:
        for path in files.skipped:
            print(json.dumps({"file": str(path), "error": "this is no mail, and was passed over"}, ensure_ascii=False))
    return all_read


def _understood(
    paths: Sequence[Path], readers: Readers, understanders: Understanders, workers: int
) -> Iterator[dict[str, Any]]:
    """In the order of the files, `workers` at a time. The threads only wait: the work is done by processes."""
    free: SimpleQueue[Understanders] = SimpleQueue()
    own = [copy(understanders) for _ in range(workers)]  # a line to a worker takes one mail at a time
    for each in own:
        free.put(each)
    waiting: deque[Future[dict[str, Any]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for mail in mails(paths):
            waiting.append(pool.submit(_understand, str(mail.path), mail.open(), readers, free))
            while len(waiting) >= workers * AHEAD or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    for each in own:
        each.end_round()


def _understand(file: str, raw: RawMail, readers: Readers, free: "SimpleQueue[Understanders]") -> dict[str, Any]:
    understanders = free.get()
    try:
        with raw:
            mail = readers.read(raw)
        report = understanders.understand(mail_text(mail))
    except ReadError as error:
        return {"file": file, "error": f"this mail cannot be taken apart: {error}"}
    except UnderstandingFailed as error:
        return {"file": file, "error": f"this mail cannot be understood: {error}"}
    finally:
        free.put(understanders)
    verdict = judge(mail.headers, mail.from_.address if mail.from_ else None, Own(frozenset()), inside(mail))
    return contract(file, report, verdict.kind)


def contract(file: str, report: Report, automatic: Automatic | None) -> dict[str, Any]:
    """The JSON object of one mail, as other programs rely on it."""
    inner = report.to_json()
    evidence = inner.pop("evidence")
    return {"file": file, **inner, "automatic": automatic.value if automatic else None, "evidence": evidence}


def _picture(console: Console, found: dict[str, Any]) -> None:
    table = Table(title=_safe(found["file"]), title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _lines(found):
        table.add_row(name, _safe(value))
    console.print(table)
    console.print()


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "error" in found:
        yield "error", found["error"]
        return
    automatic = f", {found['automatic']}" if found["automatic"] else ""
    yield "kind", f"{found['kind']} ({found['kind_scores'].get(found['kind'], 0):.0%}){automatic}"
    yield "categories", ", ".join(_category(item) for item in found["categories"]) or "none"
    yield "severity", found["severity"]
    yield "about", "; ".join(_person(item) for item in found["concerned"]) or "nobody named"
    contact = [value for value in found["contact"].values() if value]
    yield "from", "anonymous" if found["anonymous"] else ", ".join(contact) or "unknown"
    yield "missing", ", ".join(found["missing"]) or "nothing"
    yield "language", found["language"]
    for passage in found["evidence"]:
        yield passage["category"], f"“{passage['text']}”"


def _category(item: dict[str, Any]) -> str:
    return f"{item['slug']} ({item['score']:.0%}{''.join(', ' + sub for sub in item['sub'])})"


def _person(item: dict[str, Any]) -> str:
    return ", ".join(value for value in (item["name"], item["function"]) if value)


def _safe(text: str) -> str:
    """Nothing of a mail steers the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
