"""``mriparaspinal prepare``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems, show_table
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import and_more, count_of

if TYPE_CHECKING:
    from mriparaspinal.api.scans import SeriesList


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How the slices of a level are taken from label maps of discs or vertebrae."""

    level_numbering: Annotated[
        str | None,
        opt.option(
            "--level-numbering",
            "Numbers of label maps of levels: totalspineseg, spineps, totalsegmentator, "
            "totalsegmentator_vertebrae_mr, or a table value,segment[,kind].",
            "NAME|FILE",
        ),
    ] = None
    level_at: Annotated[
        Literal["disc", "vertebra"] | None,
        opt.option(
            "--level-at",
            "The disc below the vertebra, or the vertebra [default: disc, if there are discs].",
        ),
    ] = None
    slices_per_level: Annotated[
        int | None,
        opt.option(
            "--slices-per-level",
            "Slices around the middle of each level, an odd number [default: 1].",
            "N",
        ),
    ] = None


@opt.command
def prepare(
    *,
    source: Annotated[tuple[Path, ...], opt.argument("Folders or files of DICOM series and volumes.")],
    levels: Annotated[
        Path | None, opt.option("--levels", "Which slice is which segment: levels.csv.", "FILE")
    ] = None,
    out: Annotated[
        Path | None, opt.option("--out", "The dataset folder to write; made if missing.", "DATASET")
    ] = None,
    window: Annotated[
        str | None,
        opt.option(
            "--window",
            "dicom-series, dicom-slice, percentile or LOW,HIGH [default: dicom-series; volumes have none].",
            "RULE",
        ),
    ] = None,
    list_: Annotated[bool, opt.option("--list", "List the series that were found, and stop.")] = False,
    contact_sheet: Annotated[
        bool,
        opt.option("--contact-sheet", "Write the axial series as pictures, and a levels.csv to confirm."),
    ] = False,
    by_label_map: Levels,
    affine: opt.Affine = None,
) -> None:
    """Make a dataset's slices from DICOM series and volumes (NIfTI, NRRD, MetaImage).

    levels.csv has the columns source, group, patient, segment, slice (the InstanceNumber, or the
    index from 1 in a volume, or several such as 10-14) or position_mm or label_map (a file of
    discs or vertebrae), and, where a source has several axial series, series. That of --contact-sheet
    has proposals: a row counts once you have written yes into its column confirmed.
    Writes GROUP_N_L.png, slices.csv, labels.txt, problems.csv and prepare.json.

    \b
    Example:
      mriparaspinal prepare dicom --list
      mriparaspinal prepare dicom --contact-sheet --out sheets
      mriparaspinal prepare dicom --levels sheets/levels.csv --out scans
      mriparaspinal prepare nifti --levels levels.csv --level-numbering spineps --window 0,1500 --out scans
    """
    import mriparaspinal as api

    asked = [list_, contact_sheet, levels is not None]
    if sum(asked) != 1:
        found = "none of --list, --contact-sheet and --levels" if not any(asked) else "more than one task"
        raise UsageError(f"prepare: {found}; expected one of --list, --contact-sheet, --levels; choose one")
    if out is None and not list_:
        raise UsageError("--out: not given; expected the folder to write; add it")
    if levels is None or out is None:
        series = api.list_series(source, leave_out=out, affine=affine)
        _show(series)
        if out is None or not contact_sheet:
            return say_next("prepare", *source, "--contact-sheet", "--out", "sheets", affine=affine)
        _save_sheets(series, out, by_label_map)
        table = out / "levels.csv"
        filled = f"when {table} is filled in"
        if window is None and any(one.series.kind != "DICOM" for one in series.found.stacks):
            filled, window = f"{filled}, with your window", "LOW,HIGH"  # these volumes have none
        words = (*source, "--levels", table, "--out", "scans")
        return say_next("prepare", *words, why=filled, affine=affine, window=window)
    with progress_bar() as progress:
        made = api.prepare(
            source, levels, out, window=window, **vars(by_label_map), affine=affine, progress=progress
        )
    rows = count_of(made.summary["rows"], "row")
    say_problems(made.problem_list)
    say(f"prepared {count_of(made.count, 'slice')} of {rows} into {out}")
    say_next("review", out, why="to draw contours")
    return end(made.problem_list)


#: Columns of the list that a narrow terminal does without, the first first.
_DISPENSABLE = ("position_mm", "TR ms", "TE ms", "sequence", "size", "slice mm", "pixel mm", "VOI window")


def _show(series: SeriesList) -> None:
    from mriparaspinal.scans.survey import LIST_COLUMNS

    for line in series.broken:
        say(line, logging.ERROR)
    show_table(LIST_COLUMNS, series.rows, _DISPENSABLE)
    if any(row[LIST_COLUMNS.index("VOI window")].endswith("*") for row in series.rows):
        say("* the window differs from slice to slice by more than 10 %, or is missing in some")


def _save_sheets(series: SeriesList, out: Path, by_label_map: Levels) -> None:
    from mriparaspinal.scans.levels import TABLE

    if by_label_map.slices_per_level is not None:
        found = "given with --contact-sheet; expected it with --levels"
        raise UsageError(f"--slices-per-level: {found}; leave it out")
    numbering, at = by_label_map.level_numbering, by_label_map.level_at
    files = series.save_sheets(out, level_numbering=numbering, level_at=at)
    if series.label_maps:
        hint = "" if numbering else "; if it has the levels, --level-numbering proposes slices by it"
        say(f"no sheet of {and_more(series.label_maps.values())}: a label map{hint}")
    if TABLE not in files:
        say(f"{TABLE} is there already and was left as it is")
    say(f"wrote {', '.join(files)} into {out}")
