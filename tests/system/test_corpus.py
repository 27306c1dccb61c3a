"""The labelled mails, in the shapes of real mail programs, through the real daemon.

A sample by default; `MELDPOST_CORPUS=all` takes every one (more than three thousand: allow half an hour on two cores).
"""

import importlib.util
import json
import os
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from types import ModuleType
from typing import Any

import pytest

from tests.system.installation import TOP, Installation

SHARED = TOP.parent / "shared"
EVERY = 1 if os.environ.get("MELDPOST_CORPUS") == "all" else 40
SECONDS_PER_MAIL = 3.0
RULES = {
    "per_address_per_day": 10_000,
    "per_case_per_day": 100,
    "total_per_hour": 100_000,
    "first_connection_max": 100_000,
}


@dataclass(frozen=True)
class Sample:
    """One labelled mail as it is sent."""

    gold: dict[str, Any]
    raw: bytes

    @property
    def message_id(self) -> str:
        return str(message_from_bytes(self.raw)["Message-ID"])


def test_every_mail_of_the_corpus_is_one_case_with_one_receipt_where_it_may_have_one(
    installation: Installation, figures: list[str]
) -> None:
    samples = _samples(installation.address)
    installation.set_up(rules=RULES)
    for sample in samples:
        installation.send(sample.raw, sender=sample.gold["from_email"])
    installation.wait_in(len(samples), seconds=300)
    installation.start()
    installation.wait_taken(len(samples), seconds=60 + SECONDS_PER_MAIL * len(samples))

    assert installation.count("case_file") == len(samples)
    assert installation.count("message") == len(samples)
    unread = installation.rows("select count(*) from message where state <> 'read'")
    assert unread == [(0,)]

    installation.wait("all receipts are sent", lambda: _all_sent(installation), 60 + SECONDS_PER_MAIL * len(samples))
    installation.wait("the mail server delivered them", installation.exim.is_empty)
    answered = _answered(installation, samples)
    assert not {id_: count for id_, count in answered.items() if count > 1}
    silent = [sample.gold for sample in samples if answered[sample.message_id] == 0]
    assert [gold["id"] for gold in silent if gold["kind"] != "overig"] == []
    figures.append(f"corpus: {len(samples)} mails, as many cases, {sum(answered.values())} receipts")


def _samples(address: str) -> list[Sample]:
    renderer = _renderer()
    lines = [
        line
        for path in sorted((SHARED / "corpus").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    golds = [json.loads(line) for line in lines[::EVERY]]
    return [Sample(gold, renderer.render(gold, address)) for gold in golds]


def _renderer() -> ModuleType:
    path = SHARED / "eval" / "render.py"
    if not path.exists():
        pytest.skip(f"NOT RUN: {path} is not there; the corpus is rendered by it")
    spec = importlib.util.spec_from_file_location("render", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _all_sent(installation: Installation) -> bool:
    return installation.rows("select count(*) from outbox where state <> 'sent'") == [(0,)]


def _answered(installation: Installation, samples: list[Sample]) -> Counter[str]:
    """Give how many receipts answer each mail, and lie with the one who sent it."""
    answered: Counter[str] = Counter({sample.message_id: 0 for sample in samples})
    for address in {sample.gold["from_email"].lower() for sample in samples}:
        for path in installation.dovecot.files(address):
            parent = message_from_bytes(path.read_bytes())["In-Reply-To"]
            if parent in answered:
                answered[parent] += 1
    return answered
