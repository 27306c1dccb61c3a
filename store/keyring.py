"""Which keys there are, and what a person can open with theirs.

Intake and the mailer's callers hold `DeskPublicKeys`: public halves, the desk's own checked against the configuration.
A person who logged in holds a `KeyRing`: their own key and through it the desk's, and through that those of the cases.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select
from sqlalchemy.orm import Session, aliased

from cases.roles import May, Role, may
from config.errors import ConfigError
from config.settings import DeskSettings
from store import rows, signing
from store.certificates import Chain, chain
from store.frame import Context, SealError
from store.keypairs import KeyKind, PrivateKey, PublicKey
from store.locks import hold_desk_keys
from store.lookups import IndexKey
from store.remembered import Remembered
from store.rows import table_of
from store.schema import CaseFile, KeyPair, SealedSeed, new_id
from store.sealing import open_sealed, seal
from store.signing import DESK, Author, Signer, SigningKey

_OF_A_CASE = (KeyKind.CASE, KeyKind.IDENTITY)
_OF_THE_DESK = (KeyKind.DESK, KeyKind.RECOVERY, KeyKind.MAILER)

_MADE_ANEW = (
    " If the mailer's key was made anew: `meldpost rotate --mailer --pin`, and start what runs on this machine again."
)

_LOOKED_AT = 20
"""Keys of cases by which an index key is known."""
_PAIRS = table_of(KeyPair)
_SEEDS = table_of(SealedSeed)
_OF, _TO = _PAIRS.alias("of"), _PAIRS.alias("to")
_SEALED_TO_US = (
    select(_OF, _SEEDS.c.frame, _SEEDS.c.recipient_key_pair_id, _TO.c.kind.label("to_kind"))
    .add_columns(_TO.c.generation.label("to_generation"))
    .join_from(_OF, _SEEDS, _SEEDS.c.key_pair_id == _OF.c.id)
    .join(_TO, _TO.c.id == _SEEDS.c.recipient_key_pair_id)
    .where(_OF.c.id.in_(bindparam("pairs", expanding=True)), _TO.c.id.in_(bindparam("ours", expanding=True)))
)
_NEWER_OF_THE_DESK = (
    select(_SEEDS.c.key_pair_id)
    .join(_PAIRS, _PAIRS.c.id == _SEEDS.c.key_pair_id)
    .where(_PAIRS.c.desk == bindparam("desk"), _PAIRS.c.kind == KeyKind.DESK, _PAIRS.c.owner == "")
    .where(_SEEDS.c.recipient_key_pair_id == bindparam("own"))
    .where(_PAIRS.c.id.not_in(bindparam("known", expanding=True)))
)
_IN_FORCE = (
    select(_PAIRS)
    .where(_PAIRS.c.desk == bindparam("desk"), _PAIRS.c.owner == bindparam("owner"), _PAIRS.c.retired_at.is_(None))
    .where(_PAIRS.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(_PAIRS.c.generation)
)
_HIGHEST = (
    select(_PAIRS)
    .where(_PAIRS.c.desk == bindparam("desk"), _PAIRS.c.owner == bindparam("owner"), _PAIRS.c.kind == bindparam("kind"))
    .order_by(_PAIRS.c.generation.desc())
    .limit(1)
)
"""The newest generation there is, in force or not: who says that it ended, to set a case back to the keys of before, is
found out."""

_CASES = table_of(CaseFile)
_LOCK_CASE = select(_CASES.c.id).where(_CASES.c.id == bindparam("case_id")).with_for_update()


class DeskKeyDiffers(Exception):
    """The database names another public key than the configuration pins: stop, and find out who changed which."""


class UnprovenKey(Exception):
    """A case's public key that was not written by who has the desk's index key: nothing is sealed to it."""


class NoSuchKey(Exception):
    """There is no such key pair, or none of the keys on this ring opens it."""


class NotAllowed(Exception):
    """The role of who asks does not let them do this."""


@dataclass(frozen=True)
class PublicPair:
    """The public half of a key pair, with the names by which records refer to it."""

    id: str
    desk: str
    kind: KeyKind
    owner: str
    generation: int
    public: PublicKey


@dataclass(frozen=True)
class CaseKeys:
    """The public halves that a case's records are sealed to: just made, or proven."""

    case: PublicPair
    identity: PublicPair


