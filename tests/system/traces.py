"""What a program did to files, read from strace's output: every write with its bytes, in order.

strace prints all strings in hexadecimal and each descriptor with its path (`-xx -y`), for all children (`-f`). A call
that another one runs into is printed in two lines, and given twice: once where it began, once where it ended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,ftruncate,"
    "unlink,unlinkat,rename,renameat,renameat2,copy_file_range,sendfile,splice"
)
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
_RESULT = re.compile(r"= (-?\d+|\?)[^=]*$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_HEX_PATH = re.compile(r"(\\x[0-9a-f]{2})+")
_PATH = re.compile(r"^(-?\w+)<([^>]*)>")


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
        """The file of its first descriptor; sockets, pipes and memory are `type:[number]` or like it."""
        match = _PATH.match(self.arguments)
        return _unescaped(match.group(2)) if match else ""

    @property
    def strings(self) -> list[bytes]:
        return [
            *(binary, "-f", "-y", "-xx", "-s", str(longest)),
            *("-e", f"trace={_CALLS}", "-e", "signal=none", "-o", str(output)),
        ]


def calls(output: Path) -> Iterator[Call]:
    """Give all calls that succeeded or had not ended, in order."""
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
    match = _RESULT.search(text)
    return int(match.group(1)) if match and match.group(1) != "?" else -1


def _unescaped(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode(errors="replace") if _HEX_PATH.fullmatch(path) else path
