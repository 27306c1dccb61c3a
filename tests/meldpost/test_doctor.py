"""The doctor against the demo's mail server, and against everything that can be wrong."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from imapclient import IMAPClient
from sqlalchemy import update

from config.settings import load
from meldpost import doctor
from meldpost.cli import main
from meldpost.doctor import examine
from meldpost.findings import Finding, Verdict
from meldpost.init import Made, Plan, initialise
from meldpost.postoffice import HOST, PostOffice
from store import audit
from store.audit import Action
from store.database import open_database
from store.mailboxes import note_look
from store.schema import MailboxLook
from tests.ingest.clamd import running_clamd
from tests.meldpost.plans import MAILBOX, plan_in
from tests.system.certificates import make_certificates
from tests.triage import pipelines
from triage import model, pretrained


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice(imap_port=0, smtp_port=0) as office:
        office.open_mailbox("desk@demo.example")
        yield office


@pytest.fixture
def plan(tmp_path: Path, post: PostOffice) -> Plan:
    return plan_in(
        tmp_path,
        post.password,
        mailboxes={"box": {**MAILBOX, "port": post.imap_port, "security": "plain"}},
        smtp={"host": HOST, "port": post.smtp_port, "security": "plain"},
    )


def findings(config: Path) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(config)}


def test_of_a_sound_installation_nothing_is_wrong(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_swap", lambda: Finding("swap", Verdict.FINE, ""))  # of this machine, not of ours
    found = findings(made.config)
    wrong = {name: finding.text for name, finding in found.items() if finding.verdict is Verdict.WRONG}
    assert wrong == {}
    looked_at = {"configuration", "secrets", "database", "keys", "isolation", "mailbox box", "smtp", "core dumps"}
    assert looked_at | {"recovery pages", "readable mails of box", "last mail in", "last mail out"} <= set(found)


def flags_in(post: PostOffice) -> dict[int, tuple[bytes, ...]]:
    """The flags of each mail that waits at the desk, as another mail program sees them."""
    with IMAPClient(HOST, post.imap_port, ssl=False, timeout=10) as client:
        client.login("desk@demo.example", post.password)
        client.select_folder("INBOX", readonly=True)
        fetched = client.fetch(client.search(), ["FLAGS"])
    return {uid: tuple(flag for flag in told[b"FLAGS"] if flag != b"\\Recent") for uid, told in fetched.items()}


def test_it_marks_moves_and_sends_nothing(made: Made, post: PostOffice) -> None:
    """mail-cases 36"""
    with smtplib.SMTP(HOST, post.smtp_port, local_hostname="home.example") as client:
        client.sendmail("r@home.example", ["desk@demo.example"], b"Subject: x\r\n\r\nx\r\n")
    before, flags = post.mails_of("desk@demo.example"), flags_in(post)
    found = findings(made.config)
    assert "waiting to be taken in: 1" in found["mailbox box"].text
    assert post.mails_of("desk@demo.example") == before
    assert flags_in(post) == flags
    assert list(flags.values()) == [()]
    assert post.mails_of("co@demo.example") == []


def test_it_says_that_notices_come_back(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(name.startswith("notices") for name in findings(made.config))
    monkeypatch.setattr(
        doctor, "unreachable_members", lambda *_: frozenset({"m"})
    )  # found by tests/ingest/test_bounces
    (desk,) = load(made.config).desks
    found = findings(made.config)[f"notices of {desk}"]
    assert (found.verdict, "1 of its members" in found.text) == (Verdict.WRONG, True)


def test_it_complains_until_the_last_recovery_page_is_gone(made: Made) -> None:
    for left in (3, 2, 1):
        found = findings(made.config)["recovery pages"]
        assert (found.verdict, found.text[:1]) == (Verdict.NOTE, str(left))
        made.recovery_pages[left - 1].unlink()
    assert findings(made.config)["recovery pages"].verdict is Verdict.FINE


def test_it_complains_of_the_key_file_of_before_too(made: Made) -> None:
    for page in made.recovery_pages:
        page.unlink()
    (made.config.parent / "recovery-key-desk-a.txt").touch()
    assert findings(made.config)["recovery pages"].verdict is Verdict.NOTE


def test_a_mailbox_password_that_is_wrong_is_told_from_a_server_that_is_away(made: Made, post: PostOffice) -> None:
    secret = made.secrets_dir / "mailbox-password-box"
    secret.write_text("wrong\n", encoding="utf-8")
    refused = findings(made.config)["mailbox box"]
    assert "refuses the log-in" in refused.text
    assert "the secret mailbox-password-box" in refused.text
    assert "host, port and security" not in refused.text
    post.__exit__()
    away = findings(made.config)["mailbox box"]
    assert away.verdict is Verdict.WRONG
    assert "cannot be reached" in away.text
    assert "Check host, port and security in [mailboxes.box]" in away.text


def test_an_authority_that_is_not_known_is_no_matter_of_the_port(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)

    def greet(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line, suppress(OSError):
            context.wrap_socket(line, server_side=True)

    with socket.create_server((HOST, 0)) as listener:
        box = {**MAILBOX, "port": listener.getsockname()[1], "security": "tls"}
        config = initialise(plan_in(tmp_path, mailboxes={"box": box})).config
        greeting = threading.Thread(target=greet, args=(listener,))
        greeting.start()
        found = findings(config)["mailbox box"].text
        greeting.join(30)
    assert "certificate is not trusted" in found
    assert "ca_file in [mailboxes.box]" in found
    assert "port and security" not in found


def test_an_smtp_server_that_is_away_is_wrong(made: Made, post: PostOffice) -> None:
    post.__exit__()
    found = findings(made.config)["smtp"]
    assert (found.verdict, found.text.lower().count("check")) == (Verdict.WRONG, 1)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, post: PostOffice) -> None:
    box = {**MAILBOX, "port": post.imap_port, "security": "plain", "folders": ["INBOX", "Meldingen"]}
    config = initialise(plan_in(tmp_path / "other", post.password, mailboxes={"box": box})).config
    found = findings(config)["mailbox box"]
    assert found.verdict is Verdict.WRONG
    assert "not on the server: Meldingen;" in found.text


def test_exposed_secrets_are_wrong_and_the_rest_is_looked_at_all_the_same(made: Made) -> None:
    (made.secrets_dir / "index-key-desk-a").chmod(0o644)
    found = findings(made.config)
    assert found["secrets"].verdict is Verdict.WRONG
    assert "chmod 600" in found["secrets"].text
    assert found["mailbox box"].verdict is Verdict.FINE


@pytest.mark.parametrize("name", ["passphrase-secret-desk-a", "web-session-key"])
def test_what_only_the_desk_needs_is_looked_at_too(made: Made, name: str) -> None:
    (made.secrets_dir / name).unlink()
    found = findings(made.config)
    assert found["secrets of the desk"].verdict is Verdict.WRONG
    assert name in found["secrets of the desk"].text


def test_a_machine_on_which_nobody_is_to_log_in_misses_no_secret_of_the_desk(made: Made) -> None:
    for name in ("passphrase-secret-desk-a", "web-session-key"):
        (made.secrets_dir / name).unlink()
    assert findings(made.config)["secrets of the desk"].verdict is Verdict.NOTE


def test_reading_with_limits_only_is_noted(made: Made) -> None:
    text = made.config.read_text(encoding="utf-8")
    made.config.write_text(text.replace('# isolation = "required"', 'isolation = "limits-only"'), encoding="utf-8")
    assert load(made.config).isolation == "limits-only"
    assert findings(made.config)["isolation"].verdict is Verdict.NOTE


@pytest.mark.parametrize(
    ("swaps", "verdict"),
    [
        ("", Verdict.FINE),
        ("/dev/sda2 partition 100 0 -2\n", Verdict.WRONG),
        ("/swapfile file 100 0 -2\n", Verdict.WRONG),
    ],
)
def test_swap_that_is_not_encrypted_is_wrong(
    swaps: str, verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "swaps"
    table.write_text("Filename Type Size Used Priority\n" + swaps, encoding="ascii")
    monkeypatch.setattr(doctor, "SWAPS", table)
    assert doctor._swap().verdict is verdict


def test_the_command_prints_a_line_for_each_and_fails_when_something_is_wrong(made: Made) -> None:
    (made.secrets_dir / "index-key-desk-a").unlink()
    result = CliRunner().invoke(main, ["doctor", "--config", str(made.config)])
    assert result.exit_code == 1
    assert "WRONG  secrets: " in result.output
    assert "ok     database: " in result.output
    assert "geheim" not in result.output


def test_a_configuration_that_cannot_be_read_is_all_that_is_said(tmp_path: Path) -> None:
    config = tmp_path / "meldpost.toml"
    config.write_text("desks = 3", encoding="utf-8")
    result = CliRunner().invoke(main, ["doctor", "--config", str(config)])
    assert result.exit_code == 1
    assert result.output.startswith("WRONG  configuration: ")


def test_a_mailbox_that_was_not_read_for_a_day_is_wrong(made: Made) -> None:
    """mail-cases 33"""
    settings = load(made.config)
    database = open_database(settings.database.url)
    desk = next(iter(settings.desks))
    note_look(database, desk, "box", 2)
    assert findings(made.config)["last look at box"].verdict is Verdict.FINE
    with database.begin() as session:
        session.execute(update(MailboxLook).values(looked_at=datetime.now(UTC) - timedelta(days=2)))
    database.close()
    found = findings(made.config)["last look at box"]
    assert found.verdict is Verdict.WRONG
    assert "2 mails had no result" in found.text


def test_it_says_that_no_virus_scanner_is_set_up(made: Made) -> None:
    assert findings(made.config)["virus scanner"].verdict is Verdict.NOTE


def test_it_says_that_the_virus_scanner_does_not_answer(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDPOST_CLAMD__SOCKET", "/nowhere/clamd")
    found = findings(made.config)["virus scanner"]
    assert found.verdict is Verdict.WRONG
    assert "unscanned" in found.text


def test_it_asks_the_virus_scanner_and_reminds_of_its_folder(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_clamd() as clamd:
        monkeypatch.setenv("MELDPOST_CLAMD__SOCKET", str(clamd.socket))
        found = findings(made.config)["virus scanner"]
    assert found.verdict is Verdict.FINE
    assert "TemporaryDirectory" in found.text


def test_it_says_which_models_for_scans_are_missing(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nld.traineddata").touch()
    monkeypatch.setenv("MELDPOST_OCR__TESSDATA", str(tmp_path))
    found = findings(made.config)["scans and photographs"]
    assert found.verdict is Verdict.NOTE
    assert "tesseract-ocr-eng" in found.text
    assert "nld" not in found.text


def test_it_says_which_receipts_name_the_desk_in_another_language(made: Made) -> None:
    found = findings(made.config)["names of desk-a"]
    assert found.verdict is Verdict.NOTE
    assert "name_in.en, organisation_in.en" in found.text
    written = made.config.read_text(encoding="utf-8")
    assert "# name_in =" in written
    named = written.replace("# name_in =", 'name_in = { en = "Desk" }')
    named = named.replace("# organisation_in =", 'organisation_in = { en = "Org" }')
    made.config.write_text(named, encoding="utf-8")
    assert "names of desk-a" not in findings(made.config)


def test_it_says_which_model_understands_mails(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = findings(made.config)["understanding"]
    assert (found.verdict, found.text) == (Verdict.FINE, "by the model that comes with Meldpost")
    monkeypatch.setenv("MELDPOST_TRIAGE__MODEL", str(tmp_path / "none"))
    found = findings(made.config)["understanding"]
    assert found.verdict is Verdict.WRONG
    assert "meldpost train" in found.text


def test_it_says_whether_the_pipeline_of_the_model_is_there(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pretrained.Pretrained.open(str(pipelines.word_vectors(tmp_path / "vectors")))
    own = model.Model.load()
    columns = np.zeros((pipeline.length, len(own.text.bias)), dtype=np.float32)
    replace(own, built_on=pipeline.built_on(columns)).save(tmp_path / "model")
    monkeypatch.setenv("MELDPOST_TRIAGE__MODEL", str(tmp_path / "model"))
    found = findings(made.config)["understanding"]
    assert found.verdict is Verdict.FINE
    assert f"{tmp_path / 'vectors'} 1.0.0, which is there" in found.text
    (tmp_path / "vectors").rename(tmp_path / "away")
    found = findings(made.config)["understanding"]
    assert found.verdict is Verdict.WRONG
    assert "install" in found.text


def test_it_notes_a_pipeline_that_the_model_is_not_built_on(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDPOST_TRIAGE__PIPELINE", "nl_core_news_lg")
    found = findings(made.config)["understanding"]
    assert found.verdict is Verdict.NOTE
    assert "not built on nl_core_news_lg" in found.text


def test_it_says_which_desk_should_train_its_own_model_anew(made: Made) -> None:
    what = "own model of desk-a"
    database = open_database(load(made.config).database.url)
    try:
        with database.begin() as session:
            audit.write(session, "desk-a", Action.TAUGHT, datetime.now(UTC), case_id="0" * 32)
        assert what not in findings(made.config)
        with database.begin() as session:
            audit.write(session, "desk-a", Action.MODEL_TRAINED, datetime.now(UTC))
        found = findings(made.config)[what]
    finally:
        database.close()
    assert found.verdict is Verdict.NOTE
    assert "meldpost train --from-desk desk-a --login NAME" in found.text
