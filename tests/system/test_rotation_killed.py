"""The real daemon takes mail in while `meldpost rotate` is killed at several points, and at last gets to its end."""

import random
import signal
import subprocess
import sys

from sqlalchemy.orm import Session

from store import rotation
from store.keyring import KeyRing, NoSuchKey
from store.records import Name, RecordKind, opened_json
from store.schema import CaseFile, Message
from tests.system.installation import DESK, LOGIN, PASSPHRASE, TOP, Installation, letter

SEED = 20261130
KILLS = 3
BEFORE = 5
IN_SMALL_STEPS = "import store.rotation; store.rotation.BATCH = 1; from meldpost.cli import main; main()"


class Rotating:
    """`meldpost rotate` as its own process, in steps of one seed or record each."""

    def __init__(self, installation: Installation) -> None:
        command = [sys.executable, "-c", IN_SMALL_STEPS, "rotate", "-c", str(installation.config), "--login", LOGIN]
        self._process = subprocess.Popen(
            *(command,), cwd=TOP, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdin
        self._process.stdin.write(PASSPHRASE + "\n")
        self._process.stdin.flush()

    def kill_after(self, steps: int) -> None:
        """Wait until it has said so often how far it is, and kill it."""
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            steps -= line.startswith("Sealed anew")
            if not steps:
                self._process.kill()
                break
        assert self._process.wait(60) == -signal.SIGKILL, said

    def finish(self) -> None:
        said, _ = self._process.communicate(timeout=180)
        assert self._process.returncode == 0, said


def arrive(installation: Installation, number: int) -> None:
    sender = installation.reporter(f"r{number}")
    installation.send(letter(sender, installation.address, text=f"Ik meld iets. {number}"), sender=sender)


def opens(session: Session, ring: KeyRing, case_id: str) -> bool:
    try:
        return bool(opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD)))
    except NoSuchKey:
        return False


def test_a_rotation_killed_at_several_points_while_mail_comes_in_loses_none_and_leaves_no_old_key(
    installation: Installation,
) -> None:
    chosen = random.Random(SEED)
    installation.set_up()
    daemon = installation.start()
    for number in range(BEFORE):
        arrive(installation, number)
    installation.wait_taken(BEFORE)
    with installation.opened() as (_, of_before):
        old = KeyRing("", DESK, "", {id_: key for id_, key in of_before.privates.items() if id_ != of_before.own})
    for number in range(BEFORE, BEFORE + KILLS):
        rotating = Rotating(installation)
        arrive(installation, number)
        rotating.kill_after(chosen.randint(1, 4))
        with installation.opened() as (session, _):
            begun = rotation.unfinished(session, DESK)
        assert begun is not None
        assert (begun.before, begun.after) == (1, 2)
    rotating = Rotating(installation)
    total = BEFORE + KILLS + 1
    arrive(installation, total - 1)
    rotating.finish()
    installation.wait_taken(total)
    assert daemon.running
    with installation.opened() as (session, ring):
        assert rotation.unfinished(session, DESK) is None
        assert len(ring.privates) == 2
        cases = session.query(CaseFile).all()
        assert len(cases) == total
        assert all(opens(session, ring, case.id) for case in cases)
        assert not any(opens(session, old, case.id) for case in cases)
        for message in session.query(Message).all():
            assert opened_json(session, ring, Name(message.case_id, message.id, RecordKind.MESSAGE))
