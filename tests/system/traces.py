"""What a program did to files, read from strace's output: every write with its bytes, in order.

strace prints all strings in hexadecimal and each descriptor with its path (`-xx -y`), for all children (`-f`). A call
that another one runs into is printed in two lines, and given twice: once where it began, once where it ended.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.system.process import require

_CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,ftruncate,"
    "unlink,unlinkat,rename,renameat,renameat2,copy_file_range,sendfile,splice"
)
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
_PATH = re.compile(r"^(-?\w+)<([^>]*)>")
_HEX = re.compile(r"(\\x[0-9a-f]{2})+")


@dataclass(frozen=True)
class Call:
    """One system call. `ended` is False for the first half of one that others ran into: its result is not known yet."""

    pid: int
    name: str
    arguments: str
    result: int
    ended: bool

    @property
    def path(self) -> str:
        """The file of its first descriptor; sockets and pipes are `type:[number]`, memory is `/memfd:name`."""
        match = _PATH.match(self.arguments)
        return _unescaped(match.group(2)) if match else ""

    @cached_property
    def strings(self) -> list[bytes]:
        return [bytes.fromhex(text.replace("\\x", "")) for text in self._quoted]

    @property
    def cut(self) -> bool:
        """Did strace leave out a part of a string, or of a list of them?"""
        return "..." in "".join(self.arguments.split('"')[0::2])

    @property
    def numbers_after_string(self) -> list[str]:
        """What follows the first string, as pwrite64's length and offset."""
        after = self.arguments.split('"', 2)[2]
        return [part.strip() for part in after.lstrip(", ").split(")")[0].split(",")]

    @property
    def _quoted(self) -> list[str]:
        """What stands between quotation marks: all in hexadecimal, so that no such mark stands inside."""
        return self.arguments.split('"')[1::2]


def strace(output: Path, *, longest: int = 1 << 21) -> list[str]:
    """Give the command to run another under."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: strace cannot name the files of processes that forbid a look at them, except for root")
    binary = require("strace", "strace")
    how = [binary, "-f", "-y", "-xx", "-s", str(longest), "-o", str(output)]
    return [*how, "-e", f"trace={_CALLS}", "-e", "signal=none"]


def calls(output: Path) -> Iterator[Call]:
    """Give all calls, in order."""
    begun: dict[tuple[int, str], str] = {}
    with output.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = _LINE.match(line.rstrip("\n"))
            if not match:
                continue
            pid, resumed, tail, name, arguments = match.groups()
            if resumed:
                whole = begun.pop((int(pid), resumed), "") + tail
                yield Call(int(pid), resumed, whole, _result(tail), ended=True)
            elif arguments.endswith("<unfinished ...>"):
                begun[int(pid), name] = arguments.removesuffix("<unfinished ...>")
                yield Call(int(pid), name, begun[int(pid), name], 0, ended=False)
            else:
                yield Call(int(pid), name, arguments, _result(arguments), ended=True)


def _result(text: str) -> int:
    match = re.match(r"-?\d+", text.rpartition("= ")[2])
    return int(match.group()) if match else -1


def _unescaped(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode(errors="replace") if _HEX.fullmatch(path) else path
