"""From inside a reader nothing can be reached. Without isolation the same attempts succeed: so the test tests."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest import landlock, wire
from ingest.attachments import recognition
from ingest.check import check_isolation
from ingest.errors import NotIsolated
from ingest.isolation import Layer, ProcessLimits, is_isolated
from ingest.nursery import Line, Nursery, Nursing
from ingest.raw import RawMail
from ingest.seccomp import program
from tests.ingest import made_files as made

ROOT = Path(__file__).parents[2]
HOSTILE = str(Path(__file__).parent / "hostile")
MARKER = "violet-marker-7193"
LIMITS = ProcessLimits(cpu_seconds=10, wall_seconds=30)
# The user of the test itself, so that no attempt fails merely because the reader is somebody else.
NAMESPACES = Layer.NAMESPACES | Layer.SECCOMP
LANDLOCK = Layer.LANDLOCK | Layer.SECCOMP
LANGUAGES = ("nld", "eng")
WORDS = "Ik meld dat facturen worden betaald, zonder dat er iets geleverd is."

Attack = Callable[[Layer, Path], tuple[dict[str, bool], bytes]]


def _needs(layers: Layer) -> None:
    try:
        Nursery.start(Nursing("ingest.probe", limits=LIMITS, layers=layers)).close()
        report = check_isolation("required", layers)
    except NotIsolated as error:
        pytest.skip(str(error))
    if not report.layers:
        pytest.skip(f"this kernel does not grant {layers}: {report.sentence}")


@contextmanager
def _targets(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a reader must not reach: memory, an environment, a database, another reader's mail, sockets."""
    secret = ctypes.create_string_buffer(b"sixteen secrets!", 16)
    database = tmp_path / "meldpost.db"
    database.write_text(MARKER, encoding="ascii")
    tmp_path.chmod(0o755)
    with ExitStack() as stack:
        bystander = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
                env={"SECRET": MARKER},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        stack.callback(bystander.kill)
        assert bystander.stdout is not None
        bystander.stdout.readline()
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0meldpost-test-{os.getpid()}")
        abstract.listen()
        other = stack.enter_context(Nursery.start(Nursing("waiting_reader", "wait", LIMITS, Layer.NONE, (HOSTILE,))))
        mail = stack.enter_context(RawMail.from_bytes(MARKER.encode()))
        line = stack.enter_context(other.job(mail.fd, mail.size))
        _read_line(line)
        yield {
            "pid": os.getpid(),
            "secret_address": ctypes.addressof(secret),
            "bystander": bystander.pid,
            "marker": MARKER,
            "database": str(database),
            "drop": str(tmp_path / "dropped"),
            "port": tcp.getsockname()[1],
            "abstract": f"meldpost-test-{os.getpid()}",
            "descriptors": 1,
        }


def _attack(layers: Layer, tmp_path: Path) -> tuple[dict[str, bool], bytes]:
    with (
        _targets(tmp_path) as order,
        Nursery.start(Nursing("hostile_reader", None, LIMITS, layers, (HOSTILE,))) as nursery,
        nursery.job() as line,
    ):
        line.send(json.dumps(order).encode() + b"\n")
        results, _, after_exec = _read_all(line).partition(b"\n")
        return json.loads(results), after_exec


def _attack_after_reading(layers: Layer, tmp_path: Path) -> tuple[dict[str, bool], bytes]:
    """From inside a reader that has read one file of each format, to the end of its answer."""
    if recognition.load(None, LANGUAGES) is None:
        pytest.skip("needs Tesseract's models (apt install tesseract-ocr-nld tesseract-ocr-eng)")
    nursing = Nursing(
        "hostile_after_reading",
        json.dumps({"file_seconds": 60, "languages": LANGUAGES}),
        ProcessLimits(cpu_seconds=60, wall_seconds=90),
        layers,
        (HOSTILE,),
    )
    files = made.of_each_format(WORDS) | {
        "png": made.picture(made.scan("Ik meld dat facturen worden betaald,", "zonder dat er iets geleverd is."))
    }
    mail = made.mail(*((f"file.{name}", "application/octet-stream", data) for name, data in files.items()))
    with (
        _targets(tmp_path) as order,
        Nursery.start(nursing) as nursery,
        RawMail.from_bytes(mail) as raw,
        nursery.job(raw.fd, raw.size) as line,
    ):
        answer = wire.Answer(raw.size)
        answer.take(line.receive)
        assert answer.mail is not None
        read = {file.name: " ".join(file.text.split()) for file in answer.mail.attachments if file.inside is None}
        assert read == {f"file.{name}": WORDS for name in files}
        line.send(json.dumps(order | {"descriptors": 2}).encode() + b"\n")
        results, _, after_exec = _read_all(line).partition(b"\n")
        return json.loads(results), after_exec


