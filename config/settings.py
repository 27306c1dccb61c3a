"""All settings of an installation, documented where they are defined.

They stand in one TOML file; the environment overrides it (``MELDPOST_SMTP__HOST=...``, two underscores between levels).
Secrets are not settings: see `config.secrets`.
"""

import base64
import binascii
import ipaddress
import os
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config.addresses import ascii_domain_of, domain_to_ascii, without_tag
from config.errors import ConfigError
from config.retention import CHOICES, RETENTION_EXAMPLE, RetentionRow, read_file, refuse_double
from config.secrets import Secrets

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def _slug(value: str) -> str:
    if not SLUG.fullmatch(value):
        raise ValueError("use lower-case letters, digits and hyphens only, at most 40")
    return value


def _address(value: str) -> str:
    domain_to_ascii(value)
    return value


def _domain(value: str) -> str:
    domain_to_ascii(f"postmaster@{value}")
    return value


def _country(value: str) -> str:
    if value not in holidays.list_supported_countries():
        raise ValueError("name a country by its two letters (ISO 3166), like NL")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("name a time zone of the IANA database, like Europe/Amsterdam") from error
    return value


def _member_id(value: str) -> str:
    if value and not re.fullmatch(r"[0-9a-f]{32}", value):
        raise ValueError("copy the id of a member from `meldpost member list`: 32 letters and digits")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Domain = Annotated[str, AfterValidator(_domain)]
EmailAddress = Annotated[str, AfterValidator(_address)]
MemberId = Annotated[str, AfterValidator(_member_id)]
Security = Literal["tls", "starttls", "plain"]
Language = Literal["nl", "en"]
Mailbox = TypeVar("Mailbox", bound="Section")
INBOX = "INBOX"
PEOPLE_EXAMPLE = (
    "people = [",
    '  { member = "(id of a member)", names = ["Jan de Vries", "j.devries@example.org"] },',
    "]",
)
"""Stands, commented out, in the configuration that `meldpost init` writes."""
SMTP_ACCOUNT = "smtp"
"""The name of the sender's account among the secrets of OAuth."""


