r"""The text of RTF (Rich Text Format 1.9.1), read once from front to end in linear time.

striprtf looks for links with an expression that takes quadratic time on a file made for that; this is as long as the
bounds around it would be, and takes the code page of each font.
"""

from __future__ import annotations

import re

from ingest.attachments.task import Budget, FileText, Task, Text
from ingest.charsets import codec_for
from ingest.mail import Finding

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]+",
    re.IGNORECASE | re.DOTALL,
)
_SILENT = frozenset(
    b"author buptim category colorschememapping colortbl comment company creatim datafield datastore docvar doccomm "
    b"falt fchars ffdeftext ffentrymcr ffexitmcr ffformat ffhelptext ffl ffname ffstattext filetbl fldinst "
    b"fontemb fontfile generator gridtbl hlinkbase info keycode keywords latentstyles lchars "
    b"levelnumbers leveltext lfolevel linkval list listlevel listname listoverride listoverridetable listpicture "
    b"listtable lsdlockedexcept manager mmath mmathpr mailmerge nextfile objclass objdata objname operator "
    b"panose passwordhash pgp pgptbl picprop pict pntext printim private propname protend protstart "
    b"protusertbl pxe revtbl revtim rsidtbl rxe stylesheet subject svb tc themedata title txe userprops wgrffmtfilter "
    b"xe xmlattrname xmlattrvalue xmlnstbl htmltag".split()
)
_BREAKS = {b"par": "\n", b"sect": "\n\n", b"page": "\n\n", b"line": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t",
           b"nestcell": "\t", b"nestrow": "\n", b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘",
           b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ", b"enspace": " "}  # fmt: skip
_SIGNS = {b"~": " ", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n", b"\\": "\\", b"{": "{", b"}": "}"}
_DEEPEST = 1000
_STEPS = 10_000
# \fcharsetN: the code page of what is written in that font
_CHARSETS = {77: "mac-roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
             163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
             238: "cp1250"}  # fmt: skip


def read(data: bytes, task: Task) -> FileText:
    text = Text(task.limits.attachment_text_chars)
    is_whole = _Reader(text).run(data, task.budget)
    return text.read(*(() if is_whole else (Finding.NO_TIME,)))


class _Reader:
    """`_silent`: this group is no text. Single bytes are gathered until their code page can be applied to them all."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._stack: list[tuple[bool, int, str]] = []
        self._silent = False
        self._fallback = 1  # characters that stand behind \u for older readers
        self._skip = 0
        self._page = "cp1252"
        self._default = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = -1
        self._in_fonts = False
        self._bytes = bytearray()

    def run(self, data: bytes, budget: Budget) -> bool:
        """False where the time is over before its end."""
        at = steps = 0
        while (token := _TOKEN.match(data, at)) and not self._text.is_full:
            at = token.end()
            steps += 1
            if steps % _STEPS == 0 and not budget.left:
                return False
            word, number, code, sign, brace, plain = token.groups()
            if word:
                at += self._word(word.lower(), int(number) if number else None)
            elif code:
                self._add_bytes(bytes((int(code, 16),)), 1)
            elif sign:
                self._sign(sign)
            elif brace:
                self._brace(brace)
            elif plain:
                self._add_bytes(plain, len(plain))
        self._flush()
        return True

    def _word(self, word: bytes, number: int | None) -> int:
        """Obey one; how many bytes of raw data follow it."""
        if word == b"bin":
            return max(0, number or 0)
        self._skip = 0
        if word == b"u" and number is not None:
            self._add(_character(number))
            self._skip = self._fallback
        elif word == b"uc" and number is not None:
            self._fallback = min(max(number, 0), 100)
        elif word in _SILENT:
            self._silence()
        elif word == b"fonttbl":
            self._in_fonts = True
            self._silence()
        elif word == b"ansicpg" and number is not None:
            self._flush()
            self._default = self._page = codec_for(f"cp{number}") or "cp1252"
        elif word == b"f" and number is not None:
            self._in_font(number)
        elif word == b"fcharset" and number is not None:
            self._fonts[self._font] = _CHARSETS.get(number, "")
        elif word == b"htmlrtf":  # what an HTML mail says in RTF only (MS-OXRTFEX §2.1.3.1)
            self._flush()
            self._silent = number != 0
        elif word in _BREAKS:
            self._add(_BREAKS[word])
        return 0

    def _in_font(self, number: int) -> None:
        self._font = number
        if not self._in_fonts:
            self._flush()
            self._page = self._fonts.get(number) or self._default

    def _sign(self, sign: bytes) -> None:
        self._skip = 0
        if sign == b"*":
            self._silence()
        elif sign in _SIGNS:
            self._add(_SIGNS[sign])

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._skip = 0
        if brace == b"{":
            if len(self._stack) < _DEEPEST:
                self._stack.append((self._silent, self._fallback, self._page))
        elif self._stack:
            was_silent, self._fallback, self._page = self._stack.pop()
            if self._silent and not was_silent:
                self._in_fonts = False
            self._silent = was_silent

    def _silence(self) -> None:
        self._flush()
        self._silent = True

    def _add_bytes(self, data: bytes, count: int) -> None:
        skipped = min(self._skip, count)
        self._skip -= skipped
        if not self._silent:
            self._bytes += data[skipped:]

    def _add(self, text: str) -> None:
        if not self._silent:
            self._flush()
            self._text.add(text)

    def _flush(self) -> None:
        if self._bytes:
            self._text.add(self._bytes.decode(self._page, "replace"))
            self._bytes.clear()


def _character(number: int) -> str:
    """Signed 16 bits; halves of a character above U+FFFF are dropped with the other surrogates later."""
    return chr(number & 0xFFFF)
