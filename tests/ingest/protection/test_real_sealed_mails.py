"""Sealed mails that other projects keep for their tests, where they lie beside the project: what is recognised.

None of their private keys is there, so all that is encrypted has to stay closed, and to be said to.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from ingest.mail import ParsedMail
from tests.ingest.protection.sealing import read

SHARED = Path(os.environ.get("MELDPOST_SHARED") or Path(__file__).parents[4] / "shared")
MAILS = SHARED / "mime"
KDE = "KDE+mimetreeparser/autotests/testdata"
ENCRYPTED = "encrypted"
"""As the guess of MANIFEST.jsonl goes: by their type or armour."""
# What is encrypted there lies in a forwarded mail, in a file of no bytes, or is only spoken of; one is merely signed.
NOT_ENCRYPTED_THEMSELVES = {
    f"{KDE}/forward-openpgp-signed-encrypted-no-from.mbox",
    f"{KDE}/forward-openpgp-signed-encrypted.mbox",
    f"{KDE}/signed-forward-openpgp-signed-encrypted.mbox",
    f"{KDE}/openpgp-encrypted-noData.mbox",
    f"{KDE}/openpgp-encoded.mbox",
    "apache+james-project/mailbox/store/src/test/resources/eml/spamMail.eml",
    "apache+james-project/server/mailet/mailets/src/test/resources/brokenReplyTo.eml",
    "apache+james-project/server/mailet/mailets/src/test/resources/noReplyTo.eml",
    "apache+james-project/server/mailet/mailets/src/test/resources/spamMail.eml",
}


def sealed_mails() -> dict[str, tuple[set[str], ParsedMail]]:
    manifest = MAILS / "MANIFEST.jsonl"
    if not manifest.is_file():
        pytest.skip("needs ../shared/mime, which is not part of the project")
    rows = map(json.loads, manifest.read_text(encoding="utf-8").splitlines())
    wanted = {"smime", "pgp", "encrypted", "signed"}
    chosen = [row for row in rows if wanted & set(row["tags"]) and row["kind"] in ("mail", "mbox", "body_only")]
    return {row["path"]: (set(row["tags"]), read((MAILS / row["path"]).read_bytes())) for row in chosen}


def test_what_is_encrypted_is_recognised_and_stays_closed(figures: list[str]) -> None:
    found = sealed_mails()
    encrypted = {path: mail for path, (tags, mail) in found.items() if ENCRYPTED in tags}
    missed = {path for path, mail in encrypted.items() if mail.protection is None or mail.protection.encrypted is None}
    assert missed == NOT_ENCRYPTED_THEMSELVES
    kinds = Counter(
        "encrypted" if mail.protection.encrypted else mail.protection.signatures[0].result.value
        for _, mail in found.values()
        if mail.protection
    )
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    figures.append(f"sealed mails of other projects: {len(found)}; {said}; the others hold nothing sealed")
    assert all(mail.protection is None or not mail.protection.opened for _, mail in found.values())


def test_signatures_that_are_known_to_be_bad_are_never_valid() -> None:
    found = sealed_mails()
    results = {
        path: {each.result.value for each in mail.protection.signatures}
        for path, (_, mail) in found.items()
        if mail.protection and ("bad_signature" in path or "broken" in path)
    }
    assert results
    assert all("valid" not in each for each in results.values())
