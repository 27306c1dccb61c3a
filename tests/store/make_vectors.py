"""Makes the test vectors of docs/sealed-format.md: `python -m tests.store.make_vectors GROUP` from the top folder.

Sealing is randomised, so every run gives other bytes. The vectors in the repository are never remade for a format that
was in use: they are the proof that old records stay readable. So a group that is there is left as it is.
"""

import base64
import hashlib
import json
import os
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as HpkeSuite

from store.frame import HEADER_SIZE, Context, Header, Mode, info
from store.keypairs import PrivateKey
from store.passphrase import wrap_seed
from store.sealing import CHUNK, seal
from store.signing import Signer, SigningKey, Statement, statement
from store.unlocking import _place, wrap

FOLDER = Path(__file__).parent / "vectors"
KEY = PrivateKey.from_seed(bytes(range(32)))
OTHER_KEY = PrivateKey.from_seed(bytes(range(32, 64)))
PLACE = Context(desk="desk-1", case="case-1", kind="message", record="record-1", generation=3, version=2)
ELSEWHERE = replace(PLACE, record="record-2")
COMPUTED, CREDENTIAL = bytes(range(64, 96)), bytes(range(200, 232))
SINCE, WRITTEN = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 9, 0, 0, 123_456, tzinfo=UTC)
PASSPHRASE, SECRET = "zeven woorden die niets met elkaar te maken hebben", bytes(range(100, 132))

SEALED_KEY = 1120 + 32 + 16
BODY = HEADER_SIZE + SEALED_KEY
PIECE = CHUNK + 16
Pieces = list[Any]  # of base64 text, and [from, to] or [file, from, to] of a good record


def content(size: int) -> bytes:
    return hashlib.shake_256(b"meldpost vector").digest(size)


GOOD: dict[str, tuple[bytes, Context]] = {
    "empty": (b"", PLACE),
    "text": ("Een korte melding, met één vraag.".encode(), PLACE),
    "text-elsewhere": (b"Another record of the same case.", ELSEWHERE),
    "text-version-1": (b"The same record, as it was before.", replace(PLACE, version=1)),
    "no-case": (b"Belongs to the desk.", replace(PLACE, case="", kind="seed")),
    "ends-like-padding": (b"content\x80\0\0\0", PLACE),
    "largest-one-shot": (content(CHUNK - 1), PLACE),
    "smallest-chunks": (content(CHUNK), PLACE),
    "chunks": (content(150_000), PLACE),
    "chunks-elsewhere": (content(150_000), ELSEWHERE),
}


def main() -> None:
    if sys.argv[1:] not in [[group] for group in GROUPS]:
        sys.exit(f"Name one group: {', '.join(GROUPS)}.")
    group = sys.argv[1]
    if any(of_group(path.stem) == group for path in FOLDER.glob("*.json")):
        sys.exit(f"The vectors of {group} are there, and are not made anew.")
    FOLDER.mkdir(exist_ok=True)
    GROUPS[group]()


def of_group(name: str) -> str:
    """The group that a vector belongs to."""
    return next((group for group in GROUPS if f"-{group}" in name), "record")


def _write_records() -> None:
    frames = {name: seal(plaintext, KEY.public, place) for name, (plaintext, place) in GOOD.items()}
    for name, (plaintext, place) in GOOD.items():
        _write(
            f"good-{name}",
            place,
            _base64(frames[name]),
            size=len(plaintext),
            sha256=hashlib.sha256(plaintext).hexdigest(),
        )
    for name, (of, pieces, error) in _cut_up(frames).items():
        _write(f"broken-{name}", PLACE, [_piece(of, piece) for piece in pieces], error=error)
    for name, (of, place, seed) in _misplaced().items():
        _write(f"broken-{name}", place, [_piece(of, [0, len(frames[of])])], "WrongKey", seed=seed)
    for name, frame in _forged().items():
        _write(f"broken-{name}", PLACE, _base64(frame), "Damaged")


