"""The mails of the benchmark: texts of the packaged corpus in the forms in which mail programs send them."""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from triage.labelled import CORPUS

ATTACHMENT_EVERY = 10
ATTACHMENT_BYTES = 100_000
DESK = "desk@bench.example"


def mails(count: int, seed: int) -> Iterator[bytes]:
    """`count` different mails: half with HTML beside the text, a fifth HTML only, every tenth with a 100 kB file."""
    chosen = random.Random(seed)
    every = list(texts())
    chosen.shuffle(every)
    for number, text in zip(range(count), itertools.cycle(every), strict=False):
        yield _mail(number, seed, text, chosen)


def _mail(number: int, seed: int, text: dict[str, str], chosen: random.Random) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"reporter{number}.{seed}@home.example"
    mail["To"] = DESK
    mail["Subject"] = text["subject"].replace("\n", " ")
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{number}.{seed}@home.example>"
    html = "<p>" + "</p><p>".join(text["body"].split("\n\n")) + "</p>"
    form = chosen.random()
    if form < 0.2:
        mail.set_content(html, subtype="html")
    else:
        mail.set_content(text["body"])
        if form < 0.7:
            mail.add_alternative(html, subtype="html")
    if number % ATTACHMENT_EVERY == 0:
        data = chosen.randbytes(ATTACHMENT_BYTES)
        mail.add_attachment(data, maintype="application", subtype="pdf", filename="bijlage.pdf")
    return mail.as_bytes()


def texts(folder: Path = CORPUS) -> Iterator[dict[str, str]]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
