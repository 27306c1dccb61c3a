"""Files and mails handed on: whole, as bytes, under their own name, in constant memory."""

import os
import tracemalloc
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.attachments import disposition
from store import casework
from store.audit import Action
from tests.desk.test_trail import of_action
from tests.desk.world import SITE, Visitor, World, coordinator


def _file(world: World, case_id: str) -> str:
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    return f"/cases/{case_id}/attachments/{view.messages[0].content['attachments'][0]['id']}/original"


def test_an_attachment_comes_back_byte_for_byte(world: World) -> None:
    content = os.urandom(300_000)
    path = _file(world, world.new_case(files=[("bewijs.bin", content)]).case_id)
    assert coordinator(world).post(path).data == content


def test_hostile_html_is_a_file_to_save_and_never_a_page(world: World) -> None:
    path = _file(world, world.new_case(files=[("a.html", b"<script>alert(1)</script>")]).case_id)
    headers = coordinator(world).post(path).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_a_mail_can_be_had_as_it_came(world: World) -> None:
    raw = b"From: a@example.org\r\n\r\n\xff\xfe kapot"
    taken = world.new_case(state="unreadable", raw=raw)
    path, visitor = f"/cases/{taken.case_id}/messages/{taken.message_id}/original", coordinator(world)
    assert "Voordat u het opent" in visitor.get(path).text
    assert of_action(world, Action.DOWNLOAD) == []
    answer = visitor.post(path)
    assert len(of_action(world, Action.DOWNLOAD)) == 1
    assert answer.data == raw
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert f"{taken.message_id}.eml" in answer.headers["Content-Disposition"]


def test_a_large_file_is_streamed_in_constant_memory(world: World) -> None:
    size = 24_000_000
    case_id = world.new_case(files=[("groot.bin", bytes(size))]).case_id
    path = _file(world, case_id)
    visitor: Visitor = coordinator(world)
    visitor.get(f"/cases/{case_id}")  # opens who reported, for this log-in
    secret = visitor.cookie("__Host-desk")
    client = world.app.test_client()
    client.set_cookie("__Host-desk", secret or "", domain="desk.example", secure=True)
    client.set_cookie("__Host-page", visitor.cookie("__Host-page") or "", domain="desk.example", secure=True)
    answer = client.post(path, base_url=SITE, buffered=False, data={"csrf_token": visitor.token})
    tracemalloc.start()
    total = sum(len(piece) for piece in answer.response)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    answer.close()
    assert total == size
    assert peak < size // 4


def test_a_download_that_is_broken_off_leaves_nothing_open(world: World) -> None:
    path = _file(world, world.new_case(files=[("groot.bin", bytes(3_000_000))]).case_id)
    visitor = coordinator(world)
    visitor.get(path.partition("/attachments")[0])  # opens who reported, for this log-in
    client = world.app.test_client()
    for name in ("__Host-desk", "__Host-page"):
        client.set_cookie(name, visitor.cookie(name) or "", domain="desk.example", secure=True)
    for _ in range(30):  # more than a pool of connections holds
        answer = client.post(path, base_url=SITE, buffered=False, data={"csrf_token": visitor.token})
        assert answer.status_code == 200
        next(iter(answer.response))
        answer.close()
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("brief – één.pdf", "brief – één.pdf"),
        ("../../etc/passwd", "etcpasswd"),
        ('a";\r\nSet-Cookie: x=1;.txt', "a;Set-Cookie x=1;.txt"),
        ("отчёт.docx", "отчёт.docx"),
        ("...", "file"),
        ("", "file"),
        ("\u202eexe.fdp", "exe.fdp"),
    ],
)
def test_a_file_name_keeps_its_letters_and_nothing_that_misleads(name: str, shown: str) -> None:
    header = disposition(name)
    assert unquote(header.split("filename*=UTF-8''")[1]) == shown


@given(st.text(max_size=300))
def test_no_file_name_breaks_out_of_its_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2
