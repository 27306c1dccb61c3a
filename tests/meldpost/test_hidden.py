import os
import pty
import subprocess
import sys

_ASK = (
    "from meldpost.hidden import ask_hidden\n"
    "one = ask_hidden('Passphrase')\n"
    "two = ask_hidden('Once more', default='')\n"
    "print(repr((one, two)))\n"
)


def _run(given: str) -> "subprocess.CompletedProcess[str]":
    """In a session of its own, so that it has no terminal."""
    return subprocess.run(
        [sys.executable, "-c", _ASK], input=given, capture_output=True, text=True, start_new_session=True, check=False
    )


def test_a_passphrase_from_a_pipe_is_taken_without_a_warning() -> None:
    done = _run("linde kade\n\n")
    assert done.stdout.splitlines()[-1] == "('linde kade', '')"
    assert done.stderr == ""


def test_the_end_of_the_input_is_no_passphrase() -> None:
    done = _run("")
    assert done.returncode != 0
    assert "Nobody answered what was asked: Passphrase" in done.stderr


def test_a_passphrase_typed_on_a_terminal_is_not_shown() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", _ASK])
    seen = b""
    for asked, given in ((b"Passphrase", b"linde kade\n"), (b"Once more", b"\n")):
        while asked not in seen:  # what is typed before it asks is thrown away
            seen += os.read(terminal, 1024)
        os.write(terminal, given)
    try:
        while piece := os.read(terminal, 1024):
            seen += piece
    except OSError:
        pass  # the terminal of a process that has ended
    os.waitpid(child, 0)
    os.close(terminal)
    shown = seen.decode()
    assert shown.count("linde kade") == 1, "only where the test itself prints it"
    assert "('linde kade', '')" in shown
