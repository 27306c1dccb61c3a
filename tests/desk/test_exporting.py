"""A case taken out as a ZIP: what the member has open, on the trail, with consent where the desk asks for it."""

import io
import json
import re
import zipfile
from dataclasses import replace

from sqlalchemy import delete

from cases.roles import Role
from desk.parts import equip, parts
from store.audit import Action
from store.records import RecordKind
from store.schema import Record
from tests.desk.test_grants import join, send
from tests.desk.test_members import add
from tests.desk.test_trail import of_action
from tests.desk.world import DESK, Visitor, World, coordinator


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_case_comes_out_with_its_mail_files_report_and_timeline(world: World) -> None:
    raw = b"From: a@example.org\r\n\r\nbericht"
    case_id = world.new_case(raw=raw, files=[("../../bewijs.bin", b"inhoud")]).case_id
    visitor = coordinator(world)
    assert f"/cases/{case_id}/export" in visitor.get(f"/cases/{case_id}").text
    files = unpacked(visitor.post(f"/cases/{case_id}/export").data)
    assert files["messages/001/original.eml"] == raw
    assert b"inhoud" in files.values()
    assert not [name for name in files if ".." in name or "bewijs" in name]
    assert json.loads(files["report.json"])["files"][0]["name"] == "../../bewijs.bin"
    assert b"<li>" in files["timeline.html"]
    assert of_action(world, Action.EXPORT)[-1].case_id == case_id


def test_while_who_reported_is_closed_no_mail_and_no_file_comes_out(world: World) -> None:
    case_id = world.new_case(raw=b"From: a@example.org\r\n\r\nx", files=[("a.bin", b"y")]).case_id
    visitor = coordinator(world, reason="")
    files = unpacked(visitor.post(f"/cases/{case_id}/export").data)
    assert set(files) == {"timeline.html", "report.json", "messages/001/masked.txt"}
    about = json.loads(files["report.json"])
    assert (about["contact"], about["files"]) == ({}, [])


def test_what_is_not_there_is_named(world: World) -> None:
    taken = world.new_case(raw=b"From: a@example.org\r\n\r\nx", files=[("a.bin", b"y")])
    with world.database.begin() as session:
        session.execute(delete(Record).where(Record.case_id == taken.case_id, Record.kind == RecordKind.ATTACHMENT))
    files = unpacked(coordinator(world).post(f"/cases/{taken.case_id}/export").data)
    about = json.loads(files["report.json"])
    assert about["not_there"] == [f"messages/001/{about['files'][0]['file']}"]


def test_where_it_takes_two_nothing_comes_out_before_another_agreed_and_once_only(world: World) -> None:
    words = add(world, "b.tweede")
    with world.app.app_context():
        here = parts()
        desk = here.settings.desks[DESK].model_copy(update={"two_members": ("export",)})
        equip(world.app, replace(here, settings=here.settings.model_copy(update={"desks": {DESK: desk}})))
    second, first = Visitor(world), coordinator(world)
    second.log_in("b.tweede", words)
    path = f"/cases/{world.new_case().case_id}/export"
    assert first.post(path).status_code == 303
    assert of_action(world, Action.EXPORT) == []
    found = re.search(r'action="(/consents/[^"]+/give)"', second.get("/consents/").text)
    assert found
    second.post(found[1])
    assert first.post(path).mimetype == "application/zip"
    assert first.post(path).status_code == 303


def test_the_original_of_a_case_without_the_key_of_who_reported_is_refused_and_no_error(world: World) -> None:
    case_id = world.new_case(raw=b"From: a@example.org\r\n\r\nx").case_id
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    send(coordinator(world), case_id, "grant", ivo.member_id, identity="yes")
    theirs = coordinator(world, ivo)
    message = re.search(r"/messages/([0-9a-f]{32})/original", theirs.get(f"/cases/{case_id}").text)
    assert message
    send(coordinator(world), case_id, "withdraw", ivo.member_id)
    send(coordinator(world), case_id, "grant", ivo.member_id)
    for path in ("html", "text"):
        assert theirs.get(f"/cases/{case_id}/messages/{message[1]}/{path}").status_code == 403
    assert theirs.post(f"/cases/{case_id}/messages/{message[1]}/original").status_code == 403
