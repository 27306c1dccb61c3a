import string
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.addresses import BadAddress, domain_to_ascii
from config.settings import DeskSettings
from notify import mime
from notify.addressing import address, clean_message_id, thread, with_tag
from notify.document import Document, Paragraph

DOCUMENT = Document("nl", "Ontvangstbevestiging", (Paragraph("Goedendag,"),))

anything = st.text(max_size=300)
message_ids = st.text(string.ascii_letters + string.digits + ".-_+$%", min_size=1, max_size=200).map(
    lambda left: f"<{left}@voorbeeld.nl>"
)


def header_block(raw: bytes) -> list[bytes]:
    return raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_every_way_back_carries_the_token(addressed):
    """mail-cases 96"""
    outside = addressed()
    token = outside.message_id[1:].partition("@")[0]
    assert outside.message_id == f"<{token}@ministerie.example>"
    assert outside.reply_to == f"meldpunt+{token}@ministerie.example"
    assert outside.envelope_sender == f"meldpunt+b.{token}@ministerie.example"


def test_without_plus_addressing_only_the_message_id_carries_the_token(desk: DeskSettings, now):
    plain = desk.model_copy(update={"plus_addressing": False, "bounce_address": "terug@ministerie.example"})
    outside = address(plain, "token", "jan@voorbeeld.nl", date=now)
    assert (outside.reply_to, outside.envelope_sender) == (None, "terug@ministerie.example")


def test_a_local_part_that_the_token_would_make_too_long_goes_without_it():
    assert with_tag("a" * 30 + "@x.example", "b." + "t" * 40) == "a" * 30 + "@x.example"
    assert with_tag("a" * 21 + "@x.example", "b." + "t" * 40).startswith("a" * 21 + "+b.t")


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        None,
        "x@y",
        "<>",
        "<a b@c>",
        "<a@b>\r\nBcc: <c@d>",
        "<a@b\n>",
        "<a@b> <c@d>",
        "<a\x00@b>",
        "<ü@b>",
        "=?utf-8?q?=3Ca@b=0D=0ABcc:_x=3E?=",
        "<" + "x" * 901 + ">",
    ],
)
def test_an_identifier_that_is_not_one_plain_word_is_left_out(spoilt):
    """mail-cases 84"""
    assert clean_message_id(spoilt) is None


@given(parent=st.one_of(st.none(), anything, message_ids), references=st.lists(st.one_of(anything, message_ids)))
@example(parent="<" + "x" * 81 + "@voorbeeld.nl>", references=[])
@example(parent="<a@b>\r\nBcc: x@evil.example", references=["<c@d>\r\n\r\nbody"])
@example(parent="<" + "x" * 890 + "@b>", references=["<" + "y" * 890 + "@b>"] * 3)
def test_whatever_a_reporter_calls_a_message_id_the_headers_stay_whole(desk_, moment, parent, references):
    """mail-cases 84"""
    outside = address(desk_, "token", "jan@voorbeeld.nl", date=moment, in_reply_to=parent, references=tuple(references))
    lines = header_block(mime.to_bytes(DOCUMENT, outside, mime.REPLIED))
    names = [line.partition(b":")[0].decode().lower() for line in lines]
    assert len(names) == len(set(names))
    assert set(names) <= {
        "date", "from", "to", "reply-to", "subject", "message-id", "in-reply-to", "references", "auto-submitted",
        "x-auto-response-suppress", "x-loop", "content-language", "mime-version", "content-type",
    }  # fmt: skip
    assert all(len(line) <= 998 for line in lines)
    for name in (b"In-Reply-To", b"References"):
        assert not any(line.startswith(name) and b"=?" in line and parent and "=?" not in parent for line in lines)


@pytest.fixture(scope="module")
def desk_() -> DeskSettings:
    from config.settings import ReceiptTexts

    texts = ReceiptTexts(about_coordinator="a", support_point="b", complaints="c")
    return DeskSettings(
        name="n",
        organisation="o",
        address="meldpunt@ministerie.example",
        public_key="",
        recovery_key="",
        mailer_key="",
        texts=texts,
    )


