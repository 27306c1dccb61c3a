"""The keys that a desk opens its mail with, among its secrets. None of them has to be there."""

from __future__ import annotations

from config.errors import ConfigError
from config.secrets import Secrets
from config.settings import DeskSettings, Settings
from ingest.isolation import ProcessLimits
from ingest.protection.decrypters import Decrypters
from ingest.protection.opening import Opening
from ingest.protection.values import MailKeys


def opening_for(settings: Settings, secrets: Secrets, slug: str) -> Opening:
    """What it takes to open a desk's mail. Raises what `mail_keys` raises."""
    limits = settings.limits
    bounds = ProcessLimits(limits.reader_seconds, limits.reader_seconds, limits.reader_memory_bytes)
    keys = mail_keys(secrets, slug, settings.desks[slug])
    return Opening(Decrypters(bounds, settings.isolation), keys, limits.reader_seconds)


def mail_keys(secrets: Secrets, slug: str, desk: DeskSettings) -> MailKeys:
    """Raises SecretExposed where others could read one, ConfigError where `smime_ca_file` is not there."""

    def secret(name: str) -> bytes:
        return secrets.get(f"{name}-{slug}") if secrets.has(f"{name}-{slug}") else b""

    return MailKeys(
        smime=secret("smime-key"),
        smime_passphrase=secret("smime-passphrase"),
        openpgp=secret("openpgp-key"),
        openpgp_passphrase=secret("openpgp-passphrase"),
        authorities=_authorities(desk),
    )


def _authorities(desk: DeskSettings) -> bytes:
    if desk.smime_ca_file is None:
        return b""
    try:
        return desk.smime_ca_file.read_bytes()
    except OSError:
        raise ConfigError(f"The file of smime_ca_file, {desk.smime_ca_file}, cannot be read.") from None
