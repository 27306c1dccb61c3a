"""Named points at which a test may have the running process killed or stopped.

Production never sets the variable; with it unset a point costs one dictionary look-up.
"""

import os
import signal

VARIABLE = "MELDPOST_FAULT"


def fault(point: str) -> None:
    """Obey ``MELDPOST_FAULT="point=kill"`` (SIGKILL to the whole process group, as a power cut would) or
    ``"point=stop"`` (SIGSTOP to this process alone, as a paused machine would)."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, action = wanted.partition("=")
    if name != point:
        return
    if action == "kill":
        os.killpg(0, signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
