"""Options that several commands share, defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer


class MaskRuleName(StrEnum):
    """How contours become pixels."""

    labelme = "labelme"
    centre = "centre"


class FatRuleName(StrEnum):
    """How it is told which pixels are fat."""

    fixed = "fixed"
    otsu = "otsu"
    multiotsu = "multiotsu"
    reference = "reference"
    dixon = "dixon"


class SideName(StrEnum):
    """A side of the patient."""

    right = "right"
    left = "left"


class ReferenceName(StrEnum):
    """What areas are divided by."""

    IVD = "IVD"
    VB = "VB"


class PatientFrom(StrEnum):
    """Where the participant's id comes from."""

    name = "name"
    folder = "folder"


class GreyWindow(NamedTuple):
    """Grey levels that become 0 and 255 (a class: of a plain tuple typer would make two arguments)."""

    low: float
    high: float


def _window(text: str) -> GreyWindow:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} was found; expected LOW,HIGH such as 0,1200") from None
    return GreyWindow(low, high)


Dataset = Annotated[
    Path, typer.Argument(help="Folder of slices and their LabelMe files.", show_default=False)
]
Results = Annotated[Path, typer.Argument(help="Folder of results that 'quantify' wrote.", show_default=False)]
OutFolder = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Output folder; made if missing.", show_default=False)
]
Threshold = Annotated[
    int | None,
    typer.Option("--threshold", metavar="N", help="A pixel brighter than grey N is fat [default: 50]."),
]
FatRule = Annotated[
    FatRuleName | None,
    typer.Option("--fat-rule", help="How fat is told: see docs/fat-rules.md [default: fixed, --threshold]."),
]
SatFraction = Annotated[
    float | None,
    typer.Option(
        "--sat-fraction",
        metavar="X",
        help="Rule reference: threshold = X × median of the contour SAT [default: 0.5].",
    ),
]
Fat = Annotated[
    Path | None,
    typer.Option("--fat", metavar="FAT", help="Rule dixon: fat images, a folder by participant or one file."),
]
Water = Annotated[
    Path | None,
    typer.Option("--water", metavar="WATER", help="Rule dixon: water images, in the same way."),
]
SameVoxels = Annotated[
    bool | None,
    typer.Option(
        "--same-voxels",
        help="Rule dixon: fat and water are one grid, though the origin in a header differs.",
    ),
]
MaskRuleOption = Annotated[
    MaskRuleName | None,
    typer.Option("--mask-rule", help="Pixels of a contour [default: labelme, boundary included]."),
]
LabelMapFolder = Annotated[
    Path | None,
    typer.Option(
        "--masks", metavar="DIR", help="Measure label maps (PNG, NIfTI) in place of LabelMe contours."
    ),
]
Numbering = Annotated[
    str | None,
    typer.Option(
        "--numbering",
        metavar="NAME|FILE.csv",
        help="What the numbers of --masks mean: mriparaspinal, musclemap, totalsegmentator, "
        "totalsegmentator_mr, or a table value,label [default: values.csv in DIR].",
    ),
]


class MaskFormat(StrEnum):
    """How label maps are written."""

    png = "png"
    nifti = "nifti"


MaskFormatOption = Annotated[
    MaskFormat,
    typer.Option("--format", help="Index images and overlays, or label maps in the patient's space."),
]
ImageLeft = Annotated[
    SideName | None,
    typer.Option(
        "--image-left", help="The patient's side at the left of the image [default: right, radiological]."
    ),
]
Reference = Annotated[
    ReferenceName | None,
    typer.Option("--reference", help="Region to divide by [default: the one that the dataset has]."),
]
PatientFromOption = Annotated[
    PatientFrom | None,
    typer.Option("--patient-from", help="Take the participant from the name or the folder [default: name]."),
]
NamePattern = Annotated[
    str | None,
    typer.Option(
        "--name-pattern",
        metavar="REGEX",
        help="For other file names; groups: group, patient, segment, slice.",
    ),
]
Window = Annotated[
    GreyWindow | None,
    typer.Option(
        "--window", metavar="LOW,HIGH", parser=_window, help="Grey window for images of more than 8 bits."
    ),
]
ParticipantsFile = Annotated[
    Path | None,
    typer.Option(
        "--participants", metavar="FILE", help="Participants table (CSV or TSV) [default: the dataset's]."
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes to measure with [default: 1].")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="Measure on a Dask cluster instead: see docs/cluster.md.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0.01,
        metavar="SECONDS",
        help="Give a slice up that takes longer, as on a network drive that hangs [default: wait].",
    ),
]
ParticipantLabel = Annotated[
    list[str] | None,
    typer.Option(
        "--participant-label", metavar="ID", help="Only this participant (repeat) [default: everyone]."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more: every warning, every file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary as JSON to stdout.")]
OptionalResults = Annotated[
    Path | None, typer.Argument(metavar="[RESULTS]", help="Folder of results that 'quantify' wrote.")
]
ParticipantsOfResults = Annotated[
    Path | None,
    typer.Option(
        "--participants",
        metavar="FILE",
        help="Participants table (CSV or TSV) [default: the copy in RESULTS].",
    ),
]
TableFile = Annotated[
    Path | None,
    typer.Option("--table", metavar="FILE", help="Any CSV, one row per participant, instead of RESULTS."),
]
Joined = Annotated[
    list[Path] | None,
    typer.Option(
        "--join",
        metavar="FILE|RESULTS",
        help="Further table (or results) with columns for the same participants (repeat).",
    ),
]
DatasetOfResults = Annotated[
    Path,
    typer.Option(
        "--dataset",
        metavar="DATASET",
        help="The dataset that RESULTS were measured from.",
        show_default=False,
    ),
]


class RoleName(StrEnum):
    """Which rows of a participant."""

    symptomatic = "symptomatic"
    contralateral = "contralateral"
    bilateral = "bilateral"


Roles = Annotated[
    list[RoleName] | None,
    typer.Option("--role", help="Side of the results to look at (repeat) [default: symptomatic]."),
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="NAME", help="Only this group [default: all groups together]."),
]
Covariates = Annotated[
    list[str] | None,
    typer.Option("--covariate", metavar="COL", help="Column to hold constant (repeat)."),
]
Predictors = Annotated[
    list[str],
    typer.Option("--predictor", metavar="COL", help="Column to predict from (repeat).", show_default=False),
]