@pytest.fixture(scope="module")
def moment():
    from datetime import UTC, datetime

    return datetime(2026, 3, 2, 13, 32, tzinfo=UTC)


@given(st.lists(message_ids, max_size=40), message_ids)
def test_references_keep_the_first_and_the_last_and_fit_on_one_line(chain, parent):
    """mail-cases 86"""
    kept = thread(chain, parent)
    others = [item for item in dict.fromkeys(chain) if item != parent]
    assert kept[-1] == parent
    assert len("References: " + " ".join(kept)) <= 998
    assert list(kept) == [item for item in [*others, parent] if item in kept]
    if others and len(kept) > 1:
        assert kept[0] == others[0]
    if len(" ".join([*others, parent])) < 890:
        assert kept == (*others, parent)


def test_a_long_message_id_stays_one_plain_line(addressed):
    """mail-cases 85"""
    long = "<" + "x" * 81 + "@voorbeeld.nl>"
    raw = mime.to_bytes(DOCUMENT, addressed(in_reply_to=long), mime.REPLIED)
    assert f"In-Reply-To: {long}".encode() in header_block(raw)
    assert f"References: {long}".encode() in header_block(raw)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("jan@voorbeeld.nl", "jan@voorbeeld.nl"),
        ("o'brien+x@voorbeeld.nl", "o'brien+x@voorbeeld.nl"),
        ("jan@bücher.example", "jan@xn--bcher-kva.example"),
        ("jan@BÜCHER.example", "jan@xn--bcher-kva.example"),
        ("юля@почта.рф", "юля@xn--80a1acny.xn--p1ai"),
    ],
)
def test_a_domain_is_sent_as_a_labels_and_a_local_part_is_never_touched(written, sent):
    assert domain_to_ascii(written) == sent


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "jan",
        "@x.nl",
        "jan@",
        "a b@x.nl",
        "jan@x.nl\r\nBcc: y@z",
        "<a@b.nl>",
        "a@b@c",
        "a@‥.nl",
        "a\u202e@b.nl",
        "a\udc80@b.nl",
    ],
)
def test_what_is_no_address_gets_no_mail(spoilt):
    with pytest.raises(BadAddress):
        domain_to_ascii(spoilt)


@given(st.emails())
def test_every_ordinary_address_can_be_written_to(written):
    try:
        sent = domain_to_ascii(written)
    except BadAddress:
        assert any(sign in written for sign in '"()[]\\,;:<>')
        return
    assert sent == written


@given(
    local=st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters='<>,;:"()[]\\@'), min_size=1, max_size=40
    )
)
def test_a_local_part_is_never_encoded_illegally(desk_, moment, local):
    """mail-cases 83"""
    outside = address(desk_, "token", f"{local}@voorbeeld.nl", date=moment)
    to = next(line for line in header_block(mime.to_bytes(DOCUMENT, outside, mime.REPLIED)) if line.startswith(b"To:"))
    assert to == f"To: {local}@voorbeeld.nl".encode()


@pytest.mark.parametrize("local", ["=?utf-8?q?hi=0D=0ABcc=3a_x?=", "=?utf-8?q?hi?=", "a..b.", "a=?x?="])
def test_an_address_that_looks_like_an_encoded_word_is_left_as_it_is(addressed, local):
    raw = mime.to_bytes(DOCUMENT, addressed(f"{local}@voorbeeld.nl"), mime.REPLIED)
    assert f"To: {local}@voorbeeld.nl".encode() in header_block(raw)


def test_a_senders_name_cannot_smuggle_anything_in(desk: DeskSettings, now):
    sly = desk.model_copy(update={"display_name": 'Post"\r\nBcc: x@evil.example, <y@evil.example>'})
    raw = mime.to_bytes(DOCUMENT, address(sly, "token", "jan@voorbeeld.nl", date=now), mime.REPLIED)
    mail = message_from_bytes(raw, policy=default)
    assert mail["Bcc"] is None
    assert [one.addr_spec for one in mail["From"].addresses] == ["meldpunt@ministerie.example"]
