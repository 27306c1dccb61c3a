"""How fast the desk shows and searches very many cases. `python -m bench.searching [CASES]` alone writes that part of
docs/bench.md (`make many`).

What counts is the time of this process's own work, which other work on the machine changes little: the desk answers a
request in one thread, and what it asks of SQLite runs in it.
"""

import gc
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from bench import kept, many_cases
from bench.sections import put
from cases.names import folded as folded_letters
from desk.indexes import KEPT
from store import tokens
from store.folding import MOST_CASES
from store.search import PAGE, Query, SearchIndex
from store.tokens import Stemmer
from tests.desk.world import Prepared, Visitor, World, coordinator, make_world

CASES = 100_000
TYPOS = 500
SEARCHES = 200
TITLE = "Very many cases"
_PAGES = 40
_OVERVIEWS = 5


@dataclass(frozen=True)
class Searching:
    """Seconds of each page, of the index, and what it takes. `forgiven` of `typos` mistyped words found what was meant
    among the first ten hits, in any of its forms; `to_the_letter` of them in the very form; of those that did not find
    it `other_words` are words of these cases themselves. `slow_down`: how much more time passed by the clock than this
    process worked, which is about 1 where nothing else runs."""

    cases: int
    slow_down: float
    queue: Sequence[float]
    search: Sequence[float]
    beside: Sequence[float]
    overview: Sequence[float]
    ready: float
    ready_by_the_clock: float
    new_cases: int
    new: float
    index_bytes: int
    process_bytes: int
    database_bytes: int
    forgiven: int
    to_the_letter: int
    other_words: int
    typos: int


def measure(count: int = CASES) -> Searching:
    """In a store that is made where it is not there yet: log in, look and search."""
    new = min(MOST_CASES, count // 4)
    return measure_in(kept.store_of(count, count - new), count, new)


def measure_in(prepared: Prepared, count: int, new: int) -> Searching:
    """In a copy of this store, in which `new` of so many cases are not in the search index yet."""
    logging.getLogger("desk").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="meldpost-searching-") as name:
        folder = Path(name) / "desk"
        world = make_world(prepared, folder)
        try:
            return _measured(world, folder, count, new)
        finally:
            world.close()


