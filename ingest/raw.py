"""A raw mail in memory only: an anonymous file that never touches a disk and can be handed to another process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator

_PIECE = 64 * 1024
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class RawMail:
    """The bytes of a mail as they came, in a sealed memfd. Close it, or use it as a context manager."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size

    @classmethod
    def from_bytes(cls, data: bytes) -> RawMail:
        return cls.from_chunks((data,))

    @classmethod
    def from_chunks(cls, chunks: Iterable[bytes]) -> RawMail:
        fd = os.memfd_create("mail", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            size = write_all(fd, chunks)
            # Whoever gets the descriptor can read the mail but never change it under our hands.
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, size)

    def chunks(self) -> Iterator[bytes]:
        return read_range(self.fd, 0, self.size)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> RawMail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class RawWriter:
    """A mail that comes bit by bit; `finish` gives it. What is written above `limit` bytes is dropped at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fd = os.memfd_create("mail", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.size = 0

    @property
    def too_large(self) -> bool:
        return self.size > self._limit

    def write(self, data: bytes | bytearray) -> None:
        """Raises OSError where there is no memory left."""
        self.size += len(data)
        if self.too_large:
            os.ftruncate(self._fd, 0)
        else:
            write_all(self._fd, (bytes(data),))

    def finish(self) -> RawMail:
        fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, _SEALS)
        fd, self._fd = self._fd, -1
        return RawMail(fd, self.size)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> RawWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_all(fd: int, chunks: Iterable[bytes]) -> int:
    """Write the pieces to `fd` one after the other; returns how many bytes there were."""
    size = 0
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            written = os.write(fd, rest)
            rest = rest[written:]
            size += written
    return size


def read_range(fd: int, offset: int, size: int) -> Iterator[bytes]:
    """The bytes at `offset`, in pieces, without moving the file position: several readers may share one descriptor."""
    end = offset + size
    while offset < end:
        piece = os.pread(fd, min(_PIECE, end - offset), offset)
        if not piece:
            return
        offset += len(piece)
        yield piece
