"""winmail.dat: what Outlook sends instead of a mail that others can read (MS-OXTNEF; mail-cases 60, 61).

tnefparse copies all that is left for each attribute, drops zeros at the end of files, and gives up a whole message for
one byte that its code page does not have; this reads on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest import markup
from ingest.attachments import compressed_rtf, mapi, rtf
from ingest.attachments.task import FileText, Task, Text, inner_file
from ingest.charsets import decode
from ingest.mail import Finding, ParsedAttachment

_HEAD = struct.Struct("<IH")
_ATTRIBUTE = struct.Struct("<BII")  # level, id, length
_CHECKSUM = 2
_OF_A_FILE = 2
_BODY, _PROPERTIES, _CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
_NEW_FILE, _FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES = 0x00069002, 0x0006800F, 0x00018010, 0x00069005
_MESSAGE_INTERFACE = bytes.fromhex("0703020000000000c000000000000046")  # IID_IMessage
_INTERFACE = 16
_TNEF_TYPE = "application/vnd.ms-tnef"


@dataclass
class _File:
    name: str = ""
    data: bytes = b""
    properties: mapi.Properties = field(default_factory=dict)


@dataclass
class _Message:
    body: bytes = b""
    page: str | None = None
    properties: mapi.Properties = field(default_factory=dict)
    files: list[_File] = field(default_factory=list)


def read(data: bytes, task: Task) -> FileText:
    message, is_whole = _read(data)
    text = Text(task.limits.attachment_text_chars)
    text.add(message_text(message.properties, decode(message.body, message.page).rstrip("\0"), task))
    found = text.read(*(() if is_whole else (Finding.BROKEN,)))
    return FileText(found.text, found.findings, tuple(_files(message, task)))


def _read(data: bytes) -> tuple[_Message, bool]:
    """The message, and whether it came to an end as it should."""
    message = _Message()
    at = _HEAD.size
    whole = memoryview(data)
    while at + _ATTRIBUTE.size <= len(data):
        level, which, length = _ATTRIBUTE.unpack_from(whole, at)
        at += _ATTRIBUTE.size
        value = bytes(whole[at : at + length])
        at += length + _CHECKSUM
        (_file_attribute if level == _OF_A_FILE else _message_attribute)(message, which, value)
        if at > len(data):
            return message, False
    return message, at == len(data)


def _message_attribute(message: _Message, which: int, value: bytes) -> None:
    if which == _CODEPAGE:
        message.page = mapi.codec_of(int.from_bytes(value[:4], "little"))
    elif which == _BODY:
        message.body = value
    elif which == _PROPERTIES:
        message.properties = mapi.read(value, message.page)


def _file_attribute(message: _Message, which: int, value: bytes) -> None:
    if which == _NEW_FILE or not message.files:
        message.files.append(_File())
    file = message.files[-1]
    if which == _FILE_DATA:
        file.data = value
    elif which == _FILE_TITLE:
        file.name = decode(value.rstrip(b"\0"), message.page)
    elif which == _FILE_PROPERTIES:
        file.properties = mapi.read(value, message.page)


def message_text(properties: mapi.Properties, plain: str, task: Task) -> str:
    """What a person would see: the plain text where there is one, else that of the HTML, else that of the RTF."""
    plain = mapi.words(properties, mapi.BODY) or plain
    if plain.strip():
        return plain
    page = mapi.number(properties, mapi.INTERNET_CODEPAGE)
    source = properties.get(mapi.HTML, "")
    if isinstance(source, bytes):
        source = decode(source, mapi.codec_of(page) if page else None)
    shown = markup.to_passage(source[: task.limits.text_chars]).text if source.strip() else ""
    packed = properties.get(mapi.RTF)
    if shown.strip() or not isinstance(packed, bytes):
        return shown
    try:
        return rtf.read(compressed_rtf.unpack(packed), task).text
    except ValueError:
        return ""


def _files(message: _Message, task: Task) -> Iterator[ParsedAttachment]:
    for number, file in enumerate(message.files[: task.limits.attachments], start=1):
        held = file.properties.get(mapi.ATTACH_DATA)
        content_type = mapi.words(file.properties, mapi.ATTACH_TYPE) or "application/octet-stream"
        data = file.data
        if isinstance(held, bytes) and held.startswith(_MESSAGE_INTERFACE):
            data, content_type = held[_INTERFACE:], _TNEF_TYPE
        elif isinstance(held, bytes) and not data:
            data = held[_INTERFACE:] or held
        if data:
            name = mapi.words(file.properties, mapi.ATTACH_LONG_NAME) or file.name
            yield inner_file(data, name, content_type, number)
