"""Readers: one isolated process per mail, seen from the side that holds the mail."""

from __future__ import annotations

import json
from dataclasses import replace

from config.faults import fault
from config.settings import OcrSettings
from ingest import wire
from ingest.errors import ReaderDied, ReaderTimedOut
from ingest.isolation import Layer, ProcessLimits
from ingest.mail import ParsedMail
from ingest.nursery import Nursery, Nursing, layers_for
from ingest.raw import RawMail

FILES_DEFECT = "files: "
"""Begins the defect of a mail whose reader ended over its files."""

_SHARE_FOR_FILES = 0.6
"""Of a reader's time; the rest is the mail's own."""


class Readers:
    """Reads mails, each in a process of its own that ends with it. Can be handed to another process once started.

        with Readers(limits, isolation="required").start() as readers:
            mail = readers.read(raw)

    Raises NotIsolated at the start where the kernel gives too little; `read` raises a ReadError for this one mail, or
    NurseryGone when the nursery itself has ended, which says nothing about the mail.
    """

    def __init__(
        self,
        limits: ProcessLimits | None = None,
        isolation: str = "required",
        *,
        layers: Layer | None = None,
        ocr: OcrSettings | None = None,
        entry: str = "ingest.reader",
        path: tuple[str, ...] = (),
    ) -> None:
        ocr = ocr or OcrSettings()
        limits = limits or ProcessLimits()
        self._nursing = Nursing(
            entry=entry,
            argument=_argument(limits, ocr),
            limits=limits,
            layers=layers if layers is not None else layers_for(isolation),
            path=path,
        )
        self._nursery: Nursery | None = None

    def start(self) -> Readers:
        self._nursery = Nursery.start(self._nursing)
        return self

    @property
    def nursery(self) -> Nursery:
        if self._nursery is None:
            raise RuntimeError("Readers have to be started before they read.")
        return self._nursery

    def read(self, raw: RawMail) -> ParsedMail:
        """What a reader says; of one that ended over the mail's files, what it had said of them by then."""
        answer = wire.Answer(raw.size)
        try:
            with self.nursery.job(raw.fd, raw.size) as line:
                fault("in-reader")
                answer.take(line.receive)
        except TimeoutError:
            return _so_far(answer, ReaderTimedOut("the reader did not answer in time"))
        except OSError:
            return _so_far(answer, ReaderDied("the line to the reader broke"))
        except ReaderDied as error:
            return _so_far(answer, error)
        return _so_far(answer, None)

    def is_running(self) -> bool:
        return self._nursery is not None and self._nursery.is_running()

    def close(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _argument(limits: ProcessLimits, ocr: OcrSettings) -> str:
    return json.dumps(
        {
            "file_seconds": limits.wall_seconds * _SHARE_FOR_FILES,
            "languages": ocr.languages,
            "tessdata": str(ocr.tessdata) if ocr.tessdata else None,
        }
    )


def _so_far(answer: wire.Answer, error: ReaderDied | ReaderTimedOut | None) -> ParsedMail:
    if answer.mail is None:
        raise error or ReaderDied("the reader ended before it answered") from None
    if error is None:
        return answer.mail
    return replace(answer.mail, defects=(*answer.mail.defects, f"{FILES_DEFECT}{error}")[:100])
