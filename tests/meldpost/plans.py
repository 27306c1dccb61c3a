"""What `init` is asked to make in the tests."""

from pathlib import Path
from typing import Any

from meldpost.init import FirstMember, Plan

PASSPHRASE = "zeven losse woorden die nergens anders bij elkaar staan"
TEXTS = {"about_coordinator": "sg@demo.example", "support_point": "steun@demo.example", "complaints": "k@demo.example"}
DESK = {"name": "Desk", "organisation": "Org", "address": "desk@demo.example", "texts": TEXTS}
MAILBOX = {"desk": "desk-a", "host": "127.0.0.1", "user": "desk@demo.example"}


def plan_in(folder: Path, password: str = "geheim", **settings: Any) -> Plan:
    base = {"desks": {"desk-a": DESK}, "mailboxes": {"box": MAILBOX}}
    member = FirstMember("co", "co@demo.example", PASSPHRASE)
    return Plan(folder / "meldpost.toml", "desk-a", {**base, **settings}, member, {"mailbox-password-box": password})