@dataclass(frozen=True)
class OpenedPair:
    """A key pair whose private half is at hand."""

    pair: PublicPair
    private: PrivateKey = field(repr=False)


@dataclass(frozen=True)
class DeskPublicKeys:
    """All that is needed to take mail in for a desk: nothing here opens anything."""

    desk: str
    to_desk: PublicPair
    recovery: PublicPair
    mailer: PublicPair


@dataclass(frozen=True)
class Pins:
    """The desk's public keys as the configuration knows them: who writes to the database cannot put others there."""

    to_desk: PublicKey
    recovery: PublicKey
    mailer: PublicKey
    signing: bytes | None = None
    """The desk's signing key; None in a configuration of before there were any."""


@dataclass(frozen=True)
class KeyRing:
    """What one person can open. `privates` holds their own key and the desk's generations, by key pair id.

    `own` is the id of their own pair, which they also sign with. `root` is the desk's signing key from which on others
    count; empty where none is known, and then nothing of others does. `role` says which pages and commands are theirs.
    """

    member_id: str
    desk: str
    login: str
    privates: Mapping[str, PrivateKey] = field(repr=False)
    own: str = ""
    root: bytes = b""
    role: Role = Role.COORDINATOR
    remembered: Remembered | None = field(default=None, repr=False, compare=False)
    """Where cards that this person opened are found again, in the process that shows them pages."""
    _opened: dict[str, PrivateKey] = field(default_factory=dict, repr=False, compare=False)

    def private(self, session: Session, key_pair_id: str) -> PrivateKey:
        """The private half of any key pair that this ring reaches. Raises NoSuchKey."""
        known = self.privates.get(key_pair_id) or self._opened.get(key_pair_id)
        if known:
            return known
        opened = self._opened[key_pair_id] = self._open(session, key_pair_id)
        return opened

    def may(self, what: May) -> bool:
        """Does this person's role let them do that?"""
        return may(self.role, what)

    def require(self, what: May) -> None:
        """Raises NotAllowed where this person's role does not let them do that."""
        if not self.may(what):
            raise NotAllowed("Your role at this desk does not let you do this. Ask a coordinator of the desk.")

    def _open(self, session: Session, key_pair_id: str) -> PrivateKey:
        try:
            return _open_seed(session, key_pair_id, self.privates)
        except NoSuchKey:
            newer = _kept_under(session, key_pair_id)
            if newer is None:
                return _open_seed(session, key_pair_id, self._desk_keys(session))
        return _open_seed(session, key_pair_id, {newer: self.private(session, newer)})

    def privates_of(self, session: Session, key_pair_ids: Collection[str]) -> Mapping[str, OpenedPair]:
        """The pairs among these that this ring reaches, by their ids: a few queries, however many they are."""
        directly = self.opened_by(self.seeds_of(session, key_pair_ids))
        return {**directly, **self.reached_otherwise(session, set(key_pair_ids) - set(directly))}

    def seeds_of(self, session: Session, key_pair_ids: Collection[str]) -> Sequence[Row[Any]]:
        """The pairs among these that are sealed to keys on this ring, with the seed of each, sealed."""
        if not key_pair_ids:
            return ()
        named = {"pairs": sorted(set(key_pair_ids)), "ours": list(self.privates)}
        return session.execute(_SEALED_TO_US, named).all()

    def opened_by(self, seeds: Iterable[Row[Any]]) -> Mapping[str, OpenedPair]:
        """Those of these pairs whose seeds this ring opens."""
        return _open_seeds(seeds, self.privates)

    def reached_otherwise(self, session: Session, key_pair_ids: Collection[str]) -> Mapping[str, OpenedPair]:
        """Those of these pairs that are the ring's own, or are reached by way of others."""
        found = {}
        for key_pair_id in key_pair_ids:
            try:
                found[key_pair_id] = OpenedPair(pair(session, key_pair_id), self.private(session, key_pair_id))
            except NoSuchKey:
                continue
        return found

    def only(self, key_pair_ids: Collection[str]) -> KeyRing:
        """What this person opens with these of their keys alone."""
        return replace(
            self,
            privates={id_: key for id_, key in self.privates.items() if id_ in key_pair_ids},
            remembered=None,
            _opened={},
        )

    def with_newer_keys(self, session: Session) -> KeyRing:
        """The same, with those keys of the desk that it got since: others make it anew while somebody is logged in."""
        named = {"desk": self.desk, "own": self.own, "known": list(self.privates)}
        if session.execute(_NEWER_OF_THE_DESK, named).first() is None:
            return self
        return replace(self, privates={**self.privates, **self._desk_keys(session)}, _opened={})

    def _desk_keys(self, session: Session) -> Mapping[str, PrivateKey]:
        """The desk's keys that are sealed to this person now: there may be newer ones than at their log-in."""
        return open_all(session, self.desk, KeyKind.DESK, self.privates)

    def signing_key(self) -> SigningKey:
        """What this person signs with. Raises NoSuchKey."""
        if self.own not in self.privates:
            raise NoSuchKey("This key ring has no key of its own to sign with.")
        return SigningKey.of(self.privates[self.own], Signer.MEMBER)

    @property
    def author(self) -> Author:
        """This person, as who writes. Raises NoSuchKey."""
        return Author(self.member_id, self.signing_key())

    def desk_author(self, session: Session) -> Author:
        """The desk itself, as who writes: for who has its newest key. Raises NoSuchKey."""
        newest_key = self.chain(session).newest
        for private in (*self.privates.values(), *self._desk_keys(session).values()):
            if newest_key is not None and private.public.to_bytes() == newest_key.hybrid:
                return Author(DESK, SigningKey.of(private, Signer.DESK))
        raise NoSuchKey("This key ring has not the desk's newest key.")

    def to_desk(self, session: Session) -> PublicPair:
        """The desk's newest key pair that counts, to seal to: not any that somebody wrote.

        It is not made anew until what is sealed to it is committed. Raises NoSuchKey.
        """
        hold_desk_keys(session, self.desk)
        newest_key = self.chain(session).newest
        if newest_key is not None:
            own = (KeyPair.desk == self.desk, KeyPair.kind == KeyKind.DESK, KeyPair.generation == newest_key.number)
            row = session.scalars(select(KeyPair).where(*own, KeyPair.owner == "")).one_or_none()
            if row is not None and row.public == newest_key.hybrid:
                return _pair(row)
        raise NoSuchKey("No key of the desk is certified. Run `meldpost doctor`, which says why.")

    def chain(self, session: Session) -> Chain:
        """The generations of the desk's keys that count: none where one of them has not the signing key that follows
        from the private half at hand, for then the pinned key is somebody else's."""
        counted = chain(session, self.desk, self.root)
        signing = {each.hybrid: each.signing for each in counted.generations}
        for private in self.privates.values():
            stated = signing.get(private.public.to_bytes())
            if stated is not None and stated != SigningKey.of(private, Signer.DESK).public:
                return Chain(self.desk)
        return counted

    def to_bytes(self) -> bytes:
        """For the sealed session alone."""
        seeds = {key_pair_id: private.seed.hex() for key_pair_id, private in self.privates.items()}
        named = {"member": self.member_id, "desk": self.desk, "login": self.login, "seeds": seeds}
        named |= {"own": self.own, "root": self.root.hex(), "role": self.role}
        return json.dumps(named).encode()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> KeyRing:
        """Raises KeyError for one of a version that signed nothing."""
        named = json.loads(encoded)
        privates = {id_: PrivateKey.from_seed(bytes.fromhex(seed)) for id_, seed in named["seeds"].items()}
        root, role = bytes.fromhex(named["root"]), Role(named["role"])
        return cls(named["member"], named["desk"], named["login"], privates, named["own"], root, role)


