"""Where a mail server delivers to: who can reach it, and what becomes of what was there before."""

import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.settings import LmtpSettings
from meldpost.listening import listen
from meldpost.startup import NotReady


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(stack: ExitStack, where: str, mode: str = "660") -> list[socket.socket]:
    return [stack.enter_context(listener) for listener in listen(LmtpSettings(listen=where, mode=mode))]


def test_nothing_is_listened_on_where_nothing_is_set(stack: ExitStack) -> None:
    assert opened(stack, "") == []


def test_a_port_on_loopback_answers(stack: ExitStack) -> None:
    (listener,) = opened(stack, "127.0.0.1:0")
    socket.create_connection(listener.getsockname(), timeout=5).close()


def test_a_socket_has_the_rights_that_were_set(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    opened(stack, str(path), "600")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_that_was_left_behind_is_replaced(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    listen(LmtpSettings(listen=str(path)))[0].close()
    assert path.exists()
    opened(stack, str(path))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_in_use_and_a_file_of_another_kind_are_left_alone(stack: ExitStack, tmp_path: Path) -> None:
    used, other = tmp_path / "lmtp", tmp_path / "other"
    opened(stack, str(used))
    other.write_bytes(b"kept")
    for path in (used, other):
        with pytest.raises(NotReady, match="whether another Meldpost runs"):
            opened(stack, str(path))
    assert other.read_bytes() == b"kept"
    assert used.is_socket()


def test_a_port_in_use_is_said(stack: ExitStack) -> None:
    (listener,) = opened(stack, "127.0.0.1:0")
    with pytest.raises(NotReady, match="Address already in use"):
        opened(stack, f"127.0.0.1:{listener.getsockname()[1]}")
