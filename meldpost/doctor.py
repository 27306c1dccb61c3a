"""`meldpost doctor`: looks at everything that an installation stands on, changes nothing, and says what to do.

Mailboxes are opened by EXAMINE and SMTP ends after the log-in: no mail is marked, moved or sent.
"""

import ctypes
import resource
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from access import credentials
from access.credentials import accounts_by_token
from access.errors import AccessError
from config.errors import ConfigError
from config.settings import (
    SMTP_ACCOUNT,
    LmtpMailboxSettings,
    MailboxSettings,
    MaildirSettings,
    PipeMailboxSettings,
    Settings,
    load,
)
from ingest.attachments.recognition import installed
from ingest.scanning import NoAnswer, Scanner
from ingest.sources.imap import (
    Account,
    CannotConnect,
    FolderMissing,
    LogInRefused,
    NotTrusted,
    SourceError,
    connected,
)
from meldpost import hygiene, recovery_pages, startup
from meldpost.backups_examined import left_over, put_aside
from meldpost.conflicts_examined import conflicts
from meldpost.database_examined import database_roles
from meldpost.destroyed_noted import noted
from meldpost.findings import Finding, Verdict
from meldpost.keys_examined import keys_of_desks, token_keys
from meldpost.mail_keys_examined import encrypted_mail
from meldpost.model_examined import desks_own_models, model
from meldpost.retention_examined import retention
from meldpost.signing_examined import signing
from meldpost.trail_examined import trails
from meldpost.translation_examined import translation
from meldpost.urgency_examined import urgency
from meldpost.ways_examined import junk, lmtp, maildir, pipe
from notify.catalogue import languages
from notify.notices import QUIET_AFTER_BOUNCE
from notify.smtp import Connection, SmtpError, Watchdog
from store.database import Database
from store.database_rights import Process
from store.ledger import DELIVERIES, IMPORTS, LedgerEntry, unfinished
from store.mailboxes import Look, looks
from store.outbox import unreachable_members
from store.system_state import WAITING_TOO_LONG, last_sent, last_taken_in

CLOCK_TOLERANCE = timedelta(minutes=2)
SWAPS = Path("/proc/swaps")


def examine_desk(config: Path) -> Iterator[Finding]:
    """What a desk needs that runs alone, as on the coordinator's own computer: it takes in and sends no mail."""
    try:
        settings = load(config)
    except ConfigError as error:
        yield Finding("configuration", Verdict.WRONG, str(error))
        return
    yield Finding("configuration", Verdict.FINE, f"desks: {len(settings.desks)}")
    yield _ready("secrets of the desk", startup.secrets_of_the_desk_are_there, settings)
    yield _ready("database", startup.desks_database_is_current, settings)
    yield from database_roles(settings, (Process.DESK,))
    yield _ready("keys", startup.desks_keys_are_the_pinned_ones, settings)
    yield from translation(settings.translation)
    yield from _clock(settings.database.for_desk)
    yield _swap()
    yield _core_dumps()


def examine(config: Path) -> Iterator[Finding]:
    """All findings, in the order in which things depend on each other."""
    try:
        settings = load(config)
    except ConfigError as error:
        yield Finding("configuration", Verdict.WRONG, str(error))
        return
    yield Finding("configuration", Verdict.FINE, f"desks: {len(settings.desks)}, mailboxes: {len(settings.mailboxes)}")
    yield _ready("secrets", startup.secrets_are_private, settings)
    yield _secrets_of_the_desk(settings)
    yield _ready("database", startup.database_is_current, settings)
    yield from database_roles(settings)
    yield _ready("keys", startup.keys_are_the_pinned_ones, settings)
    yield from signing(settings)
    yield from conflicts(settings)
    yield from urgency(settings)
    yield from keys_of_desks(settings)
    yield from token_keys(settings)
    yield _isolation(settings)
    yield from _names(settings)
    yield model(settings.triage)
    yield _pictures(settings)
    yield _scanner(settings)
    yield from translation(settings.translation)
    tokens = [_token(settings, account) for account in accounts_by_token(settings)]
    yield from tokens
    without = {finding.what for finding in tokens if finding.verdict is Verdict.WRONG}
    for account, mailbox in settings.mailboxes_of(MailboxSettings).items():
        if _token_of(account) not in without:
            yield from _mailbox(settings, account, mailbox)
    for account, directory in settings.mailboxes_of(MaildirSettings).items():
        yield from maildir(account, directory)
    for account in settings.mailboxes_of(LmtpMailboxSettings):
        yield lmtp(account, settings.lmtp)
    for account in settings.mailboxes_of(PipeMailboxSettings):
        yield pipe(account)
    if _token_of(SMTP_ACCOUNT) not in without:
        yield _smtp(settings)
    yield from encrypted_mail(settings)
    yield from _clock(settings.database.url)
    yield _swap()
    yield _core_dumps()
    yield from _recovery_files(config, settings)
    yield from trails(settings)
    yield from retention(settings)
    yield from desks_own_models(settings)
    yield from put_aside(settings)
    yield from left_over(settings)
    yield from noted(settings)
    yield from _last_success(settings)