def pins_of(settings: DeskSettings) -> Pins:
    """The keys that a desk's configuration pins. Raises ConfigError."""
    return Pins(
        to_desk=_pinned(settings.public_key, "public_key"),
        recovery=_pinned(settings.recovery_key, "recovery_key"),
        mailer=_pinned(settings.mailer_key, "mailer_key"),
        signing=_pinned_signing(settings.signing_key, "signing_key") if settings.signing_key else None,
    )


def trail_key_of(settings: DeskSettings) -> bytes | None:
    """The public half of the key that signs the trail's checkpoints; None where none is pinned. Raises ConfigError."""
    return _pinned_signing(settings.trail_key, "trail_key") if settings.trail_key else None


def desk_keys(session: Session, desk: str, pins: Pins) -> DeskPublicKeys:
    """The newest public keys of a desk. Raises DeskKeyDiffers unless the database agrees with what is pinned.

    The desk's own may be newer than the pinned one, where certificates lead from the pinned keys to it.
    """
    hold_desk_keys(session, desk)
    found = list(session.execute(_IN_FORCE, {"desk": desk, "owner": "", "kinds": list(_OF_THE_DESK)}))

    def as_pinned(kind: KeyKind, pinned: PublicKey) -> PublicPair:
        live = [row for row in found if row.kind == kind]
        if not live:
            raise NoSuchKey(f"Desk {desk} has no {kind} key. Run `meldpost doctor`.")
        if kind is KeyKind.DESK:
            fits = live[-1].public == pinned.to_bytes() or _follows(session, live[-1], pins)
            chosen = live[-1:] if fits else []
        else:  # while one is made anew there are two, and the configuration says which counts
            chosen = [row for row in live if row.public == pinned.to_bytes()]
        if not chosen:
            raise DeskKeyDiffers(
                f"The {kind} key of desk {desk} in the database is not the one in the configuration. Nothing is "
                "taken in. Compare both with the fingerprint on the recovery pages before you change either."
                + (_MADE_ANEW if kind is KeyKind.MAILER else "")
            )
        return _pair(chosen[-1])

    return DeskPublicKeys(
        desk=desk,
        to_desk=as_pinned(KeyKind.DESK, pins.to_desk),
        recovery=as_pinned(KeyKind.RECOVERY, pins.recovery),
        mailer=as_pinned(KeyKind.MAILER, pins.mailer),
    )


