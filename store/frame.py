"""The head of a sealed record, and the place that a record is bound to.

Every sealed record begins with the same fifteen bytes (docs/sealed-format.md), whatever it holds:

    magic "MPSR" | format version 1 | suite 1 | mode 1 | key generation 4 | record version 4      (big-endian)

A head tells a reader which key to fetch and how to go on; it is authenticated, since `info` repeats it.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

MAGIC = b"MPSR"
FORMAT_VERSION = 1
HEADER_SIZE = 15
_HEADER = struct.Struct(">4sBBBII")
_LABEL = b"meldpost sealed record"
_MAX_NAME = 0xFFFF
_MAX_NUMBER = 0xFFFFFFFF


class SealError(Exception):
    """A record could not be opened. The message never holds any of its content, nor a key."""


class NotAFrame(SealError):
    """These bytes are no sealed record of a format that this version reads."""


class WrongKey(SealError):
    """This key does not open the record in this place: another key, another place, or a head that was changed."""


class Damaged(SealError):
    """The key is right, but a part of the record is missing, swapped, changed or too much."""


class Suite(IntEnum):
    """Which algorithms a record is sealed with."""

    MLKEM768_X25519_HKDF_SHA256_AES_256_GCM = 1


class Mode(IntEnum):
    """How the content follows the head."""

    ONE_SHOT = 1
    CHUNKS = 2


@dataclass(frozen=True)
class Context:
    """The one place where a record may be opened; nothing that differs in any of these opens it.

    `case` is empty for what belongs to no case. `generation` is that of the key pair it is sealed to, `version` that of
    the record.
    """

    desk: str
    case: str
    kind: str
    record: str
    generation: int
    version: int

    def __post_init__(self) -> None:
        for number in (self.generation, self.version):
            if not 0 <= number <= _MAX_NUMBER:
                raise ValueError("generation and version of a sealed record lie between 0 and 2**32 - 1")
        if any(len(name.encode()) > _MAX_NAME for name in self._names()):
            raise ValueError("a name in the context of a sealed record has at most 65535 bytes")

    def _names(self) -> tuple[str, ...]:
        return self.desk, self.case, self.kind, self.record


@dataclass(frozen=True)
class Header:
    """What stands in clear at the front of every record."""

    mode: Mode
    generation: int
    version: int
    suite: Suite = Suite.MLKEM768_X25519_HKDF_SHA256_AES_256_GCM

    def to_bytes(self) -> bytes:
        return _HEADER.pack(MAGIC, FORMAT_VERSION, self.suite, self.mode, self.generation, self.version)

    @classmethod
    def from_bytes(cls, frame: bytes) -> "Header":
        """Read the head of a record. Raises NotAFrame."""
        if len(frame) < HEADER_SIZE:
            raise NotAFrame("too short for a sealed record")
        magic, format_version, suite, mode, generation, version = _HEADER.unpack_from(frame)
        if magic != MAGIC:
            raise NotAFrame("not a sealed record: the first bytes are not its mark")
        if format_version != FORMAT_VERSION:
            raise NotAFrame(f"sealed in format {format_version}; this version reads format {FORMAT_VERSION}")
        try:
            return cls(Mode(mode), generation, version, Suite(suite))
        except ValueError:
            raise NotAFrame("sealed with a suite or mode that this version does not know") from None


def info(header: Header, context: Context) -> bytes:
    """Give what a record is bound to, as bytes that no other head and place have (every name carries its length)."""
    parts = [_LABEL, header.to_bytes()]
    for name in context._names():
        encoded = name.encode()
        parts += [len(encoded).to_bytes(2, "big"), encoded]
    return b"".join(parts)
