"""One function decides how work is spread: in turn, or over processes. The order stays that of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

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
    """``[function(item) for item in items]``, on ``jobs`` processes; ``progress`` is called once per item."""
    jobs = min(jobs, len(items))
    if jobs <= 1:
        return _collect(map(function, items), progress)
    from concurrent.futures import ProcessPoolExecutor

    chunk = max(1, min(_CHUNK, len(items) // (4 * jobs)))
    with ProcessPoolExecutor(jobs) as pool:
        return _collect(pool.map(function, items, chunksize=chunk), progress)


def _collect(results: Iterator[R], progress: Callable[[], None] | None) -> list[R]:
    collected: list[R] = []
    for result in results:
        collected.append(result)
        if progress is not None:
            progress()
    return collected
