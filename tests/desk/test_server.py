"""The desk as it is served in earnest: nothing of a form or page is put into a temporary file."""

import gc
import http.client
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from desk.app import close
from desk.parts import parts_of
from desk.security import BODY_LIMIT
from desk.server import TURN, settle
from store import casework
from tests.desk.world import Visitor, World, coordinator

HELD_AT_MOST = 1 << 20


@pytest.fixture
def no_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a temporary file gets an error in its place."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr("waitress.buffers.TempfileBasedBuffer.newfile", refuse)
    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(f"tempfile.{name}", refuse)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", refuse, raising=False)


def _cookies(visitor: Visitor) -> str:
    return "; ".join(f"{name}={visitor.cookie(name)}" for name in ("__Host-desk", "__Host-page"))


def _request(
    address: str, visitor: Visitor, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request(method, path, body, {"Cookie": _cookies(visitor), **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.mark.usefixtures("no_temporary_files")
def test_a_large_file_waits_for_a_slow_reader_in_memory_alone(world: World, address: str, server: Any) -> None:
    content = os.urandom(16_000_000)
    case_id = world.new_case(files=[("groot.bin", content)]).case_id
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    path = f"/cases/{case_id}/attachments/{view.messages[0].content['attachments'][0]['id']}/original"
    visitor = coordinator(world)
    visitor.get(f"/cases/{case_id}")  # opens who reported, for this log-in
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    form = {"Cookie": _cookies(visitor), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, urlencode({"csrf_token": visitor.token}), form)
    gives_up = time.monotonic() + 30
    while not any(_holds_back(channel) for channel in list(server._map.values())):
        assert time.monotonic() < gives_up, "the server neither sent all nor held back"
        time.sleep(0.01)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read() == content
    connection.close()


def _holds_back(channel: Any) -> bool:
    """Does the server keep as much as it ever does, because the reader does not read?"""
    return bool(getattr(channel, "total_outbufs_len", 0) >= HELD_AT_MOST)


@pytest.mark.usefixtures("no_temporary_files")
@pytest.mark.parametrize("size", [BODY_LIMIT - 10_000, BODY_LIMIT + 5_000_001])
def test_an_upload_goes_through_memory_alone(world: World, address: str, size: int) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    boundary = "grens"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'.encode()
    body = head + b"x" * size + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    status, page = _request(address, visitor, "POST", f"/cases/{case_id}/letter", body, **{"Content-Type": kind})
    assert status == (400 if size < BODY_LIMIT else 413)  # 400: without its token
    assert b"</html>" in page


def test_the_server_does_not_say_what_it_is(address: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", "/login")
    assert connection.getresponse().getheader("Server") is None
    connection.close()


def test_it_serves_in_a_process_that_holds_more_than_a_thousand_files(world: World, request: Any) -> None:
    """select() knows no file beyond the 1,024th."""
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        connection = http.client.HTTPConnection(urlsplit(request.getfixturevalue("address")).netloc, timeout=30)
        connection.request("GET", "/login")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        for each in held:
            os.close(each)


def test_a_desk_that_ends_leaves_no_index_and_no_thread_behind(world: World) -> None:
    before = set(threading.enumerate())
    coordinator(world).log_in()
    assert _of_indexes() - before
    close(world.app)
    assert parts_of(world.app).indexes.count == 0
    assert not _of_indexes() - before


def _of_indexes() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("index")}


@pytest.mark.usefixtures("server")
def test_no_thread_keeps_the_others_waiting_for_long() -> None:
    assert sys.getswitchinterval() == pytest.approx(TURN)


def test_what_was_loaded_at_the_start_is_looked_through_for_garbage_no_more() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
