"""Does isolation hold on this machine? Answered by trying, for the daemon's start and for `doctor`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ingest.errors import NotIsolated, NurseryGone
from ingest.isolation import Layer, ProcessLimits, is_isolated
from ingest.nursery import Nursery, Nursing, layers_for

_LIMITS = ProcessLimits(cpu_seconds=5, wall_seconds=10)


@dataclass(frozen=True)
class IsolationReport:
    """`working`: the daemon may start with this setting. `reached`: what a reader could do that it should not."""

    working: bool
    isolated: bool
    layers: tuple[str, ...]
    reached: tuple[str, ...]
    sentence: str


def check_isolation(mode: str, layers: Layer | None = None) -> IsolationReport:
    """Start a reader's twin that tries to get out. `mode` is the setting: "required" or "limits-only"."""
    chosen = layers if layers is not None else layers_for(mode)
    try:
        with Nursery.start(Nursing("ingest.probe", limits=_LIMITS, layers=chosen)) as nursery:
            granted, reached = nursery.layers, _reached(nursery)
    except (NotIsolated, NurseryGone) as error:
        return IsolationReport(False, False, (), (), str(error))
    isolated = is_isolated(granted) and not reached
    names = tuple(str(layer.name).lower() for layer in Layer if layer and layer in granted)
    return IsolationReport(
        isolated or mode == "limits-only", isolated, names, reached, _sentence(isolated, names, reached)
    )


def _reached(nursery: Nursery) -> tuple[str, ...]:
    answer = b""
    try:
        with nursery.job() as line:
            while piece := line.receive(4096):
                answer += piece
        return tuple(name for name, succeeded in json.loads(answer).items() if succeeded)
    except (OSError, ValueError):
        raise NurseryGone("A reader cannot start here: it died while it isolated itself.") from None


def _sentence(isolated: bool, layers: tuple[str, ...], reached: tuple[str, ...]) -> str:
    if isolated:
        return f"Mail is read in isolation ({', '.join(layers)})."
    could = f" A hostile mail could {', '.join(reached)}." if reached else ""
    return (
        f"Mail is read without isolation.{could} Allow unprivileged user namespaces or Landlock, "
        'and set isolation = "required".'
    )
