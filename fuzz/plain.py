"""The plain engine: mutations of sound inputs, tried in processes of limited time and memory.

Input number n of a door depends on the seed and n alone. Inputs that fail are saved below ``fuzz/failures/``.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]

from fuzz.mutations import mutated  # noqa: E402
from tests.support.doors import DOORS, attempt  # noqa: E402

FAILURES = ROOT / "fuzz" / "failures"
SECONDS, BYTES = 5, 1_000_000_000
#: Failures of one kind that are saved.
_KEPT = 3
_NOT_BEGUN = -1


@dataclass
class Tally:
    """What became of a door's inputs."""

    read: int = 0
    refused: int = 0
    failed: int = 0
    slowest: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)


class Hang(BaseException):
    """Raised in an input that takes too long; nothing catches it by mistake."""


def _hang(signum: int, frame: object) -> None:
    raise Hang


def make_input(name: str, seed: int, number: int) -> bytes:
    """Input ``number`` of a door."""
    rng = random.Random(f"{seed}/{name}/{number}")
    door = DOORS[name]
    seeds = _seeds(name)
    return mutated(rng.choice(seeds), rng.choice(seeds), rng, door.words)


_SEEDS: dict[str, list[bytes]] = {}


def _seeds(name: str) -> list[bytes]:
    return _SEEDS.setdefault(name, DOORS[name].seeds())


def _work(name: str, seed: int, first: int, last: int, now: Any, out: Any) -> None:
    """Try the inputs of one door; ``now``: (number, when it began) of the one that is being tried."""
    signal.signal(signal.SIGALRM, _hang)
    make_input(name, seed, 0)
    for raw in _seeds(name):  # so that everything is imported before memory is limited
        attempt(name, raw)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        limit = pages * resource.getpagesize() + BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    tally = Tally()
    for number in range(first, last):
        raw = make_input(name, seed, number)
        now[0], now[1] = number, time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            outcome = attempt(name, raw)
        except Hang:
            outcome = f"longer than {SECONDS} s"
        except BaseException as error:
            outcome = _kind(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        tally.slowest = max(tally.slowest, time.monotonic() - now[1])
        if outcome in ("read", "refused"):
            setattr(tally, outcome, getattr(tally, outcome) + 1)
        else:
            tally.failed += 1
            tally.kinds[outcome] += 1
            if tally.kinds[outcome] <= _KEPT:
                save(name, raw, outcome)
    out.put((name, tally, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def _kind(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "mriparaspinal" in f.filename]
    place = ours[-1] if ours else last
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:80]!r}"


def save(name: str, raw: bytes, outcome: str) -> None:
    folder = FAILURES / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(raw).hexdigest()[:12]
    path.write_bytes(raw)
    print(f"{name}: {outcome}: saved as {path.relative_to(ROOT)}", flush=True)


def plain(names: list[str], inputs: int, seed: int, jobs: int) -> dict[str, Tally]:
    """The plain engine; a process that dies or is stuck is a failure of its input, and another follows."""
    shares = sum(DOORS[name].share for name in names)
    tallies = {name: Tally() for name in names}
    pending = []
    for name in names:
        count = -(-inputs * DOORS[name].share // shares)
        parts = jobs if count > 2000 else 1
        for part in range(parts):
            pending.append((name, count * part // parts, count * (part + 1) // parts))
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    running: list[tuple[Any, Any, tuple[str, int, int]]] = []
    peak = 0
    while pending or running:
        while pending and len(running) < jobs:
            name, first, last = pending.pop(0)
            now = context.Array("d", [_NOT_BEGUN, time.monotonic() + 60])
            process = context.Process(target=_work, args=(name, seed, first, last, now, out))
            process.start()
            running.append((process, now, (name, first, last)))
        try:
            while True:
                name, tally, bytes_ = out.get(timeout=0.3)
                peak = max(peak, bytes_)
                _add(tallies[name], tally)
        except Empty:
            pass
        for entry in list(running):
            process, now, (name, first, last) = entry
            stuck = process.is_alive() and time.monotonic() - now[1] > SECONDS + 2
            if stuck:
                process.kill()
                process.join()
            if process.is_alive():
                continue
            running.remove(entry)
            process.join()
            if stuck or process.exitcode:
                number = int(now[0])
                if number == _NOT_BEGUN:
                    raise SystemExit(f"fuzz: no process for {name} would start")
                outcome = (
                    f"longer than {SECONDS} s, and deaf" if stuck else f"process died ({process.exitcode})"
                )
                save(name, make_input(name, seed, number), outcome)
                # What the process had done before is tried again: its tally died with it.
                _add(tallies[name], Tally(failed=1, kinds=Counter({outcome: 1})))
                pending += [
                    part for part in ((name, first, number), (name, number + 1, last)) if part[1] < part[2]
                ]
    limit = f"limit: {BYTES / 1e6:.0f} MB more than at its start"
    print(f"largest resident memory of a process: {peak / 1e6:.0f} MB ({limit})")
    return tallies


def _add(total: Tally, more: Tally) -> None:
    total.read += more.read
    total.refused += more.refused
    total.failed += more.failed
    total.slowest = max(total.slowest, more.slowest)
    total.kinds += more.kinds
