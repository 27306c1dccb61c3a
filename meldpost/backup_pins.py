"""The public keys that a configuration pins, and a backup from a time when it pinned others."""

from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError
from config.settings import Settings
from store.copies import BackupError, Copies
from store.database import Database
from store.keypairs import KeyKind, NotAKey
from store.keyring import DeskKeyDiffers, NoSuchKey, desk_keys, pins_of
from store.manifests import Manifest

PINNED = ("public_key", "recovery_key", "mailer_key", "signing_key")


def of_now(settings: Settings) -> dict[str, dict[str, str]]:
    """By desk, what its configuration pins."""
    return {
        slug: {name: getattr(desk, name) for name in PINNED if getattr(desk, name)}
        for slug, desk in settings.desks.items()
    }


def that_differ(settings: Settings, manifest: Manifest) -> dict[str, dict[str, str]]:
    """By desk, what was pinned when the backup was made and is not now; only of desks whose proof the backup bears."""
    now, proven = of_now(settings), {desk for desk in settings.desks if desk in manifest.proofs}
    differ = {
        desk: {name: pins[name] for name in PINNED if name in pins and pins[name] != now[desk].get(name)}
        for desk, pins in manifest.pins.items()
        if desk in proven
    }
    return {desk: pins for desk, pins in differ.items() if pins}


def settings_of_then(settings: Settings, manifest: Manifest) -> Settings:
    """Raises BackupError where the backup does not hold what was pinned."""
    if not manifest.pins:
        raise BackupError("This backup does not hold what was pinned when it was made: put back the lines of then.")
    differ = that_differ(settings, manifest)
    desks = {slug: desk.model_copy(update=differ.get(slug, {})) for slug, desk in settings.desks.items()}
    return settings.model_copy(update={"desks": desks})


def refuse_other_keys(database: Database, settings: Settings, manifest: Manifest) -> None:
    """Raises BackupError, with what to do, where these are not the keys that are pinned."""
    for slug, desk in settings.desks.items():
        try:
            with database.read() as session:
                desk_keys(session, slug, pins_of(desk))
        except (DeskKeyDiffers, NoSuchKey, NotAKey, ConfigError):
            raise BackupError(_what_to_do(slug, that_differ(settings, manifest).get(slug, {}))) from None


def refuse_without_pinned_keys(copies: Copies, content: Path, settings: Settings, manifest: Manifest) -> None:
    """The same, of a backup as it lies there: the pinned keys stand in it. That certificates lead to the newest is seen
    when it is put back."""
    held: set[tuple[str, str, bytes]] = set()
    for row in copies.rows(content, "key_pair"):
        held.add((row["desk"], row["kind"], row["public"]))
    for slug, desk in settings.desks.items():
        pins = pins_of(desk)
        pinned = {KeyKind.DESK: pins.to_desk, KeyKind.RECOVERY: pins.recovery, KeyKind.MAILER: pins.mailer}
        if not all((slug, kind, key.to_bytes()) in held for kind, key in pinned.items()):
            raise BackupError(_what_to_do(slug, that_differ(settings, manifest).get(slug, {})))


def _what_to_do(desk: str, pins: Mapping[str, str]) -> str:
    said = f"The keys of desk {desk} in this backup are not those that the configuration pins. Nothing was replaced. "
    if not pins:
        return said + (
            f"Put the lines public_key, recovery_key, mailer_key and signing_key of [desks.{desk}] back as they were "
            "when it was made, and compare them with the fingerprint on the recovery pages of then."
        )
    lines = "\n".join(f'{name} = "{value}"' for name, value in pins.items())
    return said + (
        "It is of before they were made anew. Who had the keys of then has them again when it is put back. To do that "
        f"all the same, say --pins-of-backup, or put these lines into [desks.{desk}]:\n{lines}"
    )
