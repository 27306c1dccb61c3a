"""What a computer would run: told by its first bytes, and by names that a computer goes by."""

from __future__ import annotations

import re

_MARKS = (b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"L\0\0\0\x01\x14\x02\0")
"""Linux, Java and macOS, and a shortcut of Windows ([MS-SHLLINK] §2.1)."""
_SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?#!\s{0,9}/[\w./-]{1,100}")
_PROGRAM = re.compile(
    r"\.(?:exe|com|scr|pif|bat|cmd|msi|msp|msix|appx|cpl|dll|jar|js|jse|vbs|vbe|vb|wsf|wsh|hta|ps1|psm1|psd1|lnk|reg"
    r"|scf|chm|gadget|application|appref-ms|url|settingcontent-ms|sh|command|dmg|pkg|deb|rpm|apk|appimage|iso|img|vhdx?)$",
    re.IGNORECASE,
)
_MACROS = re.compile(r"\.(?:doc|dot|xls|xlt|xla|ppt|pot|pps|ppa|sld)m$|\.xll$|\.xlam$|\.xlsb$", re.IGNORECASE)


def is_program(head: bytes, name: str) -> bool:
    """Does the file begin like a program, or is it called like one? `head`: its first few thousand bytes."""
    windows = head.startswith(b"MZ") and b"\0" in head
    return windows or head.startswith(_MARKS) or _SCRIPT.match(head) is not None or is_called_a_program(name)


def is_called_a_program(name: str) -> bool:
    return _PROGRAM.search(name[-300:].rstrip(" .")) is not None


def may_hold_macros(name: str) -> bool:
    return _MACROS.search(name[-300:].rstrip(" .")) is not None
