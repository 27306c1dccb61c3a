"""Parts written by machines about a mail of ours: delivery reports, and receipts for reading."""

from __future__ import annotations

from typing import Any

from ingest.charsets import clean_line, clean_text
from ingest.headers import message_ids

_MAX_RECIPIENTS = 50
_MAX_FIELD = 1000


def delivery_report(status: str, returned_header: str) -> dict[str, Any]:
    """RFC 3464: what became of a mail of ours. The original's Message-ID stands in the returned header or message."""
    blocks = _blocks(status)
    per_message = blocks[0] if blocks else {}
    recipients = [
        {
            "address": _after_type(block.get("final-recipient") or block.get("original-recipient", "")),
            "original": _after_type(block.get("original-recipient", "")),
            "action": block.get("action", "").lower()[:40],
            "status": block.get("status", "").split(" ")[0][:20],
            "diagnostic": _after_type(block.get("diagnostic-code", ""))[:500],
        }
        for block in blocks
        if "final-recipient" in block or "original-recipient" in block or "action" in block
    ][:_MAX_RECIPIENTS]
    return {
        "kind": "delivery",
        "original_message_id": _original_id(returned_header) or _first_id(per_message.get("original-message-id", "")),
        "original_envelope_id": per_message.get("original-envelope-id", "")[:500] or None,
        "recipients": recipients,
        "disposition": "",
    }


def disposition_report(notification: str, returned_header: str) -> dict[str, Any]:
    """RFC 8098: somebody's mail program says that a mail was shown, or deleted."""
    fields: dict[str, str] = {}
    for block in _blocks(notification):
        fields = {**block, **fields}
    return {
        "kind": "disposition",
        "original_message_id": _first_id(fields.get("original-message-id", "")) or _original_id(returned_header),
        "original_envelope_id": None,
        "recipients": [],
        "disposition": fields.get("disposition", "")[:200],
    }


def _blocks(text: str) -> list[dict[str, str]]:
    """Groups of header-like fields, as message/delivery-status has them (RFC 3464 §2.1.2)."""
    blocks: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    last = ""
    for line in [*clean_text(text)[:500_000].split("\n"), ""]:
        if not line.strip():
            if fields:
                blocks.append(fields)
            fields, last = {}, ""
        elif line[0] in " \t" and last:
            fields[last] = f"{fields[last]} {clean_line(line)}"[:_MAX_FIELD]
        elif ":" in line:
            name, _, value = line.partition(":")
            last = name.strip().lower()[:60]
            fields.setdefault(last, clean_line(value)[:_MAX_FIELD])
        if len(blocks) > 2 * _MAX_RECIPIENTS:
            break
    return blocks


def _after_type(value: str) -> str:
    """ "rfc822; a@b.example" without its type (RFC 3464 §2.1.2)."""
    _, semicolon, rest = value.partition(";")
    return (rest if semicolon else value).strip()


def _original_id(returned_header: str) -> str | None:
    blocks = _blocks(returned_header)
    return _first_id(blocks[0].get("message-id", "")) if blocks else None


def _first_id(value: str) -> str | None:
    found = message_ids(value)
    return found[0] if found else None
