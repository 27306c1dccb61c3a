"""With what the accounts of a new desk log in: a password, or at Microsoft, who take none, an application's token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from config.settings import SMTP_ACCOUNT, is_microsoft

ReadSecret = Callable[[Path | None, str], str]
"""The first line of a file, or what a person answers to the prompt where there is none."""


@dataclass(frozen=True)
class LogIns:
    """Secrets by name, the `oauth` tables of mailbox and sender (None: by password), and accounts to sign in for."""

    secrets: Mapping[str, str]
    mailbox: Mapping[str, str] | None = None
    sender: Mapping[str, str] | None = None
    to_authorise: tuple[str, ...] = field(default=())


def ask_log_ins(given: Mapping[str, Any], read_secret: ReadSecret) -> LogIns:
    """Asks for what was not given as an option. A desk that is added finds the sender's log-in there already."""
    account, sends = given["desk"], bool(given["smtp_user"]) and not given["add"]
    fetches = given["mailbox"] == "imap"
    by_token = [account] if fetches and is_microsoft(given["imap_host"]) else []
    by_token += [SMTP_ACCOUNT] if sends and is_microsoft(given["smtp_host"]) else []
    secrets = {}
    if fetches and account not in by_token:
        secrets[f"mailbox-password-{account}"] = read_secret(given["imap_password_file"], "IMAP password")
    if sends and SMTP_ACCOUNT not in by_token:
        secrets["smtp-password"] = read_secret(given["smtp_password_file"], "SMTP password")
    if not by_token:
        return LogIns(secrets)
    oauth, secret = _application(given, read_secret)
    if secret:
        secrets |= {f"oauth-secret-{name}": secret for name in by_token}
    return LogIns(
        secrets,
        mailbox=oauth if account in by_token else None,
        sender=oauth if SMTP_ACCOUNT in by_token else None,
        to_authorise=() if secret else tuple(by_token),
    )


def _application(given: Mapping[str, Any], read_secret: ReadSecret) -> tuple[dict[str, str], str]:
    click.echo("Microsoft 365 takes no password. How to register an application there: docs/administrator.md.")
    tenant = given["tenant"] or click.prompt("Directory (tenant) ID")
    client_id = given["client_id"] or click.prompt("Application (client) ID")
    secret = ""
    if not given["sign_in"]:
        secret = read_secret(given["client_secret_file"], "Value of the application's client secret")
    flow = "client_credentials" if secret else "device_code"
    return {"provider": "microsoft", "flow": flow, "tenant": tenant, "client_id": client_id}, secret
