"""What every process of Meldpost does about itself before it works: leave no memory behind, outlive no parent."""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4


def no_core_dumps() -> None:
    """No copy of this process's memory is written when it dies, and none other of the same user may read it.

    A core dump would put plaintext and keys on a disk. The second setting also keeps `ptrace` and /proc/PID/mem away.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def is_dumpable() -> bool:
    """May this process leave a dump?"""
    return bool(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0))


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when `parent`, the process that started it, is gone."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before we asked
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")
