"""What a process gives up before it reads its first hostile byte.

Layers, each good for something by itself, all of them used where the kernel gives them:

  UNPRIVILEGED  a root process takes a user id that nobody else has
  NAMESPACES    own user, network, mount, IPC and UTS namespaces, an empty read-only root
  LANDLOCK      no files, TCP, signals or abstract sockets outside
  SECCOMP       no system call but those for computing and for the descriptors at hand

Isolated means: SECCOMP and at least one of NAMESPACES and LANDLOCK. Limits on time, memory, files and processes are
always set.
"""

from __future__ import annotations

import enum
import errno
import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass

from ingest import kernel, landlock, seccomp

_FIRST_LONELY_UID = 0x7000_0000
_NOBODY = 65534


class Layer(enum.Flag):
    NONE = 0
    UNPRIVILEGED = enum.auto()
    NAMESPACES = enum.auto()
    LANDLOCK = enum.auto()
    SECCOMP = enum.auto()


LIMITS_ONLY = Layer.UNPRIVILEGED
_BASE = Layer.UNPRIVILEGED | Layer.SECCOMP
STRONGEST_FIRST = (
    _BASE | Layer.NAMESPACES | Layer.LANDLOCK,
    _BASE | Layer.NAMESPACES,
    _BASE | Layer.LANDLOCK,
)


@dataclass(frozen=True)
class ProcessLimits:
    cpu_seconds: int = 30
    wall_seconds: float = 30
    memory_bytes: int = 1_000_000_000
    """Address space on top of what the process starts with."""


def is_isolated(layers: Layer) -> bool:
    return Layer.SECCOMP in layers and bool(layers & (Layer.NAMESPACES | Layer.LANDLOCK))


def enter(layers: Layer, limits: ProcessLimits) -> None:
    """Give up everything that the layers name, for good. Raises OSError when the kernel refuses one of them."""
    set_limits(limits)
    if Layer.UNPRIVILEGED in layers and os.geteuid() == 0:
        _leave_root()
    if Layer.NAMESPACES in layers:
        _enter_namespaces()
    if layers != Layer.NONE:
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        # No core, no ptrace by others of our user. After every change of user, which would reset both.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if Layer.LANDLOCK in layers:
        landlock.apply()
    if Layer.SECCOMP in layers:
        seccomp.apply()


def set_limits(limits: ProcessLimits) -> None:
    memory = _address_space() + limits.memory_bytes
    for what, value in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 24),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (value, value))


def _address_space() -> int:
    descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(descriptor, 100).split()[0]) * resource.getpagesize()
    finally:
        os.close(descriptor)


def _leave_root() -> None:
    """A user id of this process alone, so that two readers are strangers; nobody where a container has no such ids.

    The root of a container that has no other id at all is an ordinary user outside, and loses its capabilities later.
    """
    with suppress(PermissionError):  # forbidden in such a container, which then has no groups to leave
        os.setgroups([])
    for identity in (_FIRST_LONELY_UID + os.getpid(), _NOBODY):
        try:
            os.setresgid(identity, identity, identity)
            os.setresuid(identity, identity, identity)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            continue
        return


def _enter_namespaces() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(
        kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    )
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # after a change of user /proc/self belongs to root otherwise
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        _write(f"/proc/self/{name}", content)
    _empty_root()


def _write(path: str, content: str) -> None:
    # RLIMIT_FSIZE 0 holds for regular files only, and /proc counts as none.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, content.encode("ascii"))
    finally:
        os.close(descriptor)


def _empty_root() -> None:
    """A tmpfs with room for nothing becomes the root, and the old root goes (pivot_root(2), "pivot_root(".", ".")")."""
    kernel.mount(b"", b"/", b"", kernel.MS_REC | kernel.MS_PRIVATE, b"")
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount(b"tmpfs", b"/proc", b"tmpfs", flags, b"size=4k,nr_inodes=1,mode=0555")
    os.chdir("/proc")
    kernel.pivot_root(b".", b".")
    kernel.umount(b".", kernel.MNT_DETACH)
    os.chdir("/")