def _cut_up(frames: dict[str, bytes]) -> dict[str, tuple[str, Pieces, str]]:
    """Give every way of changing the bytes of a record: (of which, the pieces that remain, what a reader must say)."""
    cases: dict[str, tuple[str, Pieces, str]] = {}

    def flip(name: str, of: str, at: int, error: str, bit: int = 1) -> None:
        frame = frames[of]
        cases[f"flip-{name}"] = (of, [[0, at], _base64(bytes([frame[at] ^ bit])), [at + 1, len(frame)]], error)

    size = len(frames["text"])
    flip("magic", "text", 0, "NotAFrame")
    flip("format-version", "text", 4, "NotAFrame", 2)
    flip("suite", "text", 5, "NotAFrame", 2)
    flip("mode-unknown", "text", 6, "NotAFrame", 4)
    flip("mode-to-chunks", "text", 6, "WrongKey", 3)
    flip("generation", "text", 10, "WrongKey")
    flip("version", "text", 14, "WrongKey")
    flip("mlkem", "text", HEADER_SIZE + 500, "WrongKey")
    flip("x25519", "text", HEADER_SIZE + 1100, "WrongKey")
    flip("ciphertext", "text", HEADER_SIZE + 1120, "WrongKey")
    flip("tag", "text", size - 1, "WrongKey")
    cases["truncated-header"] = ("text", [[0, HEADER_SIZE - 1]], "NotAFrame")
    cases["truncated-encapsulation"] = ("text", [[0, HEADER_SIZE + 700]], "Damaged")
    cases["truncated-tag"] = ("text", [[0, size - 1]], "WrongKey")
    cases["trailing-byte"] = ("text", [[0, size], _base64(b"\0")], "WrongKey")
    cases["trailing-byte-after-largest"] = (
        "largest-one-shot",
        [[0, len(frames["largest-one-shot"])], _base64(b"\0")],
        "Damaged",
    )

    size, end = len(frames["chunks"]), BODY + PIECE
    flip("sealed-key", "chunks", BODY - 1, "WrongKey")
    flip("mode-to-one-shot", "chunks", 6, "WrongKey", 3)
    flip("first-chunk", "chunks", BODY, "Damaged")
    flip("middle-chunk", "chunks", BODY + PIECE + 7, "Damaged")
    flip("last-chunk", "chunks", size - 1, "Damaged")
    middle, last = [end, end + PIECE], [end + PIECE, size]
    cases["chunks-swapped"] = ("chunks", [[0, BODY], middle, [BODY, end], last], "Damaged")
    cases["chunk-repeated"] = ("chunks", [[0, end], [BODY, end], middle, last], "Damaged")
    cases["first-chunk-dropped"] = ("chunks", [[0, BODY], middle, last], "Damaged")
    cases["middle-chunk-dropped"] = ("chunks", [[0, end], last], "Damaged")
    cases["last-chunk-dropped"] = ("chunks", [[0, end], middle], "Damaged")
    cases["all-but-first-chunk-dropped"] = ("chunks", [[0, end]], "Damaged")
    cases["all-chunks-dropped"] = ("chunks", [[0, BODY]], "Damaged")
    cases["last-chunk-cut"] = ("chunks", [[0, size - 100]], "Damaged")
    cases["trailing-chunk"] = ("chunks", [[0, size], [BODY, end]], "Damaged")
    cases["trailing-byte-after-chunks"] = ("chunks", [[0, size], _base64(b"\0")], "Damaged")
    cases["body-of-another-record"] = ("chunks", [[0, BODY], ["chunks-elsewhere", BODY, size]], "Damaged")
    cases["head-of-another-record"] = ("chunks", [["chunks-elsewhere", 0, BODY], [BODY, size]], "WrongKey")
    return cases


