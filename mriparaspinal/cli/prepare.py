"""``mriparaspinal prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_problems, show_table
from mriparaspinal.errors import EXIT_PARTLY, NoInputError, UsageError

if TYPE_CHECKING:
    from mriparaspinal.preparation import Surveyed

Sources = Annotated[
    list[Path], typer.Argument(help="Folders or files of DICOM series and NIfTI volumes.", show_default=False)
]
Levels = Annotated[
    Path | None,
    typer.Option("--levels", metavar="FILE", help="Which slice is which segment: levels.csv."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DATASET", help="The dataset folder to write; made if missing."),
]
WindowRuleOption = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="RULE",
        help="dicom-series, dicom-slice, percentile or LOW,HIGH [default: dicom-series; NIfTI has none].",
    ),
]
List = Annotated[bool, typer.Option("--list", help="List the series that were found, and stop.")]
ContactSheet = Annotated[
    bool,
    typer.Option(
        "--contact-sheet", help="Write numbered thumbnails of the axial series and an empty levels.csv."
    ),
]


def prepare(
    source: Sources,
    levels: Levels = None,
    out: Out = None,
    window: WindowRuleOption = None,
    list_: List = False,
    contact_sheet: ContactSheet = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Make a dataset's slices from DICOM series and NIfTI volumes.

    levels.csv has the columns source, group, patient, segment, slice (the InstanceNumber, or the
    index from 1 in a NIfTI volume) or position_mm, and, where a source has several axial series, series.
    Writes GROUP_N_L.png, slices.csv, labels.txt, problems.csv and prepare.json.

    \b
    Example:
      mriparaspinal prepare dicom --list
      mriparaspinal prepare dicom --contact-sheet --out sheets
      mriparaspinal prepare dicom --levels levels.csv --out scans
    """
    from mriparaspinal.preparation import survey

    asked = [list_, contact_sheet, levels is not None]
    if sum(asked) != 1:
        found = "none of --list, --contact-sheet and --levels" if not any(asked) else "more than one task"
        raise UsageError(f"prepare: {found}; expected one of --list, --contact-sheet, --levels; choose one")
    if list_:
        _show(survey(source, out), quiet)
        return
    if out is None:
        raise UsageError("--out: not given; expected the folder to write; add it")
    for path in source:
        if path.resolve() == out.resolve():
            raise UsageError(f"{out}: is a source itself; expected another folder; choose another --out")
    if levels is None:
        _sheets(source, out, quiet)
    else:
        _prepare(source, levels, out, window, quiet, verbose)


def _show(found: Surveyed, quiet: bool) -> None:
    from mriparaspinal.preparation import LIST_COLUMNS

    for line in found.broken:
        say(line)
    if not found.stacks:
        raise NoInputError("prepare: no series were found; expected DICOM slices or NIfTI; check the path")
    show_table(LIST_COLUMNS, found.rows())
    if any(row[-1].endswith("*") for row in found.rows()):
        say("* the window differs from slice to slice by more than 10 %, or is missing in some", quiet)


def _sheets(source: list[Path], out: Path, quiet: bool) -> None:
    from mriparaspinal.files.results import OutputFolder
    from mriparaspinal.levels import TABLE
    from mriparaspinal.preparation import sheet_files, survey

    found = survey(source, out)
    files = sheet_files(found)
    _show(found, quiet)
    if not files:
        raise NoInputError("prepare: no axial series; expected some to choose slices from; see --list")
    if (out / TABLE).exists():
        del files[TABLE]  # it may be filled in already
        say(f"{TABLE} is there already and was left as it is", quiet)
    with OutputFolder(out) as folder:
        folder.replace(files, [])
    say(f"wrote {', '.join(files)} into {out}", quiet)


def _prepare(
    source: list[Path], levels: Path, out: Path, window: str | None, quiet: bool, verbose: bool
) -> None:
    from mriparaspinal.files.results import OutputFolder
    from mriparaspinal.files.tables import read_table
    from mriparaspinal.grey_window import parse_window
    from mriparaspinal.preparation import check_output
    from mriparaspinal.preparation import prepare as prepare_slices

    rule = None if window is None else parse_window(window)
    with progress_bar("preparing", len(read_table(levels).rows), quiet) as advance:
        prepared = prepare_slices(source, levels, rule, out, advance)
    say_problems(prepared.problems, quiet, verbose)
    if not prepared.images:
        raise NoInputError(f"{levels.name}: no row could be prepared; expected slices; mend the rows above")
    check_output(out, prepared.files)
    with OutputFolder(out) as folder:
        folder.replace(prepared.files, [])
    say(f"prepared {prepared.images} of {counted(prepared.rows, 'row')} into {out}", quiet)
    if any(problem.severity == "error" for problem in prepared.problems):
        raise typer.Exit(EXIT_PARTLY)