class Section(BaseModel):
    """A table of the file: unknown keys are refused, since a mistyped setting is a setting that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(Section):
    """Where the cases are. On PostgreSQL each kind of process may have a role of its own: `meldpost init --roles`."""

    url: str = Field(
        "sqlite:///meldpost.db",
        description="The daemon's: sqlite:///meldpost.db for one desk, or postgresql://user@host/name. To another host "
        "with ?sslmode=verify-full&sslrootcert=/path/to/ca.pem. A password stands in ~/.pgpass, not here.",
    )
    desk_url: str | None = Field(None, description="PostgreSQL, as the desk's role; not set: as `url`.")
    auditor_url: str | None = Field(None, description="PostgreSQL, as the auditor's role; not set: as `url`.")
    owner_url: str | None = Field(
        None,
        description="PostgreSQL, as the role that owns the tables, for init and migrate; not set: as `url`. Leave it "
        "out where daemon and desk run, and give it by MELDPOST_DATABASE__OWNER_URL when it is needed.",
    )

    @model_validator(mode="after")
    def _roles_are_of_postgresql(self) -> Self:
        others = (self.desk_url, self.auditor_url, self.owner_url)
        if any(others) and not all(url.startswith("postgresql") for url in (self.url, *filter(None, others))):
            raise ValueError("desk_url, auditor_url and owner_url are for PostgreSQL; SQLite has `url` alone")
        return self

    @property
    def for_desk(self) -> str:
        return self.desk_url or self.url

    @property
    def for_auditor(self) -> str:
        return self.auditor_url or self.url

    @property
    def for_owner(self) -> str:
        return self.owner_url or self.url


class ReceiptTexts(Section):
    """Where a receipt sends its reader. Each is one line of text that is put into the receipt as it stands."""

    about_coordinator: str = Field(description="Where to write when the report is about the coordinator.")
    support_point: str = Field(description="Where to get confidential advice: the external support point.")
    complaints: str = Field(description="Where other complaints about the organisation go.")
    emergency: str = Field("112", description="The number to call in danger.")


class ReferralSettings(Section):
    """Another organisation that reporters are referred to."""

    name: str = Field(min_length=1, max_length=100, description="What members choose it by.")
    text: str = Field(
        min_length=1, max_length=500, description="The organisation and how to reach it, as it stands in a letter."
    )
    text_in: dict[str, str] = Field(
        default_factory=dict, description="The same in letters in other languages, by language: en = '...'."
    )


class PersonSettings(Section):
    """A member of a desk, as mails may name them."""

    member: MemberId = Field(description="The member's id, as `meldpost member list` shows it.")
    names: tuple[str, ...] = Field(
        min_length=1, description="First and last name in full, and other names: a log-in name, an address."
    )


class DeskSettings(Section):
    """One desk: an integrity desk or a support point. Two desks share no key."""

    name: str = Field(description="The desk's name as reporters read it, such as 'Integriteitscoördinator'.")
    organisation: str = Field(
        description="The organisation's name as in a sentence, with its article: het ministerie van Buitenlandse Zaken."
    )
    name_in: dict[str, str] = Field(
        default_factory=dict, description="The desk's name in receipts in other languages, by language: en = '...'."
    )
    organisation_in: dict[str, str] = Field(
        default_factory=dict,
        description="The organisation's name in receipts in other languages: en = 'the Ministry of Foreign Affairs'.",
    )
    address: EmailAddress = Field(description="The address that reporters write to, and that receipts come from.")
    postal_address: str = Field(
        "", description="The desk's postal address on one line, as letters on paper give it for answers."
    )
    display_name: str = Field(
        "", description="The sender's name on outgoing mail. Empty: the address alone, which betrays least."
    )
    public_key: str = Field(description="The desk's pinned public key (base64), written by `meldpost init`.")
    recovery_key: str = Field(description="The pinned public half of the recovery key (base64), likewise.")
    mailer_key: str = Field(description="The pinned public half of the mailer's key (base64), likewise.")
    signing_key: str = Field(
        "",
        description="The pinned public half of the desk's signing key (base64), likewise: by it newer keys of "
        "the desk, its members and what they write are known to be genuine. Not set: `meldpost doctor` shows it.",
    )
    trail_key: str = Field(
        "",
        description="The public half (base64) of the key that signs checkpoints of the audit trail, likewise; the "
        "other half is the secret trail-seed-<desk>. Not set: no checkpoints. `meldpost audit key` makes one.",
    )
    token_key_check: str = Field(
        "",
        description="By which daemon and desk know the secret token-key-<desk> again, likewise. Not set: another one "
        "would go unnoticed, and `meldpost doctor` shows the line.",
    )
    checkpoint_file: Path | None = Field(
        None,
        description="A file to which each checkpoint is appended, best on another machine or on a medium that is "
        "written once: by it `meldpost audit verify` finds a tail of the trail that was cut off. Desks may share one.",
    )
    checkpoint_mail: EmailAddress | None = Field(
        None,
        description="An address outside to which checkpoints are mailed, such as an auditor's. They tell how many rows "
        "the trail has and hold their hashes, nothing else.",
    )
    checkpoint_mail_minutes: int = Field(60, ge=1, description="How long to gather checkpoints for one mail, at least.")
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Amsterdam"
    language: Language = Field("nl", description="Language of the notices to the desk's members: nl or en.")
    plus_addressing: bool = Field(
        True,
        description="Does the server deliver user+anything@ to user@? Then Reply-To carries the token of the case.",
    )
    bounce_address: EmailAddress | None = Field(
        None,
        description="Envelope sender; with plus_addressing a signed token is added (VERP). None: the desk's address.",
    )
    null_return_path: bool = Field(
        False, description="Send automatic mail from the null reverse-path <> (RFC 3834 §3.3): bounces are then lost."
    )
    neutral_subject: dict[str, str] = Field(
        default_factory=lambda: {"nl": "Ontvangstbevestiging", "en": "Confirmation of receipt"},
        description="Subject of receipts by language; it must tell nothing of what the mail is about.",
    )
    reference_in_subject: bool = Field(False, description="Put the reference into the subject of receipts.")
    own_addresses: tuple[EmailAddress, ...] = Field(
        (), description="Further addresses of the desk itself: mail from them is our own and never answered."
    )
    trusted_authserv_id: str = Field(
        "",
        description="The authserv-id (RFC 8601) of your own mail server. Empty: no Authentication-Results is believed.",
    )
    join_by_references: bool = Field(
        False,
        description="Does a mail that refers to another mail of a case join it, if the case knows its sender and From "
        "passed DMARC? Else it opens a new case, linked to that one.",
    )
    partner_domains: tuple[Domain, ...] = Field(
        (),
        description="Domains of organisations whose ticket system takes our references off and puts its own number "
        "into the subject: their mail joins the case that had a mail of theirs with that number, if From passed DMARC.",
    )
    smime_ca_file: Path | None = Field(
        None,
        description="PEM certificates of the authorities whose S/MIME signatures the desk wants to know apart. Without "
        "it a signature is checked against the certificate that came with it, which anybody can make.",
    )
    second_factor: Literal["optional", "required"] = Field(
        "optional",
        description="Do members show a second factor besides their passphrase when they log in to the desk? 'required' "
        "leads who has none to set one up: codes of an app (TOTP), or a passkey where web.passkey_domain is set.",
    )
    two_members: tuple[Literal["add_member", "recovery", "export", "destroy"], ...] = Field(
        (),
        description="What takes the consent of two members, one who asks and another who agrees within 7 days: "
        "'add_member', 'recovery', 'export' of a case as a ZIP, 'destroy' of a case before its time.",
    )
    encryption_key_at: str = Field(
        "",
        description="Where reporters find the desk's certificate or OpenPGP key, as a receipt tells them.",
    )
    index_key_lost: bool = Field(
        False,
        description="Was the secret index-key of the desk lost, and another made in its place? Then the daemon and the "
        "desk start with it, though mail finds none of the cases of before.",
    )
    smallest_count: int = Field(
        5,
        ge=3,
        description="The smallest count, beside 0, that the desk's figures and yearly report show. Smaller ones are "
        "left out, and others with them, so that nobody can be recognised.",
    )
    retention: tuple[RetentionRow, ...] = Field(
        (),
        description="How long cases are kept after closing: rows { outcome, category, term, ground, selection }, or "
        "[[desks.NAME.retention]] tables. Until there are any, nothing is destroyed (docs/administrator.md).",
        json_schema_extra={"example": list(RETENTION_EXAMPLE)},
    )
    retention_file: Path | None = Field(
        None, description="A TOML file with [[retention]] tables, in the place of the rows above."
    )
    retention_choice: Literal["", "two_months"] = Field(
        "",
        description="A ready table. two_months: every case goes two months after closing, as the AVG asks of private "
        "organisations. A government body fills in its own selection list.",
    )
    retention_notice_days: int = Field(
        30, ge=1, le=365, description="Days before a destruction on which the desk's members are told."
    )
    people: tuple[PersonSettings, ...] = Field(
        (),
        description="The members who open what comes in: rows { member, names }. A mail that names one of them as a "
        "person concerned begins a case that is sealed to the others and the second recipient alone.",
        json_schema_extra={"example": list(PEOPLE_EXAMPLE)},
    )
    second_recipient: MemberId = Field(
        "",
        description="The id of the member who gets the cases that name another one, too; best somebody who may say who "
        "else opens them, and belongs to no one's line.",
    )
    look_today: bool = Field(
        False,
        description='May the notice of a new case say "look today", where the suggested severity is `acuut`? Who reads '
        "members' mail then learns that, and who reads the database which cases are due an urgent look.",
    )
    deputy: MemberId = Field(
        "",
        description="With look_today: the id of the member who is told when nobody took the first look at such a case "
        "in time. Empty, or a member who does not open the case: all who do are told once more.",
    )
    deputy_hours: float = Field(
        4, gt=0, le=72, description="With look_today: hours after which the deputy is told; nights and weekends count."
    )
    given_notice_minutes: int = Field(
        5,
        ge=0,
        le=1440,
        description="Minutes after which a member who was given a case is told by mail; what is given to them "
        "meanwhile goes into the same mail. 0: nobody is told.",
    )
    referrals: tuple[ReferralSettings, ...] = Field(
        (),
        description="Other organisations that reporters are referred to: rows { name, text, text_in }. Complaints and "
        "advice have their place under texts.",
        json_schema_extra={"example": [{"name": "Rijksrecherche", "text": "de Rijksrecherche, 070 000 00 00"}]},
    )
    texts: ReceiptTexts

    @property
    def retention_rows(self) -> tuple[RetentionRow, ...]:
        """The table, wherever it stands; empty until it is filled in."""
        return self.retention or CHOICES[self.retention_choice]

    @property
    def bounces_to(self) -> str:
        return self.bounce_address or self.address

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that are this desk, for comparing."""
        return frozenset(domain_to_ascii(each).lower() for each in (self.address, self.bounces_to, *self.own_addresses))

    @model_validator(mode="after")
    def _what_is_wished_can_be(self) -> Self:
        if (self.join_by_references or self.partner_domains) and not self.trusted_authserv_id:
            raise ValueError(
                "join_by_references and partner_domains let a mail join a case where From passed DMARC, which only "
                "your own mail server can tell: name it in trusted_authserv_id, or leave them out"
            )
        if self.null_return_path and self.bounce_address is not None:
            raise ValueError(
                "with null_return_path no bounce comes back, not to bounce_address either: leave one of the two out"
            )
        return self

    @model_validator(mode="after")
    def _retention_stands_in_one_place(self) -> Self:
        if sum(map(bool, (self.retention, self.retention_file, self.retention_choice))) > 1:
            raise ValueError("the retention table stands in one place: rows, retention_file or retention_choice")
        refuse_double(self.retention)
        return self

    @model_validator(mode="after")
    def _keys_are_base64(self) -> Self:
        for name in ("public_key", "recovery_key", "mailer_key", "signing_key"):
            try:
                base64.b64decode(getattr(self, name), validate=True)
            except binascii.Error as error:
                raise ValueError(f"{name} is not base64: put back the line that `meldpost init` wrote") from error
        return self


