"""Decrypters: one isolated process per layer, seen from the side that holds the keys.

A decrypter that has read a hostile message is itself hostile, and may have the key. It can do nothing with it but
answer, and what it answers is bounded and validated like a reader's: it costs one mail its opening.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import NurseryGone
from ingest.isolation import Layer, ProcessLimits
from ingest.mail import SenderKey, Signature, SignatureResult, Unopened
from ingest.nursery import Nursery, Nursing, layers_for
from ingest.protection.values import (
    FRAME,
    LARGEST_ANSWER,
    LARGEST_PLAINTEXT,
    PIECE,
    Question,
    Unsealed,
    closed,
)
from ingest.wire import Short

log = logging.getLogger(__name__)


class Decrypters:
    """Opens layers, each in a process of its own that ends with it.

        decrypters = Decrypters(limits, isolation="required")
        unsealed = decrypters.unseal(question)

    The nursery starts with the first question, for most mails ask none, and ends with this object. `unseal` raises
    NotIsolated and NurseryGone where none can be started, which says nothing about the mail.
    """

    def __init__(
        self,
        limits: ProcessLimits | None = None,
        isolation: str = "required",
        *,
        layers: Layer | None = None,
        entry: str = "ingest.protection.decrypter",
        path: tuple[str, ...] = (),
    ) -> None:
        self._nursing = Nursing(
            entry=entry,
            limits=limits or ProcessLimits(),
            layers=layers if layers is not None else layers_for(isolation),
            path=path,
        )
        self._nursery: Nursery | None = None

    def unseal(self, question: Question) -> Unsealed:
        try:
            return self._ask(question)
        except NurseryGone:  # killed between two mails: one that is started anew may not be
            self.close()
            return self._ask(question)

    def close(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def __del__(self) -> None:
        self.close()

    @property
    def nursery(self) -> Nursery:
        if self._nursery is None:
            self._nursery = Nursery.start(self._nursing)
        return self._nursery

    def _ask(self, question: Question) -> Unsealed:
        try:
            with self.nursery.job() as line:
                line.send(question.to_wire())
                return _received(line.receive)
        except (OSError, EOFError, ValueError) as error:  # it died, hung, or talked nonsense
            log.warning("a decrypter came to nothing (%s): what it was to open stays closed", type(error).__name__)
            return closed(question.kind, Unopened.BOUNDS)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Fingerprint = Annotated[str, Field(pattern=r"\A[0-9a-f]{0,128}\z")]


class _Signature(_Model):
    kind: Literal["smime", "openpgp"]
    result: SignatureResult
    signer: Short
    fingerprint: _Fingerprint
    whole: bool
    chained: bool


class _SenderKey(_Model):
    kind: Literal["openpgp", "smime"]
    fingerprint: _Fingerprint
    data: Annotated[Base64Bytes, Field(max_length=2_000_000)]


class _Answer(_Model):
    opened: bool
    encrypted: bool
    reason: Unopened | None
    signatures: Annotated[list[_Signature], Field(max_length=50)]
    sender_keys: Annotated[list[_SenderKey], Field(max_length=50)]


def _received(receive: Callable[[int], bytes]) -> Unsealed:
    """One answer, validated. Raises ValueError, EOFError when this is not one."""
    content = bytearray()
    while True:
        kind, length = FRAME.unpack(_exactly(receive, FRAME.size))
        if kind == b"C" and length <= PIECE and len(content) + length <= LARGEST_PLAINTEXT:
            content += _exactly(receive, length)
        elif kind == b"A" and length <= LARGEST_ANSWER:
            return _validated(_exactly(receive, length), bytes(content))
        else:
            raise ValueError("a frame that does not exist")


def _validated(data: bytes, content: bytes) -> Unsealed:
    try:
        answer = _Answer.model_validate_json(data)
    except ValidationError:
        raise ValueError("the answer does not follow the contract") from None
    return Unsealed(
        content if answer.opened else None,
        answer.encrypted,
        answer.reason,
        tuple(Signature(**each.model_dump()) for each in answer.signatures),
        tuple(SenderKey(each.kind, each.fingerprint, each.data) for each in answer.sender_keys),
    )


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = receive(min(size - len(pieces), PIECE))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)
