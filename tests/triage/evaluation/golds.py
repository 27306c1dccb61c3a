"""Labels of mails made up for these tests, with next to nothing in them but what a test says."""

from typing import Any

from triage.labelled import Labelled, as_mail

_EMPTY: dict[str, Any] = {
    "lang": "nl", "from_name": "", "from_email": "a@voorbeeld.nl", "subject": "", "body": "", "kind": "melding",
    "categories": [], "sub": [], "primary": None, "concerned": [], "people": [], "functions": [], "evidence": [],
    "description_clear": True, "phone": None, "address": None, "missing": [], "severity": None, "anonymous": False,
    "difficulty": "easy",
}  # fmt: skip


def gold(id: str = "x-001", **labels: Any) -> dict[str, Any]:  # noqa: A002 (a key of the corpus)
    return {"id": id, **_EMPTY, **labels}


def labelled(writer: str = "x", id: str = "x-001", **labels: Any) -> Labelled:  # noqa: A002
    told = gold(id, **labels)
    return Labelled(writer, told, as_mail(told))


def person(name: str, role: str = "other") -> dict[str, str]:
    return {"name": name, "role": role}
