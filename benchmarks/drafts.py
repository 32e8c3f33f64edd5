"""How long drafts take: CPU of ``draft`` against its bare TV-L1 calls, and by OpenCV; time for 350 slices.

Run: ``python benchmarks/drafts.py [judged slices] [slices to draft]``; 20 and 4 by default, one process.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from skimage.registration import optical_flow_tvl1

from mriparaspinal.core.model import Settings
from mriparaspinal.drafts.draft import Sources, draft_slices, slices_without_contours
from mriparaspinal.drafts.fusion import VOTERS
from mriparaspinal.drafts.registration import FLOW_SIZE, normalise, shrunk
from mriparaspinal.drafts.reviewed import others_than, read_reviewed
from tests.support.builders.drafts import phantoms, write


def cpu(function: Callable[[], object]) -> float:
    """Seconds of CPU that a call takes."""
    began = time.process_time()
    function()
    return time.process_time() - began


def main(judged: int = 20, bare: int = 4) -> None:
    slices = phantoms((judged + bare + 1) // 2)
    stems = list(slices)[: judged + bare]
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), {stem: slices[stem] for stem in stems}, stems[judged:])
        settings = Settings()
        todo, _, images = slices_without_contours(folder, settings)
        reviewed, _ = read_reviewed(folder, settings)
        times = {
            quick: cpu(
                lambda quick=quick: draft_slices(
                    folder, todo, images.spacings, settings, Sources(folder, reviewed, settings, quick=quick)
                )
            )
            for quick in (False, True)
        }
    # Every judged slice is drafted from the others, too.
    voters = [min(VOTERS, 2 * len(others_than(reviewed, r.slice))) for r in reviewed]
    flows = sum(voters) + bare * min(VOTERS, 2 * judged)
    pictures = [shrunk(normalise(slices[stem].image), FLOW_SIZE) for stem in stems[:2]]
    bare_calls = [
        cpu(lambda: optical_flow_tvl1(*pictures, attachment=8, num_warp=5, num_iter=10, prefilter=False))
        for _ in range(12)
    ]
    one = float(np.median(bare_calls))
    drafted = judged + bare
    print("| | s of CPU per slice | ratio to its bare TV-L1 calls | 350 slices, two cores, min |")
    print("| --- | --- | --- | --- |")
    for quick, told in ((False, "`draft`"), (True, "`draft --quick`")):
        each = times[quick] / drafted
        print(
            f"| {told} | {each:.2f} | {times[quick] / (flows * one):.2f} "
            f"| {each * (350 + judged) / 120:.0f} |"
        )
    print(f"\n{flows} flows of {one * 1000:.0f} ms each, {judged} judged slices, {bare} drafted")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
