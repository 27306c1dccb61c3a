"""All that taking mail in for one account needs, put together once a round. It holds no key that opens a record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self

from sqlalchemy.orm import Session

from cases.terms import Terms, terms_of
from config.addresses import domain_to_ascii
from config.secrets import Secrets
from config.settings import DeskSettings, Settings
from ingest.automatic import Own, bare
from ingest.mail import ParsedMail
from ingest.protection.keys import opening_for
from ingest.protection.opening import Opening
from ingest.protection.opening import Reader as Reader
from ingest.scanning import Scanner
from ingest.threads import clues, id_tokens
from notify.keys import TOKEN_KEY_NUMBER
from store.database import Database
from store.keyring import DeskPublicKeys, Pins, desk_keys, pins_of
from store.lookups import IndexKey, TokenKey
from triage import MailText, Report


class Understander(Protocol):
    def understand(self, mail: MailText) -> Report: ...

    def end_round(self) -> None: ...


@dataclass(frozen=True)
class Intake:
    """`account` names the mailbox whose ledger counts; `desk` is the slug of the desk that it belongs to."""

    settings: Settings
    account: str
    desk: str
    database: Database
    index: IndexKey = field(repr=False)
    tokens: TokenKey = field(repr=False)
    terms: Terms
    readers: Reader
    understanders: Understander
    opening: Opening
    scanner: Scanner | None
    randbelow: Callable[[int], int]

    @classmethod
    def prepare(
        cls,
        settings: Settings,
        secrets: Secrets,
        account: str,
        database: Database,
        readers: Reader,
        understanders: Understander,
        randbelow: Callable[[int], int],
    ) -> Self:
        """Raises ConfigError where a secret is missing, KeyError for an unknown account, and what `keys` raises."""
        desk = settings.mailboxes[account].desk
        intake = cls(
            settings=settings,
            account=account,
            desk=desk,
            database=database,
            index=IndexKey(secrets.key(f"index-key-{desk}")),
            tokens=TokenKey(TOKEN_KEY_NUMBER, secrets.key(f"token-key-{desk}")),
            terms=terms_of(settings, desk),
            readers=readers,
            understanders=understanders,
            opening=opening_for(settings, secrets, desk),
            scanner=Scanner.of(settings.clamd),
            randbelow=randbelow,
        )
        with database.read() as session:
            intake.keys(session)  # before anything is touched
        return intake

    @property
    def desk_settings(self) -> DeskSettings:
        return self.settings.desks[self.desk]

    def keys(self, session: Session) -> DeskPublicKeys:
        """What records are sealed to, as the configuration pins it. Raises DeskKeyDiffers, NoSuchKey, ConfigError."""
        return desk_keys(session, self.desk, self.pins)

    @cached_property
    def pins(self) -> Pins:
        return pins_of(self.desk_settings)

    def own(self, mail: ParsedMail) -> Own:
        """How to recognise our own mail in this one."""
        return own_mail(self.settings, self.desk, self.tokens, mail)

    @cached_property
    def own_addresses(self) -> frozenset[str]:
        """All addresses of this installation, as `bare` writes them: desks do not answer each other."""
        return own_addresses(self.settings)


def own_mail(settings: Settings, desk: str, tokens: TokenKey, mail: ParsedMail) -> Own:
    """How to recognise our own mail in this one."""
    ids = (mail.message_id,) if mail.message_id else ()
    ours = any(tokens.verify(token) for token in id_tokens(ids, settings.desks[desk]))
    answered = any(tokens.verify(token) for token in clues(mail, settings.desks[desk]).tokens)
    return Own(own_addresses(settings), frozenset(ids) if ours else frozenset(), answered)


def own_addresses(settings: Settings) -> frozenset[str]:
    """All addresses of this installation, as `bare` writes them."""
    return frozenset(bare(domain_to_ascii(address)) for address in settings.own_addresses())
