"""`meldpost recovery renew`: what it does on this machine, in the order in which nothing can be lost.

The pages are on the disk before the new key is in the database, and it is in the database before the configuration pins
it. So a renewal that broke off is either none yet, with pages that belong to nothing, or can be gone on with.
"""

import base64
from datetime import datetime
from pathlib import Path

from cases.sharing import Scheme
from meldpost import recovery_pages
from meldpost.at_desk import AtDesk
from meldpost.recovery_pages import Batch
from meldpost.settings_file import pin
from store import renewal
from store.keypairs import generate
from store.keyring import desk_keys, pins_of
from store.renewal import CannotRenew
from store.shares import split


def begin(here: AtDesk, config: Path, scheme: Scheme, now: datetime) -> tuple[Path, ...]:
    """Begin a new recovery key; gives its pages, none where one was begun already. Raises CannotRenew, NotAllowed."""
    desk, pins, folder = here.ring.desk, pins_of(here.settings), config.resolve().parent
    with here.database.read() as session:
        if renewal.begun(session, desk, here.index) is not None:
            return ()
        keys = desk_keys(session, desk, pins)
    lying = [page for page in recovery_pages.lying(folder, desk) if page.suffix == ".html"]
    if lying:
        listed = " ".join(str(page) for page in lying)
        raise CannotRenew(
            f"Recovery pages lie here still: {listed}. Print them if nobody has, remove them (shred -u), and run this "
            "again. If they are of a renewal that broke off, they belong to no key: remove them."
        )
    private = generate()
    batch = Batch(
        desk=desk,
        name=here.settings.name,
        organisation=here.settings.organisation,
        made_on=now,
        recovery=private.public.fingerprint(),
        desk_key=keys.to_desk.public.fingerprint(),
        scheme=scheme,
    )
    pages = recovery_pages.write(folder, batch, split(private.seed, scheme))
    with here.database.begin() as session:
        renewal.begin(session, here.ring, here.index, pins, private.public, now)
    return pages


def pin_begun(here: AtDesk, config: Path) -> None:
    """Have the configuration pin the new recovery key, if it does not. Raises UnprovenKey, ConfigError."""
    with here.database.read() as session:
        begun = renewal.begun(session, here.ring.desk, here.index)
    if begun is not None and begun.public != pins_of(here.settings).recovery:
        encoded = base64.b64encode(begun.public.to_bytes()).decode()
        pin(config, here.ring.desk, {"recovery_key": encoded})
