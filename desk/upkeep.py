"""New keys for cases, beside the requests: when a member leaves, and what was begun and not finished before.

Two things are left behind where a process ends meanwhile: keys that were being made anew, and cases to which somebody
who left the desk still stands on the list. Both take the key ring of a member, so the next who logs in and can takes
them up. How far it is, is kept here for the pages alone.
"""

import logging
import threading
from collections.abc import Collection

from cases.roles import May
from store import grants, rekeying
from store.database import Database
from store.grants import Renewing
from store.keyring import KeyRing, Pins, desk_keys
from store.lookups import IndexKey

log = logging.getLogger(__name__)


class Upkeep:
    """All of one desk process. For many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._running: list[threading.Thread] = []
        self._how_far: dict[int, tuple[str, Renewing]] = {}
        self._ends = threading.Event()

    def begin(self, ring: KeyRing, index: IndexKey, pins: Pins) -> None:
        """A member logged in: take up what they can."""
        self._start(ring, index, pins, None)

    def renew(self, ring: KeyRing, index: IndexKey, pins: Pins, case_ids: Collection[str]) -> None:
        """A member lost the keys that they had of these cases: make those anew."""
        self._start(ring, index, pins, case_ids)

    def how_far(self, desk: str) -> Renewing | None:
        """How many cases of the desk got new keys of how many; None where nothing is being done."""
        with self._lock:
            found = [each for of, each in self._how_far.values() if of == desk]
        if not found:
            return None
        left = tuple(case_id for each in found for case_id in each.left)
        return Renewing(sum(each.done for each in found), sum(each.total for each in found), left)

    def wait(self) -> None:
        """Wait until nothing is being done any more."""
        with self._lock:
            running, self._running = self._running, []
        for thread in running:
            thread.join()

    def close(self) -> None:
        """Stop after the case that is at hand; the rest is taken up at a later log-in."""
        self._ends.set()
        self.wait()

    def _start(self, ring: KeyRing, index: IndexKey, pins: Pins, case_ids: Collection[str] | None) -> None:
        about = (ring, index, pins, case_ids)
        thread = threading.Thread(target=self._take_up, args=about, daemon=True, name="upkeep")
        with self._lock:
            self._running = [each for each in self._running if each.is_alive()] + [thread]
        if case_ids:
            self._note(id(thread), ring.desk, Renewing(0, len(case_ids), ()))
        thread.start()

    def _take_up(self, ring: KeyRing, index: IndexKey, pins: Pins, case_ids: Collection[str] | None) -> None:
        named = id(threading.current_thread())
        try:
            if case_ids is None:
                rekeying.take_up(self._database, ring, index)
            if ring.may(May.MANAGE_ACCESS):
                with self._database.read() as session:
                    wanted = grants.outdated(session, ring, index) if case_ids is None else case_ids
                    keys = desk_keys(session, ring.desk, pins)
                if wanted and not self._ends.is_set():
                    self._note(named, ring.desk, Renewing(0, len(wanted), ()))
                    for each in grants.renew_all(self._database, ring, index, keys, wanted):
                        self._note(named, ring.desk, each)
                        if self._ends.is_set():
                            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the desk goes on, and the next log-in tries again
            log.error("what was left of the keys of cases is not finished: %s", type(error).__name__)  # noqa: TRY400
        finally:
            with self._lock:
                self._how_far.pop(named, None)

    def _note(self, named: int, desk: str, progress: Renewing) -> None:
        with self._lock:
            self._how_far[named] = (desk, progress)
