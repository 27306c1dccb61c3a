"""The search indexes of the members who are logged in: opened beside the requests, wiped when the last log-in ends,
together with the cards that were opened for their pages; and what was searched for in each session, wiped with that.

An index is in the memory of this process alone. It holds no keys: reading sealed segments and new cases takes the key
ring of a request. It goes when the member logs out of their last session, and when nobody used one for as long as a
session may be idle.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cases.overview import Tally
from cases.roles import May
from desk.searches import Searches
from store.database import Database
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.overview import Overview
from store.remembered import Remembered
from store.search import AT_ONCE, SearchIndex

SWEPT_EVERY = 30.0
"""Seconds between two looks for indexes that nobody uses any more."""

PATIENCE = 1.0
"""Seconds that who searches waits for an index that is not there yet."""

log = logging.getLogger(__name__)

SLOW = 0.5
"""Seconds that a count takes whose result is kept, for so many are counted that little changes it."""

KEPT = timedelta(minutes=5)
"""How long such a count is shown again."""

_Member = tuple[str, str]


@dataclass(frozen=True)
class Tallied:
    """Cases counted at a moment. `reading`: some were not in the index yet, and count as cases of which nothing is
    known."""

    tally: Tally
    at: datetime
    reading: bool


@dataclass
class _Visit:
    """A session of a member: when it was last seen, and what was searched for in it."""

    seen: datetime
    searches: Searches = field(default_factory=Searches)


@dataclass
class _Held:
    index: SearchIndex = field(default_factory=SearchIndex)
    sessions: dict[str, _Visit] = field(default_factory=dict)
    """By the digest of each."""
    reading: threading.Thread | None = None
    remembered: Remembered = field(default_factory=Remembered)
    overview: Overview = field(default_factory=Overview)
    tallied: Tallied | None = None
    """The last count, where it took long."""

    def wait(self, seconds: float) -> None:
        """Until what is being read is read, for so long at most."""
        if self.reading is not None:
            self.reading.join(seconds)


class Indexes:
    """All of one desk process. For many threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime], idle: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._idle = idle
        self._held: dict[_Member, _Held] = {}
        self._lock = threading.Lock()
        self._sweeper: threading.Thread | None = None
        self._closed = threading.Event()

    def begin(self, ring: KeyRing, session: str) -> None:
        """A member logged in: have their index ready soon."""
        if ring.may(May.OPEN_THE_DESK) or ring.may(May.OPEN_GRANTED):
            self._read_beside(self._of(ring, session), ring)

    def of(self, ring: KeyRing, session: str) -> SearchIndex:
        """A member's index, with the few cases that are new in it; while many are, they are read beside this."""
        held = self._of(ring, session)
        if not held.index.ready:
            self._read_beside(held, ring)
            held.wait(PATIENCE)
        elif waiting := held.index.refresh(self._database, ring, now=self._clock(), most=AT_ONCE):
            self._read_beside(held, ring)
            if waiting <= AT_ONCE:  # a thread is at them, which ends soon
                held.wait(PATIENCE)
        return held.index

    def searches(self, ring: KeyRing, session: str) -> Searches:
        """What was searched for in a session."""
        held = self._of(ring, session)
        with self._lock:
            return held.sessions.setdefault(session, _Visit(self._clock())).searches

    def tally(self, ring: KeyRing, session: str, index: IndexKey, timezone: ZoneInfo) -> Tallied | None:
        """A member's cases, counted; None while their index is not there yet. A count that takes long is kept for a
        while."""
        search = self.of(ring, session)
        if not search.ready:
            return None
        held, now = self._of(ring, session), self._clock()
        if held.tallied is not None and now - held.tallied.at < KEPT:
            return held.tallied
        reading = search.waiting(self._database, ring, 1) > 0
        began = time.monotonic()
        with self._database.read() as transaction:
            facts = search.facts(transaction, ring)
            made = Tallied(held.overview.tally(transaction, ring, index, facts, timezone, now), now, reading)
        took_long = time.monotonic() - began > SLOW and not reading
        held.tallied = made if took_long else None
        return made

    def at_hand(self, ring: KeyRing, session: str) -> SearchIndex:
        """A member's index as it is, without waiting for anything."""
        held = self._of(ring, session)
        if not held.index.ready:
            self._read_beside(held, ring)
        return held.index

    def soon(self, ring: KeyRing, session: str, most: int) -> SearchIndex:
        """A member's index as it is; when so many cases wait, they are read beside the requests, for the next."""
        index = self.at_hand(ring, session)
        if index.ready and index.waiting(self._database, ring, most) >= most:
            self._read_beside(self._of(ring, session), ring)
        return index

    def remembering(self, ring: KeyRing) -> KeyRing:
        """A member's ring, by which cards are found again that were opened since their log-in."""
        with self._lock:
            held = self._held.get((ring.desk, ring.member_id))
        return ring if held is None else replace(ring, remembered=held.remembered)

    def seen(self, session: str) -> None:
        """A session goes on."""
        with self._lock:
            for held in self._held.values():
                if session in held.sessions:
                    held.sessions[session].seen = self._clock()

    def leave(self, session: str) -> None:
        """A session ended: what was searched for in it goes, and the index with the last."""
        with self._lock:
            for held in self._held.values():
                if session in held.sessions:
                    held.sessions.pop(session).searches.wipe()
        self._wipe_unused()

    def sweep(self) -> None:
        """Wipe what nobody used for too long."""
        now = self._clock()
        with self._lock:
            for held in self._held.values():
                for session in [each for each, visit in held.sessions.items() if now - visit.seen > self._idle]:
                    held.sessions.pop(session).searches.wipe()
        self._wipe_unused()

    def wait(self) -> None:
        """Until nothing is being read any more."""
        with self._lock:
            reading = [held.reading for held in self._held.values() if held.reading is not None]
        for thread in reading:
            thread.join()

    def close(self) -> None:
        """Wipe all, when nothing is being read any more."""
        self._closed.set()
        self.wait()
        with self._lock:
            for held in self._held.values():
                while held.sessions:
                    held.sessions.popitem()[1].searches.wipe()
        self._wipe_unused()
        if self._sweeper is not None:
            self._sweeper.join()

    @property
    def count(self) -> int:
        with self._lock:
            return len(self._held)

    def _of(self, ring: KeyRing, session: str) -> _Held:
        with self._lock:
            held = self._held.setdefault((ring.desk, ring.member_id), _Held())
            held.sessions.setdefault(session, _Visit(self._clock())).seen = self._clock()
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep_now_and_then, daemon=True, name="index-sweeper")
                self._sweeper.start()
            return held

    def _read_beside(self, held: _Held, ring: KeyRing) -> None:
        with self._lock:
            if held.reading is not None and held.reading.is_alive():
                return
            held.reading = threading.Thread(target=self._read, args=(held, ring), daemon=True, name="index")
            held.reading.start()

    def _read(self, held: _Held, ring: KeyRing) -> None:
        try:
            held.index.refresh(self._database, ring, now=self._clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, the desk goes on without the index
            log.error("the search index could not be read: %s", type(error).__name__)  # noqa: TRY400 - no content

    def _wipe_unused(self) -> None:
        with self._lock:
            unused = [member for member, held in self._held.items() if not held.sessions]
            gone = [self._held.pop(member) for member in unused]
        for held in gone:
            held.index.wipe()
            held.remembered.wipe()

    def _sweep_now_and_then(self) -> None:
        while not self._closed.wait(SWEPT_EVERY):
            self.sweep()
