"""The head of a record, and that no two places share what a record is bound to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.frame import HEADER_SIZE, Context, Header, Mode, NotAFrame, info

names = st.text(max_size=40)
numbers = st.integers(0, 2**32 - 1)
contexts = st.builds(Context, names, names, names, names, numbers, numbers)
headers = st.builds(Header, st.sampled_from(Mode), numbers, numbers)


@given(headers)
def test_a_header_reads_back_as_it_was_written(header: Header) -> None:
    assert len(header.to_bytes()) == HEADER_SIZE
    assert Header.from_bytes(header.to_bytes() + b"body") == header


@given(st.binary(max_size=40))
def test_any_bytes_are_a_header_or_are_refused_by_name(data: bytes) -> None:
    try:
        header = Header.from_bytes(data)
    except NotAFrame:
        return
    assert header.to_bytes() == data[:HEADER_SIZE]


@given(contexts, contexts, headers)
def test_two_places_never_share_their_info(one: Context, other: Context, header: Header) -> None:
    names_of = [(c.desk, c.case, c.kind, c.record) for c in (one, other)]
    assert (info(header, one) == info(header, other)) == (names_of[0] == names_of[1])


@given(contexts, st.sampled_from([("desk", "case"), ("case", "kind"), ("kind", "record")]))
def test_letters_cannot_move_from_one_name_to_the_next(context: Context, pair: tuple[str, str]) -> None:
    header = Header(Mode.ONE_SHOT, context.generation, context.version)
    first, second = pair
    joined = replace(context, **{first: getattr(context, first) + "x", second: "y"})
    moved = replace(context, **{first: getattr(context, first), second: "xy"})
    assert info(header, joined) != info(header, moved)


@pytest.mark.parametrize("number", [-1, 2**32])
def test_numbers_that_do_not_fit_the_header_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        Context("d", "c", "k", "r", number, 0)


def test_a_name_that_does_not_fit_its_length_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        Context("d" * 65536, "c", "k", "r", 0, 0)
