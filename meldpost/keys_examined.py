"""What the doctor says of a desk's keys: is a rotation unfinished, do the recovery pages open everything, and would a
wrong token key be noticed?"""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.errors import ConfigError
from config.settings import Settings
from meldpost import startup
from meldpost.counted import counted
from meldpost.findings import Finding, Verdict
from notify.keys import seed_to_come
from store import case_rotation, mailer_rotation, recovery, renewal, rotation
from store.keyring import DeskKeyDiffers, DeskPublicKeys, NoSuchKey, Pins, PublicPair, desk_keys, pins_of
from store.membership import is_rotation_due


def keys_of_desks(settings: Settings) -> Iterator[Finding]:
    """For each desk whose keys are the pinned ones: of others something else says so. Looked at as the desk's role: the
    daemon's may not read what tells."""
    try:
        database = startup.opened(settings.database.for_desk)
    except startup.NotReady:
        return
    try:
        with database.read() as session:
            for slug, desk in settings.desks.items():
                try:
                    pins = pins_of(desk)
                    keys = desk_keys(session, slug, pins)
                except (DeskKeyDiffers, NoSuchKey, ConfigError):
                    continue
                yield from _rotation(session, slug, pins, keys)
                yield _mailer(session, slug, keys.mailer, settings)
                yield _recovery(session, slug, keys)
    except SQLAlchemyError as error:
        text = f"not looked at. {startup.unusable(error)} It is looked at by database.desk_url, where that is set"
        yield Finding("rotation and recovery of keys", Verdict.NOTE, text)
    finally:
        database.close()


def token_keys(settings: Settings) -> Iterator[Finding]:
    """Of desks whose configuration does not know the key yet; that another one is there, the start says."""
    for slug, desk in settings.desks.items():
        try:
            check = startup.token_key(settings, slug).check()
        except ConfigError:
            continue
        if not desk.token_key_check:
            text = "another one would go unnoticed, and answers would join no case. While answers to your receipts do "
            text += f'join theirs, add to [desks.{slug}] in the configuration: token_key_check = "{check}"'
            yield Finding(f"token key of {slug}", Verdict.NOTE, text)


def _rotation(session: Session, desk: str, pins: Pins, keys: DeskPublicKeys) -> Iterator[Finding]:
    what = f"desk key of {desk}"
    begun = rotation.unfinished(session, desk)
    if begun is not None:
        text = (
            f"a rotation to key {begun.after} was begun on {begun.since:%Y-%m-%d} and is not finished, "
            f"{begun.left} still sealed to the key before. Unless it runs: meldpost rotate --desk {desk} --login ..."
        )
        yield Finding(what, Verdict.WRONG, text)
    elif is_rotation_due(session, desk):
        text = f"somebody who shall not open what comes in knows it. Run: meldpost rotate --desk {desk} --login ..."
        yield Finding(what, Verdict.WRONG, text)
    elif behind := case_rotation.count_behind(session, desk):
        text = (
            f"the keys of {counted(behind, 'case')} are older than it: who had the one before may have kept them. "
            f"Run: meldpost rotate --desk {desk} --login ..."
        )
        yield Finding(what, Verdict.WRONG, text)
    elif keys.to_desk.public != pins.to_desk:
        text = f"this configuration pins an older one. Run: meldpost rotate --desk {desk} --pin"
        yield Finding(what, Verdict.NOTE, text)
    else:
        yield Finding(what, Verdict.FINE, f"key {keys.to_desk.generation}, and no older one is left")


def _mailer(session: Session, desk: str, pinned: PublicPair, settings: Settings) -> Finding:
    what, command = f"mailer's key of {desk}", f"meldpost rotate --mailer --desk {desk}"
    begun = mailer_rotation.unfinished(session, desk)
    if begun is None:
        if settings.secrets().has(seed_to_come(desk)):
            text = f"{seed_to_come(desk)} lies here and is no second key. Run: {command}; or {command} --finish"
            return Finding(what, Verdict.NOTE, text)
        return Finding(what, Verdict.FINE, f"key {pinned.generation}, and no older one is left")
    text = f"it is made anew since {begun.since:%Y-%m-%d}. "
    if pinned.generation != begun.after:
        text += f"This configuration pins key {pinned.generation}. Run: {command} --pin"
        return Finding(what, Verdict.NOTE, text)
    text += f"{begun.left} mails and addresses are sealed to key {begun.before} still"
    text += f", the last one at {begun.last:%Y-%m-%d %H:%M} UTC" if begun.last else ""
    text += f". When every configuration pins key {begun.after}, and desks were started again: {command} --finish"
    return Finding(what, Verdict.NOTE, text)


def _recovery(session: Session, desk: str, keys: DeskPublicKeys) -> Finding:
    found = recovery.coverage(session, keys.recovery)
    if len(renewal.live(session, desk)) > 1:
        text = (
            f"a new one was begun and is not finished; {found.missing} of {found.total} keys are not sealed to the one "
        )
        text += f"that the configuration pins. Run: meldpost recovery renew --desk {desk} --login ..."
        return Finding(f"recovery key of {desk}", Verdict.WRONG, text)
    if found.missing:
        text = (
            f"{found.missing} of {found.total} keys are not sealed to it, or are damaged: its pages do not open those. "
        )
        text += f"Run: meldpost recovery renew --desk {desk} --login ..."
        return Finding(f"recovery key of {desk}", Verdict.WRONG, text)
    text = (
        f"of all {found.total} keys there is a sealed copy whose head and size are as they must be; that it opens, "
        "only the pages can show"
    )
    return Finding(f"recovery key of {desk}", Verdict.FINE, text)
