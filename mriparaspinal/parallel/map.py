"""One function decides how work is spread: in turn, over processes, or over a cluster.

The order stays that of the input.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from mriparaspinal.core.errors import ParaspinalError, UsageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")

R = TypeVar("R")

#: Slices that a process takes at a time: enough to make handing over cheap, few enough to share evenly.
_CHUNK = 16

#: Parts between the oldest without an answer and the newest handed over: memory stays flat whatever the
#: number of slices, and one that takes long does not hold up the others.
_WINDOW = 128

#: Seconds in which a signal that ended a process reaches its parent, too.
_SIGNAL_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Execution:
    """How work is spread. It never changes what comes out."""

    jobs: int | None = None
    """Processes of this machine; None: those of the protocol, else one."""
    scheduler: str | None = None
    """The address of a Dask scheduler, whose workers take the place of processes."""
    timeout: float | None = None
    """Seconds that one slice may take; None: as long as it takes."""


def cores() -> int:
    """How many processes can work at the same time here: more of them only take memory."""
    from multiprocessing import cpu_count

    return cpu_count()


def forks() -> bool:
    """Whether a new process begins with all that this one has loaded, and so at once."""
    from multiprocessing import get_start_method

    return get_start_method() == "fork"


def map_in_order(
    function: Callable[[T], R],
    items: Sequence[T],
    spread: int | Execution = 1,
    progress: Callable[[], None] | None = None,
) -> Generator[R, None, None]:
    """``map(function, items)``, done while the results are taken; ``progress`` is called once per item.

    Processes of this machine begin at once, before the first result is asked for. ``spread`` may be their
    number; no more are started than there are :func:`cores`.
    Raises :class:`ParaspinalError` where a process was killed, :class:`UsageError` where none can be started
    or the cluster cannot be used.
    """
    how = Execution(spread) if isinstance(spread, int) else spread
    if how.scheduler is not None:
        from mriparaspinal.parallel.cluster import over_cluster

        return _counted(over_cluster(function, items, how.scheduler), progress)
    jobs = min(how.jobs or 1, len(items))
    if jobs <= 1 or (jobs := min(jobs, cores())) == 1:
        return _counted(map(function, items), progress)
    chunk = max(1, min(_CHUNK, len(items) // (4 * jobs)))
    parts = _over_processes(function, items, jobs, chunk)
    next(parts)  # they work from now on
    return _counted(chain.from_iterable(parts), progress)


@contextmanager
def aside(
    function: Callable[[Callable[[], Any]], Iterable[R]],
) -> Iterator[tuple[Callable[[Any], None], Iterator[R]]]:
    """Do ``function`` in a process of its own while the block does something else.

    The function is given what waits for the block to tell it something. Yields what tells it, and an iterator
    over what it yields, each as soon as it is there. That raises what the function raised;
    :class:`ParaspinalError` where the process was killed, :class:`UsageError` where it cannot be started. The
    process ends with the block.
    """
    from multiprocessing import Pipe, Process

    with _interrupts_held(), _starting(2):
        ours, theirs = Pipe()
        process = Process(target=_answer, args=(function, theirs))
        process.start()
    theirs.close()

    def tell(what: Any) -> None:
        with suppress(OSError):  # where the process is gone, its answers say so
            ours.send(what)

    def answers() -> Iterator[R]:
        while True:
            try:
                kind, found = ours.recv()
            except (EOFError, OSError):
                time.sleep(_SIGNAL_PAUSE)
                raise _killed(2) from None
            if kind == "error":
                raise found
            if kind == "end":
                return
            yield found

    try:
        yield tell, answers()
    finally:
        process.terminate()
        process.join()
        ours.close()


def _answer(function: Callable[[Callable[[], Any]], Iterable[R]], to: Connection) -> None:
    _follow_the_parent()
    logging.disable()  # what there is to say is said by the parent
    try:
        for found in function(to.recv):
            to.send(("found", found))
        to.send(("end", None))
    except Exception as error:  # raised again by the one who waits
        to.send(("error", error))


def in_time(function: Callable[[T], R], late: Callable[[T], R], seconds: float, item: T) -> R:
    """``function(item)``, or ``late(item)`` where that takes longer than ``seconds``.

    A read from a file system that hangs cannot be stopped, only left alone: it is done in a thread that
    no one waits for any more. It ends with the process, or when the file system answers.
    """
    from queue import Empty, SimpleQueue
    from threading import Thread

    answers: SimpleQueue[tuple[R | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((function(item), None))
        except BaseException as error:  # raised again by the one who waits
            answers.put((None, error))

    Thread(target=work, daemon=True).start()
    try:
        result, error = answers.get(timeout=seconds)
    except Empty:
        return late(item)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


@contextmanager
def time_limit(seconds: float) -> Iterator[Callable[[], float]]:
    """Raise :class:`TimeoutError` where the block computes longer than ``seconds``; waiting does not count.

    Yields a function for the seconds that were left at the end. Python code and regular expressions can be
    stopped so, in the first thread and where the system has such a clock (not on Windows).
    """
    import signal
    import threading

    clock = getattr(signal, "ITIMER_VIRTUAL", None)
    if clock is None or threading.current_thread() is not threading.main_thread():
        yield lambda: seconds
        return

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(clock, seconds)
    left = seconds
    try:
        yield lambda: left
    finally:
        left, _ = signal.setitimer(clock, 0)
        signal.signal(signal.SIGVTALRM, before)


def _over_processes(
    function: Callable[[T], R], items: Sequence[T], jobs: int, chunk: int
) -> Iterator[list[R]]:
    """``chunk`` items at a time, and at most ``_WINDOW`` times that many ahead of the oldest result.

    First comes an empty part, as soon as the processes have work.
    """
    from concurrent.futures import BrokenExecutor, Future

    waiting: deque[Future[list[R]]] = deque()
    with _starting(jobs):
        from concurrent.futures import ProcessPoolExecutor

        pool = ProcessPoolExecutor(jobs, initializer=_begin, initargs=(function,))

    def submit(start: int) -> None:
        with _interrupts_held(), _starting(jobs):
            waiting.append(pool.submit(_do_all, items[start : start + chunk]))

    starts = iter(range(0, len(items), chunk))
    try:
        for start in islice(starts, _WINDOW):
            submit(start)
        yield []
        while waiting:
            yield waiting.popleft().result()
            for start in islice(starts, 1):
                submit(start)
    except BrokenExecutor:
        time.sleep(_SIGNAL_PAUSE)  # a signal to all of the group is obeyed first
        raise _killed(jobs) from None
    finally:
        with suppress(RuntimeError):  # its own thread may not have been started
            pool.shutdown(cancel_futures=True)


def _killed(jobs: int) -> ParaspinalError:
    found = f"one of {jobs} processes was killed; expected all to finish"
    return ParaspinalError(f"--jobs: {found}; try fewer, memory may be short")


@contextmanager
def _starting(jobs: int) -> Iterator[None]:
    """Raise :class:`UsageError` where the system has no room for another process, thread or semaphore."""
    from concurrent.futures import BrokenExecutor

    try:
        yield
    except BrokenExecutor:
        raise
    except (OSError, RuntimeError, ImportError) as error:  # threads: RuntimeError, no semaphores: ImportError
        reason = getattr(error, "strerror", None) or str(error).split("\n", 1)[0]
        found = f"no further process can be started ({reason.replace(';', ',')})"
        raise UsageError(
            f"--jobs {jobs}: {found}; expected room for {jobs} in the limits and in /dev/shm; try --jobs 1"
        ) from None


#: What a worker process does with each item: handed over once, since it may hold large tables.
_function: Callable[[Any], Any]


def _begin(function: Callable[[T], R]) -> None:
    global _function
    _function = function
    _follow_the_parent()


def _do_all(items: Sequence[Any]) -> list[Any]:
    return [_function(item) for item in items]


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold signals to stop back for a moment: processes that start in it see none, the parent after it."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
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

    # These reach the parent, too, which ends its processes itself.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _counted(results: Iterable[R], progress: Callable[[], None] | None) -> Generator[R, None, None]:
    for result in results:
        if progress is not None:
            progress()
        yield result
