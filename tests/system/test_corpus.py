"""The labelled mails, in the shapes of real mail programs, through the real daemon.

A sample by default; `make corpus` (`MELDPOST_CORPUS_EVERY=1`) takes all, more than three thousand: twenty minutes.
"""

import importlib.util
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import ModuleType
from typing import Any

import pytest

from tests.system.installation import DESK, TOP, Installation
from tests.system.receipts import Allowed

SHARED = TOP.parent / "shared"
EVERY = int(os.environ.get("MELDPOST_CORPUS_EVERY", "20"))
SECONDS_PER_MAIL = 3.0
RULES = {
    "per_address_per_day": 10_000,
    "per_domain_per_day": 100_000,
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
    with installation.dovecot.lmtp() as line:
        for sample in samples:
            line.sendmail(sample.gold["from_email"], [installation.address], sample.raw)
    installation.wait_in(len(samples), seconds=300)
    installation.start()
    installation.wait_taken(len(samples), seconds=60 + SECONDS_PER_MAIL * len(samples))

    assert installation.count("case_file") == len(samples)
    assert installation.count("message") == len(samples)
    unread = installation.rows("select count(*) from message where state <> 'read'")
    assert unread == [(0,)]

    installation.wait("all receipts are sent", lambda: _all_sent(installation), 60 + SECONDS_PER_MAIL * len(samples))
    installation.wait("the mail server delivered them", installation.exim.is_empty)
    receipts = _receipts(installation, samples)
    more_than_one = [sample.gold["id"] for sample in samples if len(receipts[sample.message_id]) > 1]
    without = [sample.gold for sample in samples if not receipts[sample.message_id]]
    assert more_than_one == []
    assert [gold["id"] for gold in without if gold["kind"] != "overig"] == []
    _betray_nothing(installation, samples, receipts)
    figures.append(f"corpus: {len(samples)} mails, as many cases, {len(samples) - len(without)} receipts taken apart")


def _betray_nothing(installation: Installation, samples: list[Sample], receipts: dict[str, list[EmailMessage]]) -> None:
    moments = {
        datetime.fromisoformat(moment).replace(tzinfo=UTC)
        for (moment,) in installation.rows("select received_at from message")
    }
    days = {min(moments).date() + timedelta(days=number) for number in range(60, 130)}
    allowed = Allowed(installation.settings.desks[DESK], frozenset(moments), frozenset(days))
    for sample in samples:
        for receipt in receipts[sample.message_id]:
            left = allowed.left_over(receipt, sample.gold["from_email"], sample.message_id)
            assert left == [], f"the receipt of {sample.gold['id']} holds more than it may"


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


def _receipts(installation: Installation, samples: list[Sample]) -> dict[str, list[EmailMessage]]:
    """Give the mails that answer each mail, and lie with the one who sent it."""
    answers: dict[str, list[EmailMessage]] = {sample.message_id: [] for sample in samples}
    for address in {sample.gold["from_email"].lower() for sample in samples}:
        for path in installation.dovecot.files(address):
            receipt = message_from_bytes(path.read_bytes(), policy=default)
            if (parent := str(receipt["In-Reply-To"])) in answers:
                answers[parent].append(receipt)
    return answers
