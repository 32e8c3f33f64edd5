"""The same map on a Dask cluster. Only names travel: each worker reads the files from the shared path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mriparaspinal.core.errors import ParaspinalError, UsageError
from mriparaspinal.core.versions import all_versions

T = TypeVar("T")

R = TypeVar("R")

#: Slices of one task: a task costs the scheduler about a millisecond.
_CHUNK = 16

#: Tasks between the oldest without an answer and the newest handed over: memory stays flat whatever the
#: number of slices, and up to as many threads have work.
_WINDOW = 512

#: Seconds until a scheduler must have answered, and until a first worker must be there.
_CONNECT = 5

_FIRST_WORKER = 30


def over_cluster(function: Callable[[T], R], items: Sequence[T], address: str) -> Iterator[R]:
    """``map(function, items)`` by the workers of the scheduler at ``address``, in the order of the items.

    A worker that is lost loses nothing: its tasks are done again by others. Raises :class:`UsageError`
    where the cluster cannot be used, :class:`ParaspinalError` where it broke down in between.
    """
    client = _connect(address)
    try:
        _require_workers(client, address)
        yield from _in_windows(client, function, items)
    except ParaspinalError:
        raise
    except Exception as error:
        told = _told(error, address)
        if told is None:
            raise
        raise told from error
    finally:
        client.close(timeout=_CONNECT)


def _connect(address: str) -> Any:
    option = f"--scheduler {address}"
    if not address.startswith(("tcp://", "tls://")):
        found = "not an address; expected tcp://HOST:PORT"
        raise UsageError(f"{option}: {found}; copy the one that 'dask scheduler' prints")
    try:
        import dask

        # Dask logs what it retries, page by page; what matters is told in one line here.
        dask.config.set({"logging": {"distributed": "critical", "distributed.client": "critical"}})
        import distributed
    except ImportError:
        found = "the package distributed is not installed; expected it for a Dask cluster"
        raise UsageError(f"{option}: {found}; pip install 'mriparaspinal[dask]'") from None
    untyped: Any = distributed
    try:
        return untyped.Client(address, timeout=_CONNECT, name="mriparaspinal")
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # TypeError: no certificates for tls://
        if address.startswith("tls://") and not isinstance(error, OSError):
            found = "no certificates are set; expected Dask's configuration to name them"
            remedy = "set distributed.comm.tls, or DASK_DISTRIBUTED__COMM__TLS__CA_FILE and the like"
            raise UsageError(f"{option}: {found}; {remedy}") from None
        found = f"no scheduler answers within {_CONNECT} s ({_reason(error)})"
        remedy = "start 'dask scheduler', or check host, port and firewall"
        raise UsageError(f"{option}: {found}; expected one that runs; {remedy}") from None


def _require_workers(client: Any, address: str) -> None:
    def versions_there() -> Mapping[str, str]:
        # Inside a function, so that it travels as code: the package may be missing there.
        try:
            from mriparaspinal.core.versions import all_versions
        except ImportError:
            return {}
        return all_versions()

    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER)
    except TimeoutError:
        found = f"the scheduler has no worker within {_FIRST_WORKER} s; expected at least one"
        raise UsageError(f"--scheduler {address}: {found}; start 'dask worker {address}'") from None
    here = all_versions()
    for worker, there in client.run(versions_there, on_error="return").items():
        if isinstance(there, Exception):  # lost in this moment: others do its work
            continue
        _require_same(worker, here, there)


def _require_same(worker: str, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    if there == here:
        return
    remedy = "install the same versions on both"
    if not there:
        found = f"worker {worker} has no package mriparaspinal; expected {here['mriparaspinal']}"
        raise UsageError(f"--scheduler: {found}; {remedy}")
    differ = [name for name in here if there.get(name) != here[name]]
    found = ", ".join(f"{name} {there.get(name, 'missing')}" for name in differ)
    expected = ", ".join(f"{name} {here[name]}" for name in differ)
    raise UsageError(f"--scheduler: worker {worker} has {found}; expected {expected} as here; {remedy}")


def _in_windows(client: Any, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    import distributed

    wait: Any = distributed.wait
    # A task of its own, so that large tables in the function travel once to each worker and not with each
    # task, and are not lost with a worker.
    shared = client.submit(_itself, function, pure=False)
    here = all_versions()
    chunks = range(0, len(items), _CHUNK)
    waiting: dict[Any, int] = {}
    answers: dict[int, list[R]] = {}
    handed = 0
    for oldest in range(len(chunks)):
        while oldest not in answers:
            while handed < min(len(chunks), oldest + _WINDOW):
                start = chunks[handed]
                part = items[start : start + _CHUNK]
                future = client.submit(_do_all, shared, tuple(part), here, pure=False)
                waiting[future] = handed
                handed += 1
            done = list(wait(list(waiting), return_when="FIRST_COMPLETED").done)
            for future, results in zip(done, client.gather(done), strict=True):
                answers[waiting.pop(future)] = results
        yield from answers.pop(oldest)


def _itself(function: T) -> T:
    return function


def _do_all(function: Callable[[T], R], items: Sequence[T], expected: Mapping[str, str]) -> list[R]:
    """One task, on a worker, which may have joined after the others were asked for their versions."""
    from distributed import get_worker

    _require_same(get_worker().address, expected, all_versions())
    return [function(item) for item in items]


def _told(error: Exception, address: str) -> ParaspinalError | None:
    """What broke down, in one line; None for an error that is not the cluster's own."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    option = f"--scheduler {address}"
    if isinstance(error, KilledWorker):
        found = "several workers died over the same slices; expected them to live"
        return ParaspinalError(f"{option}: {found}; look at their logs, memory may be short")
    if isinstance(error, ImportError) and (error.name or "").startswith("mriparaspinal"):
        found = "a worker that joined has no package mriparaspinal, or another version"
        return ParaspinalError(f"{option}: {found}; expected the same everywhere; install it there")
    if isinstance(error, (OSError, CancelledError)):
        found = f"the connection to the scheduler was lost ({_reason(error)}); expected it to stay"
        return ParaspinalError(f"{option}: {found}; run again when it is back")
    return None


def _reason(error: BaseException) -> str:
    text = (str(error) or type(error).__name__).split("\n", 1)[0]
    return text.replace(";", ",").rstrip(":")