ATTACKS = pytest.mark.parametrize("attack", [_attack, _attack_after_reading], ids=["at once", "after every format"])


def _read_all(line: Line) -> bytes:
    received = b""
    while piece := line.receive(65536):
        received += piece
    return received


def _read_line(line: Line) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        piece = line.receive(65536)
        if not piece:
            break
        received += piece
    return received


@ATTACKS
@pytest.mark.parametrize("layers", [NAMESPACES, LANDLOCK], ids=["namespaces", "landlock"])
def test_from_inside_a_reader_nothing_can_be_reached(attack: Attack, layers: Layer, tmp_path: Path) -> None:
    _needs(layers)
    reached, after_exec = attack(layers, tmp_path)
    assert [name for name, succeeded in reached.items() if succeeded] == []
    assert after_exec == b"refused\n"


@ATTACKS
def test_without_isolation_the_same_attempts_succeed(attack: Attack, tmp_path: Path) -> None:
    reached, after_exec = attack(Layer.NONE, tmp_path)
    blocked_anyway = {name for name, succeeded in reached.items() if not succeeded}
    # The nursery gives neither environment nor descriptors to anyone, and RLIMIT_NPROC forbids forks to all but root.
    expected = {"own environment", "inherited descriptors"} | (set() if os.geteuid() == 0 else {"fork"})
    assert blocked_anyway <= expected | _forbidden_to_all()
    assert after_exec == b"executed\n"


def _forbidden_to_all() -> set[str]:
    """Where Yama forbids ptrace of strangers, memory of others is out of reach even without us."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    restricted = scope.exists() and scope.read_text(encoding="ascii").strip() != "0"
    names = {"ptrace", "memory by /proc/PID/mem", "memory by process_vm_readv"}
    return names if restricted else set()


def test_the_strongest_layers_are_chosen_by_themselves() -> None:
    try:
        nursery = Nursery.start(Nursing("ingest.probe", limits=LIMITS))
    except NotIsolated as error:
        pytest.skip(str(error))
    with nursery:
        assert is_isolated(nursery.layers)


def test_without_user_namespaces_landlock_and_the_filter_take_over() -> None:
    """As in a container, or on Ubuntu 24.04: in a user namespace of its own the test may forbid any further one."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from ingest.check import check_isolation\n"
        "report = check_isolation('required'); print(report.working, *report.layers)\n"
    )
    if _without_user_namespaces("true").returncode != 0:
        pytest.skip("this machine lets the test make no user namespace")
    if landlock.version() < 1:
        pytest.skip("this kernel has no Landlock")
    result = _without_user_namespaces(f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)}")
    assert result.stdout.split() == ["True", "unprivileged", "landlock", "seccomp"]


def _without_user_namespaces(command: str) -> subprocess.CompletedProcess[str]:
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces && "
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", forbid + command],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_check_finds_nothing_reached_where_isolation_works() -> None:
    report = check_isolation("required")
    if not report.layers:
        pytest.skip(report.sentence)
    assert report.working
    assert report.isolated
    assert report.reached == ()


def test_the_check_says_what_a_hostile_mail_could_do_without_isolation() -> None:
    report = check_isolation("limits-only")
    assert report.working
    assert not report.isolated
    assert {"read a file", "list files", "use the network"} <= set(report.reached)


def test_required_isolation_does_not_work_where_no_layer_is_granted() -> None:
    assert not check_isolation("required", Layer.NONE).working


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_ends_in_refusal_and_checks_the_architecture_first(machine: str) -> None:
    code = program(machine)
    assert code[-1][3] == 0x0005_0001
    assert code[0] == (0x20, 0, 0, 4)
    assert code[2][3] == 0x8000_0000


def test_an_unknown_architecture_is_refused_and_named() -> None:
    with pytest.raises(NotIsolated, match="vax"):
        program("vax")
