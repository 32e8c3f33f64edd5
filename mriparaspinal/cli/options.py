"""Options that several commands share, each defined once: its name, what it means, its default.

| dataclass | commands |
| --- | --- |
| ``Ui`` | all |
| ``Naming``, ``Protocol`` | quantify, run, check, masks; the first: contours, too |
| ``FatRule`` | quantify, run, masks |
| ``LabelMapFolder``, ``Contours`` | quantify, run, check |
| ``Tables`` | quantify, run, merge |
| ``Execution`` | quantify, run, in ``cli/measuring.py``; ``Processes`` of it: check |
| ``Study`` | compare, correlate, regress |
| ``FigureLook`` | run, threshold-sweep, score; ``Figures`` with it: compare, correlate, roc, reliability |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from typer.core import TyperCommand

from mriparaspinal.cli.command import make_command
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import read_pair

if TYPE_CHECKING:
    from mriparaspinal.analysis.drawing import FigureFiles
    from mriparaspinal.api.results import StudyResults
    from mriparaspinal.parallel.map import Execution as Spread

#: Options of how a run is done, and of what; no settings of a measurement.
_NO_SETTINGS = (
    *("masks", "numbering", "annotations", "review", "accept_drafts", "fat", "water"),
    *("jobs", "scheduler", "timeout", "participants", "xlsx", "sav", "bids"),
)


def command(function: Callable[..., None]) -> TyperCommand:
    """Make a function a command of the tool, with the options that all have."""
    return make_command(function, Ui)


def option(name: str, text: str, metavar: str | None = None, **more: Any) -> Any:
    """An option; its default is in its text, unless ``show_default`` is given."""
    return typer.Option(name, metavar=metavar, help=text, **{"show_default": False, **more})


def argument(text: str, metavar: str | None = None) -> Any:
    """A positional argument."""
    return typer.Argument(metavar=metavar, help=text, show_default=False)


def _window(text: str) -> tuple[float, float] | None:
    """LOW,HIGH such as 0,1200"""
    return read_pair(text)


def _role(text: str) -> str | None:
    """One of symptomatic, contralateral, bilateral"""
    return text if text in get_args(Role) else None


def _figure_format(text: str) -> str | None:
    """One of pdf, tiff"""
    return text if text in get_args(FigureFormat) else None


_TABLE = "Participants table (CSV, TSV, Excel or SPSS)"

Dataset = Annotated[Path, argument("Folder of slices and their LabelMe files.")]
Results = Annotated[Path, argument("Folder of results that 'quantify' wrote.")]
Out = Annotated[Path, option("--out", "Output folder; made if missing.", "DIR")]
Numbering = Annotated[
    tuple[str, ...],
    option(
        "--numbering",
        "What the numbers mean: musclemap, totalsegmentator_mr, … (docs/label-maps.md), or a table "
        "value,label (repeat, one for each folder) [default: values.csv in the folder].",
        "NAME|FILE.csv",
    ),
]
Annotations = Annotated[
    Path | None,
    option("--annotations", "Folder of the LabelMe files [default: beside the images].", "DIR"),
]
AcceptDrafts = Annotated[
    bool, option("--accept-drafts", "Measure drafts that nobody has judged; their rows say so.")
]
Affine = Annotated[
    Literal["qform", "sform"] | None,
    option(
        "--affine",
        "Position that counts if a NIfTI header has two [default: the scanner's, if one is].",
    ),
]
Participants = Annotated[Path | None, option("--participants", f"{_TABLE} [default: the dataset's].", "FILE")]
ResultsParticipants = Annotated[
    Path | None, option("--participants", f"{_TABLE} [default: the copy in RESULTS].", "FILE")
]
ParticipantLabel = Annotated[
    tuple[str, ...],
    option("--participant-label", "Only this participant (repeat) [default: everyone].", "ID"),
]
Session = Annotated[
    str | None, option("--session", "Of a follow-up: the session to look at [default: the only one].", "NAME")
]
Jobs = Annotated[
    int | None,
    option("--jobs", "Processes to work with [default: those of paraspinal.toml, else 1].", "N", min=1),
]
Timeout = Annotated[
    float | None,
    option(
        "--timeout",
        "Skip a slice that takes longer than this [default: wait].",
        "SECONDS",
        min=0.01,
        max=1e6,
    ),
]
OpenPage = Annotated[bool, option("--open", "Open the report in the browser at the end.")]
AsJson = Annotated[bool, option("--json", "Print a summary as JSON to stdout.")]
Join = Annotated[
    tuple[Path, ...],
    option(
        "--join",
        "Further table, or results, of the same participants (repeat).",
        "FILE|RESULTS",
    ),
]
ResultsDataset = Annotated[
    Path, option("--dataset", "The dataset that RESULTS were measured from.", "DATASET")
]
FigureFormat = Literal["pdf", "tiff"]
Role = Literal["symptomatic", "contralateral", "bilateral"]
Roles = Annotated[  # Typer has no repeated choice
    tuple[str, ...],
    option(
        "--role",
        "Side of the results to look at (repeat) [default: symptomatic].",
        f"[{'|'.join(get_args(Role))}]",
        parser=_role,
        autocompletion=lambda: list(get_args(Role)),
    ),
]
Contrasts = Annotated[
    tuple[str, ...],
    option("--contrast", "side:ALS, group:ALS-LR, … (repeat) [default: the paper's].", "TEXT"),
]
Group = Annotated[str | None, option("--group", "Only this group [default: all groups together].", "NAME")]
Covariates = Annotated[tuple[str, ...], option("--covariate", "Column to hold constant (repeat).", "COL")]
Cluster = Annotated[
    str | None,
    option("--cluster", "Rows with one value of COL are not independent: standard errors by it.", "COL"),
]
Predictors = Annotated[tuple[str, ...], option("--predictor", "Column to predict from (repeat).", "COL")]


@dataclass(frozen=True, kw_only=True)
class Ui:
    """How much is said, and where else; the functions of the commands do not see it."""

    quiet: Annotated[bool, option("--quiet", "Say nothing but errors.")] = False
    verbose: Annotated[bool, option("--verbose", "Say more: every warning, every file.")] = False
    log_file: Annotated[
        Path | None, option("--log-file", "Append what is said to FILE, with the time.", "FILE")
    ] = None


@dataclass(frozen=True, kw_only=True)
class LabelMapFolder:
    """Label maps in place of contours."""

    masks: Annotated[
        tuple[Path, ...],
        option(
            "--masks",
            "Measure label maps (PNG, NIfTI, NRRD, MHA) in place of contours (repeat: regions are joined).",
            "DIR",
        ),
    ] = ()
    numbering: Numbering = ()


@dataclass(frozen=True, kw_only=True)
class Contours:
    """Which contours count."""

    annotations: Annotations = None
    review: Annotated[Path | None, option("--review", "Leave out what this review.csv excludes.", "FILE")] = (
        None
    )
    accept_drafts: AcceptDrafts = False


@dataclass(frozen=True, kw_only=True)
class FatRule:
    """Which pixels are fat."""

    threshold: Annotated[
        int | None, option("--threshold", "A pixel brighter than grey N is fat [default: 50].", "N")
    ] = None
    fat_rule: Annotated[
        Literal["fixed", "otsu", "multiotsu", "reference", "dixon"] | None,
        option(
            "--fat-rule",
            "Rule by which a pixel is fat: see docs/fat-rules.md [default: fixed, --threshold].",
        ),
    ] = None
    sat_fraction: Annotated[
        float | None,
        option(
            "--sat-fraction",
            "Rule reference: threshold = X × median of the contour SAT [default: 0.5].",
            "X",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How the names of a dataset's files are read."""

    patient_from: Annotated[
        Literal["name", "folder"] | None,
        option("--patient-from", "Take the participant from the name or the folder [default: name]."),
    ] = None
    name_pattern: Annotated[
        str | None,
        option(
            "--name-pattern",
            "For other file names; groups: group, patient, session, segment, slice.",
            "REGEX",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The settings of a measurement, apart from the fat rule."""

    mask_rule: Annotated[
        Literal["labelme", "centre"] | None,
        option("--mask-rule", "Pixels of a contour [default: labelme, boundary included]."),
    ] = None
    image_left: Annotated[
        Literal["right", "left"] | None,
        option(
            "--image-left",
            "The patient's side at the left of the image [default: right, radiological].",
        ),
    ] = None
    reference: Annotated[
        str | None,
        option("--reference", "Region to divide by [default: the one that the dataset has].", "IVD|VB|OWN"),
    ] = None
    window: Annotated[
        Any,
        option("--window", "Grey window for images of more than 8 bits.", "LOW,HIGH", parser=_window),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Execution:
    """In how many processes, and where, slices are measured."""

    jobs: Jobs = None
    scheduler: Annotated[
        str | None,
        option("--scheduler", "Measure on a Dask cluster instead: see docs/cluster.md.", "tcp://HOST:PORT"),
    ] = None
    timeout: Timeout = None


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The same without a cluster."""

    jobs: Jobs = None
    timeout: Timeout = None


def spread(execution: Execution | Processes) -> Spread:
    """The same for the functions."""
    from mriparaspinal.parallel.map import Execution as Spread

    scheduler = execution.scheduler if isinstance(execution, Execution) else None
    return Spread(execution.jobs, scheduler, execution.timeout)


@dataclass(frozen=True, kw_only=True)
class Study:
    """The measurements of a study, or any table."""

    session: Session = None
    results: Annotated[Path | None, argument("Folder of results that 'quantify' wrote.")] = None
    participants: ResultsParticipants = None
    table: Annotated[
        Path | None,
        option("--table", "Any CSV, one row per participant, instead of RESULTS.", "FILE"),
    ] = None
    join: Join = ()

    @property
    def data(self) -> StudyResults | Path:
        """The one of both that was given; raises :class:`UsageError`."""
        if self.results is not None and self.table is not None:
            found = f"{self.results} and --table {self.table} were both given"
            raise UsageError(f"{found}; expected one of them; leave one out")
        if self.table is not None and self.table.is_dir():
            found = "not a regular file; expected one"
            raise UsageError(f"--table {self.table}: {found}; name it, or give the folder as RESULTS")
        if self.table is not None:
            return at_session(self.table, self.session)
        if self.results is None:
            raise UsageError("neither RESULTS nor --table was given; expected one of them; name it")
        return at_session(self.results, self.session or "")


@dataclass(frozen=True, kw_only=True)
class AtSession:
    """The participants of results, and the session to look at."""

    participants: ResultsParticipants = None
    session: Session = None


def at_session(data: Path, session: str | None) -> StudyResults | Path:
    """A table, or results, of which a session may be chosen; raises :class:`UsageError` for a table."""
    from mriparaspinal.api.results import results_in

    if session is None:
        return data
    if session and not data.is_dir():
        raise UsageError(f"--session {session}: {data} is no folder; expected RESULTS; leave it out")
    return results_in(data).at(session)


@dataclass(frozen=True, kw_only=True)
class FigureLook:
    """In which formats, and how, figures are drawn."""

    figure_format: Annotated[  # Typer has no repeated choice
        tuple[str, ...],
        option(
            "--figure-format",
            "Draw each figure as pdf or tiff, too (repeat) [default: PNG and SVG].",
            "[pdf|tiff]",
            parser=_figure_format,
            autocompletion=lambda: list(get_args(FigureFormat)),
        ),
    ] = ()
    style: Annotated[
        Path | None,
        option("--style", "Style sheet of matplotlib, laid over ours: see docs/figures.md.", "FILE"),
    ] = None

    def drawn_by(self, jobs: int | None) -> FigureFiles:
        """The same for the functions; raises :class:`UsageError` for a style that is none."""
        from mriparaspinal.analysis.drawing import figure_files

        return figure_files(self.figure_format, self.style, jobs)


@dataclass(frozen=True, kw_only=True)
class Figures(FigureLook):
    """The same of commands that have no other work to share out."""

    jobs: Annotated[int | None, option("--jobs", "Processes to work with [default: 1].", "N", min=1)] = None

    @property
    def how(self) -> FigureFiles:
        """The same for the functions."""
        return self.drawn_by(self.jobs)


def given(*groups: Any, **more: Any) -> dict[str, Any]:
    """The settings that were asked for: all fields of the dataclasses; False and none are not asked for."""
    values = {name: value for group in groups for name, value in vars(group).items()} | more
    return {
        name: None if value is False or value == () else value
        for name, value in values.items()
        if name not in _NO_SETTINGS
    }


@dataclass(frozen=True, kw_only=True)
class Tables:
    """For which programs tables are written beside the CSVs."""

    xlsx: Annotated[bool, option("--xlsx", "Write all tables as results.xlsx, too.")] = False
    sav: Annotated[
        bool, option("--sav", "Write results.sav and measurements.sav for SPSS, too (extra spss).")
    ] = False