class OAuthSettings(Section):
    """Log-in by access tokens (OAuth 2.0) in place of a password."""

    provider: Literal["microsoft", "google", "generic"] = Field(
        description="microsoft: Entra ID. google: Workspace. generic: any OpenID Connect provider."
    )
    flow: Literal["client_credentials", "device_code", "service_account"] = Field(
        description="client_credentials: an application of its own, by secret or certificate. device_code: a person "
        "signs in once, by `meldpost authorise`. service_account: Google's domain-wide delegation."
    )
    client_id: str = Field("", description="The application's ID, as the provider gave it.")
    tenant: str = Field("", description="Microsoft: the directory (tenant) ID.")
    authority: str = Field(
        "",
        description="URL of the provider: the issuer of a generic one; for Microsoft's national clouds such as "
        "https://login.microsoftonline.us/<tenant>.",
    )
    scopes: tuple[str, ...] = Field((), description="What to ask for. Empty: what the provider needs for mail.")
    ca_file: Path | None = Field(None, description="Certificates to trust at the provider instead of the system's.")
    timeout_seconds: int = Field(30, ge=1, le=300)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        google = self.provider == "google"
        if google != (self.flow == "service_account"):
            raise ValueError(
                'provider = "google" goes with flow = "service_account", and with no other: Google gives its mail '
                "scope to no device sign-in and to no client credentials"
            )
        if not google and not self.client_id:
            raise ValueError("name the application's client_id")
        if self.provider == "microsoft" and not (self.tenant or self.authority):
            raise ValueError("name the directory's tenant, or an authority that ends with it")
        if self.provider == "generic" and not (self.authority and self.scopes):
            raise ValueError("a generic provider needs its authority (the issuer's URL) and scopes")
        if self.authority and not re.fullmatch(r"https://[^/]+/.*[^/].*", self.authority):
            raise ValueError("authority must be an https:// URL (secrets are sent there) with a path, as MSAL wants it")
        return self


MICROSOFT_HOSTS = (
    "office365.com", "outlook.com", "office365.us", "outlook.us", "partner.outlook.cn", "hotmail.com", "live.com",
)  # fmt: skip
NO_PASSWORDS = (
    "Microsoft lets nobody log in with a password any more: basic authentication is switched off in all tenants. "
    "Give an `oauth` table in place of it (docs/administrator.md, Microsoft 365 and Google)"
)


def is_microsoft(host: str) -> bool:
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith("." + domain) for domain in MICROSOFT_HOSTS)


def _refuse_bad_log_in(host: str, security: Security, oauth: OAuthSettings | None) -> None:
    """mail-cases 34: raises ValueError where this log-in cannot work, or would show a token to the network."""
    if oauth is None and is_microsoft(host):
        raise ValueError(NO_PASSWORDS)
    if oauth is not None and security == "plain":
        raise ValueError('a token must not go over the line in clear: set security = "tls" or "starttls"')


def _refuse_bad_folders(folders: tuple[str, ...], done_folder: str) -> None:
    """Raises ValueError where a mail would be moved to where it is taken from, or be taken from one folder twice."""
    if done_folder in folders or done_folder == INBOX:
        raise ValueError(
            "done_folder is where mails go that were taken in, so it cannot be a folder that mail comes into: name "
            "another folder, which holds nothing else"
        )
    if len(set(folders)) < len(folders):
        raise ValueError("folders names one folder twice: name each once")


