"""Drawing the pages of a file for somebody to look at: in a process that holds that file, gives pixels, and ends.

What comes back is numbers and colours. Their count is checked before they are taken, and whoever shows them makes a
picture of them anew, so that nothing of the file itself gets through: no code, no metadata, no trick on a library.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from ingest.attachments.drawn import LONGEST_SIDE, CannotDraw, Drawing, Reason, Wanted
from ingest.isolation import Layer, ProcessLimits
from ingest.nursery import Line, Nursery, Nursing, layers_for
from ingest.raw import RawMail

LENGTH = struct.Struct("!I")
DRAWN, REFUSED, END = b"D", b"N", b"Z"
PAGE = struct.Struct("!IIHH")
"""Behind DRAWN: which page, of how many, its width and height; width × height × 3 bytes follow."""
_PIECE = 256 * 1024
_MOST_BYTES = 200_000_000
"""Of a file that is drawn at all."""
_LIMITS = ProcessLimits(cpu_seconds=60, wall_seconds=60, memory_bytes=800_000_000)
_AT_ONCE = 2
_PATIENCE_SECONDS = 60


class Drawers:
    """Draws files, each in a process of its own. The nursery is started when something is drawn first.

    `draw` raises NotIsolated where the kernel gives too little, and NurseryGone where no process can be had.
    """

    def __init__(
        self,
        isolation: str = "required",
        *,
        limits: ProcessLimits = _LIMITS,
        layers: Layer | None = None,
        entry: str = "ingest.drawing_worker",
        path: tuple[str, ...] = (),
    ) -> None:
        layers = layers if layers is not None else layers_for(isolation)
        self._nursing = Nursing(entry=entry, limits=limits, layers=layers, path=path)
        self._nursery: Nursery | None = None
        self._starting = threading.Lock()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def draw(
        self, content: Iterable[bytes], size: int, name: str, content_type: str, wanted: Wanted
    ) -> Iterator[Drawing]:
        """The pages of a file of so many bytes, one after the other, at least one. Raises CannotDraw."""
        if size > _MOST_BYTES:
            raise CannotDraw(Reason.BOUNDS)
        if not self._turns.acquire(timeout=_PATIENCE_SECONDS):
            raise CannotDraw(Reason.BUSY)
        try:
            with RawMail.from_chunks(content) as file, self._running().job(file.fd, file.size) as line:
                _ask(line, name, content_type, wanted)
                yield from _answers(line, wanted)
        except (OSError, EOFError):  # a TimeoutError is one
            raise CannotDraw(Reason.BROKEN) from None
        finally:
            self._turns.release()

    def close(self) -> None:
        with self._starting:
            if self._nursery is not None:
                self._nursery.close()
                self._nursery = None

    def _running(self) -> Nursery:
        with self._starting:
            if self._nursery is not None and not self._nursery.is_running():
                self._nursery.close()
                self._nursery = None
            if self._nursery is None:
                self._nursery = Nursery.start(self._nursing)
            return self._nursery


def _ask(line: Line, name: str, content_type: str, wanted: Wanted) -> None:
    asked = {"name": name[:1000], "content_type": content_type[:1000], "wanted": asdict(wanted)}
    request = json.dumps(asked).encode()
    line.send(LENGTH.pack(len(request)) + request)


def _answers(line: Line, wanted: Wanted) -> Iterator[Drawing]:
    """What the child says, as far as it keeps to what was asked. Raises CannotDraw, EOFError, OSError."""
    number = wanted.first
    while (kind := _exactly(line, 1)) == DRAWN and number <= wanted.last:
        said, pages, width, height = PAGE.unpack(_exactly(line, PAGE.size))
        longest = min(wanted.longest, LONGEST_SIDE)
        if said != number or pages < number or not (0 < width <= longest and 0 < height <= longest):
            raise CannotDraw(Reason.BROKEN)
        yield Drawing(number, pages, width, height, _exactly(line, width * height * 3))
        number += 1
    if kind == REFUSED:
        code = _exactly(line, 1)[0]
        raise CannotDraw(list(Reason)[code] if code < len(Reason) else Reason.BROKEN)
    if kind != END or number == wanted.first:
        raise CannotDraw(Reason.BROKEN)


def _exactly(line: Line, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = line.receive(min(size - len(pieces), _PIECE))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)
