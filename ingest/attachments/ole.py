"""Microsoft's compound files (MS-CFB): Outlook messages are read; older Office files, and those that a password
protects, are told by the names in them and stay unread."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC

import olefile
import oxmsg
from oxmsg.attachment import Attachment
from oxmsg.domain import constants
from oxmsg.properties import Properties
from oxmsg.storage import Storage

from ingest import headers
from ingest.attachments import mapi
from ingest.attachments.task import FileText, OutOfBounds, Task, Text, inner_file
from ingest.attachments.tnef import message_text
from ingest.charsets import clean_line
from ingest.mail import ChildMessage, Finding, ParsedAttachment

_MESSAGE = "__properties_version1.0"
_ENCRYPTED = ("EncryptedPackage", "EncryptionInfo")
_MACROS = ("VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros")
_MOST_STREAMS = 10_000
_EMBEDDED = "3701000D"
_EMBEDDED_HEADER = 24  # bytes before the properties of a message in a message (MS-OXMSG §2.4.1.1)
_LEVELS = 2


def read(data: bytes, task: Task) -> FileText:
    with olefile.OleFileIO(io.BytesIO(data)) as file:
        paths = file.listdir(streams=True, storages=True)
        if len(paths) > _MOST_STREAMS or _total(file, paths) > 2 * len(data) + 1_000_000:
            raise OutOfBounds
        if [_MESSAGE] in paths:
            return _read_message(Storage.from_ole(file), task)
    names = {name for path in paths for name in path}
    return FileText(findings=tuple(_noticed(names)))


def _total(file: olefile.OleFileIO, paths: list[list[str]]) -> int:
    return sum(file.get_size(path) for path in paths if file.get_type(path) == olefile.STGTY_STREAM)


def _noticed(names: set[str]) -> Iterator[Finding]:
    if names & set(_ENCRYPTED):
        yield Finding.ENCRYPTED
    if names & set(_MACROS):
        yield Finding.MACROS
    yield Finding.UNSUPPORTED


def _read_message(storage: Storage, task: Task) -> FileText:
    message = oxmsg.Message(storage)
    text = Text(task.limits.attachment_text_chars)
    _add_message(message.properties, storage, text, task, 0)
    found = text.read()
    return FileText(found.text, found.findings, tuple(_files(message, task)), _envelope(message))


def _add_message(properties: Properties, storage: Storage, text: Text, task: Task, depth: int) -> None:
    """The words of a message, and below them those of the messages in it."""
    text.add(_body(properties, task))
    if depth == _LEVELS:
        return
    for attached in storage.iter_attachment_storages():
        for inner in attached.storages:
            if inner.name.endswith(_EMBEDDED):
                below = Properties(inner, properties_header_offset=_EMBEDDED_HEADER)
                text.add(f"\n\n{below.str_prop_value(constants.PID_SUBJECT) or ''}\n\n")
                _add_message(below, inner, text, task, depth + 1)


def _body(properties: Properties, task: Task) -> str:
    page = properties.int_prop_value(mapi.INTERNET_CODEPAGE) or 0
    html = properties.binary_prop_value(mapi.HTML) or properties.str_prop_value(mapi.HTML) or ""
    packed = properties.binary_prop_value(mapi.RTF)
    held: mapi.Properties = {
        mapi.BODY: properties.str_prop_value(mapi.BODY) or "",
        mapi.HTML: html,
        mapi.INTERNET_CODEPAGE: page.to_bytes(4, "little"),
    }
    if packed is not None:
        held[mapi.RTF] = packed
    return message_text(held, "", task)


def _envelope(message: oxmsg.Message) -> ChildMessage:
    defects: list[str] = []
    sent = message.sent_date
    sender = (message.sender or "").replace("\0", "")
    return ChildMessage(
        headers.sender([sender], defects) if sender else None,
        clean_line(message.subject)[:1000],
        (sent if sent.tzinfo else sent.replace(tzinfo=UTC)) if sent else None,
    )


def _files(message: oxmsg.Message, task: Task) -> Iterator[ParsedAttachment]:
    for number, attachment in enumerate(message.attachments, start=1):
        if number > task.limits.attachments:
            return
        data = attachment.file_bytes
        if data:
            yield inner_file(data, attachment.file_name or _short_name(attachment), _type(attachment), number)


def _short_name(attachment: Attachment) -> str | None:
    name: str | None = attachment.properties.str_prop_value(mapi.ATTACH_NAME)
    return name


def _type(attachment: Attachment) -> str:
    return (attachment.mime_type or "application/octet-stream").lower()
