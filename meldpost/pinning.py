"""Puts the newest keys of a desk into the configuration, where they follow from those that stand there."""

import base64
from pathlib import Path

from config.settings import load
from meldpost.settings_file import pin
from meldpost.startup import NotReady, existing_database
from store.certificates import chain
from store.keyring import DeskKeyDiffers, NoSuchKey, desk_keys, pins_of


def pin_newest(config: Path, desk: str | None) -> str:
    """Pin the newest key of a desk; says what was done. Raises NotReady, ConfigError."""
    settings = load(config)
    named = desk if desk is not None or len(settings.desks) > 1 else next(iter(settings.desks))
    if named is None or named not in settings.desks:
        raise NotReady(f"Name the desk with --desk. There is: {', '.join(settings.desks)}.")
    pins = pins_of(settings.desks[named])
    database = existing_database(settings)
    try:
        with database.read() as session:
            newest = desk_keys(session, named, pins).to_desk
            counted = chain(session, named, pins.signing or b"")
    except (DeskKeyDiffers, NoSuchKey) as error:
        raise NotReady(str(error)) from None
    finally:
        database.close()
    if newest.public == pins.to_desk:
        return f"The configuration pins key {newest.generation} of desk {named}, the newest there is."
    signing = next(each.signing for each in counted.generations if each.number == newest.generation)
    pin(config, named, {"public_key": _encoded(newest.public.to_bytes()), "signing_key": _encoded(signing)})
    return (
        f"The configuration pins key {newest.generation} of desk {named} now; its fingerprint is "
        f"{newest.public.fingerprint()}.\nOn every other machine with a configuration of its own, run: "
        "meldpost rotate --pin"
    )


def _encoded(public: bytes) -> str:
    return base64.b64encode(public).decode()
