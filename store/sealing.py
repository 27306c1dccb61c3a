"""Sealing records to a public key, and opening them again.

Small records (64 KiB after padding) are one HPKE message (RFC 9180, base mode). Larger ones are a random file key
sealed by HPKE, and the content in chunks of 64 KiB under a key derived from it, by the STREAM construction (Hoang et
al. 2015) as age uses it: the nonce holds the number of the chunk and whether it is the last, so that none can be
dropped, swapped, repeated or added.

`seal_stream` and `open_stream` need the memory of two or three chunks, whatever the record's size. What `open_stream`
has given out is authentic piece by piece, but whole only when it ends without an error: act on the end, not on the
beginning.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as HpkeSuite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.frame import HEADER_SIZE, Context, Damaged, Header, Mode, NotAFrame, SealError, WrongKey, info
from store.keypairs import PrivateKey, PublicKey
from store.padding import pad, unpad

__all__ = [
    "CHUNK",
    "Context",
    "Damaged",
    "NotAFrame",
    "SealError",
    "WrongKey",
    "frame_size",
    "open_sealed",
    "open_stream",
    "seal",
    "seal_stream",
]

CHUNK = 64 * 1024
_TAG = 16
_KEY = 32
_HPKE = HpkeSuite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_HPKE_OVERHEAD = KEM.MLKEM768_X25519.enc_length() + _TAG
_CHUNK_LABEL = b"meldpost sealed record, chunks"


def seal(plaintext: bytes, to: PublicKey, context: Context) -> bytes:
    """Seal content to a key, for one place."""
    return b"".join(seal_stream([plaintext], to, context))


def frame_size(content_size: int) -> int:
    """How many bytes a frame has that holds so many, where they fit one message."""
    return HEADER_SIZE + _HPKE_OVERHEAD + sum(map(len, pad([bytes(content_size)])))


def open_sealed(frame: bytes, key: PrivateKey, context: Context) -> bytes:
    """Open what `seal` or `seal_stream` made. Raises NotAFrame, WrongKey, Damaged."""
    return b"".join(open_stream([frame], key, context))


def seal_stream(chunks: Iterable[bytes], to: PublicKey, context: Context) -> Iterator[bytes]:
    """Seal content of unknown length: the head first, then pieces of at most 64 KiB and a tag."""
    pieces = _cut(pad(chunks), CHUNK)
    piece, last = next(pieces)
    header = Header(Mode.ONE_SHOT if last else Mode.CHUNKS, context.generation, context.version)
    yield header.to_bytes()
    if last:
        yield _HPKE.encrypt(piece, to.hpke, info(header, context))
        return
    file_key = os.urandom(_KEY)
    sealed_key = _HPKE.encrypt(file_key, to.hpke, info(header, context))
    yield sealed_key
    cipher = _chunk_cipher(file_key, sealed_key, info(header, context))
    yield cipher.encrypt(_nonce(0, last=False), piece, None)
    for number, (piece, last) in enumerate(pieces, start=1):
        yield cipher.encrypt(_nonce(number, last=last), piece, None)


def open_stream(pieces: Iterable[bytes], key: PrivateKey, context: Context) -> Iterator[bytes]:
    """Open a record piece by piece; the pieces may be cut anywhere. Raises NotAFrame, WrongKey, Damaged."""
    return unpad(_open_padded(_Reader(pieces), key, context))


def _open_padded(reader: "_Reader", key: PrivateKey, context: Context) -> Iterator[bytes]:
    header = Header.from_bytes(reader.take(HEADER_SIZE))
    if (header.generation, header.version) != (context.generation, context.version):
        raise WrongKey("this record has another key generation or version than the one asked for")
    bound_to = info(header, context)
    if header.mode is Mode.ONE_SHOT:
        yield _open_hpke(reader.take(_HPKE_OVERHEAD + CHUNK), key, bound_to)
        if reader.take(1):
            raise Damaged("something follows the end of this record")
        return
    sealed_key = reader.take(_HPKE_OVERHEAD + _KEY)
    cipher = _chunk_cipher(_open_hpke(sealed_key, key, bound_to), sealed_key, bound_to)
    for number, (piece, last) in enumerate(_cut(reader.rest(), CHUNK + _TAG)):
        if last and number == 0:
            raise Damaged(
                "this record is cut off after its first chunk"
            )  # what fits one chunk is never sealed in chunks
        try:
            yield cipher.decrypt(_nonce(number, last=last), piece, None)
        except InvalidTag:
            raise Damaged(f"chunk {number} of this record is missing, swapped, changed or cut off") from None


def _open_hpke(message: bytes, key: PrivateKey, bound_to: bytes) -> bytes:
    if len(message) < _HPKE_OVERHEAD:
        raise Damaged("this record is cut off in its head")
    try:
        return _HPKE.decrypt(message, key.hpke, bound_to)
    except (InvalidTag, ValueError):
        raise WrongKey("this key does not open this record in this place") from None


def _chunk_cipher(file_key: bytes, sealed_key: bytes, bound_to: bytes) -> AESGCM:
    """Derive the chunks' key from the file key and the whole head, so that no body opens under another head."""
    salt = hashlib.sha256(sealed_key).digest()
    return AESGCM(HKDF(SHA256(), _KEY, salt, _CHUNK_LABEL + bound_to).derive(file_key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _cut(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a stream into pieces of `size` bytes, telling for each whether it is the last (which may be shorter)."""
    held = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            if len(held) == size:
                yield bytes(held), False
                held.clear()
            room = size - len(held)
            held += view[:room]
            view = view[room:]
    yield bytes(held), True


class _Reader:
    """Takes a given number of bytes from pieces cut anywhere."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def take(self, size: int) -> bytes:
        """Give `size` bytes, or what is left where there are fewer."""
        taken = bytearray(self._held[:size])
        self._held = self._held[size:]
        while len(taken) < size and (piece := next(self._pieces, None)) is not None:
            room = size - len(taken)
            taken += piece[:room]
            self._held = piece[room:]
        return bytes(taken)

    def rest(self) -> Iterator[bytes]:
        """Give all that is left."""
        yield self._held
        self._held = b""
        yield from self._pieces
