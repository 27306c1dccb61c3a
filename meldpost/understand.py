"""`meldpost triage PATH…`: understands mails in files exactly as the daemon would, and stores nothing.

Each mail is taken apart by an isolated reader, and its text is understood in a process of its own. What was understood
is printed as JSON objects, a contract with other programs (docs/triage-json.md), drawn on the terminal, or written to
a page for a person.
"""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

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
from meldpost.private_file import CannotWrite
from triage import MailText, Report

log = logging.getLogger(__name__)

AHEAD = 4
"""Mails that each worker may have waiting, so that a folder of any size takes no more memory."""


@dataclass(frozen=True)
class Understood:
    """The object of one mail, and its text, None where it could not be read or understood."""

    found: dict[str, Any]
    text: MailText | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Show:
    """How a person is shown what was understood: in which language, and from which score on Meldpost knows."""

    language: str
    know_threshold: float


def print_reports(
    paths: Sequence[Path],
    isolation: Literal["required", "limits-only"],
    workers: int,
    *,
    jsonl: bool,
    html: Path | None,
    show: Show,
    model: Path | None = None,
) -> bool:
    """Print an object for each mail and each other file, write a page, or draw each mail. Could every mail be read?

    `model` is the folder of the model, None for the one that comes with Meldpost. Raises CannotRead, NoMail,
    NotIsolated, NurseryGone, CannotWrite.
    """
    hygiene.no_core_dumps()
    if html is not None and not html.parent.is_dir():
        raise CannotWrite(f"{html} cannot be written: there is no folder {html.parent}.")
    files = find(paths)
    if files.skipped:
        print(f"Files passed over, since they are no mails: {len(files.skipped)}.", file=sys.stderr)
    failed: list[str] = []
    with (
        Readers(isolation=isolation).start() as readers,
        Understanders(isolation=isolation, model=model and model.resolve()).start() as understanders,
    ):
        understood = _noting(_understood(files.paths, readers, understanders, workers), failed)
        if jsonl:
            understood = _printing(understood)
        if html is not None:
            _write(html, understood, show)
        elif not jsonl:
            _draw(understood, show)
        deque(understood, maxlen=0)
    if jsonl:
        for path in files.skipped:
            print(json.dumps({"file": str(path), "error": "this is no mail, and was passed over"}, ensure_ascii=False))
    return not failed


def _noting(mails: Iterable[Understood], failed: list[str]) -> Iterator[Understood]:
    for mail in mails:
        failed += [mail.found["file"]] if "error" in mail.found else []
        yield mail


def _printing(mails: Iterable[Understood]) -> Iterator[Understood]:
    for mail in mails:
        print(json.dumps(mail.found, ensure_ascii=False), flush=True)
        yield mail


def _write(path: Path, mails: Iterable[Understood], show: Show) -> None:
    from desk.pictures import page, picture
    from meldpost.private_file import write_private

    write_private(path, page((picture(each.found, each.text, show.know_threshold) for each in mails), show.language))


def _draw(mails: Iterable[Understood], show: Show) -> None:
    from desk.pictures import picture, speaking
    from meldpost.terminal_picture import ASIDE, LONGEST, console, draw

    with speaking(show.language):
        on = console()
        for each in mails:
            draw(on, picture(each.found, each.text, show.know_threshold, longest=LONGEST, aside=ASIDE))


def _understood(
    paths: Sequence[Path], readers: Readers, understanders: Understanders, workers: int
) -> Iterator[Understood]:
    """In the order of the files, `workers` at a time. The threads only wait: the work is done by processes."""
    free: SimpleQueue[Understanders] = SimpleQueue()
    own = [copy(understanders) for _ in range(workers)]  # a line to a worker takes one mail at a time
    for each in own:
        free.put(each)
    waiting: deque[Future[Understood]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for mail in mails(paths):
            waiting.append(pool.submit(_understand, str(mail.path), mail.open(), readers, free))
            while len(waiting) >= workers * AHEAD or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    for each in own:
        each.end_round()


def _understand(file: str, raw: RawMail, readers: Readers, free: "SimpleQueue[Understanders]") -> Understood:
    understanders = free.get()
    try:
        with raw:
            mail = readers.read(raw)
        text = mail_text(mail)
        report = understanders.understand(text)
    except ReadError as error:
        return Understood({"file": file, "error": f"this mail cannot be taken apart: {error}"})
    except UnderstandingFailed as error:
        return Understood({"file": file, "error": f"this mail cannot be understood: {error}"})
    finally:
        free.put(understanders)
    verdict = judge(mail.headers, mail.from_.address if mail.from_ else None, Own(frozenset()), inside(mail))
    return Understood(contract(file, report, verdict.kind), text)


def contract(file: str, report: Report, automatic: Automatic | None) -> dict[str, Any]:
    """The JSON object of one mail, as other programs rely on it."""
    inner = report.to_json()
    evidence = inner.pop("evidence")
    return {"file": file, **inner, "automatic": automatic.value if automatic else None, "evidence": evidence}