def _follows(session: Session, row: Row[Any], pins: Pins) -> bool:
    """Do certificates lead to this key of the desk from the pinned signing key, by way of the pinned public key?"""
    if pins.signing is None:
        return False
    counted = chain(session, row.desk, pins.signing)
    pinned = [each.number for each in counted.generations if each.hybrid == pins.to_desk.to_bytes()]
    return bool(pinned) and pinned[0] < row.generation and counted.holds(row.generation, row.public)


def root_of(pins: Pins, privates: Mapping[str, PrivateKey]) -> bytes:
    """The desk's signing key from which on others count: the pinned one; else that of the pinned public key, for who
    has its private half; else none."""
    if pins.signing is not None:
        return pins.signing
    own = (SigningKey.of(private, Signer.DESK) for private in privates.values() if private.public == pins.to_desk)
    return next((key.public for key in own), b"")


def newest(session: Session, desk: str, kind: KeyKind, owner: str = "") -> PublicPair:
    """The newest generation of a key pair of the desk's own or of a member's. Raises NoSuchKey."""
    if kind in _OF_A_CASE:
        raise ValueError("a case's key is asked for with newest_proven: anybody may have written this one")
    if kind in _OF_THE_DESK:
        hold_desk_keys(session, desk)
    return _pair(_newest(session, desk, (kind,), owner)[kind])


def in_force(session: Session, desk: str, kind: KeyKind) -> tuple[PublicPair, ...]:
    """The generations of one of the desk's own key pairs to which something may be sealed, oldest first."""
    hold_desk_keys(session, desk)
    return tuple(_pair(row) for row in session.execute(_IN_FORCE, {"desk": desk, "owner": "", "kinds": [kind]}))


def genuine_desk_pair(session: Session, ring: KeyRing) -> PublicPair | None:
    """The newest key of the desk that certificates lead to; None where there is none. That a ring holds the private
    half proves nothing: who writes to the database can seal one of their own to any member."""
    try:
        return ring.to_desk(session)
    except NoSuchKey:
        return None


