"""A dataset of very many slices in little space: a phantom cohort under as many names, by hard links.

Run: ``python benchmarks/many.py FOLDER SLICES``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort

#: Different slices, before they are repeated.
DIFFERENT = 50


def write_many(folder: Path, slices: int, size: int = 512) -> Path:
    """``slices`` slices of ``size`` × ``size`` px in ``folder``/data, five for each participant."""
    base, data = folder / f"base-{size}", folder / f"data-{slices}"
    if not base.exists():
        participants = make_cohort(DIFFERENT // 5, 0, 1)
        base.mkdir(parents=True)
        write_cohort(base, participants, make_slices(participants, 1, size, Effects()))
        for path in base.glob("*.json"):
            # Under its new names, the file must not say that it belongs to the old image.
            path.write_text(json.dumps(json.loads(path.read_text()) | {"imagePath": ""}))
    stems = sorted(path.stem for path in base.glob("*.png"))
    data.mkdir(parents=True)
    for number in range(slices):
        name = f"ALS_{number // 5 + 1}_{number % 5 + 1}"
        for ending in ("png", "json"):
            os.link(base / f"{stems[number % len(stems)]}.{ending}", data / f"{name}.{ending}")
    return data


if __name__ == "__main__":
    write_many(Path(sys.argv[1]), int(sys.argv[2]))