def _folder_name(folder: str) -> str:
    """INBOX is one folder, however it is written (RFC 9051 §5.1)."""
    return INBOX if folder.upper() == INBOX else folder


class MailboxSettings(Section):
    """One IMAP account that a desk's mail arrives in."""

    kind: Literal["imap"] = Field("imap", description="imap, maildir, lmtp or pipe: how the mail comes in.")
    desk: Slug = Field(description="The desk that this mailbox belongs to.")
    host: str
    port: int = Field(993, ge=1, le=65535)
    security: Security = "tls"
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's.")
    user: str
    oauth: OAuthSettings | None = Field(
        None,
        description="Log in by token, for Microsoft 365 and Google: { provider, flow, tenant, client_id, authority, "
        "scopes, ca_file, timeout_seconds }. None: by the secret mailbox-password-<account>.",
    )
    folders: tuple[str, ...] = Field(
        ("INBOX",),
        min_length=1,
        description="Folders to take mail from. A report that was taken for junk is a report: add the server's junk "
        'folder, as in ["INBOX", "Junk"].',
    )
    done_folder: str = Field(
        "Verwerkt", min_length=1, description="Where a mail goes when its sealed copy is committed."
    )
    keep_days: int = Field(7, ge=0, description="Days that a mail stays in the done folder before it is expunged.")
    poll_seconds: int = Field(60, ge=1, description="The safety net under IDLE.")
    timeout_seconds: int = Field(60, ge=1)

    @model_validator(mode="after")
    def _log_in_can_work(self) -> Self:
        _refuse_bad_log_in(self.host, self.security, self.oauth)
        return self

    @model_validator(mode="after")
    def _folders_are_apart(self) -> Self:
        _refuse_bad_folders(tuple(map(_folder_name, self.folders)), _folder_name(self.done_folder))
        return self

    def place_of(self, folder: str) -> tuple[str, ...]:
        """The same for two mailboxes where they mean one folder of one account."""
        port = 993 if self.port == 143 else self.port  # both are the server's own, with TLS from the start or later
        return "imap", self.host.lower().rstrip("."), str(port), self.user.lower(), _folder_name(folder)


class MaildirSettings(Section):
    """One Maildir on this machine that a desk's mail arrives in."""

    kind: Literal["maildir"] = Field(description="maildir: a folder that a mail server delivers into.")
    desk: Slug = Field(description="The desk that this mailbox belongs to.")
    path: Path = Field(description="The folder that holds new, cur and tmp.")
    folders: tuple[str, ...] = Field(
        ("",),
        min_length=1,
        description='Folders to take mail from, as on the disk without the dot: "" is the inbox, "Junk" is .Junk.',
    )
    done_folder: str = Field(
        "Verwerkt", min_length=1, description="Where a mail goes when its sealed copy is committed: .Verwerkt."
    )
    keep_days: int = Field(7, ge=0, description="Days that a mail stays in the done folder before it is removed.")
    poll_seconds: int = Field(60, ge=1, description="The safety net under the look at the folders each second.")

    @model_validator(mode="after")
    def _folders_are_inside(self) -> Self:
        for folder in (*self.folders, self.done_folder):
            if "/" in folder or "\0" in folder or folder.startswith(".") or ".." in folder:
                raise ValueError('folders are named as on the disk, without their first dot: ".Junk" is "Junk"')
        if INBOX in self.folders:
            raise ValueError('the inbox is "" among the folders of a Maildir, not "INBOX"')
        _refuse_bad_folders(self.folders, self.done_folder)
        return self

    def place_of(self, folder: str) -> tuple[str, ...]:
        """The same for two mailboxes where they mean one folder on the disk."""
        return "maildir", os.path.realpath(self.path / f".{folder}" if folder else self.path)


class LmtpMailboxSettings(Section):
    """What the mail server delivers for one desk by LMTP. No readable mailbox exists."""

    kind: Literal["lmtp"] = Field(description="lmtp: your mail server delivers to the address in [lmtp].")
    desk: Slug = Field(description="The desk that this mailbox belongs to.")
    recipients: tuple[EmailAddress, ...] = Field(
        (),
        description="Addresses that are taken in, with any +tag. Empty: the desk's address, bounce_address and "
        "own_addresses.",
    )


class PipeMailboxSettings(Section):
    """What the mail server hands to `meldpost ingest -` for one desk. No readable mailbox exists."""

    kind: Literal["pipe"] = Field(description="pipe: your mail server runs `meldpost ingest -` for each mail.")
    desk: Slug = Field(description="The desk that this mailbox belongs to.")


MAILBOX_KINDS: dict[str, type[Section]] = {
    "imap": MailboxSettings,
    "maildir": MaildirSettings,
    "lmtp": LmtpMailboxSettings,
    "pipe": PipeMailboxSettings,
}


def _kind_of(mailbox: Any) -> str:
    return str(mailbox.get("kind", "imap") if isinstance(mailbox, dict) else getattr(mailbox, "kind", "imap"))


AnyMailbox = Annotated[
    Annotated[MailboxSettings, Tag("imap")]
    | Annotated[MaildirSettings, Tag("maildir")]
    | Annotated[LmtpMailboxSettings, Tag("lmtp")]
    | Annotated[PipeMailboxSettings, Tag("pipe")],
    Discriminator(
        _kind_of,
        custom_error_type="mailbox_kind",
        custom_error_message='kind must be "imap", "maildir", "lmtp" or "pipe"',
    ),
]


