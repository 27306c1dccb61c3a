"""A passkey in software, which also does what no honest one does."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _NEW_CREDENTIAL = 0x01, 0x04, 0x40


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@dataclass
class SoftPasskey:
    """`origin` is what the browser says of the page that asked, `domain` what the passkey believes to be made for."""

    origin: str
    domain: str
    counter: int = 0
    knows_its_owner: bool = True
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, asked: Mapping[str, Any]) -> str:
        """The answer to `navigator.credentials.create`, as the desk's page sends it."""
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        named = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + cbor2.dumps(cose)
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(_NEW_CREDENTIAL) + named}
        client = self._client("webauthn.create", asked)
        return self._answer(client, attestationObject=encoded(cbor2.dumps(attestation)), transports=["internal"])

    def show(self, asked: Mapping[str, Any]) -> str:
        """The answer to `navigator.credentials.get`, likewise."""
        self.counter += 1 if self.counter else 0
        client, data = self._client("webauthn.get", asked), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(client, authenticatorData=encoded(data), signature=encoded(signature))

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.knows_its_owner else 0)
        return hashlib.sha256(self.domain.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, what: str, asked: Mapping[str, Any]) -> bytes:
        return json.dumps({"type": what, "challenge": asked["challenge"], "origin": self.origin}).encode()

    def _answer(self, client: bytes, **parts: Any) -> str:
        response = {"clientDataJSON": encoded(client), **parts}
        named = encoded(self.credential)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response})