def _ready(what: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, Verdict.FINE, check(settings))
    except startup.NotReady as error:
        return Finding(what, Verdict.WRONG, str(error))


def _secrets_of_the_desk(settings: Settings) -> Finding:
    """Where none of what only the desk needs is here, the desk is elsewhere, as in the strongest set-up."""
    secrets = settings.secrets()
    if not any(map(secrets.has, ("web-session-key", *(f"passphrase-secret-{desk}" for desk in settings.desks)))):
        text = "not here: nobody logs in on this machine, which is right where the desk runs on another."
        return Finding("secrets of the desk", Verdict.NOTE, text)
    return _ready("secrets of the desk", startup.secrets_of_the_desk_are_there, settings)


def _isolation(settings: Settings) -> Finding:
    found = _ready("isolation", startup.isolation_works, settings)
    if found.verdict is Verdict.FINE and settings.isolation == "limits-only":
        text = 'mail is read with limits only. Where the kernel allows it, set isolation = "required".'
        return Finding("isolation", Verdict.NOTE, text)
    return found


def _token(settings: Settings, account: str) -> Finding:
    """An access token is fetched where none is kept, and kept; nothing is done with it."""
    try:
        credentials.tokens_of(settings, account).token()
    except (AccessError, ConfigError) as error:
        return Finding(_token_of(account), Verdict.WRONG, f"{str(error).rstrip('.')}.")
    return Finding(_token_of(account), Verdict.FINE, f"by {accounts_by_token(settings)[account].flow}")


def _token_of(account: str) -> str:
    return f"access token of {account}"


def _names(settings: Settings) -> Iterator[Finding]:
    """A note for each desk where receipts in another language have no names of their own for desk and organisation."""
    for slug, desk in settings.desks.items():
        others = [language for language in languages() if language != desk.language]
        missing = [
            f"{setting}.{language}"
            for setting, names in (("name_in", desk.name_in), ("organisation_in", desk.organisation_in))
            for language in others
            if language not in names
        ]
        if missing:
            text = f"{', '.join(missing)}: not set. Receipts in that language have the names in the desk's own."
            yield Finding(f"names of {slug}", Verdict.NOTE, text)


def _pictures(settings: Settings) -> Finding:
    wanted = settings.ocr.languages
    there = installed(settings.ocr.tessdata, wanted)
    if not wanted:
        return Finding("scans and photographs", Verdict.NOTE, "are not read: ocr.languages is empty")
    missing = [language for language in wanted if there is None or language not in there.languages]
    if missing:
        packages = ", ".join(f"tesseract-ocr-{language.replace('_', '-')}" for language in missing)
        text = f"models that are not there: {', '.join(missing)}. Install {packages}, or set ocr.tessdata."
        return Finding("scans and photographs", Verdict.NOTE, text)
    return Finding("scans and photographs", Verdict.FINE, f"are read ({', '.join(wanted)})")


def _scanner(settings: Settings) -> Finding:
    """clamd does not tell where it puts what it scans, so its administrator is told each time."""
    scanner = Scanner.of(settings.clamd)
    if scanner is None:
        return Finding("virus scanner", Verdict.NOTE, "none is set up; files are shown as not scanned. See [clamd].")
    try:
        scanner.ping()
    except NoAnswer:
        text = "clamd does not answer: files stay unscanned, and are shown so. Check socket or host in [clamd]."
        return Finding("virus scanner", Verdict.WRONG, text)
    text = "clamd answers. It writes what it scans: its TemporaryDirectory must lie in memory (tmpfs)."
    return Finding("virus scanner", Verdict.FINE, text)