class LmtpSettings(Section):
    """Where your mail server delivers by LMTP (RFC 2033), which knows neither log-in nor encryption."""

    listen: str = Field(
        "",
        description="host:port, [IPv6]:port, or the absolute path of a socket. Empty: no LMTP. "
        'Such as "127.0.0.1:24" or "/run/meldpost/lmtp".',
    )
    mode: str = Field("660", pattern="^[0-7]{3}$", description="Rights of the socket, where it is a path.")
    other_hosts: bool = Field(
        False, description="Listen on an address that other machines reach? Whoever reaches it reads and writes mail."
    )
    max_bytes: int = Field(100_000_000, ge=100_000, description="A larger mail is refused, and its sender is told.")
    connections: int = Field(5, ge=1, le=100, description="Most at a time; further ones wait.")
    timeout_seconds: int = Field(300, ge=5, description="How long a silent connection is kept.")

    @model_validator(mode="after")
    def _listens_where_it_can(self) -> Self:
        if self.listen and not self.listen.startswith("/"):
            host, port = self.host_and_port
            if not host or not 0 <= port <= 65535:
                raise ValueError("listen must be host:port, [IPv6]:port or the absolute path of a socket")
            if not (_is_loopback(host) or self.other_hosts):
                raise ValueError(
                    "listen names an address that other machines may reach, and LMTP is not encrypted. Use 127.0.0.1, "
                    "[::1] or a socket; or set other_hosts = true where the network between is your own"
                )
        return self

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Of a TCP address; ("", -1) where it is none."""
        host, _, port = self.listen.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        return (host, int(port)) if port.isascii() and port.isdigit() else ("", -1)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class SmtpSettings(Section):
    """The server that outgoing mail is handed to."""

    host: str = "localhost"
    port: int = Field(587, ge=1, le=65535)
    security: Security = "starttls"
    ca_file: Path | None = None
    user: str = Field("", description="Empty: no log-in. Its password is the secret smtp-password.")
    oauth: OAuthSettings | None = Field(
        None, description="Log in by token, as in a mailbox. Its secrets are those of the account `smtp`."
    )
    timeout_seconds: int = Field(60, ge=1, description="For each step of a transaction.")
    transaction_seconds: int = Field(300, ge=5, description="Hard limit on one whole transaction.")
    lease_seconds: int = Field(
        600, ge=10, description="How long a claimed mail is one sender's own. Must be longer than transaction_seconds."
    )

    @model_validator(mode="after")
    def _log_in_can_work(self) -> Self:
        if self.oauth is not None and not self.user:
            raise ValueError("name the user whose mailbox the token is to open")
        if self.user:
            _refuse_bad_log_in(self.host, self.security, self.oauth)
        return self

    @model_validator(mode="after")
    def _lease_outlives_transaction(self) -> Self:
        if self.lease_seconds <= self.transaction_seconds:
            raise ValueError("lease_seconds must be greater than transaction_seconds, or a mail may go out twice")
        return self


class RuleSettings(Section):
    """When mail goes out by itself, and how much."""

    receipt_max_age_days: float = Field(3, gt=0, description="Older mail waits for the coordinator's word.")
    first_connection_max: int = Field(
        20, ge=0, description="More mails than this at the first connection wait for the coordinator's word."
    )
    ask_threshold: float = Field(
        0.95, gt=0.5, le=1, description="A field is asked for only when it is missing with at least this probability."
    )
    kind_threshold: float = Field(
        0.8, gt=0.5, le=1, description="The terms of the law stand in a receipt only when the kind is this certain."
    )
    per_address_per_day: int = Field(
        10,
        ge=1,
        description="Automatic mails to one address in 24 hours, above which receipts wait for a person's word.",
    )
    per_domain_per_day: int = Field(
        500,
        ge=1,
        description="Automatic mails to one domain in 24 hours, above which receipts wait for a person's word.",
    )
    per_case_per_day: int = Field(
        5, ge=1, description="Automatic mails in one case in 24 hours, above which receipts wait for a person's word."
    )
    total_per_hour: int = Field(
        1000,
        ge=1,
        description="Receipts and reminders in all in one hour, above which receipts wait for a person's word.",
    )
    reminder_days: int = Field(
        14, ge=1, description="Days after which a reporter is reminded, once, of what is missing."
    )
    undo_seconds: int = Field(
        20, ge=0, le=600, description="How long a letter that a member sends can be taken back before it goes."
    )
    letter_max_bytes: int = Field(
        5_000_000,
        ge=0,
        le=20_000_000,
        description="Most that the files of one letter to a reporter are together; mail makes them a third larger.",
    )


class TriageSettings(Section):
    """What the machine suggests, and when it says that it does not know."""

    know_threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Where the score of a mail's kind, or of its main category, is lower, Meldpost says that it does "
        "not know. That changes what is shown, never who sees the mail. 0: it always suggests.",
    )
    model: Path | None = Field(
        None,
        description="Folder of the model that mails are understood with, as `meldpost train` wrote it. None: the one "
        "that comes with Meldpost.",
    )
    pipeline: str = Field(
        "",
        description="A spaCy pipeline, or vectors, that `meldpost train` builds on: an installed package, such as "
        '"nl_core_news_lg", or a folder, with a slash in it: "./vectors". It is code of others: name only one that '
        "you trust. Empty: none.",
    )


class TermSettings(Section):
    """Deadlines. Defaults: EU directive 2019/1937 art. 9, Wet bescherming klokkenluiders, ISO 37002 §8.1."""

    receipt_days: int = Field(7, ge=1, description="Days in which the law wants a receipt.")
    first_look_working_days: int = Field(2, ge=0)
    first_message_working_days: int = Field(3, ge=0)
    feedback_months: int = Field(3, ge=1)
    holidays: Annotated[str, AfterValidator(_country)] = Field(
        "NL", description="Country whose public holidays are no working days (ISO 3166)."
    )


class LimitSettings(Section):
    """What one mail may cost."""

    max_parse_bytes: int = Field(60_000_000, ge=10_000, description="A larger mail is sealed whole, unread.")
    reader_seconds: int = Field(30, ge=1, description="Wall clock and CPU time of a reader for one mail.")
    reader_memory_bytes: int = Field(1_000_000_000, ge=100_000_000, description="Address space of a reader.")
    understand_seconds: int = Field(30, ge=1)
    again_max_bytes: int = Field(200_000_000, ge=10_000, description="A larger mail is not read again at the desk.")
    again_seconds: int = Field(120, ge=1, description="Wall clock and CPU time of a reader that reads a mail again.")
    again_memory_bytes: int = Field(3_000_000_000, ge=100_000_000, description="Address space of such a reader.")


class OcrSettings(Section):
    """Reading the letters in scans and photographs, by Tesseract's models as the system installs them."""

    languages: tuple[Annotated[str, Field(pattern=r"\A[a-z]{3}(_[a-z]{2,6})?\z")], ...] = Field(
        ("nld", "eng"),
        description="Languages, as Tesseract calls them; those that are not installed are left out. Empty: no OCR.",
    )
    tessdata: Path | None = Field(None, description="The folder of the models. None: where Debian puts them.")