def newest_proven(session: Session, index: IndexKey, desk: str, kind: KeyKind, owner: str) -> PublicPair:
    """The newest generation of a case's key pair, if its proof is good. Raises NoSuchKey, UnprovenKey.

    The case's row is locked: its keys are not made anew until what is sealed to this one is committed. So nothing is
    ever sealed to a key whose private half is gone.

    Who can write to the database, but has not the index key, cannot have what is written later sealed to a key of
    theirs.
    """
    session.execute(_LOCK_CASE, {"case_id": owner})
    row = session.execute(_HIGHEST, {"desk": desk, "owner": owner, "kind": kind}).first()
    if row is None:
        raise NoSuchKey(f"Desk {desk} has no {kind} key. Run `meldpost doctor`.")
    found = _pair(row)
    if row.retired_at is not None or row.proof is None or not hmac.compare_digest(row.proof, _proof(index, found)):
        raise UnprovenKey(
            "The key of a case in the database was not written by Meldpost. Nothing is written to this case, and its "
            "mail stays in the mailbox. Compare the database with a backup, and find out who wrote to it."
        )
    return found


def proven_before(session: Session, index: IndexKey, newest: PublicPair) -> tuple[PublicPair, ...]:
    """The generations of a case's key pair before this one whose private halves are kept, oldest first.

    One without its proof is left out: Meldpost sealed nothing to it.
    """
    found = session.scalars(
        select(KeyPair)
        .where(KeyPair.desk == newest.desk, KeyPair.owner == newest.owner, KeyPair.kind == newest.kind)
        .where(KeyPair.generation < newest.generation)
        .where(exists().where(SealedSeed.key_pair_id == KeyPair.id))
        .order_by(KeyPair.generation)
    )
    return tuple(_pair(row) for row in found if row.proof and hmac.compare_digest(row.proof, _proof(index, _pair(row))))


def _newest(session: Session, desk: str, kinds: Collection[KeyKind], owner: str) -> dict[KeyKind, Row[Any]]:
    """The newest generation of each of these kinds. Raises NoSuchKey where one is missing."""
    found = session.execute(_IN_FORCE, {"desk": desk, "owner": owner, "kinds": list(kinds)})
    by_kind = {KeyKind(row.kind): row for row in found}
    for kind in kinds:
        if kind not in by_kind:
            raise NoSuchKey(f"Desk {desk} has no {kind} key. Run `meldpost doctor`.")
    return by_kind


def pair(session: Session, key_pair_id: str) -> PublicPair:
    """The public half by its id. Raises NoSuchKey."""
    row = session.get(KeyPair, key_pair_id)
    if row is None:
        raise NoSuchKey("A record names a key pair that is not there.")
    return _pair(row)


def add_pair(
    session: Session,
    desk: str,
    kind: KeyKind,
    owner: str,
    public: PublicKey,
    now: datetime,
    index: IndexKey | None = None,
    generation: int = 1,
) -> PublicPair:
    """Write down a generation of a key pair's public half, the first by default; a case's with its proof."""
    added = PublicPair(new_id(), desk, kind, owner, generation, public)
    rows.add(
        session,
        KeyPair,
        id=added.id,
        desk=desk,
        owner=owner,
        kind=kind,
        generation=added.generation,
        public=public.to_bytes(),
        proof=_proof(index, added) if index else None,
        created_at=now,
    )
    return added


def seal_seed(session: Session, private: PrivateKey, of: PublicPair, to: PublicPair) -> None:
    """Keep the private half of a key pair, sealed to the public half of another."""
    frame = seal(private.seed, to.public, _seed_context(of, to))
    rows.add(session, SealedSeed, key_pair_id=of.id, recipient_key_pair_id=to.id, frame=frame)


def open_all(session: Session, desk: str, kind: KeyKind, privates: Mapping[str, PrivateKey]) -> dict[str, PrivateKey]:
    """Every generation of a desk's key pair that these private keys open, by key pair id."""
    ids = session.scalars(
        select(SealedSeed.key_pair_id)
        .join(KeyPair, KeyPair.id == SealedSeed.key_pair_id)
        .where(KeyPair.desk == desk, KeyPair.kind == kind, SealedSeed.recipient_key_pair_id.in_(list(privates)))
    ).all()
    opened = {}
    for key_pair_id in ids:
        with suppress(NoSuchKey):  # a damaged one, or somebody else's: it hides no other
            opened[key_pair_id] = _open_seed(session, key_pair_id, privates)
    return opened


