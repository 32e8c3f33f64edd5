"""One function decides how work is spread: in turn, or over processes. The order stays that of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from mriparaspinal.errors import ParaspinalError

T = TypeVar("T")
R = TypeVar("R")

#: Slices that a process takes at a time: enough to make handing over cheap, few enough to share evenly.
_CHUNK = 16


def map_in_order(
    function: Callable[[T], R],
    items: Sequence[T],
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
) -> list[R]:
    """``[function(item) for item in items]``, on ``jobs`` processes; ``progress`` is called once per item.

    Raises :class:`ParaspinalError` where a process was killed.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        return _collect(map(function, items), progress)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    chunk = max(1, min(_CHUNK, len(items) // (4 * jobs)))
    try:
        with ProcessPoolExecutor(jobs, initializer=_follow_the_parent) as pool:
            with _interrupts_held():
                results = pool.map(function, items, chunksize=chunk)
            return _collect(results, progress)
    except BrokenProcessPool:
        found = f"one of {jobs} processes was killed; expected all to finish"
        raise ParaspinalError(f"--jobs: {found}; try fewer, memory may be short") from None


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment: processes that start in it never see one, the parent after it."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends.

    A process that outlives its parent would wait for work for ever, and keep the parent's locks.
    """
    import signal
    import threading
    from multiprocessing import connection, parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _collect(results: Iterator[R], progress: Callable[[], None] | None) -> list[R]:
    collected: list[R] = []
    for result in results:
        collected.append(result)
        if progress is not None:
            progress()
    return collected