class ScannerSettings(Section):
    """A clamd that looks at every mail and attachment. Configured where one of socket and host is set."""

    socket: Path | None = Field(None, description="Its Unix socket, such as /run/clamav/clamd.ctl.")
    host: str = Field("", description="Its host, where it listens on TCP: on this machine or a network that is yours.")
    port: int = Field(3310, ge=1, le=65535)
    timeout_seconds: int = Field(
        60, ge=1, description="For all of one mail, with its files; what was not scanned by then stays unscanned."
    )
    max_bytes: int = Field(
        25_000_000, ge=1, description="What is larger is not sent: clamd's StreamMaxLength. It stays unscanned."
    )

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.socket is not None and self.host:
            raise ValueError("clamd is asked in one place: give its socket or host, and leave the other out")
        return self

    @property
    def seconds_a_mail(self) -> int:
        """The most that scanning adds to a mail."""
        return self.timeout_seconds if self.is_configured else 0

    @property
    def is_configured(self) -> bool:
        return self.socket is not None or bool(self.host)


class TranslationSettings(Section):
    """A program of the desk's own machine that translates messages when a member asks for it."""

    command: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = Field(
        (),
        description="The program and its arguments, each by itself; no shell reads them. It gets the text on its "
        "standard input, in UTF-8, and answers on its standard output. {from} and {to} in an argument stand for the "
        "languages (ISO 639, such as en and nl). Empty: no translation is offered.",
    )
    seconds: int = Field(60, ge=1, le=600, description="How long it may take for one message.")

    @model_validator(mode="after")
    def _names_a_program(self) -> Self:
        if self.command and not ("/" not in self.command[0] or self.command[0].startswith("/")):
            raise ValueError("command names its program by a whole path, or by a name that is found on PATH")
        for part in self.command:
            if "\0" in part:
                raise ValueError("command holds a character that no argument can hold")
            strange = set(re.findall(r"{\w*}", part)) - {"{from}", "{to}"}
            if strange:
                raise ValueError(f"command holds {min(strange)}; only {{from}} and {{to}} are known")
        return self


class BackupSettings(Section):
    """Backups, by `meldpost backup`."""

    folder: Path | None = Field(
        None,
        description="The folder where they lie, which the daemon and the desk may write to: each names a case that it "
        "destroys in destroyed.list there, at once, so that a backup of before does not bring it back, and "
        "`meldpost doctor` looks there. Not set: that list is written by `meldpost backup` alone.",
    )
    key_backup_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days that a backup's key file is kept: a destroyed case is gone for good when the last key "
        "file of before is. `meldpost backup` removes older ones from the folder that it writes to.",
    )


class WebSettings(Section):
    """The desk's web application."""

    host: str = "127.0.0.1"
    port: int = Field(8443, ge=0, le=65535)
    public_url: str = Field("http://127.0.0.1:8443", description="Where members reach the desk; notices name it.")
    idle_minutes: int = Field(15, ge=1, le=120)
    session_hours: int = Field(8, ge=1, le=12)
    identity_minutes: int = Field(
        60,
        ge=1,
        le=720,
        description="How long who reported a case stays open to a member who said why, in that log-in.",
    )
    live_seconds: int = Field(
        10,
        ge=0,
        le=600,
        description="How often an open page asks by itself whether new mail came. 0: never, for a very slow line; "
        "reloading a page shows the same.",
    )
    trusted_proxies: int = Field(0, ge=0, description="Reverse proxies in front whose X-Forwarded-* are believed.")
    style_file: Path | None = Field(
        None,
        description="A CSS file with design tokens of the organisation's own (NL Design System: --basis-*, "
        "--utrecht-*), which the desk serves after its own. It is served as it is and may load nothing from elsewhere, "
        "no letters and no pictures. A file that sets colours sets them for both schemes: for the dark one within "
        "@media (prefers-color-scheme: dark). Read when the desk starts; at most 1 MiB.",
    )
    style_class: str = Field(
        "",
        pattern=r"^([a-zA-Z][\w-]*)?$",
        description="The class under which style_file sets its tokens, such as voorbeeld-theme; each page wears it. "
        "Empty: it sets them on :root.",
    )
    passkey_domain: str = Field(
        "",
        description="The domain that passkeys and security keys of members are made for (the relying party id of "
        "WebAuthn): the host of public_url, or a domain above it. Empty: the desk offers none. Who changes it makes "
        "every passkey of before worthless.",
    )
    passkey_unlocks: bool = Field(
        False,
        description="May a member let a passkey open their access by itself, without the passphrase? It takes a "
        "passkey with the PRF extension; others stay a second factor. Turned off, what was set up goes at the next "
        "log-in of its member.",
    )

    @property
    def passkey_origin(self) -> str:
        """Where a browser has to say that it asked a passkey: scheme, host and port of public_url, as browsers write
        them."""
        address = urlsplit(self.public_url)
        usual = {"https": 443, "http": 80}.get(address.scheme)
        port = f":{address.port}" if address.port not in (None, usual) else ""
        return f"{address.scheme}://{_host_of(self.public_url)}{port}"

    @model_validator(mode="after")
    def _passkeys_fit_the_address(self) -> Self:
        if self.passkey_unlocks and not self.passkey_domain:
            raise ValueError(
                "passkey_unlocks is on, but passkey_domain does not say for which domain passkeys are made"
            )
        if self.passkey_domain:
            _refuse_unfit_domain(self.passkey_domain, self.public_url)
        return self