def _piece(of: str, piece: Any) -> Any:
    if isinstance(piece, str):
        return piece
    *name, start, end = piece
    return [f"good-{name[0] if name else of}.json", start, end]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _misplaced() -> dict[str, tuple[str, Context, bytes]]:
    """Give whole records, each in a place that it was not made for, or with another key."""
    return {
        "wrong-key": ("text", PLACE, OTHER_KEY.seed),
        "wrong-desk": ("text", replace(PLACE, desk="desk-2"), KEY.seed),
        "wrong-case": ("text", replace(PLACE, case="case-2"), KEY.seed),
        "wrong-kind": ("text", replace(PLACE, kind="note"), KEY.seed),
        "names-joined-otherwise": ("text", replace(PLACE, desk="desk-1c", case="ase-1"), KEY.seed),
        "records-swapped": ("text-elsewhere", PLACE, KEY.seed),
        "chunked-records-swapped": ("chunks-elsewhere", PLACE, KEY.seed),
        "older-version": ("text-version-1", PLACE, KEY.seed),
        "wrong-generation": ("text", replace(PLACE, generation=4), KEY.seed),
        "wrong-desk-chunked": ("chunks", replace(PLACE, desk="desk-2"), KEY.seed),
    }


def _forged() -> dict[str, bytes]:
    """Give records that were sealed well to the right key, with a padding that no writer makes."""

    def one_shot(padded: bytes) -> bytes:
        header = Header(Mode.ONE_SHOT, PLACE.generation, PLACE.version)
        suite = HpkeSuite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        return header.to_bytes() + suite.encrypt(padded, KEY.public.hpke, info(header, PLACE))

    return {
        "padding-missing": one_shot(b""),
        "padding-without-mark": one_shot(b"text" + bytes(252)),
        "padding-too-short": one_shot(b"text\x80" + bytes(100)),
        "padding-too-long": one_shot(b"text\x80" + bytes(507)),
    }


def _write_wrapped() -> None:
    wrapped = wrap_seed(KEY.seed, PASSPHRASE, SECRET)
    _wrapped("good-wrapped-seed", wrapped, seed=KEY.seed.hex())
    for name, at, bit, error in (
        ("magic", 0, 1, "NotAWrappedSeed"),
        ("version", 4, 2, "NotAWrappedSeed"),
        ("memory", 8, 4, "WrongPassphrase"),
        ("memory-absurd", 5, 0x80, "NotAWrappedSeed"),
        ("iterations", 12, 1, "WrongPassphrase"),
        ("iterations-absurd", 9, 1, "NotAWrappedSeed"),
        ("lanes", 13, 1, "WrongPassphrase"),
        ("salt", 14, 1, "WrongPassphrase"),
        ("nonce", 30, 1, "WrongPassphrase"),
        ("seed", 42, 1, "WrongPassphrase"),
        ("tag", len(wrapped) - 1, 1, "WrongPassphrase"),
    ):
        changed = bytearray(wrapped)
        changed[at] ^= bit
        _wrapped(f"broken-wrapped-seed-{name}", bytes(changed), error=error)
    _wrapped("broken-wrapped-seed-truncated", wrapped[:-1], error="NotAWrappedSeed")
    _wrapped("broken-wrapped-seed-passphrase", wrapped, error="WrongPassphrase", passphrase=PASSPHRASE + "!")
    _wrapped("broken-wrapped-seed-secret", wrapped, error="WrongPassphrase", secret=os.urandom(32))


def _write_passkey() -> None:
    wrapped = wrap(KEY.seed, COMPUTED, SECRET, _place("desk-1", "member-1", CREDENTIAL))
    _under_passkey("good-passkey-seed", wrapped, seed=KEY.seed.hex())
    parts = {"magic": 0, "version": 4, "random": 5, "nonce": 21, "seed": 33, "tag": len(wrapped) - 1}
    for name, at in parts.items():
        changed = bytearray(wrapped)
        changed[at] ^= 1
        _under_passkey(f"broken-passkey-seed-{name}", bytes(changed))
    _under_passkey("broken-passkey-seed-truncated", wrapped[:-1])
    _under_passkey("broken-passkey-seed-trailing-byte", wrapped + b"\0")
    _under_passkey("broken-passkey-seed-other-passkey", wrapped, computed=bytes(32).hex())
    _under_passkey("broken-passkey-seed-secret", wrapped, secret=bytes(range(101, 133)).hex())
    _under_passkey("broken-passkey-seed-wrong-desk", wrapped, desk="desk-2")
    _under_passkey("broken-passkey-seed-wrong-member", wrapped, member="member-2")
    _under_passkey("broken-passkey-seed-wrong-credential", wrapped, credential=CREDENTIAL[:-1].hex())
    _under_passkey("broken-passkey-seed-names-joined-otherwise", wrapped, desk="desk-1m", member="ember-1")