def _mailbox(settings: Settings, account: str, mailbox: MailboxSettings) -> Iterator[Finding]:
    what = f"mailbox {account}"
    try:
        credential = credentials.of_mailbox(mailbox, account, settings.secrets())
        with connected(mailbox, credential) as server:
            yield _waiting(server, what, mailbox)
            yield _readable(server, account, mailbox)
            yield from junk(server, account, mailbox)
    except (SourceError, ConfigError) as error:
        yield Finding(what, Verdict.WRONG, f"{str(error).rstrip('.')}.{_advice(error, account, mailbox)}")


def _advice(error: Exception, account: str, mailbox: MailboxSettings) -> str:
    """What to look at, where the error does not say so itself."""
    match error:
        case NotTrusted():
            return f" If the authority is your own, name it by ca_file in [mailboxes.{account}]; else check host there."
        case LogInRefused() if mailbox.oauth is None:
            return f" It is user in [mailboxes.{account}], and the secret mailbox-password-{account}."
        case LogInRefused():
            return ""
        case CannotConnect():
            return f" Check host, port and security in [mailboxes.{account}]."
        case _:
            return ""


def _waiting(server: Account, what: str, mailbox: MailboxSettings) -> Finding:
    waiting, missing = 0, []
    for folder in mailbox.folders:
        try:
            waiting += _count(server, folder)
        except FolderMissing:
            missing.append(folder)
    if missing:
        text = f"folders that are not on the server: {', '.join(missing)}; correct `folders`, or make them there"
        return Finding(what, Verdict.WRONG, text)
    return Finding(what, Verdict.FINE, f"{mailbox.security}, waiting to be taken in: {waiting}")


def _count(server: Account, folder: str) -> int:
    server.open(folder, readonly=True)
    return len(server.uids())


def _readable(server: Account, account: str, mailbox: MailboxSettings) -> Finding:
    """Promise 3 ends at the mail server: what lies there can be read there."""
    what = f"readable mails of {account}"
    try:
        lying = _count(server, mailbox.done_folder)
    except FolderMissing:
        lying = 0
    text = f"{lying} lie in {mailbox.done_folder} on the server; each is removed after {mailbox.keep_days} days, "
    text += "or when a checked backup on another disk holds it"
    return Finding(what, Verdict.FINE, text)


def _smtp(settings: Settings) -> Finding:
    smtp = settings.smtp
    try:
        credential = credentials.of_sender(smtp, settings.secrets())
        with Watchdog(smtp.transaction_seconds) as watchdog, Connection.open(smtp, credential, watchdog):
            return Finding("smtp", Verdict.FINE, f"{smtp.host}:{smtp.port}, {smtp.security}; nothing was sent")
    except (SmtpError, ConfigError) as error:
        where = f"{smtp.host}:{smtp.port}, {smtp.security}"
        return Finding("smtp", Verdict.WRONG, f"{where}: {str(error).rstrip('.')}.")


def _clock(url: str) -> Iterator[Finding]:
    try:
        database = startup.opened(url)
        try:
            off = datetime.now(UTC) - database.now()
        finally:
            database.close()
    except (startup.NotReady, SQLAlchemyError):
        return
    if abs(off) > CLOCK_TOLERANCE:
        text = f"this machine and the database differ by {abs(off)}. Have both set by NTP: due dates depend on it."
        yield Finding("clock", Verdict.WRONG, text)
    elif not _synchronised():
        text = "no time service keeps this machine's clock. Start one (systemd-timesyncd, chrony)."
        yield Finding("clock", Verdict.NOTE, text)
    else:
        yield Finding("clock", Verdict.FINE, "kept by a time service, and the same as the database's")


def _synchronised() -> bool:
    """What adjtimex(2) says: TIME_ERROR (5) is the kernel's word for a clock that nobody keeps."""
    buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: only asking
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    return state not in (-1, 5)


def _swap() -> Finding:
    try:
        lines = SWAPS.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return Finding("swap", Verdict.NOTE, "cannot be looked at here; have none, or have it encrypted")
    open_ones = [name for name in (line.split()[0] for line in lines) if not _is_safe_swap(name)]
    if open_ones:
        text = f"{len(open_ones)} swap areas are not encrypted: plaintext and keys can come to rest there. "
        return Finding("swap", Verdict.WRONG, text + "Switch swap off (swapoff -a) or encrypt it (crypttab).")
    return Finding("swap", Verdict.FINE, "none that is not encrypted")


