"""Landlock: no file, no TCP, no signal and no abstract socket outside, as far as the kernel's version goes."""

from __future__ import annotations

import ctypes
import os

from ingest import kernel

_NET_BIND_AND_CONNECT = 0b11
_SCOPE_ABSTRACT_UNIX_AND_SIGNAL = 0b11


def version() -> int:
    """The kernel's Landlock ABI, 0 where it has none or where it is switched off."""
    answer = kernel.syscall(
        kernel.LANDLOCK_CREATE_RULESET,
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(kernel.LANDLOCK_CREATE_RULESET_VERSION),
    )
    return max(answer, 0)


def apply() -> None:
    """Give up every right that this kernel's Landlock knows. Needs no-new-privs."""
    abi = version()
    if abi < 1:
        raise OSError(0, "Landlock is not there")
    attributes = kernel.LandlockRulesetAttr(
        _file_rights(abi),
        _NET_BIND_AND_CONNECT if abi >= 4 else 0,
        _SCOPE_ABSTRACT_UNIX_AND_SIGNAL if abi >= 6 else 0,
    )
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = kernel.syscall(
        kernel.LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        if kernel.syscall(kernel.LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _file_rights(abi: int) -> int:
    """Each version knows more: 13 rights, then REFER (2), TRUNCATE (3), IOCTL_DEV (5)."""
    count = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5)
    return (1 << count) - 1
