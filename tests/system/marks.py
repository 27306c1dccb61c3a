"""Words that stand in the mails of a test, and finding them again in whatever shape they were written."""

import base64
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_LARGEST = 1 << 24
_DECOMPRESSORS: tuple[tuple[re.Pattern[bytes], Callable[[], object]], ...] = (
    (re.compile(rb"\x78[\x01\x5e\x9c\xda]"), zlib.decompressobj),
    (re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    (re.compile(rb"BZh[1-9]1AY&SY"), bz2.BZ2Decompressor),
    (re.compile(rb"\xfd7zXZ\0"), lzma.LZMADecompressor),
)


@dataclass(frozen=True)
class Marks:
    """Words to look for. Each is long and odd enough to stand nowhere by chance."""

    words: tuple[str, ...]

    def found_in(self, data: bytes, *, compressed: bool = True) -> list[str]:
        """Give which words stand in the data, and in which shape: plain, UTF-16, base64, hexadecimal, or compressed."""
        found = [f"{word} ({shape})" for word, shape, needle in self._needles() if needle in data]
        if compressed:
            for inner in _decompressed(data):
                found += [f"{each}, compressed" for each in self.found_in(inner, compressed=False)]
        return found

    def _needles(self) -> Iterator[tuple[str, str, bytes]]:
        for word in self.words:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                encoded = word.encode(encoding)
                yield word, encoding, encoded
                yield word, f"{encoding}, hexadecimal", encoded.hex().encode()
                for offset in range(3):
                    yield word, f"{encoding}, base64", _inside_base64(encoded, offset)
            yield word, "lower case", word.lower().encode()
            yield word, "upper case", word.upper().encode()


def _inside_base64(encoded: bytes, offset: int) -> bytes:
    """Give the characters of a base64 text that depend on these bytes alone, when `offset` bytes stand before them."""
    text = base64.b64encode(bytes(offset) + encoded)
    begin = 0 if offset == 0 else offset + 1
    whole = (offset + len(encoded)) * 8 // 6
    return text[begin:whole]


def _decompressed(data: bytes) -> Iterable[bytes]:
    """Give whatever in the data can be decompressed by a format that is known by its first bytes."""
    for beginning, make in _DECOMPRESSORS:
        for match in beginning.finditer(data):
            decompressor = make()
            inner = b""
            try:
                for start in range(match.start(), len(data), 4096):
                    inner += decompressor.decompress(data[start : start + 4096])  # type: ignore[attr-defined]
                    if len(inner) > _LARGEST or decompressor.eof:  # type: ignore[attr-defined]
                        break
            except (zlib.error, OSError, lzma.LZMAError, EOFError):
                pass  # what came before the error counts
            if inner:
                yield inner
