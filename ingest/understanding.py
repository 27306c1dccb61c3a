"""Understanders: triage in an isolated process, which sees validated text only and whose answers are validated again.

One child serves one round; a child that died, hung or talked nonsense costs one mail its suggestions, and the next mail
gets a new child. The model is loaded once, in the nursery.
"""

from __future__ import annotations

import json
import struct
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.errors import UnderstandingFailed
from ingest.isolation import Layer, ProcessLimits
from ingest.nursery import Line, Nursery, Nursing, layers_for
from triage import InvalidReport, MailText, Report

LENGTH = struct.Struct("!I")
_LARGEST_ANSWER = 1024 * 1024
_LONGEST_TEXT = 200_000
_LONGEST_FIELD = 1000
# For a whole round; a single mail has its own limit.
_LIMITS = ProcessLimits(cpu_seconds=900, wall_seconds=3600)


@dataclass
class _Worker:
    job: AbstractContextManager[Line]
    line: Line


class Understanders:
    """Understands mails one after the other. Can be handed to another process once started.

        with Understanders(seconds=30, isolation="required").start() as understanders:
            report = understanders.understand(MailText(...))

    `understand` raises UnderstandingFailed for this one mail, or NurseryGone when the nursery itself has ended.
    """

    def __init__(
        self,
        seconds: float = 30,
        isolation: str = "required",
        *,
        model: Path | None = None,
        inherited: tuple[int, ...] = (),
        limits: ProcessLimits = _LIMITS,
        layers: Layer | None = None,
        entry: str = "ingest.understanding_worker",
        path: tuple[str, ...] = (),
    ) -> None:
        self._seconds = seconds
        self._nursing = Nursing(
            entry=entry,
            argument=str(model) if model else None,
            limits=limits,
            layers=layers if layers is not None else layers_for(isolation),
            path=path,
            inherited=inherited,
        )
        self._nursery: Nursery | None = None
        self._worker: _Worker | None = None

    def start(self) -> Understanders:
        self._nursery = Nursery.start(self._nursing)
        return self

    @property
    def nursery(self) -> Nursery:
        if self._nursery is None:
            raise RuntimeError("Understanders have to be started before they understand.")
        return self._nursery

    def understand(self, mail: MailText) -> Report:
        worker = self._worker or self._new_worker()
        try:
            return _ask(Line(worker.line.socket, time.monotonic() + self._seconds), mail)
        except TimeoutError:
            self._drop_worker(kill=True)
            raise UnderstandingFailed("the triage worker did not answer in time") from None
        except (OSError, EOFError):
            self._drop_worker(kill=True)
            raise UnderstandingFailed("the triage worker died") from None
        except (InvalidReport, ValueError, RecursionError):
            self._drop_worker(kill=True)
            raise UnderstandingFailed("the triage worker's answer does not follow the contract") from None

    def end_round(self) -> None:
        """Let the child go, with all that it has read."""
        self._drop_worker(kill=False)

    def is_running(self) -> bool:
        return self._nursery is not None and self._nursery.is_running()

    def close(self) -> None:
        self.end_round()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def __enter__(self) -> Understanders:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_worker": None}

    def _new_worker(self) -> _Worker:
        job = self.nursery.job()
        self._worker = _Worker(job, job.__enter__())
        return self._worker

    def _drop_worker(self, *, kill: bool) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        if not kill:
            worker.job.__exit__(None, None, None)
            return
        reason = UnderstandingFailed()
        try:
            worker.job.__exit__(type(reason), reason, None)
        except UnderstandingFailed:
            return


def _ask(line: Line, mail: MailText) -> Report:
    request = json.dumps(asdict(_bounded(mail)), ensure_ascii=False).encode("utf-8", "replace")
    line.send(LENGTH.pack(len(request)) + request)
    (length,) = LENGTH.unpack(_exactly(line, LENGTH.size))
    if length > _LARGEST_ANSWER:
        raise ValueError("answer too large")
    return Report.from_wire(json.loads(_exactly(line, length)))


def _bounded(mail: MailText) -> MailText:
    return MailText(
        subject=mail.subject[:_LONGEST_FIELD],
        from_name=mail.from_name[:_LONGEST_FIELD],
        from_email=mail.from_email[:_LONGEST_FIELD],
        own_text=mail.own_text[:_LONGEST_TEXT],
        quoted_text=mail.quoted_text[:_LONGEST_TEXT],
        attachment_text=mail.attachment_text[:_LONGEST_TEXT],
    )


def _exactly(line: Line, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = line.receive(min(size - len(pieces), 256 * 1024))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)
