"""``mriparaspinal prepare``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_problems, show_table
from mriparaspinal.core.errors import EXIT_PARTLY, NoInputError, UsageError

if TYPE_CHECKING:
    from mriparaspinal.scans.level_maps import LevelRule
    from mriparaspinal.scans.survey import Surveyed


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How the slices of a level are taken from label maps of discs or vertebrae."""

    level_numbering: Annotated[
        str | None,
        opt.option(
            "--level-numbering",
            "Numbers of the label maps in levels.csv: totalspineseg, spineps, "
            "totalsegmentator, totalsegmentator_vertebrae_mr, or a table value,segment[,kind].",
            "NAME|FILE",
        ),
    ] = None
    level_at: Annotated[
        Literal["disc", "vertebra"] | None,
        opt.option(
            "--level-at",
            "Cut the disc below the vertebra, or the vertebra [default: disc, where there are discs].",
        ),
    ] = None
    slices_per_level: Annotated[
        int | None,
        opt.option(
            "--slices-per-level",
            "Slices around the middle of each level of a label map, an odd number [default: 1].",
            "N",
        ),
    ] = None


@opt.command
def prepare(
    *,
    source: Annotated[tuple[Path, ...], opt.argument("Folders or files of DICOM series and NIfTI volumes.")],
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
            "dicom-series, dicom-slice, percentile or LOW,HIGH [default: dicom-series; NIfTI has none].",
            "RULE",
        ),
    ] = None,
    list_: Annotated[bool, opt.option("--list", "List the series that were found, and stop.")] = False,
    contact_sheet: Annotated[
        bool,
        opt.option(
            "--contact-sheet", "Write numbered thumbnails of the axial series and an empty levels.csv."
        ),
    ] = False,
    by_label_map: Levels,
    affine: opt.Affine = None,
    ui: opt.Ui,
) -> None:
    """Make a dataset's slices from DICOM series and NIfTI volumes.

    levels.csv has the columns source, group, patient, segment, slice (the InstanceNumber, or the
    index from 1 in a NIfTI volume, or several such as 10-14) or position_mm or label_map (a NIfTI file of
    discs or vertebrae), and, where a source has several axial series, series.
    Writes GROUP_N_L.png, slices.csv, labels.txt, problems.csv and prepare.json.

    \b
    Example:
      mriparaspinal prepare dicom --list
      mriparaspinal prepare dicom --contact-sheet --out sheets
      mriparaspinal prepare dicom --levels levels.csv --out scans
      mriparaspinal prepare nifti --levels levels.csv --level-numbering spineps --window 0,1500 --out scans
    """
    from mriparaspinal.scans.survey import survey

    asked = [list_, contact_sheet, levels is not None]
    if sum(asked) != 1:
        found = "none of --list, --contact-sheet and --levels" if not any(asked) else "more than one task"
        raise UsageError(f"prepare: {found}; expected one of --list, --contact-sheet, --levels; choose one")
    if list_:
        _show(survey(source, out, affine), ui.quiet)
        return
    if out is None:
        raise UsageError("--out: not given; expected the folder to write; add it")
    for path in source:
        if path.resolve() == out.resolve():
            raise UsageError(f"{out}: is a source itself; expected another folder; choose another --out")
    if levels is None:
        _sheets(source, out, affine, ui.quiet)
    else:
        rule = _level_rule(**vars(by_label_map))
        _prepare(source, levels, out, window, rule, affine, ui.quiet, ui.verbose)


def _level_rule(
    level_numbering: str | None,
    level_at: Literal["disc", "vertebra"] | None,
    slices_per_level: int | None,
) -> LevelRule | None:
    from mriparaspinal.io.tables import read_table
    from mriparaspinal.scans.level_maps import NUMBERINGS, level_rule, parse_level_numbering

    if level_numbering is None:
        for option, value in (("--level-at", level_at), ("--slices-per-level", slices_per_level)):
            if value is not None:
                found = "given without --level-numbering"
                raise UsageError(f"{option}: {found}; expected label maps in levels.csv; leave it out")
        return None
    known = NUMBERINGS.get(level_numbering)
    if known is None:
        path = Path(level_numbering)
        if not path.is_file():
            found = f"{level_numbering!r} was found; expected {', '.join(NUMBERINGS)} or the file of a table"
            raise UsageError(f"--level-numbering: {found}; correct it")
        table = read_table(path)
        known = parse_level_numbering(table.columns, table.rows, path.name)
    return level_rule(known, level_at, 1 if slices_per_level is None else slices_per_level)


def _show(found: Surveyed, quiet: bool) -> None:
    from mriparaspinal.scans.survey import LIST_COLUMNS

    for line in found.broken:
        say(line)
    if not found.stacks:
        raise NoInputError("prepare: no series were found; expected DICOM slices or NIfTI; check the path")
    show_table(LIST_COLUMNS, found.rows())
    if any(row[-1].endswith("*") for row in found.rows()):
        say("* the window differs from slice to slice by more than 10 %, or is missing in some", quiet)


def _sheets(source: Sequence[Path], out: Path, affine: Literal["qform", "sform"] | None, quiet: bool) -> None:
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.scans.levels import TABLE
    from mriparaspinal.scans.survey import SHEETS, sheet_files, sheets_manifest, survey

    found = survey(source, out, affine)
    files = sheet_files(found)
    _show(found, quiet)
    if not files:
        raise NoInputError("prepare: no axial series; expected some to choose slices from; see --list")
    if (out / TABLE).exists():
        del files[TABLE]  # it may be filled in already
        say(f"{TABLE} is there already and was left as it is", quiet)
    with OutputFolder(out, SHEETS, keep_changed=True) as folder:
        stale = [name for name in folder.written_before() if name.startswith("sheet_") and name not in files]
        folder.replace({**files, SHEETS: sheets_manifest(files)}, stale)
    say(f"wrote {', '.join(files)} into {out}", quiet)


def _prepare(
    source: Sequence[Path],
    levels: Path,
    out: Path,
    window: str | None,
    levels_by: LevelRule | None,
    affine: Literal["qform", "sform"] | None,
    quiet: bool,
    verbose: bool,
) -> None:
    from mriparaspinal.core.filenames import PREPARED
    from mriparaspinal.imaging.window import parse_window
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.io.tables import read_table
    from mriparaspinal.scans.prepare import check_output
    from mriparaspinal.scans.prepare import prepare as prepare_slices

    rule = None if window is None else parse_window(window)
    with progress_bar("preparing", len(read_table(levels).rows), quiet) as advance:
        prepared = prepare_slices(source, levels, rule, out, levels_by, advance, affine)
    say_problems(prepared.problems, quiet, verbose)
    if not prepared.images:
        raise NoInputError(f"{levels.name}: no row could be prepared; expected slices; correct the rows")
    with OutputFolder(out, PREPARED) as folder:
        check_output(out, prepared.files, folder.cut_off)
        folder.replace(prepared.files)
    say(f"prepared {counted(prepared.images, 'slice')} of {counted(prepared.rows, 'row')} into {out}", quiet)
    if any(problem.severity == "error" for problem in prepared.problems):
        raise SystemExit(EXIT_PARTLY)