def is_index_key(session: Session, desk: str, index: IndexKey) -> bool:
    """Did who has this index key write down keys of the desk's cases? True where there are none yet.

    Some of them are looked at: one that somebody else put in proves nothing against it.
    """
    proven = select(KeyPair).where(KeyPair.desk == desk, KeyPair.proof.is_not(None)).limit(_LOOKED_AT)
    found = session.scalars(proven).all()
    return not found or any(hmac.compare_digest(row.proof or b"", _proof(index, _pair(row))) for row in found)


def _proof(index: IndexKey, pair: PublicPair) -> bytes:
    return index.key_pair(pair.id, (pair.desk, pair.kind, pair.owner, str(pair.generation)), pair.public.to_bytes())


def _pinned(encoded: str, name: str) -> PublicKey:
    try:
        return PublicKey.from_bytes(base64.b64decode(encoded, validate=True))
    except ValueError:  # NotAKey and binascii.Error are both
        raise ConfigError(
            f"The setting {name} of the desk holds no public key. Copy the line that `meldpost init` wrote."
        ) from None


def _pinned_signing(encoded: str, name: str) -> bytes:
    try:
        public = base64.b64decode(encoded, validate=True)
    except ValueError:
        public = b""
    if len(public) != signing.PUBLIC_SIZE:
        raise ConfigError(
            f"The setting {name} of the desk holds no signing key. Copy the line that Meldpost wrote for it."
        )
    return public


def _open_seed(session: Session, key_pair_id: str, privates: Mapping[str, PrivateKey]) -> PrivateKey:
    of = pair(session, key_pair_id)
    found = session.scalars(
        select(SealedSeed).where(
            SealedSeed.key_pair_id == key_pair_id, SealedSeed.recipient_key_pair_id.in_(list(privates))
        )
    ).all()
    for row in found:
        to = pair(session, row.recipient_key_pair_id)
        try:
            seed = open_sealed(row.frame, privates[to.id], _seed_context(of, to))
        except SealError:
            continue  # written by somebody who had only the public half: another row may be the true one
        private = PrivateKey.from_seed(seed)
        if private.public == of.public:
            return private
    raise NoSuchKey("None of the keys at hand opens this key pair.")


def _kept_under(session: Session, key_pair_id: str) -> str | None:
    """The newer generation of the same case's key pair that this one's private half is sealed to, if it is."""
    of, to = aliased(KeyPair), aliased(KeyPair)
    return session.scalars(
        select(to.id)
        .join(SealedSeed, SealedSeed.recipient_key_pair_id == to.id)
        .join(of, of.id == SealedSeed.key_pair_id)
        .where(of.id == key_pair_id, of.desk == to.desk, of.owner == to.owner, of.kind == to.kind)
        .where(to.generation > of.generation)
        .order_by(to.generation.desc())
        .limit(1)
    ).one_or_none()


def _open_seeds(seeds: Iterable[Row[Any]], privates: Mapping[str, PrivateKey]) -> dict[str, OpenedPair]:
    """The pairs whose private halves are sealed to one of the given keys, opened."""
    found: dict[str, OpenedPair] = {}
    for row in seeds:
        if row.id in found:
            continue
        public = _pair(row)
        context = _seed_context_of(public, KeyKind(row.to_kind), row.to_generation)
        try:
            private = PrivateKey.from_seed(open_sealed(row.frame, privates[row.recipient_key_pair_id], context))
        except (SealError, ValueError):
            continue
        if private.public == public.public:
            found[row.id] = OpenedPair(public, private)
    return found


def _seed_context_of(of: PublicPair, to: KeyKind, generation: int) -> Context:
    case = of.owner if of.kind in _OF_A_CASE else ""
    return Context(of.desk, case, f"{of.kind}-seed-for-{to}", of.id, generation, of.generation)


def _seed_context(of: PublicPair, to: PublicPair) -> Context:
    return _seed_context_of(of, to.kind, to.generation)


def _pair(row: KeyPair | Row[Any]) -> PublicPair:
    kind = KeyKind(row.kind)
    return PublicPair(row.id, row.desk, kind, row.owner, row.generation, PublicKey.from_bytes(row.public))
