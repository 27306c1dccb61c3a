"""How fast records are sealed, beside the bare algorithms, by turns in one run: `python -m bench.sealing` prints it.

What counts is the time of this process's own work: other work on the machine changes the figures little.
"""

import os
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from store.frame import Context
from store.keypairs import generate
from store.sealing import seal, seal_stream

SMALL = (300, 3_000, 30_000)
LARGE = 50 * 2**20
_PIECE = 2**20
_TURNS = 15
_EACH = 40
_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class Beside:
    """Seconds for one, bare and as Meldpost does it: the median of the turns."""

    bare: float
    sealed: float

    @property
    def ratio(self) -> float:
        """Of the bare speed, how much is left."""
        return self.bare / self.sealed


@dataclass(frozen=True)
class Sealing:
    """Small records by their size; 50 MB in a stream; and the most memory that the stream took, in bytes."""

    small: dict[int, Beside]
    large: Beside
    peak_bytes: int


def measure() -> Sealing:
    to = generate().public
    place = Context("bench", "c" * 32, "message", "r" * 32, 1, 1)
    small = {}
    for size in SMALL:
        content = os.urandom(size)
        small[size] = _beside(
            lambda content=content: _HPKE.encrypt(content, to.hpke, b"bench"),  # type: ignore[misc]
            lambda content=content: seal(content, to, place),  # type: ignore[misc]
            _EACH,
        )
    content = os.urandom(LARGE)
    cipher = AESGCM(os.urandom(32))

    def stream() -> None:
        for _ in seal_stream(_pieces(content), to, place):
            pass

    large = _beside(lambda: cipher.encrypt(os.urandom(12), content, None), stream, 1)
    return Sealing(small, large, _peak(stream))


def _beside(bare: Callable[[], object], sealed: Callable[[], object], each: int) -> Beside:
    turns: tuple[list[float], list[float]] = ([], [])
    for turn in range(-1, _TURNS):  # the first is a warm-up
        for work, seconds in zip((bare, sealed), turns, strict=True):
            began = time.process_time()
            for _ in range(each):
                work()
            if turn >= 0:
                seconds.append((time.process_time() - began) / each)
    return Beside(*(statistics.median(seconds) for seconds in turns))


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _pieces(content: bytes) -> Iterator[bytes]:
    view = memoryview(content)
    return (bytes(view[start : start + _PIECE]) for start in range(0, len(view), _PIECE))


def section(found: Sealing) -> str:
    """What the page says of it."""
    rows = "\n".join(
        f"| {size:,} bytes | {1e6 * each.bare:.0f} µs | {1e6 * each.sealed:.0f} µs | {each.ratio:.0%} |"
        for size, each in found.small.items()
    )
    megabytes = LARGE / 2**20
    return f"""## Sealing

| record | bare | sealed | of the bare speed |
| --- | --- | --- | --- |
{rows}
| {megabytes:.0f} MB | {1e3 * found.large.bare:.0f} ms | {1e3 * found.large.sealed:.0f} ms | {found.large.ratio:.0%} |

Bare is one HPKE message of the same content for the small ones, AES-256-GCM over all of it at once for the large one.
Sealed is padding, head and `info` besides, and for the large one chunks with a key of their own; it takes
**{found.peak_bytes / 1e6:.1f} MB** of memory, the pieces that it is given included. By turns, in one process, in time
of that process.
"""


if __name__ == "__main__":
    print(section(measure()))
