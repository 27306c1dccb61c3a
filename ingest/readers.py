"""Readers: one isolated process per mail, seen from the side that holds the mail."""

from __future__ import annotations

from config.faults import fault
from ingest import wire
from ingest.errors import ReaderDied, ReaderTimedOut
from ingest.isolation import Layer, ProcessLimits
from ingest.mail import ParsedMail
from ingest.nursery import Nursery, Nursing, layers_for
from ingest.raw import RawMail


class Readers:
    """Reads mails, each in a process of its own that ends with it. Can be handed to another process once started.

        with Readers(limits, isolation="required").start() as readers:
            mail = readers.read(raw)

    Raises NotIsolated at the start where the kernel gives too little; `read` raises a ReadError for this one mail, or
    NurseryGone when the nursery itself has ended, which says nothing about the mail.
    """

    def __init__(
        self, limits: ProcessLimits | None = None, isolation: str = "required", *, layers: Layer | None = None
    ) -> None:
        self._nursing = Nursing(
            entry="ingest.reader",
            limits=limits or ProcessLimits(),
            layers=layers if layers is not None else layers_for(isolation),
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
        try:
            with self.nursery.job(raw.fd, raw.size) as line:
                fault("in-reader")
                return wire.receive_mail(line.receive, raw.size)
        except TimeoutError:
            raise ReaderTimedOut("the reader did not answer in time") from None
        except OSError:
            raise ReaderDied("the line to the reader broke") from None

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