def _measured(world: World, folder: Path, count: int, new: int) -> Searching:
    before = _resident()
    all_began, all_by_the_clock = time.process_time(), time.monotonic()
    index = SearchIndex()
    began, by_the_clock = time.process_time(), time.monotonic()
    index.load(world.database, world.ring)
    ready, ready_by_the_clock = time.process_time() - began, time.monotonic() - by_the_clock
    began = time.process_time()
    index.refresh(world.database, world.ring, now=world.clock.now)
    folding = time.process_time() - began
    slips = [_is_forgiven(world, index, number) for number in many_cases.sample(TYPOS, count, 1)]
    size, used = index.size, _resident() - before
    index.wipe()
    gc.collect()
    visitor = coordinator(world)
    indexes = world.app.extensions["meldpost-desk"].indexes
    indexes.wait()  # else what is read beside the pages counts as theirs
    queue = [_timed(lambda page=page: _get(visitor, f"/?page={page}")) for page in _queue_pages(count)]  # type: ignore[misc]
    visitor.search("inkoop")
    indexes.wait()
    search = [_timed(lambda words=words: _search(visitor, words)) for words in _queries(count)]  # type: ignore[misc]
    beside = []
    mine = next(iter(indexes._held.values())).index
    for number in many_cases.sample(SEARCHES // 2, count, 2):
        beside.append(_timed(lambda number=number: _beside(world, mine, number)))  # type: ignore[misc]
    overview = []
    for _ in range(_OVERVIEWS):
        world.clock.forward(minutes=1 + KEPT / timedelta(minutes=1))  # a count is kept for a while
        overview.append(_timed(lambda: _overview(visitor)))
    database = sum(path.stat().st_size for path in folder.glob("desk.db*"))
    slow_down = (time.monotonic() - all_by_the_clock) / (time.process_time() - all_began)
    forgiven, to_the_letter, other_words = (sum(each) for each in zip(*slips, strict=True))
    return Searching(
        *(count, slow_down, queue, search, beside, overview, ready, ready_by_the_clock, new, folding),
        *(size, used, database, forgiven, to_the_letter, other_words, TYPOS),
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _get(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert 'class="open ref"' in answer.text


def _search(visitor: Visitor, words: str) -> None:
    answer = visitor.search(words)
    assert answer.status_code == 200
    assert 'class="open ref"' in answer.text, f"nothing was found of {words}"


def _overview(visitor: Visitor) -> None:
    answer = visitor.get("/overview/2016")
    assert answer.status_code == 200
    assert 'class="sheet plot"' in answer.text


def _beside(world: World, index: SearchIndex, number: int) -> None:
    with world.database.read() as session:
        index.others_naming(session, world.ring, many_cases.case_id(number), many_cases.told(number).persons)


def _queue_pages(count: int) -> list[int]:
    """The first pages, which everybody sees, and some further on."""
    pages = max(1, count // many_cases.OPEN_EVERY // 50)
    return [1 + (turn % 4 if turn % 2 else turn * pages // _PAGES) for turn in range(_PAGES)]


def _queries(count: int) -> list[str]:
    """Single words of all kinds, two words, names, references."""
    made = []
    for turn, number in enumerate(many_cases.sample(SEARCHES, count, 3)):
        says = many_cases.told(number)
        every = _words(number, 4)
        drawn = random.Random(number)
        made.append(
            (
                drawn.choice(every),
                drawn.choice(every),
                " ".join(drawn.sample(every, 2)),
                drawn.choice(says.persons),
                says.reference,
            )[turn % 5]
        )
    return made


def _words(number: int, shortest: int) -> list[str]:
    text = many_cases.told(number).text
    found = {word.form for word in tokens.words(text) if len(word.form) >= shortest and word.form.isalpha()}
    return sorted(form for form in found if not tokens.says_nothing(form))


def _is_forgiven(world: World, index: SearchIndex, number: int) -> tuple[bool, bool, bool]:
    """Is a case with this word among the first ten hits of the word with one edit in it: in any of its forms, and in
    the very form? And where it is not: is what was typed another word of these cases?"""
    drawn = random.Random(number)
    word, stemmer = drawn.choice(_words(number, 6)), Stemmer()
    typed = mistyped(word, drawn)
    with world.database.read() as session:
        found = index.search(session, world.ring, Query(typed))
    shown = [many_cases.told(int(each, 16)).text for each in found.case_ids[:PAGE]]
    forms = {each.form for text in shown for each in tokens.words(text)}
    wanted = stemmer.stems(word)
    in_a_form = any(not wanted.isdisjoint(stemmer.stems(form)) for form in forms)
    return in_a_form, any(word in folded_letters(text) for text in shown), not in_a_form and index._is_written(typed)


def mistyped(word: str, drawn: random.Random) -> str:
    """The word with one letter changed, missing, too much, or two of them swapped."""
    at, letter = drawn.randrange(len(word) - 1), drawn.choice("abcdefghijklmnopqrstuvwxyz")
    changed = (
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    )
    return drawn.choice([each for each in changed if each != word])


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def section(found: Searching) -> str:
    """What the page says of it."""

    def line(name: str, seconds: Sequence[float]) -> str:
        three = statistics.median(seconds), statistics.quantiles(seconds, n=20, method="inclusive")[-1], max(seconds)
        return f"| {name} | " + " | ".join(f"{1e3 * each:.0f} ms" for each in three) + " |"

    return f"""## {TITLE}

A store of **{found.cases:,} cases**, all but {found.new_cases:,} folded into segments before.

| page | median | 95th percentile | worst |
| --- | --- | --- | --- |
{line("queue, 50 cases of those open", found.queue)}
{line("search, with ten hits in their context", found.search)}
{line("the list of others who bear the name, beside a case", found.beside)}
{line("overview of a year, all cases counted", found.overview)}

- From log-in to a ready index: **{found.ready:.1f} s** ({found.ready_by_the_clock:.1f} s by the clock). New cases
  are read at **{found.new_cases / found.new:.0f} cases/s**.
- The index holds {found.index_bytes / 1e6:.0f} MB; the process that opens, reads and searches it grew by
  {found.process_bytes / 1e6:.0f} MB. The database has {found.database_bytes / 1e9:.1f} GB.
- One edit in a word of six letters or more: **{found.forgiven} of {found.typos}** searches have a case with the word
  that was meant among their first ten hits, in any of its forms; {found.to_the_letter} in the very form. Of the others
  {found.other_words} were slips by which another word of these cases was typed, whose hits come first.

Whole requests through the application, page made and trail written, on SQLite; in time of that process. Texts of the
packaged corpus, each with three rare words and one or two persons of its own; a quarter of the cases are open, and all
of these overdue. A search is for a word of any frequency, two words, a name or a reference. By the clock all
of it took {found.slow_down:.1f} times as long: what else this machine did meanwhile, and its disk.
"""


if __name__ == "__main__":
    put(section(measure(*(int(word.replace("_", "")) for word in sys.argv[1:]))))
