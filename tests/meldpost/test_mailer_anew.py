"""`meldpost rotate --mailer`: seeds, pins and database at every point at which it may end."""

import base64
import os
import shutil
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from config.secrets import read_private
from config.settings import load
from meldpost.cli import main
from meldpost.doctor import examine
from meldpost.findings import Finding, Verdict
from meldpost.init import Made
from meldpost.startup import NotReady, keys_are_the_pinned_ones, refuse_unless_servable, secrets_are_private
from notify.keys import Mailer, own_pair, sender_keys, usable
from store import outbox, sending
from store.audit import Action
from store.database import Database, open_database
from store.frame import SealError
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskPublicKeys, add_pair, desk_keys, pins_of
from store.lookups import IndexKey
from store.outbox import OutboxState
from store.schema import Audit, Outbox
from tests.store.world import NOW, outgoing

TOP = Path(__file__).parents[2]
DESK = "desk-a"
SEED, TO_COME = f"mailer-seed-{DESK}", f"mailer-seed-{DESK}.new"
IN_SMALL_STEPS = "import store.mailer_rotation; store.mailer_rotation.BATCH = 1; from meldpost.cli import main; main()"
BEGINNING = ("mailer-seed-written", "mailer-key-written")
ENDING = ("mailer-batch-sealed", "mailer-key-ended", "mailer-seed-in-place")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor's other findings cost seconds, and are tested elsewhere."""
    for name in ("_mailbox", "_smtp", "_isolation", "model", "encrypted_mail"):
        monkeypatch.setattr(f"meldpost.doctor.{name}", lambda *_: ())


def rotate(config: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["rotate", "-c", str(config), "--mailer", *options])


def well(config: Path, *options: str) -> str:
    result = rotate(config, *options)
    assert result.exit_code == 0, result.output
    return result.output


