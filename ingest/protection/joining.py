"""One mail out of what stood in clear and what was opened. Pure.

What was encrypted is never put into the HTML that stood around it, nor the other way round: such mixtures have sent
plaintext to strangers (EFAIL, CVE-2017-17688 and 17689). What is not all of a mail gives its text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.mail import ParsedAttachment, ParsedMail, Sealed, SealedKind
from ingest.protection.armour import is_version

_ENTITIES = (SealedKind.CMS, SealedKind.PGP)
_HIDDEN_SUBJECTS = ("", "...", "[...]", "encrypted message")  # RFC 9788 §3.1, and what programs did before it
_ENVELOPE = ("from:", "date:", "header:")  # what an entity inside lacks, it need not have
_MOST_TEXT = 4_000_000
_MOST_FILES = 500


@dataclass(frozen=True)
class Piece:
    """Something that was opened, and what a reader made of its content."""

    sealed: Sealed
    inner: ParsedMail


def join(outer: ParsedMail, pieces: Sequence[Piece]) -> ParsedMail:
    """The outer mail with what its parts held. Its header fields stay its own: those inside were never seen by the
    desk's mail server, and say nothing that may be acted on."""
    if not pieces:
        return outer
    below = (each for piece in pieces for each in piece.inner.defects if not each.startswith(_ENVELOPE))
    defects = dict.fromkeys((*outer.defects, *below))
    files = tuple(_files(outer, pieces))[:_MOST_FILES]
    joined = replace(outer, attachments=files, defects=tuple(defects)[:100])
    alone = next((piece.inner for piece in pieces if piece.sealed.whole and piece.sealed.kind in _ENTITIES), None)
    if alone is not None:
        words = {name: getattr(alone, name) for name in ("text", "own_text", "signature_text", "quoted_text", "html")}
        hidden = outer.subject.strip().lower() in _HIDDEN_SUBJECTS
        return replace(joined, **words, subject=alone.subject if hidden and alone.subject else outer.subject)
    beside = [piece.inner for piece in pieces if piece.sealed.kind in _ENTITIES]
    if not beside:
        return joined
    return replace(
        joined,
        text=_below(outer.text, *(each.text for each in beside)),
        own_text=_below(outer.own_text, *(each.own_text for each in beside)),
        signature_text=_below(outer.signature_text, *(each.signature_text for each in beside)),
        quoted_text=_below(outer.quoted_text, *(each.quoted_text for each in beside)),
        html=None,
    )


def opened_text(outer: ParsedMail, pieces: Sequence[Piece]) -> str | None:
    """The text with what was opened in it put where it stood; None where nothing was."""
    in_text = [(piece.sealed.text, piece.inner.text) for piece in pieces if piece.sealed.text is not None]
    text = outer.text
    for (start, end), plain in sorted(in_text, reverse=True):
        text = text[:start] + plain.strip("\n") + text[end:]
    return text[:_MOST_TEXT] if in_text else None


def _below(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text.strip())[:_MOST_TEXT]


def _is_version(file: ParsedAttachment) -> bool:
    return file.content_type == "application/pgp-encrypted" and is_version(b"".join(file.chunks()))


def _files(outer: ParsedMail, pieces: Sequence[Piece]) -> Iterator[ParsedAttachment]:
    """The ciphertext of an entity goes, for its content is there and the raw mail keeps it, and so does what was found
    in a whole mail that was sealed; an encrypted file stays, and what it held lies inside it."""
    gone: set[int | None] = {piece.sealed.attachment for piece in pieces if piece.sealed.kind in _ENTITIES}
    is_pgp = any(piece.sealed.kind is SealedKind.PGP for piece in pieces)
    places: dict[int, int] = {}
    for number, file in enumerate(outer.attachments):
        if number in gone or (file.inside is not None and file.inside in gone):
            gone.add(number)
        elif not (is_pgp and _is_version(file)):
            places[number] = len(places)
            yield file if file.inside is None else replace(file, inside=places.get(file.inside))
    end = len(places)
    for piece in pieces:
        around = places.get(piece.sealed.attachment) if piece.sealed.attachment is not None else None
        for file in piece.inner.attachments:
            yield replace(file, inside=around if file.inside is None else end + file.inside)
        end += len(piece.inner.attachments)
