"""The socket that a mail server delivers to: opened by the supervisor, which never reads from it."""

import os
import socket
import stat
from pathlib import Path

from config.settings import LmtpSettings
from meldpost.startup import NotReady

_BACKLOG = 128


def listen(settings: LmtpSettings) -> tuple[socket.socket, ...]:
    """What to accept connections on; empty where LMTP is not set. Raises NotReady."""
    if not settings.listen:
        return ()
    try:
        if settings.listen.startswith("/"):
            return (_on_path(Path(settings.listen), int(settings.mode, 8)),)
        return _on_port(*settings.host_and_port)
    except OSError as error:
        raise NotReady(
            f"LMTP: {settings.listen} cannot be listened on ({error.strerror or 'no such host'}). "
            "Check `listen` in [lmtp], and whether another Meldpost runs."
        ) from None


def _on_port(host: str, port: int) -> tuple[socket.socket, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
    return tuple(socket.create_server(address, family=family, backlog=_BACKLOG) for family, address in addresses)


def _on_path(path: Path, mode: int) -> socket.socket:
    """A socket that nobody has who must not have it, not even for an instant. One that was left behind is replaced."""
    _remove_left_behind(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    path.chmod(mode)
    listener.listen(_BACKLOG)
    return listener


def _remove_left_behind(path: Path) -> None:
    """A socket outlives its program. One that answers is in use; what is no socket stays, and binding fails."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
