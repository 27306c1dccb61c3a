"""What the doctor asks of the ways by which mail comes in. Nothing is taken in, moved or marked."""

import smtplib
import socket
from collections.abc import Iterator

from config.settings import LmtpSettings, MailboxSettings, MaildirSettings
from ingest.maildir_rounds import INBOX
from ingest.sources.imap import Account, FolderMissing, SourceError
from ingest.sources.maildir import Maildir
from meldpost.findings import Finding, Verdict

_PATIENCE = 30.0


def junk(server: Account, account: str, mailbox: MailboxSettings) -> Iterator[Finding]:
    """A report that the server takes for junk is a report."""
    folder = server.junk_folder()
    if folder is not None and folder not in mailbox.folders:
        text = f'the server has a folder for junk, "{folder}", which is not among `folders`: what it takes for junk by '
        text += f"mistake comes to nobody. Add it to `folders` in [mailboxes.{account}], or have it looked at by hand."
        yield Finding(f"junk of {account}", Verdict.NOTE, text)


def maildir(account: str, mailbox: MaildirSettings) -> Iterator[Finding]:
    what, box = f"mailbox {account}", Maildir(mailbox.path)
    waiting, missing = 0, []
    try:
        for folder in mailbox.folders:
            try:
                waiting += len(box.mails(folder))
            except FolderMissing:
                missing.append(folder or INBOX)
    except SourceError as error:
        yield Finding(what, Verdict.WRONG, f"{error}. Give Meldpost's user rights to {mailbox.path}")
        return
    if missing:
        text = f"under {mailbox.path} these folders are not there: {', '.join(missing)}; check path and `folders`, and "
        yield Finding(what, Verdict.WRONG, text + "whether the disk is mounted")
        return
    if all(box.may_change(folder) for folder in mailbox.folders):
        yield Finding(what, Verdict.FINE, f"Maildir, waiting to be taken in: {waiting}")
    else:
        text = f"mails under {mailbox.path} cannot be moved away. Give Meldpost's user the right to write there"
        yield Finding(what, Verdict.WRONG, text)
    yield Finding(f"readable mails of {account}", Verdict.FINE, _lying(box, mailbox))


def lmtp(account: str, settings: LmtpSettings) -> Finding:
    """Is there somebody who answers? A greeting is asked for, and no mail delivered."""
    what, where = f"mailbox {account}", settings.listen
    try:
        host, port = (where, 0) if where.startswith("/") else settings.host_and_port
        with smtplib.LMTP(_reachable(host), port, local_hostname="doctor", timeout=_PATIENCE) as line:
            line.noop()
    except (OSError, smtplib.SMTPException) as error:
        text = f"nobody answers on {where} ({type(error).__name__}): your mail server has to keep what it has. Does "
        return Finding(what, Verdict.WRONG, text + "`meldpost run` run?")
    return Finding(what, Verdict.FINE, f"LMTP, answers on {where}; no readable mail lies anywhere")


def pipe(account: str) -> Finding:
    text = "comes in by `meldpost ingest -`, which your mail server runs; no readable mail lies anywhere"
    return Finding(f"mailbox {account}", Verdict.FINE, text)


def _lying(box: Maildir, mailbox: MaildirSettings) -> str:
    try:
        lying = len(box.mails(mailbox.done_folder))
    except FolderMissing:
        lying = 0
    return f"{lying} lie in .{mailbox.done_folder}; each is removed after {mailbox.keep_days} days"


def _reachable(host: str) -> str:
    """Who listens on every address is found on loopback."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - not listened on here
        return "127.0.0.1" if host == "0.0.0.0" or not socket.has_ipv6 else "::1"  # noqa: S104
    return host
