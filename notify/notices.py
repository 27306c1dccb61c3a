"""To which members a notice goes now."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from store import outbox

QUIET_AFTER_BOUNCE = timedelta(days=1)
"""Long enough that no notices and their bounces keep each other going, and short enough that a member whose mailbox was
full for an hour hears of the next case in time."""

A_DAY = 100
"""Most notices of new and given cases to one member in 24 hours; the queue shows the rest."""

log = logging.getLogger(__name__)


def reached(session: Session, desk: str, addresses: Mapping[str, str], now: datetime) -> dict[str, str]:
    """These addresses of members, by id, without those of whom a notice came back just now (mail-cases 71, 87)."""
    away = outbox.unreachable_members(session, desk, now - QUIET_AFTER_BOUNCE)
    for member_id in away & addresses.keys():
        log.warning("desk %s: member %s gets no notice, for the last one came back", desk, member_id)
    return {member_id: address for member_id, address in addresses.items() if member_id not in away}
