"""What somebody would do who had taken over a reader. Runs inside a nursery's child; says what it got."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest.nursery_parent import Job

_libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PTRACE_DETACH = 16, 17


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def serve(job: Job) -> None:
    """The order: JSON, with the numbers and paths of what is to be attacked. The answer: what succeeded."""
    order: dict[str, Any] = json.loads(_line(job.reply))
    results = {name: _try(attack, order) for name, attack in ATTACKS.items()}
    job.reply.sendall(json.dumps(results).encode() + b"\n")
    _exec(order, job.reply)


def _line(reply: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += reply.recv(65536)
    return line


def _try(attack: Callable[[dict[str, Any]], bool], order: dict[str, Any]) -> bool:
    try:
        return attack(order)
    except (OSError, ValueError):
        return False


def _proc_mem(order: dict[str, Any]) -> bool:
    descriptor = os.open(f"/proc/{order['pid']}/mem", os.O_RDONLY)
    return os.pread(descriptor, 16, order["secret_address"]) == b"sixteen secrets!"


def _process_vm_readv(order: dict[str, Any]) -> bool:
    buffer = ctypes.create_string_buffer(16)
    local = _Vector(ctypes.addressof(buffer), 16)
    remote = _Vector(order["secret_address"], 16)
    got = _libc.process_vm_readv(
        order["pid"], ctypes.byref(local), ctypes.c_ulong(1), ctypes.byref(remote), ctypes.c_ulong(1), ctypes.c_ulong(0)
    )
    return got == 16 and buffer.raw == b"sixteen secrets!"


def _ptrace(order: dict[str, Any]) -> bool:
    """Of a bystander with the daemon's user, so that the test itself is not stopped."""
    _libc.ptrace.restype = ctypes.c_long
    if _libc.ptrace(PTRACE_ATTACH, order["bystander"], None, None) != 0:
        return False
    os.waitpid(order["bystander"], 0)
    _libc.ptrace(PTRACE_DETACH, order["bystander"], None, None)
    return True


def _environment(order: dict[str, Any]) -> bool:
    return order["marker"].encode() in Path(f"/proc/{order['bystander']}/environ").read_bytes()


def _own_environment(order: dict[str, Any]) -> bool:
    return any(order["marker"] in value for value in os.environ.values())


def _database(order: dict[str, Any]) -> bool:
    return order["marker"].encode() in Path(order["database"]).read_bytes()


def _write_a_file(order: dict[str, Any]) -> bool:
    Path(order["drop"]).touch()
    return True


def _another_readers_mail(order: dict[str, Any]) -> bool:
    """The mail that another reader holds, by its descriptors in /proc."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), order["pid"]):
            continue
        try:
            for link in (entry / "fd").iterdir():
                if "memfd:mail" in os.readlink(link) and order["marker"].encode() in link.read_bytes():  # noqa: PTH115
                    return True
        except OSError:
            continue
    return False


def _inherited_descriptors(order: dict[str, Any]) -> bool:
    """Anything open but the three of /dev/null, the answer's socket and the mail, where there is one?"""
    usable = 0
    for descriptor in range(3, 1024):
        try:
            os.lseek(descriptor, 0, os.SEEK_CUR)
        except OSError as error:
            usable += error.errno != errno.EBADF
        else:
            usable += 1
    return usable > order["descriptors"]


def _tcp(order: dict[str, Any]) -> bool:
    with socket.socket(socket.AF_INET) as sock:
        sock.connect(("127.0.0.1", order["port"]))
    return True


def _abstract_socket(order: dict[str, Any]) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + order["abstract"])
    return True


def _signal(order: dict[str, Any]) -> bool:
    os.kill(order["pid"], 0)
    return True


def _fork(_: dict[str, Any]) -> bool:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


ATTACKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "inherited descriptors": _inherited_descriptors,  # first: the others open some
    "memory by /proc/PID/mem": _proc_mem,
    "memory by process_vm_readv": _process_vm_readv,
    "ptrace": _ptrace,
    "environment of another": _environment,
    "own environment": _own_environment,
    "database file": _database,
    "write a file": _write_a_file,
    "another reader's mail": _another_readers_mail,
    "loopback TCP": _tcp,
    "abstract unix socket": _abstract_socket,
    "signal the daemon": _signal,
    "fork": _fork,
}


def _exec(order: dict[str, Any], reply: socket.socket) -> None:
    """Ends this process where it succeeds: the shell then answers in our place."""
    with suppress(OSError):
        os.dup2(reply.fileno(), 1)
    try:
        os.execv("/bin/echo", ["echo", "executed"])
    except OSError:
        reply.sendall(b"refused\n")
