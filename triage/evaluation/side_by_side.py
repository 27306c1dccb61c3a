"""Work done in forked processes, several at a time: they share what is in memory, and only results are copied."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar, cast

Result = TypeVar("Result")


class WorkerGone(RuntimeError):
    """A process ended without a result; what it said of that is on its standard error."""


def side_by_side(work: Iterable[Callable[[], Result]], processes: int) -> Iterator[Result]:
    """The results in the order of the work; raises WorkerGone."""
    context = multiprocessing.get_context("fork")
    waiting, running = deque(work), deque[tuple[BaseProcess, Connection]]()
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                ours, theirs = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_send, args=(waiting.popleft(), theirs), daemon=True)
                process.start()
                theirs.close()
                running.append((process, ours))
            yield cast(Result, _result(*running.popleft()))
    finally:
        for process, _ in running:
            process.terminate()


def _send(work: Callable[[], Result], to: Connection) -> None:
    to.send(work())


def _result(process: BaseProcess, received: Connection) -> object:
    try:
        return received.recv()
    except EOFError:
        raise WorkerGone("A process that measured has ended without a result.") from None
    finally:
        received.close()
        process.join()