def killed(made: Made, point: str, *options: str) -> None:
    command = [sys.executable, "-c", IN_SMALL_STEPS, "rotate", "-c", str(made.config), "--mailer", *options]
    environment = {**os.environ, "PYTHONPATH": str(TOP), "MELDPOST_FAULT": f"{point}=kill"}
    ended = subprocess.run(command, env=environment, start_new_session=True, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stdout


def finding(config: Path) -> Finding:
    return next(each for each in examine(config) if isinstance(each, Finding) and each.what.startswith("mailer's key"))


def database(config: Path) -> Database:
    return open_database(load(config).database.url)


def pinned_keys(config: Path) -> DeskPublicKeys:
    with database(config).read() as session:
        return desk_keys(session, DESK, pins_of(load(config).desks[DESK]))


def take_in(config: Path) -> str:
    """A mail that is due, as a process writes it that loads this configuration now."""
    new = outgoing()
    with database(config).begin() as session:
        keys = desk_keys(session, DESK, pins_of(load(config).desks[DESK]))
        index = IndexKey(load(config).secrets().key(f"index-key-{DESK}"))
        outbox.enqueue(session, keys.mailer, index, new, NOW)
    return new.id


def opened_by_the_sender(config: Path) -> set[str]:
    """What a sender that starts now opens of all that waits: as far as it has the key, and claims it."""
    db, settings = database(config), load(config)
    keys = usable(db, sender_keys(settings, settings.secrets()))
    publics = [public for held in keys.values() for public in held.mailer.publics]
    found = set()
    while claimed := sending.claim(db, 600, publics):
        keys[DESK].mailer.opening(lambda private, claimed=claimed: sending.open_claim(claimed, private))  # type: ignore[misc]
        assert sending.mark_retry(db, claimed, 0)
        if claimed.outbox_id in found:
            break
        found.add(claimed.outbox_id)
    return found


def seed(made: Made, name: str = SEED) -> PrivateKey:
    return PrivateKey.from_seed(base64.b64decode(read_private(made.secrets_dir / name)))


def seeds(made: Made) -> set[str]:
    return {path.name for path in made.secrets_dir.iterdir() if path.name.startswith("mailer-seed")}


def test_two_steps_make_the_key_anew_and_destroy_the_old_seed(made: Made) -> None:
    old, before = seed(made), made.config.read_text(encoding="utf-8")
    waited = take_in(made.config)
    said = well(made.config)
    assert seeds(made) == {SEED, TO_COME}
    assert (made.secrets_dir / TO_COME).stat().st_mode & 0o777 == 0o600
    assert seed(made) == old
    new = seed(made, TO_COME)
    assert new.public.fingerprint() in said
    assert pinned_keys(made.config).mailer.public == new.public
    changed = set(made.config.read_text(encoding="utf-8").splitlines()) - set(before.splitlines())
    assert [line.split(" = ")[0] for line in changed] == ["mailer_key"]
    meanwhile = take_in(made.config)
    assert opened_by_the_sender(made.config) == {waited, meanwhile}
    assert "The mailer has one key" in well(made.config, "--finish")
    assert seeds(made) == {SEED}
    assert seed(made) == new
    assert opened_by_the_sender(made.config) == {waited, meanwhile}
    with database(made.config).read() as session:
        for row in session.scalars(select(Outbox)).all():
            assert row.frame is not None
            with pytest.raises(SealError):
                sending.open_sealed(row.frame, old, outbox.frame_context(DESK, row.id, 2))
    refuse_unless_servable(load(made.config))
    keys_are_the_pinned_ones(load(made.config))


def test_the_old_seed_is_written_over_before_its_file_goes(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    well(made.config)
    beside = made.secrets_dir.parent / "beside"
    os.link(made.secrets_dir / SEED, beside)  # the same bytes of the disk
    well(made.config, "--finish")
    assert set(beside.read_bytes()) == {0}


@pytest.mark.parametrize(
    ("begun", "ended"), [*product(BEGINNING, [None]), *product([None], ENDING), (BEGINNING[0], ENDING[1])]
)
def test_killed_anywhere_it_goes_on_and_at_every_moment_each_mail_is_opened(
    made: Made, begun: str | None, ended: str | None
) -> None:
    old = seed(made)
    mails = {take_in(made.config), take_in(made.config)}

    def nothing_stands_still() -> None:
        keys_are_the_pinned_ones(load(made.config))  # the daemon would start
        secrets_are_private(load(made.config))
        mails.add(take_in(made.config))
        assert opened_by_the_sender(made.config) == mails

    if begun:
        killed(made, begun)
        nothing_stands_still()
    well(made.config)
    nothing_stands_still()
    well(made.config)  # once more: no third key
    if ended:
        killed(made, ended, "--finish")
        nothing_stands_still()
    well(made.config, "--finish")
    nothing_stands_still()
    well(made.config, "--finish")
    assert seeds(made) == {SEED}
    assert not list(made.secrets_dir.glob("*.old"))
    assert pinned_keys(made.config).mailer.generation == 2
    assert seed(made) != old
    assert finding(made.config).verdict is Verdict.FINE


def further_machine(made: Made, tmp_path: Path) -> Path:
    """One that sends, too, with the database of the first."""
    folder = tmp_path / "further"
    folder.mkdir()
    shutil.copytree(made.secrets_dir, folder / "secrets")
    text = made.config.read_text(encoding="utf-8")
    url = load(made.config).database.url
    lines = [f'url = "{url}"' if line.startswith(("url =", "# url =")) else line for line in text.splitlines()]
    (folder / "meldpost.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert load(folder / "meldpost.toml").database.url == url
    return folder / "meldpost.toml"


def test_a_further_machine_seals_and_sends_by_the_old_key_until_it_pins_and_has_the_new_one(
    made: Made, tmp_path: Path
) -> None:
    other = further_machine(made, tmp_path)
    well(made.config)
    by_old, by_new = take_in(other), take_in(made.config)
    assert opened_by_the_sender(other) == {by_old}  # the other one it leaves to who has the key
    assert opened_by_the_sender(made.config) == {by_old, by_new}
    assert "This machine sends, too: Copy mailer-seed-desk-a.new" in well(other, "--pin")
    with pytest.raises(NotReady, match=r"Copy mailer-seed-desk-a\.new from there"):
        keys_are_the_pinned_ones(load(other))
    shutil.copy(made.secrets_dir / TO_COME, other.parent / "secrets" / TO_COME)
    keys_are_the_pinned_ones(load(other))
    assert opened_by_the_sender(other) == {by_old, by_new}
    well(made.config, "--finish")
    assert opened_by_the_sender(other) == {by_old, by_new}
    well(other, "--finish")
    assert {path.name for path in (other.parent / "secrets").glob("mailer-seed*")} == {SEED}


def test_a_machine_that_pins_the_old_key_after_its_end_takes_nothing_in_and_is_told_what_to_do(
    made: Made, tmp_path: Path
) -> None:
    other = further_machine(made, tmp_path)
    well(made.config)
    well(made.config, "--finish")
    with pytest.raises(NotReady, match="rotate --mailer --pin"):
        refuse_unless_servable(load(other))
    with pytest.raises(Exception, match="Nothing is taken in"):
        take_in(other)
    for options in ((), ("--finish",)):
        refused = rotate(other, *options)
        assert refused.exit_code == 1
        assert "rotate --mailer --pin" in refused.output
    well(other, "--pin")
    refuse_unless_servable(load(other))
    take_in(other)


def test_no_key_is_ended_where_its_seed_is_not_unless_it_is_lost(made: Made, tmp_path: Path) -> None:
    waiting = take_in(made.config)
    well(made.config)
    (made.secrets_dir / TO_COME).replace(made.secrets_dir / SEED)  # only the new seed is left
    refused = rotate(made.config, "--finish")
    assert refused.exit_code == 1
    assert "1 mails and addresses wait for it" in refused.output
    assert opened_by_the_sender(made.config) == set()
    said = well(made.config, "--finish", "--lost")
    assert "Given up, since no seed opens them: 1" in said
    with database(made.config).read() as session:
        assert session.get_one(Outbox, waiting).state == OutboxState.FAILED


@pytest.mark.parametrize("other", [True, False])
def test_a_seed_that_is_lost_or_of_another_database_is_replaced_only_when_that_is_said(made: Made, other: bool) -> None:
    """As after the restore of a backup of before, where the seed of now lies."""
    there = generate() if other else None
    path = made.secrets_dir / SEED
    path.unlink()
    if there is not None:
        path.write_bytes(base64.b64encode(there.seed))
        path.chmod(0o600)
        with pytest.raises(NotReady, match="rotate --mailer --lost"):
            keys_are_the_pinned_ones(load(made.config))
    refused = rotate(made.config)
    assert refused.exit_code == 1
    assert "say --lost" in refused.output
    well(made.config, "--lost")
    assert there is None or seed(made) == there
    keys_are_the_pinned_ones(load(made.config))
    well(made.config, "--finish", "--lost")
    mail = take_in(made.config)
    assert opened_by_the_sender(made.config) == {mail}


def test_a_seed_that_is_given_in_another_way_is_not_touched(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    value = base64.b64encode(generate().seed).decode()
    monkeypatch.setenv("MELDPOST_SECRET_MAILER_SEED_DESK_A", value)
    refused = rotate(made.config)
    assert refused.exit_code == 1
    assert "in another way" in refused.output
    assert seeds(made) == {SEED}


def test_a_key_that_somebody_wrote_into_the_database_is_neither_pinned_nor_finished(made: Made) -> None:
    before = made.config.read_bytes()
    with database(made.config).begin() as session:
        add_pair(session, DESK, KeyKind.MAILER, "", generate().public, NOW, generation=2)
    for options in ((), ("--pin",), ("--finish",)):
        assert rotate(made.config, *options).exit_code == 1, options
    assert "not written by Meldpost" in rotate(made.config, "--pin").output
    assert made.config.read_bytes() == before
    assert take_in(made.config) in opened_by_the_sender(made.config)  # as if it were not there
    settings = load(made.config)
    with database(made.config).begin() as session:  # what the sender itself writes, such as notices
        assert own_pair(session, DESK, sender_keys(settings, settings.secrets())[DESK]).generation == 1


def test_the_doctor_says_how_far_it_is_and_what_to_do(made: Made, tmp_path: Path) -> None:
    other = further_machine(made, tmp_path)
    assert finding(made.config).text == "key 1, and no older one is left"
    killed(made, "mailer-seed-written")
    assert "lies here and is no second key" in finding(made.config).text
    take_in(made.config)
    well(made.config)
    said = finding(made.config).text
    assert "1 mails and addresses are sealed to key 1 still. When every configuration pins key 2" in said
    assert "This configuration pins key 1. Run: meldpost rotate --mailer --desk desk-a --pin" in finding(other).text
    well(made.config, "--finish")
    assert finding(made.config).text == "key 2, and no older one is left"


def test_each_step_stands_on_the_trail(made: Made) -> None:
    well(made.config)
    well(made.config)
    well(made.config, "--finish")
    well(made.config, "--finish")
    with database(made.config).read() as session:
        found = session.scalars(select(Audit.action).order_by(Audit.id)).all()
    ours = [each for each in found if each in (Action.MAILER_KEY_ANEW, Action.MAILER_KEY_ENDED)]
    assert ours == [Action.MAILER_KEY_ANEW, Action.MAILER_KEY_ENDED]


def test_a_sender_that_began_before_the_new_key_was_there_opens_what_is_sealed_to_it(made: Made) -> None:
    """Its round may be long; the reporter's address would be missing for the reminder."""
    held = Mailer(load(made.config).secrets(), DESK)
    first = take_in(made.config)
    well(made.config)
    well(made.config, "--finish")
    with database(made.config).read() as session:
        frame = session.get_one(Outbox, first).frame
    assert frame is not None
    assert held.opening(lambda private: sending.open_sealed(frame, private, outbox.frame_context(DESK, first, 2)))


@pytest.mark.parametrize(
    "options", [("--finish",), ("--lost",), ("--mailer", "--pin", "--finish"), ("--mailer", "--login", "co")]
)
def test_options_that_make_no_sense_together_are_refused(made: Made, options: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["rotate", "-c", str(made.config), *options]).exit_code == 2
