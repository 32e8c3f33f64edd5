"""How much a study's results depend on the threshold: they are measured again at every grey level."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis, notes_bytes
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import Settings, Slice
from mriparaspinal.dataset.contour_source import ContourSource
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.measure.reopen import ReopenedDataset
from mriparaspinal.measure.stacks import by_segment
from mriparaspinal.parallel.map import map_in_order
from mriparaspinal.present.sweep import sweep_figure
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.cells import regions_alone
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import Contrast, default_contrasts, resolve
from mriparaspinal.stats.sweep import (
    COMPARISON_KEY,
    CONTRAST_COLUMNS,
    GREY_LEVELS,
    fi_of_histograms,
    slope_table,
    steadiness,
    sweep_table,
)

#: The contrasts are made at the study's threshold and so many grey levels to either side: 40–60 around 50.
REACH = 10

Histograms = dict[tuple[str, str, str, str], NDArray[np.int64]]
"""By participant, segment, muscle and side; (256,) pixels per grey level."""

RegionHistograms = dict[tuple[str, str], NDArray[np.int64]]
"""Those of one slice, by muscle and side."""


def sweep_thresholds(
    cohort: Cohort, source: ReopenedDataset, jobs: int = 1, progress: Callable[[], None] | None = None
) -> Analysis:
    """FI at the thresholds 0–255, its slope, and the main contrasts around the study's threshold.

    The main table is that of ``sweep_contrasts.csv``; ``summary["sentences"]`` says how much depends on
    the threshold, as ``notes.txt`` does.

    Raises :class:`NoInputError` where the dataset is not the one that was measured, or does not give the
    FI of the results at their own threshold.
    """
    if source.settings.fat_rule != "fixed":
        found = f"were measured with the fat rule {source.settings.fat_rule}, which has no one threshold"
        raise UsageError(f"{source.results}: {found}; expected the rule fixed; quantify with it first")
    threshold = source.settings.threshold
    read = _read_histograms(source, jobs, progress, cohort.session)
    histograms = _aligned(cohort.table, read, source)
    fi = fi_of_histograms(histograms)
    _require_same_fi(cohort.table, fi[:, threshold], source)

    one_side = regions_alone(cohort.table).to_numpy()
    regions = cohort.table.loc[one_side, ["segment", "muscle"]]
    table = sweep_table(regions, fi[one_side])
    slopes = slope_table(regions, fi[one_side], threshold)
    contrasts, skipped = _main_contrasts(cohort)
    protocol = cohort.protocol
    judged_by: Normality = "shapiro" if protocol.get("normality") == "shapiro" else "lilliefors"
    compared, remarks = _sweep_contrasts(cohort, contrasts, fi, threshold, judged_by)

    divisor = protocol.get("divide_by")
    undivided = [f"FI is not divided by {divisor} here, whatever the protocol says"] if divisor else []
    notes = (*cohort.notes, *skipped, *undivided, *remarks)
    sentences = _summary(compared, slopes, threshold)
    shown = [slice_ for slice_ in source.study.dataset.slices if slice_.session == cohort.session]
    summary = {"slices": len(shown), "sentences": sentences}
    settings: dict[str, list[str]] = {
        "threshold": [str(threshold)],
        "contrast": [contrast.text for contrast in contrasts],
        "normality": [judged_by],
    }
    contents = {
        "sweep.csv": table,
        "slope.csv": slopes,
        "sweep_contrasts.csv": compared,
        "sweep": Drawing(partial(sweep_figure, table[table["segment"] == ""], threshold)),
        "notes.txt": notes_bytes(settings, (*sentences, *notes)),
    }
    manifest = "threshold_sweep.json"
    return Analysis(compared, notes, contents, manifest, settings, cohort.inputs, summary=summary)


def _read_histograms(
    source: ReopenedDataset, jobs: int, progress: Callable[[], None] | None, session: str
) -> Histograms:
    """The grey levels of every muscle, one pass over the slices; those of a stack are added."""
    work = partial(_histograms_of, source.study.root, source.settings, source.study.source)
    dataset = source.study.dataset
    results = list(map_in_order(work, dataset.slices, jobs, progress))
    source.require_same(file for _, files in results for file in files)
    read = [(slice_, found) for slice_, (found, _) in zip(dataset.slices, results, strict=True)]
    lost: list[tuple[Slice, RegionHistograms]] = [(slice_, {}) for slice_ in dataset.lost]
    histograms: Histograms = {}
    for (who, visit, segment), stack in by_segment([*read, *lost]).items():
        for region in stack[0]:
            # As in the tables: what one slice of a stack lacks has no row.
            if visit == session and all(region in found for found in stack):
                histograms[(who, segment, *region)] = np.sum([found[region] for found in stack], axis=0)
    return histograms


def _histograms_of(
    root: Path, settings: Settings, contours: ContourSource, slice_: Slice
) -> tuple[RegionHistograms, list[tuple[str, str]]]:
    found = read_slice(root, slice_, settings, contours)
    if found.image is None or found.anatomy is None:
        return {}, found.sha256
    grey = np.asarray(found.image)
    histograms = {
        (muscle, side or "both"): np.bincount(patch.on(grey)[patch.pixels], minlength=GREY_LEVELS)
        for (muscle, side), patch in found.anatomy.patches.items()
        if muscle in settings.muscles
    }
    return histograms, found.sha256


def _aligned(table: pd.DataFrame, measured: Histograms, source: ReopenedDataset) -> NDArray[np.int64]:
    """The histograms of the rows of the results, (n, 256); both sides are added."""
    keys = list(zip(*(table[c] for c in ("participant_id", "segment", "muscle", "side")), strict=True))
    unsided = {region.name for region in source.settings.regions if not region.sided}
    tabled = {key for key in keys if key[3] != "both" or key[2] in unsided}
    for key in sorted(tabled ^ set(measured)):
        found = "measured, but not in the tables" if key in measured else "in the tables, but not measured"
        raise _differ(source, key, f"{found} now", "the same regions")
    histograms = np.empty((len(keys), GREY_LEVELS), dtype=np.int64)
    for row, key in enumerate(keys):
        if key[3] == "both" and key not in measured:
            histograms[row] = measured[(*key[:3], "left")] + measured[(*key[:3], "right")]
        else:
            histograms[row] = measured[key]
    return histograms


def _require_same_fi(table: pd.DataFrame, fi: NDArray[np.float64], source: ReopenedDataset) -> None:
    """Bit for bit: both are the quotient of the same two whole numbers."""
    differ = np.flatnonzero(table["fi"].to_numpy() != fi)
    if len(differ):
        row = table.iloc[differ[0]]
        key = tuple(row[["participant_id", "segment", "muscle", "side"]])
        found, expected = float(row["fi"]), float(fi[differ[0]])
        raise _differ(source, key, f"fi {found!r} was found", f"{expected!r} as measured now")


def _differ(source: ReopenedDataset, key: tuple[str, ...], found: str, expected: str) -> NoInputError:
    where = f"{source.results}: {' '.join(key)}"
    return NoInputError(f"{where}: {found}; expected {expected}; run quantify again with this version")


def _main_contrasts(cohort: Cohort) -> tuple[list[Contrast], list[str]]:
    """Those that ``compare`` makes unasked: the protocol's, else the paper's."""
    asked = cohort.protocol.get("contrasts", [])
    if asked:
        return [resolve(text, cohort.table) for text in asked], []
    return default_contrasts(cohort.table)


def _sweep_contrasts(
    cohort: Cohort,
    contrasts: list[Contrast],
    fi: NDArray[np.float64],
    threshold: int,
    normality: Normality,
) -> tuple[pd.DataFrame, list[str]]:
    """The comparisons of FI at each threshold; the notes are those at the study's own."""
    blocks = []
    notes: list[str] = []
    for level in range(max(0, threshold - REACH), min(GREY_LEVELS - 1, threshold + REACH) + 1):
        table, found = compare(cohort.table.assign(fi=fi[:, level]), contrasts, ["fi"], normality)
        blocks.append(table.rename(columns={"p_adjusted": "p_adjusted_fi"}).assign(threshold=level))
        if level == threshold:
            notes = found
    # Stable: the thresholds of one comparison come together, the comparisons stay in their order.
    swept = pd.concat(blocks).sort_index(kind="stable")[list(CONTRAST_COLUMNS)]
    untested = swept.loc[swept["test"] == "", COMPARISON_KEY].drop_duplicates()
    if len(untested):
        notes.append(f"no test at some thresholds, p is empty there: {len(untested)} comparisons")
    return swept, notes


def _summary(compared: pd.DataFrame, slopes: pd.DataFrame, threshold: int) -> tuple[str, ...]:
    overall = slopes[slopes["segment"] == ""]
    each = ", ".join(
        f"{muscle} {slope:+.4f}" for muscle, slope in zip(overall["muscle"], overall["slope"], strict=True)
    )
    sentences = [f"change of mean FI per grey level at the threshold {threshold}: {each}"]
    if compared.empty:
        return (*sentences, "no contrasts: nothing to compare")
    levels = f"from {compared['threshold'].min()} to {compared['threshold'].max()}"
    for column, name in (("p", "p < 0.05"), ("p_adjusted_fi", "adjusted p < 0.05")):
        counts = steadiness(compared, threshold, column)
        sentences.append(
            f"comparisons of FI with {name} at the threshold {threshold}: {counts.significant}, of which "
            f"{counts.steady} stay so, in the same direction, at every threshold {levels}; of the "
            f"{counts.other} others {counts.sometimes} have {name} at some threshold {levels}"
        )
    sentences.append(
        "adjusted p (p_adjusted_fi): Benjamini–Hochberg over comparisons of FI alone, at each threshold; "
        "compare adjusts over all metrics of a contrast"
    )
    return tuple(sentences)
