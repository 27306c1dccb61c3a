"""A mailbox that a person's sign-in opens: from the first code on the screen to a case."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.settings import load
from meldpost.cli import main
from meldpost.doctor import examine
from meldpost.findings import Finding, Verdict
from meldpost.init import Made, initialise
from meldpost.postoffice import HOST, PostOffice
from tests.access.dovecot import by_token, endpoint_for_dovecot, running_dovecot_by_token
from tests.access.endpoint import Endpoint, no_secret_in
from tests.ingest.conftest import Dovecot
from tests.ingest.office import mail
from tests.meldpost.plans import plan_in


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with endpoint_for_dovecot() as running:
        yield running


@pytest.fixture(scope="module")
def server(endpoint: Endpoint) -> Iterator[Dovecot]:
    with running_dovecot_by_token(endpoint, "xoauth2") as running:
        yield running


@pytest.fixture
def made(tmp_path: Path, endpoint: Endpoint, server: Dovecot) -> Iterator[Made]:
    with PostOffice(imap_port=0, smtp_port=0) as post:
        mailbox = by_token(server, endpoint, flow="device_code")
        endpoint.user = mailbox.user
        box = mailbox.model_dump(exclude_defaults=True, exclude_none=True, mode="json") | {"desk": "desk-a"}
        smtp = {"host": HOST, "port": post.smtp_port, "security": "plain"}
        yield initialise(plan_in(tmp_path, mailboxes={"box": box}, smtp=smtp))


def command(made: Made, *words: str) -> str:
    return CliRunner().invoke(main, [*words, "--config", str(made.config)]).output


def findings(made: Made) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(made.config)}


def test_from_the_sign_in_to_a_case(made: Made, endpoint: Endpoint, server: Dovecot) -> None:
    before = findings(made)["access token of box"]
    assert before.verdict is Verdict.WRONG
    assert "Run: meldpost authorise box" in before.text
    assert "mailbox box" not in findings(made)

    said = command(made, "authorise", "box")
    assert f"Open {endpoint.url}/device in a browser, on any machine. Enter the code ABCD-EFGH" in said
    assert "Signed in" in said

    after = findings(made)
    assert after["access token of box"].verdict is Verdict.FINE
    assert after["mailbox box"].verdict is Verdict.FINE

    (mailbox,) = load(made.config).mailboxes.values()
    server.deliver(mailbox, mail())  # type: ignore[arg-type]
    endpoint.expire()
    daemon = [sys.executable, "-m", "meldpost", "run", "--once", "--config", str(made.config)]
    ran = subprocess.run(daemon, capture_output=True, text=True, timeout=120, check=False)
    assert "1 taken in" in ran.stderr
    assert no_secret_in(said + ran.stderr + ran.stdout + str(after), endpoint)


def test_the_daemon_does_not_start_before_somebody_signed_in(made: Made) -> None:
    said = command(made, "run", "--once")
    assert "Not started. Nobody has signed in for the account 'box' yet. Run: meldpost authorise box" in said


def test_a_sign_in_that_is_refused_leaves_nothing(made: Made, endpoint: Endpoint) -> None:
    endpoint.answer_next = lambda _: (400, {"error": "access_denied", "error_description": "x"})
    try:
        assert "Error: no access token: the sign-in was refused" in command(made, "authorise", "box")
    finally:
        endpoint.answer_next = lambda _: None
    assert not (made.secrets_dir / "oauth-cache-box").exists()


def test_an_account_for_which_nobody_signs_in_is_told(made: Made) -> None:
    assert "Nobody signs in for the account 'smtp'" in command(made, "authorise", "smtp")
    assert "Accounts that have one: box." in command(made, "authorise", "smtp")