def _refuse_unfit_domain(domain: str, public_url: str) -> None:
    """Browsers use a passkey for its own domain alone, and only where nobody can stand in between (WebAuthn §5.1.3)."""
    host, scheme = _host_of(public_url), urlsplit(public_url).scheme
    if not host or _is_ip_address(host):
        raise ValueError(f"passkey_domain needs a public_url with a name in it, and {public_url} has none")
    if host != domain and not (host.endswith(f".{domain}") and "." in domain):
        raise ValueError(
            f"passkey_domain is {domain!r}, but members reach the desk at {public_url}: it must be {host!r}, or a "
            "domain above that, in lower case and as the DNS has it"
        )
    if scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        raise ValueError(f"passkey_domain needs a public_url that begins with https://, and {public_url} does not")


def _host_of(url: str) -> str:
    """As browsers write it."""
    return ascii_domain_of(f"host@{urlsplit(url).hostname or ''}")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Settings(BaseSettings):
    """Everything that an installation sets."""

    model_config = SettingsConfigDict(
        env_prefix="MELDPOST_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    database: DatabaseSettings = DatabaseSettings()
    secrets_dir: Path = Field(Path("secrets"), description="Folder of secret files, mode 0700.")
    isolation: Literal["required", "limits-only"] = Field(
        "required",
        description="limits-only: read mail without namespaces or Landlock. Only where the kernel gives neither.",
    )
    desks: dict[Slug, DeskSettings]
    mailboxes: dict[Slug, AnyMailbox] = Field(default_factory=dict)
    lmtp: LmtpSettings = LmtpSettings()
    smtp: SmtpSettings = SmtpSettings()
    rules: RuleSettings = RuleSettings()
    triage: TriageSettings = TriageSettings()
    terms: TermSettings = TermSettings()
    limits: LimitSettings = LimitSettings()
    ocr: OcrSettings = OcrSettings()
    clamd: ScannerSettings = ScannerSettings()
    translation: TranslationSettings = TranslationSettings()
    backup: BackupSettings = BackupSettings()
    web: WebSettings = WebSettings()

    @model_validator(mode="after")
    def _mailboxes_have_desks(self) -> Self:
        for account, mailbox in self.mailboxes.items():
            if mailbox.desk not in self.desks:
                raise ValueError(f"mailbox {account!r} names the desk {mailbox.desk!r}, which is not among [desks]")
        if self.smtp.oauth is not None and SMTP_ACCOUNT in self.mailboxes:
            raise ValueError("give the mailbox 'smtp' another name: that one belongs to the secrets of [smtp.oauth]")
        return self

    @model_validator(mode="after")
    def _desks_are_apart(self) -> Self:
        for (one, desk), (other, other_desk) in combinations(self.desks.items(), 2):
            main, other_main = ({domain_to_ascii(each.address).lower()} for each in (desk, other_desk))
            if main & other_desk.addresses or other_main & desk.addresses:
                raise ValueError(
                    f"the desks {one!r} and {other!r} both have the address of one of them (address, bounce_address, "
                    "own_addresses): give each desk an address of its own"
                )
        return self

    @model_validator(mode="after")
    def _mailboxes_are_apart(self) -> Self:
        _refuse_shared_folders(self)
        return self

    @model_validator(mode="after")
    def _lmtp_is_whole(self) -> Self:
        if self.mailboxes_of(LmtpMailboxSettings) and not self.lmtp.listen:
            raise ValueError('a mailbox has kind = "lmtp", but `listen` in [lmtp] does not say where to listen')
        if self.lmtp.listen and not self.mailboxes_of(LmtpMailboxSettings):
            raise ValueError(
                'no mailbox has kind = "lmtp", so every mail that comes to `listen` in [lmtp] would be refused: add '
                "the mailbox, or leave [lmtp] out"
            )
        for account, mailbox in self.mailboxes_of(LmtpMailboxSettings).items():
            for slug, desk in self.desks.items():
                if slug != mailbox.desk and without_tag(desk.address) in self.lmtp_recipients(account):
                    raise ValueError(
                        f"the mailbox {account!r} of the desk {mailbox.desk!r} takes in the address of the desk "
                        f"{slug!r}: leave it out of `recipients`"
                    )
        taken: dict[str, str] = {}
        for account in self.mailboxes_of(LmtpMailboxSettings):
            for address in self.lmtp_recipients(account):
                if address in taken:
                    raise ValueError(
                        f"the mailboxes {taken[address]!r} and {account!r} both take in the same address; give each "
                        "its own `recipients`"
                    )
                taken[address] = account
        return self

    def mailboxes_of(self, kind: type[Mailbox]) -> dict[str, Mailbox]:
        """The mailboxes of one kind, by account."""
        return {account: mailbox for account, mailbox in self.mailboxes.items() if isinstance(mailbox, kind)}

    def lmtp_recipients(self, account: str) -> frozenset[str]:
        """The addresses that are delivered to an LMTP mailbox, ASCII, in lower case, without tags."""
        mailbox = self.mailboxes_of(LmtpMailboxSettings)[account]
        desk = self.desks[mailbox.desk]
        addresses = mailbox.recipients or (desk.address, desk.bounces_to, *desk.own_addresses)
        return frozenset(without_tag(address) for address in addresses)

    def secrets(self) -> Secrets:
        return Secrets(self.secrets_dir)

    def own_addresses(self) -> frozenset[str]:
        """Every address that is ourselves, in lower case: mail from them is never answered."""
        addresses: set[str] = set()
        for desk in self.desks.values():
            addresses.update((desk.address, desk.bounces_to, *desk.own_addresses))
        for mailbox in self.mailboxes_of(LmtpMailboxSettings).values():
            addresses.update(mailbox.recipients)
        return frozenset(address.lower() for address in addresses)


def _refuse_shared_folders(settings: Settings) -> None:
    """Raises ValueError where two mailboxes would take each other's mail."""
    mailboxes = settings.mailboxes_of(MailboxSettings) | settings.mailboxes_of(MaildirSettings)
    taken: dict[tuple[str, ...], str] = {}
    for account, mailbox in mailboxes.items():
        for place in map(mailbox.place_of, mailbox.folders):
            if place in taken:
                raise ValueError(
                    f"the mailboxes {taken[place]!r} and {account!r} both take mail from one folder, and chance would "
                    "say which gets it: leave one out, or give each its own `folders`"
                )
            taken[place] = account
    for account, mailbox in mailboxes.items():
        other = taken.get(mailbox.place_of(mailbox.done_folder))
        if other is not None:
            raise ValueError(
                f"the mailbox {other!r} takes mail from the done_folder of {account!r}: give {account!r} a done_folder "
                "of its own"
            )


def load(path: Path) -> Settings:
    """Read and check the configuration. Relative paths in it are relative to its own folder.

    Raises ConfigError, whose message lists every fault with its place.
    """
    if not path.is_file():
        raise ConfigError(
            f"There is no configuration file {path}. Make one with `meldpost init`, or name it with --config."
        )
    try:
        settings = _from_file(path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The configuration file {path} is not TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The configuration file {path} is not UTF-8 text.") from error
    except ValidationError as error:
        faults = "\n".join(
            _describe(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigError(f"The configuration {path} cannot be used:\n{faults}") from error
    anchored = _anchored(settings, path.resolve().parent)
    try:
        _refuse_shared_folders(anchored)  # only now a relative path and an absolute one can be seen to be the same
    except ValueError as error:
        raise ConfigError(f"The configuration {path} cannot be used:\n{_describe((), str(error))}") from None
    return _with_tables(anchored, path)


def _with_tables(settings: Settings, path: Path) -> Settings:
    """With the retention tables that stand in files of their own."""
    desks = {}
    for slug, desk in settings.desks.items():
        desks[slug] = desk
        if desk.retention_file is not None:
            try:
                desks[slug] = desk.model_copy(update={"retention": read_file(desk.retention_file)})
            except ValueError as error:
                fault = _describe(("desks", slug, "retention_file"), str(error))
                raise ConfigError(f"The configuration {path} cannot be used:\n{fault}") from None
    return settings.model_copy(update={"desks": desks})


def _from_file(path: Path) -> Settings:
    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, path)

    return Settings.model_construct(**dict(FromFile()))


def _describe(place: tuple[int | str, ...], message: str) -> str:
    if message == "Extra inputs are not permitted":
        message = "there is no such setting; is the name misspelt?"
    if place[:1] == ("mailboxes",) and place[2:3] and place[2] in MAILBOX_KINDS:
        place = (*place[:2], *place[3:])  # the kind is no part of the setting's name
    return f"  {'.'.join(map(str, place)) or 'file'}: {message.removeprefix('Value error, ')}"


def _anchored(settings: Settings, folder: Path) -> Settings:
    def anchor(path: Path | None) -> Path | None:
        return None if path is None else folder / path.expanduser()

    def anchored_oauth(oauth: OAuthSettings | None) -> OAuthSettings | None:
        return None if oauth is None else oauth.model_copy(update={"ca_file": anchor(oauth.ca_file)})

    def anchored_pipeline(name: str) -> str:
        return os.fspath(folder / Path(name).expanduser()) if "/" in name else name

    url = settings.database.url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/") and url != prefix + ":memory:":
        url = prefix + os.fspath(folder / url.removeprefix(prefix))
    return settings.model_copy(
        update={
            "secrets_dir": anchor(settings.secrets_dir),
            "database": settings.database.model_copy(update={"url": url}),
            "smtp": settings.smtp.model_copy(
                update={"ca_file": anchor(settings.smtp.ca_file), "oauth": anchored_oauth(settings.smtp.oauth)}
            ),
            "triage": settings.triage.model_copy(
                update={"model": anchor(settings.triage.model), "pipeline": anchored_pipeline(settings.triage.pipeline)}
            ),
            "backup": settings.backup.model_copy(update={"folder": anchor(settings.backup.folder)}),
            "ocr": settings.ocr.model_copy(update={"tessdata": anchor(settings.ocr.tessdata)}),
            "web": settings.web.model_copy(update={"style_file": anchor(settings.web.style_file)}),
            "clamd": settings.clamd.model_copy(update={"socket": anchor(settings.clamd.socket)}),
            "desks": {
                slug: desk.model_copy(
                    update={
                        name: anchor(getattr(desk, name))
                        for name in ("smime_ca_file", "retention_file", "checkpoint_file")
                    }
                )
                for slug, desk in settings.desks.items()
            },
            "mailboxes": {
                account: mailbox.model_copy(
                    update={
                        name: anchor(getattr(mailbox, name)) for name in ("ca_file", "path") if hasattr(mailbox, name)
                    }
                    | ({"oauth": anchored_oauth(mailbox.oauth)} if isinstance(mailbox, MailboxSettings) else {})
                )
                for account, mailbox in settings.mailboxes.items()
            },
        }
    )