def _is_safe_swap(device: str) -> bool:
    name = Path(device).resolve().name
    if name.startswith("zram"):  # compressed memory, unless it has a disk behind it
        backing = Path("/sys/block", name, "backing_dev")
        return not backing.exists() or backing.read_text(encoding="ascii").strip() == "none"
    uuid = Path("/sys/block", name, "dm", "uuid")
    return uuid.exists() and uuid.read_text(encoding="ascii").startswith("CRYPT-")


def _core_dumps() -> Finding:
    hygiene.no_core_dumps()
    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) and not hygiene.is_dumpable():
        return Finding("core dumps", Verdict.FINE, "forbidden by each process for itself")
    text = "the kernel does not let processes forbid them. Set kernel.core_pattern to an empty word."
    return Finding("core dumps", Verdict.WRONG, text)


def _recovery_files(config: Path, settings: Settings) -> Iterator[Finding]:
    folder = config.resolve().parent
    lying = [path for desk in settings.desks for path in recovery_pages.lying(folder, desk)]
    if lying:
        files = " ".join(str(path) for path in lying)
        text = (
            f"{len(lying)} lie here still, and together open every case. Print them, then remove them: shred -u {files}"
        )
        yield Finding("recovery pages", Verdict.NOTE, text)
    else:
        yield Finding("recovery pages", Verdict.FINE, "not on this machine, as far as they were put here")


def _last_success(settings: Settings) -> Iterator[Finding]:
    try:
        database = startup.existing_database(settings)
        try:
            yield from _work_done(database, settings)
        finally:
            database.close()
    except (startup.NotReady, SQLAlchemyError):
        return


def _work_done(database: Database, settings: Settings) -> Iterator[Finding]:
    with database.read() as session:
        yield Finding("last mail in", Verdict.FINE, _when(last_taken_in(session)))
        for account in settings.mailboxes:
            yield from _unfinished(account, unfinished(session, account))
        yield Finding("last mail out", Verdict.FINE, _when(last_sent(session)))
        for desk in settings.desks:
            for look in looks(session, desk):
                yield _look(look)
            yield from _notices(desk, unreachable_members(session, desk, datetime.now(UTC) - QUIET_AFTER_BOUNCE))


def _look(look: Look) -> Finding:
    """Access that ended without a sound shows by this alone (mail-cases 33)."""
    text = f"{_when(look.looked_at)}, {look.waiting} mails had no result then"
    if not look.is_stale(datetime.now(UTC)):
        return Finding(f"last look at {look.account}", Verdict.FINE, text)
    text += ". That is more than a day ago. Does `meldpost run` run? Its log says what is in the way."
    return Finding(f"last look at {look.account}", Verdict.WRONG, text)


def _notices(desk: str, away: frozenset[str]) -> Iterator[Finding]:
    if away:
        text = f"came back from {len(away)} of its members in the last day. Do their mailboxes take mail?"
        yield Finding(f"notices of {desk}", Verdict.WRONG, text)


def _unfinished(account: str, entries: Sequence[LedgerEntry]) -> Iterator[Finding]:
    since = datetime.now(UTC) - WAITING_TOO_LONG
    late = [entry for entry in entries if entry.first_seen_at < since]
    files = sum(entry.place.folder == IMPORTS for entry in late)
    delivered = sum(entry.place.folder == DELIVERIES for entry in late)
    mails = len(late) - files - delivered
    if mails:
        failures = sum(entry.fetch_failures for entry in late)
        text = f"{mails} not taken in though begun more than half an hour ago; the server failed to give mails "
        text += f"{failures} times. Does `meldpost run` run? Its log says what is in the way."
        yield Finding(f"unfinished mails of {account}", Verdict.WRONG, text)
    if delivered:
        text = (
            f"{delivered} offered by the mail server more than half an hour ago and not taken in: it has to offer them "
        )
        text += "again. Look into its queue, and into the log of `meldpost run`."
        yield Finding(f"unfinished deliveries of {account}", Verdict.WRONG, text)
    if files:
        text = f"{files} failed in `meldpost ingest`. Run it again with the same files; its log says why."
        yield Finding(f"unfinished files of {account}", Verdict.WRONG, text)


def _when(moment: datetime | None) -> str:
    return "none yet" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
