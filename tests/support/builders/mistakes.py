"""A dataset with hundreds of faults of the kinds that a lab makes."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_image, write_slice


def relabelled(**labels: str) -> list[dict]:
    """:data:`SHAPES` with other labels; an empty one takes the shape away."""
    kept = [shape | {"label": labels.get(shape["label"], shape["label"])} for shape in SHAPES]
    return [shape for shape in kept if shape["label"]]


#: What a person at the desk does to a slice, and the code that it is to be told as.
MISTAKES = {
    "mistyped": (relabelled(MF_L="MF_LL"), "unknown-label"),
    "both labelled left": (relabelled(ES_R="ES_L"), "side-contradicts-display"),
    "exchanged": (relabelled(PM_L="PM_R", PM_R="PM_L"), "side-contradicts-display"),
    "forgotten": (relabelled(PM_R=""), "missing-muscle"),
    "no disc": (relabelled(IVD=""), "missing-reference"),
    "two points": ([*relabelled(MF_R=""), polygon("MF_R", [(35, 65), (44, 84)])], "too-few-points"),
    "off the image": ([*relabelled(ES_L=""), polygon("ES_L", box(170, 60, 189, 89))], "outside-image"),
    "no label of ours": ([polygon("tree", box(1, 1, 9, 9))], "no-known-label"),
}


def write_faults(root: Path, participants: int = 80) -> int:
    """A dataset of ``participants`` with L1 to L5, one fault in each slice; returns how many."""
    mistakes = [shapes for shapes, _ in MISTAKES.values()]
    made = 0
    for number in range(1, participants + 1):
        for segment in range(1, 6):
            stem = f"{'ALS' if number % 2 else 'LR'}_{number}_{segment}"
            kind = (5 * number + segment) % (len(mistakes) + 6)
            path = write_slice(root, stem, grey_image(seed=10 * number + segment), _shapes(mistakes, kind))
            _spoil(path, kind - len(mistakes))
            made += 1
    return made


def _shapes(mistakes: list[list[dict]], kind: int) -> list[dict]:
    return mistakes[kind] if kind < len(mistakes) else SHAPES


def _spoil(path: Path, kind: int) -> None:
    """What goes wrong with files, by its number."""
    image = path.with_suffix(".png")
    if kind == 0:
        path.write_text("{")
    elif kind == 1:
        image.write_bytes(image.read_bytes()[:-900])
    elif kind == 2:
        write_image(image, grey_image((100, 90)))
    elif kind == 3:
        path.unlink()
    elif kind == 4:
        for file in (path, image):
            shutil.move(file, file.with_name(file.name.replace("_", "-")))
    elif kind == 5:
        image.unlink()
