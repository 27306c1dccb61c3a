"""ZIP archives within bounds: no more members and bytes than any honest document has (mail-cases 57)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from ingest.attachments.task import OutOfBounds

MOST_MEMBERS = 10_000
MOST_MEMBER_BYTES = 40_000_000
MOST_BYTES = 100_000_000
MOST_TIMES = 200
"""A member may not unpack to more than so many times what it takes packed, once it is large."""

_SMALL = 1_000_000
_DIRECTORY_ENTRY = 46  # bytes, at least
_END = struct.Struct("<4s4H2LH")
_PIECE = 256 * 1024

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OSError,
)


class Archive:
    """The members of a ZIP by name. Raises OutOfBounds, or one of BROKEN where it is damaged.

    `unpacks_to_too_much`: by what the directory says, a program that unpacks all of it gets more than is ever unpacked
    here, though what is read of it may be harmless.
    """

    def __init__(self, data: bytes) -> None:
        _check_directory(data)
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._left = MOST_BYTES
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS or _overlap(members, len(data)):
            raise OutOfBounds
        self.names = tuple(member.filename for member in members)
        self.unpacks_to_too_much = _unpack_to_too_much(members)
        self.is_encrypted = any(member.flag_bits & 1 for member in members)

    def read(self, name: str) -> bytes:
        """A member's bytes; b"" where there is none. Stops unpacking at the bound, whatever the member says."""
        if name not in self.names:
            return b""
        member = self._zip.getinfo(name)
        most = min(MOST_MEMBER_BYTES, self._left, max(_SMALL, MOST_TIMES * member.compress_size))
        content = bytearray()
        with self._zip.open(member) as stream:
            while piece := stream.read(_PIECE):
                content += piece
                if len(content) > most:
                    raise OutOfBounds
        self._left -= len(content)
        return bytes(content)


def _check_directory(data: bytes) -> None:
    """The library makes an object of every entry before it can be asked how many there are."""
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(data):
        raise zipfile.BadZipFile("no end of the directory")
    _, _, _, _, _, size, _, _ = _END.unpack_from(data, at)
    if size > MOST_MEMBERS * 10 * _DIRECTORY_ENTRY:
        raise OutOfBounds


def _unpack_to_too_much(members: list[zipfile.ZipInfo]) -> bool:
    """The same bounds as for what is unpacked here, but for a member's size: a film in an archive is none of ours."""
    swollen = (member.file_size > max(_SMALL, MOST_TIMES * member.compress_size) for member in members)
    return any(swollen) or sum(member.file_size for member in members) > MOST_BYTES


def _overlap(members: list[zipfile.ZipInfo], size: int) -> bool:
    """Members that lie over each other unpack the same bytes many times over (the bomb of Fifield, 2019)."""
    last = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < last:
            return True
        last = member.header_offset + member.compress_size
    return last > size
