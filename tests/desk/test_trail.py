"""The audit trail on a page, and that every look at content stands on it, with the place from which it was taken."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from cases.roles import May, Role, may
from desk.words import RECORD_KINDS
from store import audit, checkpoints, sessions
from store.audit import Action
from store.frame import Context
from store.grants import shut_out
from store.keyring import KeyRing, pair
from store.records import RecordKind
from store.schema import Audit
from store.sealing import open_sealed
from store.signing import SigningKey
from tests.desk.test_letters import write
from tests.desk.test_members import add
from tests.desk.world import DESK, PASSPHRASE, REPORT, Visitor, World, coordinator, join
from tests.ingest import made_files as made

PLACE = "192.0.2.7"
KEY = SigningKey(b"t" * 32)


def visitor_as(world: World, role: Role) -> Visitor:
    """Somebody with a role and the keys of nobody."""
    ring = world.ring if may(role, May.OPEN_THE_DESK) else replace(world.ring, privates={}, role=role)
    visitor = Visitor(world, "en")
    with world.database.begin() as session:
        secret = sessions.start(session, ring, world.clock.now)
    visitor.set_cookie("__Host-desk", base64.urlsafe_b64encode(secret).decode())
    return visitor


def of_action(world: World, action: Action) -> list[Audit]:
    with world.database.read() as session:
        return list(session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.id)))


def detail(world: World, row: Audit) -> dict[str, object]:
    assert row.detail is not None
    assert row.key_pair_id is not None
    assert row.detail_id is not None
    with world.database.read() as session:
        to = pair(session, row.key_pair_id)
        context = Context(row.desk, row.case_id or "", "audit-detail", row.detail_id, to.generation, 1)
        opened: dict[str, object] = json.loads(open_sealed(row.detail, world.ring.private(session, to.id), context))
    return opened


def with_a_key(world: World) -> None:
    pinned = world.settings.desks[DESK].model_copy(update={"trail_key": base64.b64encode(KEY.public).decode()})
    world.settings.desks[DESK] = pinned
    with world.database.begin() as session:
        checkpoints.make(session, DESK, KEY, world.clock.now)


def rows_on(page: str) -> list[str]:
    return re.findall(r"<tr>\s*<td[^>]*>(\d+)</td>", page)


def test_the_newest_rows_stand_first_a_hundred_on_a_page(world: World) -> None:
    with world.database.begin() as session:
        for _ in range(130):
            audit.write(session, DESK, Action.LOOK, world.clock.now)
    visitor = coordinator(world, language="en")
    first = visitor.get("/trail/").text
    ids = [int(found) for found in rows_on(first)]
    assert len(ids) == 100
    assert ids == sorted(ids, reverse=True)
    older = re.search(r'href="(/trail/\?before=\d+)"', first)
    assert older
    further = [int(found) for found in rows_on(visitor.get(older[1]).text)]
    assert max(further) == min(ids) - 1


def test_rows_are_chosen_by_action_member_case_and_dates(world: World) -> None:
    taken = world.new_case()
    visitor = coordinator(world, language="en")
    visitor.get(f"/cases/{taken.case_id}")
    world.clock.forward(days=2)
    visitor = coordinator(world, language="en")
    with world.database.begin() as session:
        audit.write(session, DESK, Action.NOTE, world.clock.now, member_id=world.ring.member_id)

    def chosen(**by: str) -> set[int]:
        query = "&".join(f"{name}={value}" for name, value in by.items())
        return {int(found) for found in rows_on(visitor.get(f"/trail/?{query}").text)}

    def known(*of: object) -> set[int]:
        with world.database.read() as session:
            return set(session.scalars(select(Audit.id).where(*of)))  # type: ignore[arg-type]

    assert chosen(action="look") == known(Audit.action == "look") != set()
    assert chosen(member=world.ring.member_id) == known(Audit.member_id == world.ring.member_id)
    assert chosen(case=taken.case_id) == known(Audit.case_id == taken.case_id)
    assert chosen(case=taken.case_id, action="look") == known(Audit.case_id == taken.case_id, Audit.action == "look")
    day = world.clock.now.date()
    late = known(Audit.at == world.clock.now)
    assert chosen(since=day.isoformat()) == late != set()
    assert chosen(until=(day - timedelta(days=1)).isoformat()) == known(Audit.at < world.clock.now) != set()
    assert chosen(since=day.isoformat(), until=day.isoformat()) == late


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-13-01",
        "action=Dijkgraaf",
        "member=j.coordinator",
        "case=K2345-00000",
        "case=Rolf",
    ],
)
def test_what_is_no_slug_id_or_date_is_refused(world: World, query: str) -> None:
    assert coordinator(world).get(f"/trail/?{query}").status_code == 404


def test_a_case_is_found_by_its_reference_which_stands_in_no_address(world: World) -> None:
    taken, other = world.new_case(), world.new_case()
    visitor = coordinator(world, language="en")
    visitor.get(f"/cases/{taken.case_id}")
    visitor.get(f"/cases/{other.case_id}")
    found = visitor.post("/trail/", {"case": " k2345 00000 ", "action": "look", "since": "1-1-2026"})
    assert found.location == f"/trail/?action=look&since=2026-01-01&case={taken.case_id}"
    page = visitor.get(found.location).text
    assert 'value="K2345-00000"' in page
    assert 'value="01-01-2026"' in page
    assert f'title="{taken.case_id}">K2345-00000</a>' in page
    assert other.case_id not in page
    assert visitor.post("/trail/", {"case": taken.case_id}).location == f"/trail/?case={taken.case_id}"


@pytest.mark.parametrize(("field", "typed"), [("case", "7K3FM-9Q2XD"), ("case", "Dijkgraaf"), ("since", "gisteren")])
def test_what_nothing_is_found_by_is_said_at_the_field(world: World, field: str, typed: str) -> None:
    page = coordinator(world).post("/trail/", {field: typed})
    assert page.status_code == 400
    assert f'href="#{field}"' in page.text
    assert typed in page.text


def test_who_is_kept_out_of_a_case_does_not_learn_by_its_reference_which_it_is_on_the_trail(world: World) -> None:
    taken = world.new_case()
    auditor = coordinator(world, join(world, "a.uditor", Role.AUDITOR))
    assert auditor.post("/trail/", {"case": "K2345-00000"}).location == f"/trail/?case={taken.case_id}"
    kept_out = join(world, "k.uit", Role.DEPUTY)
    for _ in shut_out(
        *(world.database, world.ring, world.index, world.keys, taken.case_id, kept_out.member_id, "Over hen."),
        by_request=False,
    ):
        pass
    for each in (auditor, coordinator(world, kept_out)):
        assert each.post("/trail/", {"case": "K2345-00000"}).status_code == 400
        assert "K2345" not in each.get(f"/trail/?case={taken.case_id}").text
    assert coordinator(world).post("/trail/", {"case": "K2345-00000"}).status_code == 303


def test_who_is_kept_out_of_a_case_has_no_rows_of_it_on_the_trail_and_an_auditor_has_all(world: World) -> None:
    taken, other = world.new_case(), world.new_case()
    kept_out = join(world, "k.uit", Role.DEPUTY)
    for _ in shut_out(
        *(world.database, world.ring, world.index, world.keys, taken.case_id, kept_out.member_id, "Over hen."),
        by_request=False,
    ):
        pass
    theirs = coordinator(world, kept_out)
    page = theirs.get("/trail/").text
    assert other.case_id in page
    assert taken.case_id not in page
    assert "die u niet kunt openen" in page
    assert rows_on(theirs.get(f"/trail/?case={taken.case_id}").text) == []
    assert rows_on(theirs.get("/trail/?action=shut_out").text) == []
    for each in (coordinator(world), coordinator(world, join(world, "a.uditor", Role.AUDITOR))):
        assert rows_on(each.get(f"/trail/?case={taken.case_id}&action=shut_out").text) != []


@pytest.mark.parametrize("before", ["0", "-1", "9223372036854775808", "99999999999999999999999"])
def test_there_is_no_page_before_a_row_that_cannot_be(world: World, before: str) -> None:
    assert coordinator(world).get(f"/trail/?before={before}").status_code == 404


def test_what_a_row_is_about_is_said_in_the_readers_language(world: World) -> None:
    world.new_case()
    page = coordinator(world).get("/trail/").text
    assert "de regel in de werkvoorraad, versie 1" in page
    assert set(RecordKind) <= set(RECORD_KINDS)


def test_rows_of_another_desk_are_not_shown(world: World) -> None:
    from store.members import create_desk

    with world.database.begin() as session:
        create_desk(session, "steunpunt", world.clock.now)
        audit.write(session, "steunpunt", Action.MODEL_CHOSEN, world.clock.now)
    assert rows_on(coordinator(world).get("/trail/?action=model_chosen").text) == []


def test_a_choice_of_rows_that_makes_no_sense_is_said_without_a_word_of_saving(world: World) -> None:
    visitor = coordinator(world)
    visitor.get("/trail/")
    answer = visitor.post("/trail/", {"case": "nergens"})
    assert answer.status_code == 400
    assert 'id="faults"' in answer.text
    assert "Er is niets bewaard" not in answer.text


def test_an_auditor_reads_the_trail_and_no_content(world: World) -> None:
    taken = world.new_case()
    coordinator(world).get(f"/cases/{taken.case_id}")
    with_a_key(world)
    visitor = visitor_as(world, Role.AUDITOR)
    page = visitor.get("/trail/").text
    assert taken.case_id[:8] in page
    assert "looked at a case" in page
    assert "Nothing is wrong" in visitor.post("/trail/verify").text
    for word in ("K2345", "Dijkgraaf", REPORT["evidence"][0]["text"], PLACE):
        assert word not in page


@pytest.mark.parametrize("role", [role for role in Role if not may(role, May.READ_TRAIL)])
def test_who_may_not_read_the_trail_is_refused(world: World, role: Role) -> None:
    visitor = visitor_as(world, role)
    page = visitor.get("/trail/")
    assert page.status_code == 403
    assert rows_on(page.text) == []
    assert "/trail/" not in visitor.get("/").text
    assert visitor.post("/trail/verify").status_code == 403


def test_nobody_reads_it_without_logging_in(world: World) -> None:
    assert Visitor(world).get("/trail/").status_code == 302


def test_the_page_proves_the_trail_and_names_the_row_that_was_changed(world: World) -> None:
    world.new_case()
    with_a_key(world)
    visitor = coordinator(world, language="en")
    visitor.get("/trail/")
    said = visitor.post("/trail/verify").text
    assert "Nothing is wrong" in said
    assert "1 checkpoint" in said
    assert "Covered by no checkpoint" in said  # the log-in since
    with world.database.begin() as session:
        session.execute(update(Audit).where(Audit.id == 3).values(case_id="f" * 32))
    said = visitor.post("/trail/verify").text
    assert "tampered" in said
    assert "row 3" in said


def test_without_a_key_the_page_says_that_no_checkpoint_counts(world: World) -> None:
    visitor = coordinator(world, language="en")
    visitor.get("/trail/")
    assert "meldpost audit key" in visitor.post("/trail/verify").text


LOOKS = {
    "/cases/{case}": Action.LOOK,
    "/cases/{case}/messages/{message}/html": Action.LOOK,
    "/cases/{case}/messages/{message}/text": Action.LOOK,
    "/cases/{case}/messages/{message}/original": Action.LOOK,
    "/cases/{case}/attachments/{attachment}": Action.LOOK,
    "/cases/{case}/attachments/{attachment}/pages/1": Action.LOOK,
    "/cases/{case}/attachments/{attachment}/copy.pdf": Action.SAFE_COPY,
    "/cases/{case}/attachments/{attachment}/original": Action.LOOK,
    "/": Action.LOOK_LIST,
    "/receipts/": Action.LOOK_LIST,
    "/cases/{case}/letter": Action.LOOK,
}


@pytest.mark.parametrize("path", LOOKS)
def test_every_page_that_shows_content_writes_who_looked_at_what_from_where(world: World, path: str) -> None:
    taken = world.new_case(files=[("a.png", made.picture(made.scan("x")))])
    world.hold_receipt(taken.case_id)
    with world.database.read() as session:
        attachment = session.execute(text("SELECT id FROM attachment")).scalar_one()
    visitor = coordinator(world)
    action = LOOKS[path]
    before = len(of_action(world, action))
    asked = path.format(case=taken.case_id, message=taken.message_id, attachment=attachment)
    assert visitor.get(asked).status_code == 200
    rows = of_action(world, action)
    assert len(rows) == before + 1
    assert rows[-1].member_id == world.ring.member_id
    told = detail(world, rows[-1])
    assert told["place"] == PLACE
    if action is Action.LOOK_LIST:
        assert told["cases"] == [taken.case_id]
    else:
        assert rows[-1].case_id == taken.case_id


def test_no_page_is_left_out(world: World) -> None:
    """Whoever adds a page comes by here, and says what it writes on the trail, or that it shows nothing of a case."""
    without_content = {
        "/login", "/login/second/", "/login/second/setup", "/login/second/setup/passkey", "/alive", "/live/mail",
        "/keys", "/cases/<case_id>/here", "/cases/<case_id>/here/events",
        "/static/<path:filename>", "/trail/",
        "/members/", "/members/add", "/members/<member_id>", "/own/", "/own/totp", "/own/passkey",
        "/own/unlocking", "/search", "/cases/<case_id>/previous", "/cases/<case_id>/next",
        "/overview/", "/overview/<int:year>", "/overview/<int:year>.csv", "/overview/<int:year>.pdf",
        "/consents/", "/retention/", "/retention/declarations/<declaration_id>.txt",
        "/new",
        "/settings/", "/settings/sessions", "/settings/terms", "/settings/system",
        "/settings/letters", "/settings/letters/<purpose>/<language>",
    }  # fmt: skip
    of_looks = {re.sub(r"\{(\w+)\}", r"<\1_id>", path).replace("/1", "/<int:number>") for path in LOOKS}
    of_looks |= {"/cases/<case_id>/messages/<message_id>/keys/<int:number>"}
    of_looks |= {f"/cases/<case_id>/paper/{part}" for part in ("receipt.pdf", "minutes.pdf")}
    of_looks |= {f"/cases/<case_id>/letter/{part}" for part in ("preview", "files/<file_id>")}
    of_looks |= {"/search/<search_id>"}  # each hit is Action.FOUND on the trail of its case: test_search.py
    pages = {rule.rule for rule in world.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - without_content - of_looks == set()


def test_a_letter_and_its_files_are_looked_at_too(world: World) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    write(visitor, case_id, files=(io.BytesIO(b"x"), "uitleg.pdf"))
    page = visitor.get(f"/cases/{case_id}/letter").text
    file = re.search(r"/letter/files/[0-9a-f]{32}", page)
    assert file
    for path in ("/letter/preview", file[0]):
        before = len(of_action(world, Action.LOOK))
        assert visitor.get(f"/cases/{case_id}{path}").status_code == 200
        assert len(of_action(world, Action.LOOK)) == before + 1


def test_where_somebody_looked_from_stands_nowhere_in_clear(world: World) -> None:
    taken = world.new_case()
    visitor = coordinator(world)
    visitor.get(f"/cases/{taken.case_id}")
    with world.database.read() as session:
        for row in session.execute(select(Audit.__table__)):
            assert PLACE.encode() not in repr(tuple(row)).encode()


def test_a_log_in_and_one_that_failed_say_from_where(world: World) -> None:
    visitor = Visitor(world)
    assert visitor.log_in(passphrase="een andere wachtzin die niet klopt").status_code == 403
    assert visitor.log_in(passphrase=PASSPHRASE).status_code == 303
    for action in (Action.LOGIN_FAILED, Action.LOGIN):
        assert detail(world, of_action(world, action)[-1])["place"] == PLACE


def test_a_look_that_was_refused_is_on_the_trail(world: World) -> None:
    taken = world.new_case()
    visitor = visitor_as(world, Role.INVESTIGATOR)
    assert visitor.get(f"/cases/{taken.case_id}").status_code in (403, 404)
    (row,) = of_action(world, Action.LOOK_REFUSED)
    assert (row.case_id, row.member_id) == (taken.case_id, world.ring.member_id)
    visitor.get("/cases/nonsense")
    assert len(of_action(world, Action.LOOK_REFUSED)) == 1


def test_a_place_is_sealed_only_to_a_key_of_the_desk_that_is_known_to_be_genuine(world: World) -> None:
    from store.keypairs import generate
    from store.keyring import genuine_desk_pair
    from store.schema import KeyPair, new_id

    with world.database.begin() as session:
        genuine = genuine_desk_pair(session, world.ring)
        assert genuine is not None
        public = generate().public.to_bytes()
        session.add(
            KeyPair(
                id=new_id(), desk=DESK, owner="", kind="desk", generation=2, public=public, created_at=world.clock.now
            )
        )
    with world.database.read() as session:
        assert genuine_desk_pair(session, world.ring) == genuine
        none: KeyRing = replace(world.ring, privates={})
        assert genuine_desk_pair(session, none) == genuine


def test_a_member_who_was_added_finds_the_trail_by_the_menu(world: World) -> None:
    words = add(world, "a.auditor", Role.AUDITOR)
    visitor = Visitor(world)
    assert visitor.log_in("a.auditor", words).status_code == 303
    assert 'href="/trail/"' in visitor.get("/").text
    assert visitor.get("/trail/").status_code == 200
