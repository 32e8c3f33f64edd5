"""Agreement of two raters' masks: the same slices, annotated twice, compared with each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mriparaspinal.analysis.reliability import Rater
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import Slice, Spacing
from mriparaspinal.dataset.read import OpenSlice, read_slice
from mriparaspinal.imaging.rasterise import Patch, frame_of
from mriparaspinal.measure.reopen import ReopenedDataset, open_source
from mriparaspinal.stats.overlap import dice, hausdorff

#: The columns of ``overlap.csv``; the side of a reference is empty. Where segments have several slices, the
#: letter of each follows the segment as :data:`SLICE`.
OVERLAP_COLUMNS = (
    "participant_id", "segment", "muscle", "side", "dice", "hausdorff_px", "hausdorff95_px", "hausdorff_mm",
)  # fmt: skip

SLICE = "slice"

#: The columns of ``overlap_summary.csv``: each distance has the mean and the largest.
SUMMARY_COLUMNS = (
    "muscle", "n", "dice_mean", "dice_sd", "dice_min", "hausdorff_px_mean", "hausdorff_px_max",
    "hausdorff95_px_mean", "hausdorff95_px_max", "n_mm", "hausdorff_mm_mean", "hausdorff_mm_max",
)  # fmt: skip

Regions = Sequence[tuple[str, str]]
"""Regions with their side, in the order of the tables."""


def open_sources(
    raters: Sequence[Rater], datasets: Sequence[Path]
) -> tuple[ReopenedDataset, ReopenedDataset]:
    """The datasets of two raters, in the raters' order.

    Raises :class:`UsageError` for another number of either, :class:`NoInputError` for a dataset that
    cannot be opened with the settings of the results.
    """
    if len(raters) != 2 or len(datasets) != 2:
        found = f"{len(datasets)} datasets of {len(raters)} raters were found"
        raise UsageError(f"--dataset: {found}; expected two of two; give one per rater, in their order")
    first, second = (
        open_source(rater.folder, rater.manifest, dataset)
        for rater, dataset in zip(raters, datasets, strict=True)
    )
    return first, second


def compare_masks(
    first: ReopenedDataset,
    second: ReopenedDataset,
    progress: Callable[[], None] | None = None,
    session: str = "",
) -> Analysis:
    """Dice coefficient and Hausdorff distances of every region that both datasets have, and their summary.

    The main table is that of ``overlap_summary.csv``. ``progress`` is called once per slice of the first
    dataset; ``session``: only its slices, of a follow-up. Raises :class:`NoInputError` where the datasets are
    not those of the results, or have no region in common.
    """
    partners = {_who(slice_): slice_ for slice_ in second.study.dataset.slices}
    rows: list[tuple[object, ...]] = []
    left_out: dict[str, list[str]] = {}
    read_first: list[tuple[str, str]] = []
    read_second: list[tuple[str, str]] = []
    for slice_ in first.study.dataset.slices:
        partner = partners.pop(_who(slice_), None)
        a = _read(first, slice_)
        read_first += a.sha256
        if slice_.session != session:
            read_second += _read(second, partner).sha256 if partner else []
        elif partner is None:
            left_out.setdefault("slices of one dataset alone", []).append(_where(_who(slice_)))
        else:
            b = _read(second, partner)
            read_second += b.sha256
            spacing = _spacing(first.study.spacings.get(slice_.name), second.study.spacings.get(partner.name))
            rows += _rows(_who(slice_), a, b, spacing, left_out, first.settings.keys)
        if progress is not None:
            progress()
    for who, slice_ in partners.items():
        read_second += _read(second, slice_).sha256
        if slice_.session == session:
            left_out.setdefault("slices of one dataset alone", []).append(_where(who))
    first.require_same(read_first)
    second.require_same(read_second)
    if not rows:
        why = "; ".join(left_out) or "no slices"
        raise NoInputError(
            f"--dataset: no region in common ({why}); expected the same slices annotated twice; "
            "check the folders"
        )
    columns = [*OVERLAP_COLUMNS[:2], SLICE, *OVERLAP_COLUMNS[2:]]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(OVERLAP_COLUMNS[4:], "float64"))
    if not any(table[SLICE]):
        table = table.drop(columns=SLICE)
    summary = _summary(table, first.settings.keys)
    notes = [f"masks left out, {why}: {', '.join(where)}" for why, where in left_out.items()]
    if table["hausdorff_mm"].isna().any():
        without = int(table["hausdorff_mm"].isna().sum())
        notes.append(f"hausdorff_mm: empty for {without} regions, whose spacing no slices.csv knows")
    contents = {"overlap.csv": table, "overlap_summary.csv": summary}
    return Analysis(summary, tuple(notes), contents, "reliability.json", {}, ())


def _read(source: ReopenedDataset, slice_: Slice) -> OpenSlice:
    return read_slice(source.study.root, slice_, source.settings, source.study.source)


def _who(slice_: Slice) -> tuple[str, str, str, str]:
    return slice_.participant_id, slice_.segment, slice_.letter, slice_.session


def _where(who: tuple[str, ...]) -> str:
    return " ".join(filter(None, who))


def _spacing(first: Spacing | None, second: Spacing | None) -> Spacing | None:
    """The spacing that is known; none where the two datasets contradict each other."""
    if first is not None and second is not None and first != second:
        return None
    return first or second


def _rows(
    who: tuple[str, str, str, str],
    a: OpenSlice,
    b: OpenSlice,
    spacing: Spacing | None,
    left_out: dict[str, list[str]],
    regions: Regions,
) -> list[tuple[object, ...]]:
    """One row for each region that both raters drew on the slice."""
    where = _where(who)
    if a.image is None or b.image is None or a.anatomy is None or b.anatomy is None:
        left_out.setdefault("slices that could not be read", []).append(where)
        return []
    if not np.array_equal(np.asarray(a.image), np.asarray(b.image)):
        # Contours on another image are those of another slice, however well they fit.
        left_out.setdefault("slices whose images differ", []).append(where)
        return []
    rows: list[tuple[object, ...]] = []
    for muscle, side in regions:
        patches = [anatomy.patches.get((muscle, side)) for anatomy in (a.anatomy, b.anatomy)]
        drawn = [patch for patch in patches if patch is not None]
        if len(drawn) == 2:
            rows.append((*who[:3], muscle, side, *_overlap(drawn[0], drawn[1], spacing)))
        elif drawn:
            name = _where((where, muscle, side))
            left_out.setdefault("regions of one rater alone", []).append(name)
    return rows


def _overlap(a: Patch, b: Patch, spacing: Spacing | None) -> tuple[float | None, ...]:
    # Inside the frame of both the masks are as on the whole image: all beyond it is outside both.
    frame = frame_of((a, b))
    shape = frame.bottom - frame.top, frame.right - frame.left
    x, y = (patch.moved(-frame.top, -frame.left).full(shape) for patch in (a, b))
    in_mm = None if spacing is None else hausdorff(x, y, spacing)
    return dice(x, y), hausdorff(x, y), hausdorff(x, y, percentile=95), in_mm


def _summary(table: pd.DataFrame, regions: Regions) -> pd.DataFrame:
    rows = []
    for muscle in dict.fromkeys(name for name, _ in regions):
        of = table[table["muscle"] == muscle]
        if of.empty:
            continue
        values = of["dice"]
        row: list[object] = [muscle, len(of), values.mean(), values.std(ddof=1), values.min()]
        for column in ("hausdorff_px", "hausdorff95_px"):
            row += [of[column].mean(), of[column].max()]
        known = of["hausdorff_mm"].dropna()
        row += [len(known), known.mean(), known.max()] if len(known) else [0, math.nan, math.nan]
        rows.append(row)
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
