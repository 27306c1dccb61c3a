"""Triage in a worker: sees text only, answers in the contract's shape, and can fail for one mail at a time."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest.errors import NotIsolated, NurseryGone, UnderstandingFailed
from ingest.isolation import Layer, ProcessLimits, is_isolated
from ingest.understanding import Understanders
from triage import MailText, Report

HOSTILE = str(Path(__file__).parent / "hostile")
MAIL = MailText("Melding", "Jan", "jan@example.org", "Mijn leidinggevende neemt geld aan. Bel 06 12345678.", "")


@pytest.fixture(scope="module")
def understanders() -> Iterator[Understanders]:
    try:
        started = Understanders(seconds=60).start()
    except NotIsolated as error:
        pytest.skip(str(error))
    with started:
        yield started


@pytest.fixture
def hostile() -> Iterator[Understanders]:
    limits = ProcessLimits(cpu_seconds=20, wall_seconds=60)
    unders = Understanders(seconds=2, layers=Layer.SECCOMP, limits=limits, entry="hostile_worker", path=(HOSTILE,))
    with unders.start() as started:
        yield started


def _subject(subject: str) -> MailText:
    return MailText(subject, "", "", "", "")


def test_a_mail_is_understood_in_isolation(understanders: Understanders) -> None:
    assert is_isolated(understanders.nursery.layers)
    report = understanders.understand(MAIL)
    assert isinstance(report, Report)
    assert report.contact.email == "jan@example.org"


def test_one_worker_serves_a_round_and_goes_with_it(understanders: Understanders) -> None:
    parent = psutil.Process(understanders.nursery.pid)
    understanders.understand(MAIL)
    first = parent.children()
    understanders.understand(MAIL)
    assert parent.children() == first
    understanders.end_round()
    _, left = psutil.wait_procs(first, timeout=20)
    assert left == []
    understanders.understand(MAIL)


def test_the_same_mail_is_understood_alike_by_every_worker(understanders: Understanders) -> None:
    first = understanders.understand(MAIL)
    understanders.end_round()
    assert understanders.understand(MAIL) == first


@pytest.mark.parametrize(
    "text",
    ["", "\0\ud800", "x" * 1_000_000, "> " * 100_000, "06-12345678 " * 10_000, "😀" * 1000],
    ids=["empty", "no characters", "long", "quotes", "numbers", "emoji"],
)
def test_any_text_gets_a_report(understanders: Understanders, text: str) -> None:
    assert isinstance(understanders.understand(MailText(text, text, text, text, text)), Report)


def test_a_number_from_any_country_is_understood(understanders: Understanders) -> None:
    """Whatever a library would load late from disk is there already: a worker has no files."""
    codes = (1, 7, 20, 27, *range(30, 67), *range(81, 100), *range(211, 300), *range(350, 390), *range(420, 430), 998)
    text = "\n".join(f"Bel mij: +{code} 20 123 45 67" for code in codes)
    assert isinstance(understanders.understand(MailText("", "", "", text, "")), Report)


@pytest.mark.parametrize("behaviour", ["die", "garbage", "not json", "deep", "half", "other shape", "hang"])
def test_a_hostile_worker_costs_one_mail_its_suggestions(hostile: Understanders, behaviour: str) -> None:
    with pytest.raises(UnderstandingFailed) as caught:
        hostile.understand(_subject(behaviour))
    assert caught.value.__cause__ is None
    with pytest.raises(UnderstandingFailed):  # a new worker answered, as badly as it is told
        hostile.understand(_subject("other shape"))


def test_a_nursery_that_is_gone_is_not_the_mails_fault(hostile: Understanders) -> None:
    process = psutil.Process(hostile.nursery.pid)
    process.kill()
    process.wait(timeout=20)
    with pytest.raises(NurseryGone):
        hostile.understand(_subject("die"))


def _elsewhere(understanders: Understanders, pipe: multiprocessing.connection.Connection[str, str]) -> None:
    pipe.send(understanders.understand(MAIL).language)


def test_started_understanders_can_be_handed_to_another_process(understanders: Understanders) -> None:
    understanders.understand(MAIL)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_elsewhere, args=(understanders, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "nl"
    process.join()
