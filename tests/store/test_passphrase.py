"""Seeds under a passphrase."""

import json
import threading
from pathlib import Path

import pytest

from store.passphrase import (
    DEFAULT,
    Derivations,
    NotAWrappedSeed,
    Params,
    TooManyDerivations,
    WrongPassphrase,
    normalised,
    unwrap_seed,
    wrap_seed,
)

VECTORS = Path(__file__).parent / "vectors"
SEED, SECRET = bytes(range(32)), b"s" * 32


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*wrapped-seed*.json")), ids=lambda path: path.stem)
def test_a_wrapped_seed_vector_does_as_it_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    arguments = bytes.fromhex(vector["wrapped"]), vector["passphrase"], bytes.fromhex(vector["secret"])
    if "seed" in vector:
        assert unwrap_seed(*arguments).hex() == vector["seed"]
        return
    with pytest.raises((WrongPassphrase, NotAWrappedSeed)) as caught:
        unwrap_seed(*arguments)
    assert type(caught.value).__name__ == vector["error"]
    assert vector["passphrase"] not in str(caught.value)


def test_the_parameters_travel_with_the_record() -> None:
    dearer = Params(memory_kib=160 * 1024, iterations=2, lanes=2)
    wrapped = wrap_seed(SEED, "woorden", SECRET, dearer)
    assert unwrap_seed(wrapped, "woorden", SECRET) == SEED


def test_a_wrapped_seed_shows_nothing_of_the_seed_and_never_repeats() -> None:
    one, other = (wrap_seed(SEED, "woorden", SECRET) for _ in range(2))
    assert SEED not in one
    assert one[14:] != other[14:]


def test_the_default_costs_at_least_128_mib() -> None:
    assert DEFAULT.memory_kib >= 128 * 1024


@pytest.mark.parametrize("cost", [(64 * 1024, 3, 4), (2**22, 3, 4), (2**17, 0, 4), (2**17, 17, 4), (2**17, 3, 17)])
def test_absurd_costs_are_refused_before_any_work(cost: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="Argon2id takes between"):
        Params(*cost)


def test_a_secret_too_short_to_help_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        wrap_seed(SEED, "woorden", b"short")


def test_spelling_that_looks_the_same_is_the_same() -> None:
    assert normalised("  caf\u0065\u0301   één ") == normalised("café één")


def test_a_gate_lets_two_in_at_once_and_never_a_third() -> None:
    gate, inside, most, lock = Derivations(), 0, 0, threading.Lock()
    pair = threading.Barrier(2)  # passes only when two are inside together

    def derive() -> None:
        nonlocal inside, most
        with gate:
            with lock:
                inside += 1
                most = max(most, inside)
            pair.wait(timeout=30)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=derive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_who_waits_too_long_at_the_gate_is_turned_away() -> None:
    gate = Derivations(at_once=1, patience_seconds=0.01)
    with gate, pytest.raises(TooManyDerivations, match="try again"), gate:
        pass


def test_derivations_of_several_lanes_at_once_all_end() -> None:
    several = Params(iterations=1, lanes=4)
    threads = [
        threading.Thread(target=wrap_seed, args=(SEED, "woorden", SECRET, several), daemon=True) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)  # OpenSSL's pool of threads never lets go of two that wait for each other
    assert not any(thread.is_alive() for thread in threads)


def test_every_derivation_passes_the_callers_gate() -> None:
    passed = []

    class Watching(Derivations):
        def __enter__(self) -> None:
            passed.append("in")
            super().__enter__()

    gate = Watching()
    assert unwrap_seed(wrap_seed(SEED, "woorden", SECRET, derivations=gate), "woorden", SECRET, gate) == SEED
    assert passed == ["in", "in"]
