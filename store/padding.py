"""Padding by Padmé, so that the size of a record tells little about what it holds.

Content is followed by 0x80 and then zeros, up to the next length that Padmé allows, 256 bytes at least (Nikitin et
al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019, section 4): at most 12
percent more, and of all lengths up to n only about log log n bits stay visible. Neither padding nor taking it off
needs to know the length beforehand.
"""

from collections.abc import Iterable, Iterator

from store.frame import Damaged

MINIMUM = 256  # below this the sizes of small records (a status, a severity) would tell their values
_MARK = b"\x80"
_PIECE = 64 * 1024


def padme(length: int) -> int:
    """Give the padded length for something of `length` bytes (the mark counted)."""
    if length <= MINIMUM:
        return MINIMUM
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask


def pad(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the content on and then its padding."""
    length = 0
    for chunk in chunks:
        length += len(chunk)
        yield chunk
    yield _MARK
    yield from _zeros(padme(length + 1) - length - 1)


def unpad(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the content on without its padding, in constant memory.

    What may be padding (a mark and zeros) is held back as a count until a later byte shows that it was content. Raises
    Damaged, at the end, where the padding is not what `pad` makes.
    """
    total, marked, zeros = 0, False, 0
    for chunk in chunks:
        total += len(chunk)
        body = chunk.rstrip(b"\0")
        if body:
            if marked:
                yield _MARK
            yield from _zeros(zeros)
            marked, zeros = body.endswith(_MARK), 0
            if content := (body[:-1] if marked else body):
                yield content
        zeros += len(chunk) - len(body)
    if not marked or padme(total - zeros) != total:
        raise Damaged("the padding of this record is not as it was made")


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        piece = min(count, _PIECE)
        yield bytes(piece)
        count -= piece
