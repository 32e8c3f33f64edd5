"""Every writer, crowded, stopped and killed at each step: what is left is whole, of one run, or marked.

A step is each time that a name on the disk changes (rename, link, removal). At the first, the second … step
of a command over the results of another run, a signal reaches it (kill -9, SIGTERM, SIGHUP, Ctrl-C); and both
runs are started together. Nothing may be left that is half of one and half of the other, unless the mark that
all readers refuse lies there; and the next run has to give what it gives in an empty folder.

Run: ``python benchmarks/faults.py [steps per writer] [writer …]``.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from tests.support.builders.faults import Trial, writers

SIGNALS = {
    "kill -9": signal.SIGKILL,
    "SIGTERM": signal.SIGTERM,
    "SIGHUP": signal.SIGHUP,
    "Ctrl-C": signal.SIGINT,
}
#: How often two runs are started together.
CROWDED = 5


def told(left: Counter[str]) -> str:
    """How often, and what was left."""
    return f"{sum(left.values())}: " + ", ".join(f"{what} {n}" for what, n in sorted(left.items()))


def main(most: int = 8, *names: str) -> None:
    print(f"| writer | {' | '.join(SIGNALS)} | two at once |")
    print(f"| --- |{' --- |' * (len(SIGNALS) + 1)}")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        found = writers(place / "in")
        for writer in names or tuple(found):
            trial = Trial(found[writer], place / writer)
            # Evenly over all steps, the first and the last among them.
            count = min(most, trial.steps)
            steps = sorted({1 + round(i * (trial.steps - 1) / max(count - 1, 1)) for i in range(count)})
            cells = [told(Counter(trial.cut_off(step, sent) for step in steps)) for sent in SIGNALS.values()]
            cells.append(told(Counter(trial.two_at_once() for _ in range(CROWDED))))
            print(f"| `{writer}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
