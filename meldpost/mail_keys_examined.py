"""What the doctor says of the keys for encrypted mail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from config.errors import ConfigError
from config.settings import Settings
from ingest.protection.keys import mail_keys
from meldpost.findings import Finding, Verdict
from meldpost.mail_keys import BadMailKey, PublicHalf, public_halves

SOON = timedelta(days=30)
_NAMES = {"smime": "S/MIME", "openpgp": "OpenPGP"}


def encrypted_mail(settings: Settings) -> Iterator[Finding]:
    """One finding a desk: what it can open, and until when others may encrypt to it."""
    for slug, desk in settings.desks.items():
        what = f"encrypted mail of {slug}"
        try:
            halves = list(public_halves(mail_keys(settings.secrets(), slug, desk)))
        except (ConfigError, BadMailKey) as error:
            yield Finding(what, Verdict.WRONG, str(error))
            continue
        if not halves:
            text = (
                "no key: it is kept closed, and its sender told so. `meldpost mailkey new smime` or `openpgp` makes one"
            )
            yield Finding(what, Verdict.FINE, text)
            continue
        newest: dict[str, PublicHalf] = {}
        for half in halves:
            newest.setdefault(half.standard, half)
        now = datetime.now(UTC)
        opened = ", ".join(f"{_NAMES[half.standard]}{_until(half.until)}" for half in newest.values())
        ending = any(half.until is not None and half.until < now + SOON for half in newest.values())
        advice = ". Make a new key, publish it, and keep the old one for mail that is under way" if ending else ""
        if not desk.encryption_key_at:
            advice += ". Publish the key and name the page in encryption_key_at: no receipt says where to find it"
        yield Finding(what, Verdict.NOTE if advice else Verdict.FINE, f"opened: {opened}{advice}")


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f" (certificate until {moment:%Y-%m-%d})"
