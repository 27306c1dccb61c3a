"""Whatever the shape of a mail: what was put in comes out, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.children import LEVELS
from ingest.mail import ParsedAttachment
from ingest.parse import parse_bytes
from tests.ingest.fuzz import answered, read_whole
from tests.ingest.trees import Child, File, Node, Several, Text, line_ends, mails


def _flat(node: Node) -> Iterator[Node]:
    """The leaves of one mail; a mail in it is one of them."""
    if isinstance(node, Several):
        for part in node.parts:
            yield from _flat(part)
    else:
        yield node


def _words(node: Node) -> list[str]:
    return [word for leaf in _flat(node) if isinstance(leaf, Text) for word in " ".join(leaf.readable).split()]


def _bytes(attachment: ParsedAttachment) -> bytes:
    return b"".join(attachment.chunks())


@settings(max_examples=150, deadline=None)
@given(mails, line_ends)
def test_words_files_and_mails_come_out_as_they_were_put_in(mail: Child, end: bytes) -> None:
    """mail-cases 47, 63, 64"""
    source = mail.message(end)
    assert answered(source)
    assert read_whole(source) is not None
    parsed = parse_bytes(source)
    assert parsed.text.split() == _words(mail.node)
    _holds(mail.node, parsed.attachments, None, end, level=0)


def _holds(node: Node, attachments: tuple[ParsedAttachment, ...], inside: int | None, end: bytes, level: int) -> None:
    """Are the files of that mail, and of those in it, the ones that were put in?"""
    expected = [leaf for leaf in _flat(node) if not isinstance(leaf, Text)]
    places = [place for place, each in enumerate(attachments) if each.inside == inside]
    assert len(places) == len(expected)
    for place, leaf in zip(places, expected, strict=True):
        attachment = attachments[place]
        if isinstance(leaf, File):
            assert (_bytes(attachment), attachment.child) == (leaf.data, None)
        else:
            assert isinstance(leaf, Child)
            assert _bytes(attachment).rstrip() == leaf.message(end).rstrip()
            assert (attachment.child is not None) == (level < LEVELS)
            if attachment.child is not None:
                assert attachment.child.subject == leaf.subject.strip()
                assert attachment.text.split() == _words(leaf.node)
                _holds(leaf.node, attachments, place, end, level + 1)


@settings(max_examples=150, deadline=None)
@given(mails, line_ends, st.data())
def test_a_mail_with_bytes_changed_is_answered_or_refused(mail: Child, end: bytes, data: st.DataObject) -> None:
    source = bytearray(mail.message(end))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(source)))
        length = data.draw(st.sampled_from((0, 1, 10, 100)))
        source[at : at + length] = data.draw(st.binary(max_size=10) | st.sampled_from((b"\n\n", b"--b\n", b"\r", b"=")))
    answered(bytes(source))
    read_whole(bytes(source))
