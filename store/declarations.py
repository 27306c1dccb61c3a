"""Declarations of destruction: what was destroyed, when, on what ground, by whom. No person of the case is in them.

Who destroys what is due holds no key, and so cannot sign. It leaves a row that it proves by the desk's index key; the
next member who logs in signs the declaration of it with their own key, and seals it to the desk. With it goes what a
member alone can clear up: models that saw the case are withdrawn.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from store import audit, destruction, models, records, retention
from store.audit import Action
from store.database import changed_rows
from store.destruction import Ended
from store.keyring import KeyRing, NoSuchKey
from store.lookups import IndexKey
from store.records import Name, RecordKind
from store.schema import Destruction
from store.signing import Statement, statement, verify


@dataclass(frozen=True)
class Declaration:
    """What a member signed. `content` is what the signature is over; `sound`: it fits the key that it names."""

    id: str
    content: Mapping[str, Any]
    public: bytes
    signature: bytes

    @property
    def sound(self) -> bool:
        return verify(self.public, _stated(self.content), self.signature)


def declare(session: Session, ring: KeyRing, index: IndexKey, names: Mapping[str, str], now: datetime) -> int:
    """Sign for what was destroyed since the last log-in; gives how many. `names`: the members' log-in names, by id.

    Nothing is signed that was not noted by Meldpost: such a row stays without a declaration, and the desk says so.
    """
    signed = 0
    for gone in destruction.ended(session, ring.desk, index, undeclared=True):
        if not gone.proven:
            continue
        claimed = update(Destruction).where(Destruction.id == gone.id, Destruction.declared_at.is_(None))
        if changed_rows(session, claimed.values(declared_at=now)) != 1:
            continue
        _sign(session, ring, gone, names, now)
        retention.forget_order(session, ring.desk, gone.case_id)
        signed += 1
    if signed:
        models.withdraw_outlived(session, ring, index, now)
    return signed


def kept(session: Session, ring: KeyRing) -> tuple[Declaration, ...]:
    """The desk's declarations, newest first."""
    found = records.all_of_desk(session, ring, RecordKind.DECLARATION)
    read = [
        Declaration(id_, each["content"], bytes.fromhex(each["public"]), bytes.fromhex(each["signature"]))
        for id_, each in found.items()
    ]
    return tuple(sorted(read, key=lambda each: str(each.content.get("destroyed_at")), reverse=True))


def to_text(declaration: Declaration, heading: Mapping[str, str]) -> str:
    """A declaration as a text to keep: in words, then exactly what was signed, and the signature.

    `heading` gives the words for its parts, in the order in which they are to stand; parts that say nothing are left
    out.
    """
    told = [(words, declaration.content.get(part)) for part, words in heading.items()]
    width = max((len(words) for words, _ in told), default=0) + 2
    lines = [f"{words + ':':{width}}{value}" for words, value in told if value not in (None, "")]
    signed = [
        "-----BEGIN SIGNED DECLARATION-----",
        _encoded(declaration.content),
        f"Ed25519 public key: {base64.b64encode(declaration.public).decode()}",
        f"Ed25519 signature:  {base64.b64encode(declaration.signature).decode()}",
        "-----END SIGNED DECLARATION-----",
    ]
    return "\n".join([*lines, "", *signed, ""])


def _sign(session: Session, ring: KeyRing, gone: Ended, names: Mapping[str, str], now: datetime) -> None:
    order = retention.order_of(session, ring, gone.case_id)
    content = {
        "desk": ring.desk,
        "reference": order.get("reference", ""),
        "closed_on": order.get("closed_on", ""),
        "begun_at": gone.begun_at.isoformat(timespec="seconds"),
        "destroyed_at": gone.ended_at.isoformat(timespec="seconds"),
        "ground": order.get("ground", ""),
        "term": order.get("term", ""),
        "selection": order.get("selection", ""),
        "reason": order.get("reason", ""),
        "records": gone.records,
        "messages": gone.messages,
        "attachments": gone.attachments,
        "destroyed_by": names.get(gone.member_id or "", "Meldpost"),
        "signed_by": ring.login,
        "signed_at": now.isoformat(timespec="seconds"),
    }
    key = ring.signing_key()
    written = {"content": content, "public": key.public.hex(), "signature": key.sign(_stated(content)).hex()}
    to = ring.to_desk(session)
    name = Name(None, gone.id, RecordKind.DECLARATION)
    records.write_json(session, name, written, to, now, by=ring.author)
    audit.write(session, ring.desk, Action.DECLARED, now, member_id=ring.member_id, case_id=gone.case_id)
    session.flush()


def _stated(content: Mapping[str, Any]) -> bytes:
    return statement(Statement.DESTRUCTION, (_encoded(content),))


def _encoded(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


CANNOT_SIGN = (NoSuchKey, models.UnprovenModels)
"""What stands in the way of signing, and is no reason to keep a member out."""