def _under_passkey(name: str, wrapped: bytes, **more: str) -> None:
    about = {"desk": "desk-1", "member": "member-1", "credential": CREDENTIAL.hex(), "computed": COMPUTED.hex()}
    _dump(name, {**about, "secret": SECRET.hex(), "wrapped": wrapped.hex(), **more})


def _write_signatures() -> None:
    member, desk = SigningKey.of(KEY, Signer.MEMBER), SigningKey.of(OTHER_KEY, Signer.DESK)
    place = ("desk-1", "case-1", "record-1", "note", 2, WRITTEN)
    sha256 = hashlib.sha256(b"sealed").digest()
    record = ("record-as-sealed", member, Statement.FRAME, (*place, "member-1", "pair-1", sha256))
    certified = ("desk-1", "member-1", 3, SINCE, member.public, KEY.public.to_bytes())
    for name, key, about, parts in (
        ("record-as-written", member, Statement.CONTENT, (*place, "member-1", hashlib.sha256(b"{}").digest())),
        record,
        ("desk-key", desk, Statement.DESK_KEY, ("desk-1", "", 2, SINCE, desk.public, OTHER_KEY.public.to_bytes())),
        ("member-key", member, Statement.MEMBER_KEY, certified),
        ("member-key-certified", desk, Statement.MEMBER_KEY, certified),
    ):
        _signed(f"good-signature-{name}", key.public, about, parts, key.sign(statement(about, parts)))
    _, key, about, parts = record
    signature = key.sign(statement(about, parts))
    for at, name in enumerate(("desk", "case", "id", "kind", "version", "time", "author", "key-pair", "sha256")):
        changed = (*parts[:at], _other(parts[at]), *parts[at + 1 :])
        _signed(f"broken-signature-{name}", key.public, about, changed, signature)
    joined = ("desk-1c", "ase-1", *parts[2:])
    _signed("broken-signature-names-joined-otherwise", key.public, about, joined, signature)
    _signed("broken-signature-label", key.public, Statement.CONTENT, parts, signature)
    _signed("broken-signature-key", desk.public, about, parts, signature)
    for at, name in ((0, "first-half"), (63, "second-half")):
        flipped = bytes(each ^ (number == at) for number, each in enumerate(signature))
        _signed(f"broken-signature-{name}", key.public, about, parts, flipped)
    _signed("broken-signature-truncated", key.public, about, parts, signature[:-1])


def _other(part: Any) -> Any:
    match part:
        case bytes():
            return bytes([part[0] ^ 1, *part[1:]])
        case str():
            return f"{part[:-1]}9"
        case int():
            return part + 1
        case _:
            return part.replace(microsecond=part.microsecond + 1)


def _signed(name: str, public: bytes, about: Statement, parts: tuple[Any, ...], signature: bytes) -> None:
    written = [_named(part) for part in parts]
    _dump(name, {"public": public.hex(), "label": about, "parts": written, "signature": signature.hex()})


def _named(part: Any) -> dict[str, Any]:
    match part:
        case bytes():
            return {"bytes": part.hex()}
        case str():
            return {"text": part}
        case int():
            return {"number": part}
        case _:
            return {"time": part.isoformat()}


def _wrapped(name: str, wrapped: bytes, passphrase: str = PASSPHRASE, secret: bytes = SECRET, **expected: str) -> None:
    _dump(name, {"passphrase": passphrase, "secret": secret.hex(), "wrapped": wrapped.hex(), **expected})


def _write(name: str, place: Context, frame: Any, error: str = "", *, seed: bytes = KEY.seed, **expected: Any) -> None:
    if error:
        expected["error"] = error
    _dump(name, {"seed": seed.hex(), "context": asdict(place), "frame": frame, **expected})


def _dump(name: str, vector: dict[str, Any]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


GROUPS = {
    "wrapped-seed": _write_wrapped,
    "passkey-seed": _write_passkey,
    "signature": _write_signatures,
    "record": _write_records,
}
"""What each group is written by; the names of its vectors hold its name, but for those of records."""


if __name__ == "__main__":
    main()
