"""One door under atheris: ``python -m fuzz.guided DOOR SECONDS SEED``."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mriparaspinal"]):
    from fuzz.plain import BYTES, FAILURES, SECONDS, save
    from tests.support.doors import DOORS, attempt  # isort: skip

from fuzz.mutations import LONGEST, mutated


def main() -> None:
    name, seconds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seeds = DOORS[name].seeds()
    (FAILURES / name).mkdir(parents=True, exist_ok=True)

    def change(data: bytes, longest: int, number: int) -> bytes:
        """Ours and libFuzzer's own mutations by turns."""
        if number % 2:
            return atheris.Mutate(data, longest)
        rng = random.Random(number)
        return mutated(data, rng.choice(seeds), rng, DOORS[name].words)[:longest]

    def attempt_and_save(data: bytes) -> None:
        try:
            attempt(name, data)
        except Exception as error:
            save(name, data, repr(error)[:200])
            raise

    with tempfile.TemporaryDirectory() as corpus:
        for number, raw in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(raw)
        options = {
            "max_total_time": seconds,
            "seed": seed,
            "timeout": SECONDS,
            "rss_limit_mb": 300 + BYTES // 1_000_000,  # the libraries themselves take up to 300
            "max_len": LONGEST,
            "artifact_prefix": f"{FAILURES / name}/",
            "print_final_stats": 1,
            "verbosity": 1,
        }
        arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), corpus]
        atheris.Setup(arguments, attempt_and_save, custom_mutator=change)
        atheris.Fuzz()


main()
