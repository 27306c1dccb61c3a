"""What each process may do with each column, where PostgreSQL gives each its own role.

`GRANTS` says of every column, in this order, what the daemon, the desk and the auditor may do: `r` read it, `w` write
it into a new row, `u` change it; a dot is nothing. `DELETES` says who may delete rows of a table. A column that stands
in the schema and not here fails a test, until somebody decides who needs it.

What is withheld matters more than what is given: the daemon writes sealed frames and seeds, and reads none of them
back; nobody but the owner of the tables changes or deletes a row of the trail; the auditor reads the trail and what
figures are made of, and no frame at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from sqlalchemy.dialects import postgresql

from store.schema import Base


class Process(StrEnum):
    """A kind of process that has a role of its own, in the order of the columns of `GRANTS`."""

    DAEMON = "daemon"
    DESK = "desk"
    AUDITOR = "auditor"


GRANTS: Mapping[str, Mapping[str, str]] = {
    "backup": {
        "id": "rw  r   .",
        "made_at": "rw  r   .",
    },
    "desk": {
        "slug": "r   r   r",
        "created_at": "r   r   r",
        "outbox_paused_at": "r   ru  r",
    },
    "login_attempt": {
        "digest": "r   rw  .",
        "failures": "r   rwu .",
        "last_at": "r   rwu .",
    },
    "mailbox": {
        "account": "rw  .   .",
        "folder": "rw  .   .",
        "uidvalidity": "rw  .   .",
        "held_until_uid": "rw  .   .",
        "first_seen_at": "rw  .   .",
    },
    "mailbox_claim": {
        "account": "rw  .   .",
        "holder": "rwu .   .",
        "lease_until": "rwu .   .",
    },
    "mailbox_recheck": {
        "account": "rwu r   .",
        "asked_at": "rwu r   .",
    },
    "audit": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "at": "rw  rw  r",
        "action": "w   rw  r",
        "member_id": "w   rw  r",
        "case_id": "w   rw  r",
        "subject_id": "w   rw  r",
        "record_kind": "w   rw  r",
        "record_version": "w   rw  r",
        "sha256": "w   rw  r",
        "detail_id": "w   rw  r",
        "key_pair_id": "w   rw  r",
        "detail": "w   rw  r",
        "detail_sha256": "w   rw  r",
        "chain_id": "rw  rw  r",
        "number": "rw  rw  r",
        "previous": "w   rw  r",
        "hash": "rw  rw  r",
    },
    "audit_checkpoint": {
        "desk": "rw  r   r",
        "number": "rw  r   r",
        "at": "rw  r   r",
        "rows": "rw  r   r",
        "last_id": "rw  r   r",
        "line": "rw  r   r",
        "mailed_at": "rwu r   r",
    },
    "audit_covered": {
        "chain_id": "rw  r   r",
        "desk": "rw  r   r",
        "number": "rw  r   r",
    },
    "case_file": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "status": "rwu rwu r",
        "version": "rwu rwu r",
        "restricted": "rw  rwu r",
        "changes": "rwu rwu .",
        "folded": "rw  rwu r",
        "reference_digest": "rwu rwu .",
        "linked_case_id": "rwu rwu .",
        "merged_into_id": "rwu rwu .",
        "taken_by_id": "rw  rwu .",
        "opened_at": "rw  rw  r",
        "closed_at": "rw  rwu r",
    },
    "destruction": {
        "id": "rwu rwu r",
        "desk": "rwu rwu r",
        "case_id": "rwu rwu r",
        "member_id": "rwu rwu r",
        "begun_at": "rwu rwu r",
        "ended_at": "rwu rwu r",
        "swept_at": "rwu rwu r",
        "declared_at": "rwu rwu r",
        "records": "rwu rwu r",
        "messages": "rwu rwu r",
        "attachments": "rwu rwu r",
        "proof": "rwu rwu r",
    },
    "key_pair": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "owner": "rw  rw  r",
        "kind": "rw  rw  r",
        "generation": "rw  rw  r",
        "public": "rw  rw  r",
        "proof": "rw  rw  .",
        "created_at": "rw  rw  r",
        "retired_at": "rw  rwu r",
    },
    "ledger": {
        "id": "rw  r   .",
        "desk": "rw  r   .",
        "account": "rw  r   .",
        "folder": "rwu r   .",
        "uidvalidity": "rwu r   .",
        "uid": "rwu r   .",
        "state": "rwu r   .",
        "attempts": "rwu r   .",
        "fetch_failures": "rwu r   .",
        "raw_digest": "rwu r   .",
        "stable_digest": "rwu r   .",
        "case_id": "rwu r   .",
        "message_id": "rwu r   .",
        "duplicate_of": "rwu r   .",
        "first_seen_at": "rw  r   .",
        "settled_at": "rwu r   .",
        "copy_started_at": "rwu r   .",
        "moved_at": "rwu r   .",
        "expunged_at": "rwu r   .",
        "done_folder": "rwu r   .",
        "done_uidvalidity": "rwu r   .",
        "done_uid": "rwu r   .",
    },
    "mail_cap": {
        "id": "rw  rw  .",
        "desk": "rw  rw  .",
        "digest": "rw  rw  .",
        "at": "rw  rw  .",
    },
    "mailbox_look": {
        "account": "rw  r   .",
        "desk": "rw  r   .",
        "looked_at": "rwu r   .",
        "waiting": "rwu r   .",
    },
    "member": {
        "id": "r   rw  .",
        "desk": "r   rw  .",
        "login_digest": ".   rwu .",
        "address": "r   rwu .",
        "wrapped_seed": ".   rwu .",
        "created_at": ".   rw  .",
        "retired_at": "r   rwu .",
    },
    "signing_key": {
        "id": "r   rw  r",
        "desk": "r   rw  r",
        "owner": "r   rw  r",
        "generation": "r   rw  r",
        "public": "r   rwu r",
        "own_signature": "r   rwu r",
        "certificate": "r   rwu r",
        "created_at": "r   rwu r",
    },
    "consent": {
        "id": "r   rw  .",
        "desk": ".   rwu .",
        "action": ".   rw  .",
        "subject": ".   rw  .",
        "key_pair_id": "r   rwu .",
        "detail": ".   rwu .",
        "asked_by": ".   rw  .",
        "asked_at": ".   rwu .",
        "ask_signature": ".   rwu .",
        "given_by": ".   rwu .",
        "given_at": ".   rwu .",
        "give_signature": ".   rwu .",
        "taken_back_at": ".   rwu .",
        "used_at": ".   rwu .",
    },
    "due": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "case_id": "rw  rw  r",
        "kind": "rw  rw  r",
        "step": "rw  rw  r",
        "due_at": "rwu rwu r",
        "wake_at": "rwu rwu .",
        "state": "rwu rwu r",
        "claim": "rwu rwu .",
        "lease_until": "rwu rwu .",
        "settled_at": "rwu rwu r",
    },
    "held_login": {
        "id": "r   rw  .",
        "desk": "r   rwu .",
        "member_id": "r   rwu .",
        "started_at": "r   rwu .",
        "frame": ".   rwu .",
    },
    "legal_hold": {
        "id": "r   rwu r",
        "desk": "r   rwu r",
        "case_id": "r   rwu r",
        "set_by_id": "r   rwu r",
        "set_at": "r   rwu r",
        "lifted_by_id": "r   rwu r",
        "lifted_at": "r   rwu r",
    },
    "mailer_contact": {
        "case_id": "rw  rw  .",
        "desk": "rw  rw  .",
        "version": "rwu rwu .",
        "key_pair_id": "rwu rwu .",
        "frame": "rwu wu  .",
        "updated_at": "rwu rwu .",
    },
    "message": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "case_id": "rw  rwu r",
        "state": "rw  rwu r",
        "received_at": "rw  rw  r",
        "taken_in_at": "rw  rw  r",
        "seen_at": "rw  rwu .",
    },
    "outbox": {
        "id": "rw  rw  r",
        "desk": "rw  rw  r",
        "case_id": "rw  rwu r",
        "member_id": "rw  rw  .",
        "kind": "rw  rw  r",
        "state": "rwu rwu r",
        "attempts": "rwu rw  .",
        "sends": "rwu rw  .",
        "claim": "rwu rwu .",
        "lease_until": "rwu rwu .",
        "not_before": "rwu rwu .",
        "created_at": "rw  rw  r",
        "settled_at": "rwu rwu r",
        "bounce_message_id": "rwu rw  .",
        "key_pair_id": "rw  rw  .",
        "frame": "rwu rwu .",
    },
    "record": {
        "id": "rw  rw  .",
        "desk": "rw  rw  .",
        "case_id": "rw  rw  .",
        "subject_id": "rw  rw  .",
        "kind": "rw  rw  .",
        "version": "rw  rw  .",
        "key_pair_id": "rw  rw  .",
        "sha256": "w   rw  .",
        "size": "w   rw  .",
        "frame": "w   rw  .",
        "signed_by": "w   rw  .",
        "signature": "w   rw  .",
        "created_at": "rw  rw  .",
    },
    "sealed_seed": {
        "key_pair_id": "rw  rw  .",
        "recipient_key_pair_id": "rw  rw  .",
        "frame": "w   rwu .",
    },
    "second_factor": {
        "id": "r   rw  .",
        "desk": ".   rwu .",
        "member_id": ".   rwu .",
        "kind": ".   rwu .",
        "digest": ".   rwu .",
        "key_pair_id": "r   rwu .",
        "frame": ".   rwu .",
        "counter": ".   rwu .",
        "created_at": ".   rwu .",
        "used_at": ".   rwu .",
        "wrapped_seed": ".   rwu .",
    },
    "passkey_challenge": {
        "digest": ".   rw  .",
        "made_at": ".   rw  .",
    },
    "presence": {
        "case_id": "r   rw  .",
        "member_id": "r   rw  .",
        "desk": ".   rw  .",
        "doing": ".   rwu .",
        "until": ".   rwu .",
    },
    "segment": {
        "id": "r   rwu .",
        "desk": ".   rwu .",
        "key_pair_id": "r   rwu .",
        "cases": ".   rwu .",
        "dead": ".   rwu .",
        "size": ".   rwu .",
        "wrapped_key": ".   rwu .",
        "created_at": ".   rwu .",
    },
    "session": {
        "id": ".   rw  .",
        "desk": "r   rw  .",
        "member_id": "r   rw  .",
        "started_at": "r   rw  .",
        "seen_at": "r   rwu .",
        "frame": ".   rw  .",
    },
    "attachment": {
        "id": "rw  rw  .",
        "message_id": "rw  rw  .",
        "position": "rw  rw  .",
        "padded_size": "rw  rw  .",
    },
    "lookup": {
        "id": "rw  rw  .",
        "desk": "rw  rw  .",
        "kind": "rw  rw  .",
        "digest": "rw  rw  .",
        "case_id": "rw  rwu .",
        "message_id": "rw  rw  .",
    },
    "record_piece": {
        "record_id": "rw  rw  .",
        "number": "rw  rw  .",
        "frame": "w   rw  .",
    },
    "segment_case": {
        "case_id": "r   rwu .",
        "segment_id": "r   rwu .",
        "changes": ".   rwu .",
        "live": ".   rwu .",
    },
    "segment_piece": {
        "segment_id": "r   rw  .",
        "number": "r   rw  .",
        "frame": ".   rw  .",
    },
}

_BOTH = (Process.DAEMON, Process.DESK)
DELETES: Mapping[str, tuple[Process, ...]] = {
    "attachment": _BOTH,
    "audit_covered": (Process.DAEMON,),
    "case_file": _BOTH,
    "due": _BOTH,
    "held_login": _BOTH,
    "key_pair": _BOTH,
    "legal_hold": _BOTH,
    "login_attempt": _BOTH,
    "lookup": _BOTH,
    "mail_cap": _BOTH,
    "mailbox_recheck": (Process.DAEMON,),
    "mailer_contact": _BOTH,
    "message": _BOTH,
    "outbox": _BOTH,
    "passkey_challenge": (Process.DESK,),
    "presence": _BOTH,
    "record": _BOTH,
    "record_piece": _BOTH,
    "sealed_seed": _BOTH,
    "second_factor": (Process.DESK,),
    "segment": _BOTH,
    "segment_case": _BOTH,
    "segment_piece": _BOTH,
    "session": _BOTH,
    "signing_key": (Process.DESK,),
}
"""The daemon destroys cases whose time has come, the desk those before their time: both take away what hangs on
them."""

_VERBS = {"r": "SELECT", "w": "INSERT", "u": "UPDATE"}
_VERSION_TABLE = "alembic_version"
_quote = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]


def columns_of(process: Process, table: str, right: str) -> tuple[str, ...]:
    """The columns of a table on which a process has this right (`r`, `w` or `u`), in the order of `GRANTS`."""
    place = list(Process).index(process)
    return tuple(column for column, given in GRANTS.get(table, {}).items() if right in given.split()[place])


def may_delete(process: Process, table: str) -> bool:
    return process in DELETES.get(table, ())


def statements(roles: Mapping[Process, str], database: str) -> Iterator[str]:
    """SQL that makes the roles that are missing, and gives each exactly this: for the owner of the tables, who must be
    allowed to make roles, in one transaction. Safe to repeat."""
    for role in roles.values():
        yield _made(role)
    every = ", ".join(map(_quote, roles.values()))
    yield f"REVOKE ALL ON DATABASE {_quote(database)} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {_quote(database)} TO {every}"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON SCHEMA public FROM {every}"
    yield f"GRANT USAGE ON SCHEMA public TO {every}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {every}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {every}"
    yield f"GRANT SELECT ON {_VERSION_TABLE} TO {every}"
    for process, role in roles.items():
        yield from _of_role(process, _quote(role))


def _made(role: str) -> str:
    literal = role.replace("'", "''")
    return (
        f"DO $roles$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{literal}') "
        f"THEN CREATE ROLE {_quote(role)} LOGIN; END IF; END $roles$"
    )


def _of_role(process: Process, role: str) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for right, verb in _VERBS.items():
            columns = columns_of(process, table.name, right)
            if columns:
                yield f"GRANT {verb} ({', '.join(map(_quote, columns))}) ON {_quote(table.name)} TO {role}"
        if may_delete(process, table.name):
            yield f"GRANT DELETE ON {_quote(table.name)} TO {role}"
        counted = table.autoincrement_column
        if counted is not None and columns_of(process, table.name, "w"):
            yield f"GRANT USAGE ON SEQUENCE {_quote(f'{table.name}_{counted.name}_seq')} TO {role}"


def wanted(process: Process) -> frozenset[str]:
    """What a process may do, each right as `select record.frame`, or `removing outbox` of its rows."""
    rights = {f"removing {table}" for table in GRANTS if may_delete(process, table)}
    for table in GRANTS:
        for right, verb in _VERBS.items():
            rights |= {f"{verb.lower()} {table}.{column}" for column in columns_of(process, table, right)}
    return frozenset(rights)


HAS = """
SELECT verb || ' ' || relname || '.' || attname
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped,
    unnest(ARRAY['select', 'insert', 'update']) AS verb
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
    AND has_column_privilege(pg_class.oid, attnum, verb)
UNION ALL
SELECT 'removing ' || relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND has_table_privilege(oid, 'delete')
"""
"""What the role that asks may do, in the same words."""
