"""Documents that are ZIP archives of XML: Word, Excel, PowerPoint, OpenDocument. Any other ZIP is a list of names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ingest.attachments import xml, zipped
from ingest.attachments.pictures import picture_text
from ingest.attachments.programs import is_called_a_program, may_hold_macros
from ingest.attachments.task import Budget, FileText, OutOfBounds, Task, Text
from ingest.attachments.xml import Handler, Words
from ingest.attachments.zipped import Archive
from ingest.charsets import clean_line
from ingest.mail import Finding

_MOST_NAMES = 1000
_MOST_PICTURES = 20
_FEW_LETTERS = 100
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_TYPES = {
    "word": f"{_OPEN_XML}.wordprocessingml.document",
    "xl": f"{_OPEN_XML}.spreadsheetml.sheet",
    "ppt": f"{_OPEN_XML}.presentationml.presentation",
}
_OPEN_TYPES = tuple(f"application/vnd.oasis.opendocument.{of}" for of in ("text", "spreadsheet", "presentation"))
_NUMBER = re.compile(r"\d+")
_MACROS = re.compile(r"(?:^|/)vbaProject\.bin$|^Basic/[^/]+/(?!script-lb\.xml$)[^/]+\.xml$|^Scripts/.+[^/]$", re.I)
_PICTURE = re.compile(r"^(?:word/media|ppt/media|Pictures)/[^/]+\.(?:png|jpe?g|tiff?|gif|bmp)$", re.IGNORECASE)

# Word: deleted text is "delText", and Fallback holds what Choice holds already.
_WORD_HOLDERS = frozenset({"t"})
_WORD_AFTER = {"p": "\n", "br": "\n", "cr": "\n", "tab": "\t", "tc": "\t", "noBreakHyphen": "-"}
_WORD_SILENT = frozenset({"Fallback"})
_WORD_PARTS = re.compile(r"^word/(?:header\d*|document\d*|footnotes|endnotes|comments|footer\d*)\.xml$")
_WORD_ORDER = ("header", "document", "footnotes", "endnotes", "comments", "footer")
_SLIDE_PARTS = re.compile(r"^ppt/(?:slides/slide|notesSlides/notesSlide)\d+\.xml$")
_SHEET_PARTS = re.compile(r"^xl/worksheets/sheet\d+\.xml$")
_OPEN_AFTER = {"p": "\n", "h": "\n", "line-break": "\n", "tab": "\t", "s": " ", "table-cell": "\t", "table-row": "\n"}
_OPEN_SILENT = frozenset({"tracked-changes", "script", "settings", "styles", "automatic-styles", "font-face-decls"})


def read(data: bytes, task: Task) -> FileText:
    try:
        archive = Archive(data)
    except OutOfBounds:
        return FileText(findings=(Finding.BOUNDS,))
    except zipped.BROKEN:
        return FileText(findings=(Finding.BROKEN,))
    text = Text(task.limits.attachment_text_chars)
    findings = list(_noticed(archive))
    document = _is_document(archive)
    try:
        if not document:
            _list(archive, text)
        elif Finding.ENCRYPTED not in findings:
            _read_parts(archive, text, task.budget)
    except OutOfBounds:
        findings.append(Finding.BOUNDS)
    except (*zipped.BROKEN, *xml.BROKEN):
        findings.append(Finding.BROKEN)
    if not task.budget.left:
        findings.append(Finding.NO_TIME)
    found = replace(text.read(*dict.fromkeys(findings)), found_type=_type(archive))
    return _with_pictures(found, archive, task) if document and len(found.text) < _FEW_LETTERS else found


def _noticed(archive: Archive) -> Iterator[Finding]:
    if archive.is_encrypted or _is_encrypted_open_document(archive):
        yield Finding.ENCRYPTED
    if any(_MACROS.search(name) or may_hold_macros(name) for name in archive.names):
        yield Finding.MACROS
    if any(map(is_called_a_program, archive.names)):
        yield Finding.PROGRAM
    if archive.unpacks_to_too_much:
        yield Finding.BOUNDS


def _is_encrypted_open_document(archive: Archive) -> bool:
    """OpenDocument 1.3 part 2, §4.8: the manifest says how each member is encrypted."""
    try:
        return "mimetype" in archive.names and b"encryption-data" in archive.read("META-INF/manifest.xml")
    except (OutOfBounds, *zipped.BROKEN):
        return False


def _is_document(archive: Archive) -> bool:
    names = archive.names
    return "[Content_Types].xml" in names or ("content.xml" in names and "mimetype" in names)


def _type(archive: Archive) -> str:
    """The content type by what its program calls the member with the words."""
    if "content.xml" in archive.names and "mimetype" in archive.names:
        try:
            said = archive.read("mimetype")[:100].decode("ascii", "replace")
        except (OutOfBounds, *zipped.BROKEN):
            said = ""
        return said if said in _OPEN_TYPES else ""
    starts = {name.partition("/")[0] for name in archive.names} if _is_document(archive) else set()
    return next((type_ for folder, type_ in _TYPES.items() if folder in starts), "")


def _list(archive: Archive, text: Text) -> None:
    """Members of an archive are not unpacked: whoever wants them has a program for it."""
    for name in archive.names[:_MOST_NAMES]:
        text.add(clean_line(name)[:300] + "\n")


def _read_parts(archive: Archive, text: Text, budget: Budget) -> None:
    for name, handler in _parts(archive, text, budget):
        if text.is_full:
            return
        xml.read(archive.read(name), handler, budget)


def _parts(archive: Archive, text: Text, budget: Budget) -> Iterator[tuple[str, Handler]]:
    """The members that hold words, in the order in which a person reads them, and who reads each."""
    if "content.xml" in archive.names:
        yield "content.xml", Words(text, None, _OPEN_AFTER, _OPEN_SILENT)
        return
    written = sorted(filter(_WORD_PARTS.match, archive.names), key=_place_in_word)
    written += sorted(filter(_SLIDE_PARTS.match, archive.names), key=_numbered)
    for name in written:
        yield name, Words(text, _WORD_HOLDERS, _WORD_AFTER, _WORD_SILENT)
    sheets = sorted(filter(_SHEET_PARTS.match, archive.names), key=_numbered)
    shared = _shared_strings(archive, text, budget) if sheets else []
    for name in sheets:
        yield name, _Sheet(text, shared)


def _place_in_word(name: str) -> tuple[int, str]:
    part = name.removeprefix("word/").removesuffix(".xml").rstrip("0123456789")
    return _WORD_ORDER.index(part), name


def _numbered(name: str) -> tuple[int, str]:
    number = _NUMBER.search(name)
    return int(number[0][:9]) if number else 0, name


def _shared_strings(archive: Archive, text: Text, budget: Budget) -> list[str]:
    """Excel writes every word once, and its number into the cells."""
    strings = _Strings(text)
    document = archive.read("xl/sharedStrings.xml")
    if document:
        xml.read(document, strings, budget)
    return strings.found


class _Strings(Handler):
    def __init__(self, text: Text) -> None:
        self.text = text
        self.found: list[str] = []
        self._in_text = 0
        self._pieces: list[str] = []

    def start(self, name: str, _: Mapping[str, str]) -> None:
        self._in_text += name == "t"

    def data(self, data: str) -> None:
        if self._in_text:
            self._pieces.append(data)

    def end(self, name: str) -> None:
        self._in_text -= name == "t"
        if name == "si":
            self.found.append("".join(self._pieces))
            self._pieces.clear()


class _Sheet(Handler):
    """Rows as lines, cells apart by tabs."""

    def __init__(self, text: Text, shared: list[str]) -> None:
        self.text = text
        self._shared = shared
        self._by_number = False
        self._in_value = 0
        self._value: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._by_number = attributes.get("t") == "s"
        self._in_value += name in ("v", "t")

    def data(self, data: str) -> None:
        if self._in_value:
            self._value.append(data)

    def end(self, name: str) -> None:
        self._in_value -= name in ("v", "t")
        if name == "c":
            self.text.add(self._cell("".join(self._value)) + "\t")
            self._value.clear()
        elif name == "row":
            self.text.add("\n")

    def _cell(self, value: str) -> str:
        if not self._by_number:
            return value
        place = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else len(self._shared)
        return self._shared[place] if place < len(self._shared) else ""


def _with_pictures(found: FileText, archive: Archive, task: Task) -> FileText:
    """A document of hardly a word: a letter may have been scanned into it."""
    if task.recogniser is None or {Finding.ENCRYPTED, Finding.BOUNDS} & set(found.findings):
        return found
    pieces, findings = [found.text], list(found.findings)
    for name in [name for name in archive.names if _PICTURE.match(name)][:_MOST_PICTURES]:
        try:
            picture = picture_text(archive.read(name), task)
        except (OutOfBounds, *zipped.BROKEN):
            continue
        pieces.append(picture.text)
        findings.extend(each for each in picture.findings if each not in findings)
    text = Text(task.limits.attachment_text_chars)
    text.add("\n\n".join(filter(None, pieces)))
    return replace(text.read(*findings), found_type=found.found_type)
