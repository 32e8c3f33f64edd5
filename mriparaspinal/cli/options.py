"""Options that several commands share, defined once; and what makes a function a command."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mriparaspinal.cli.log import Command
from mriparaspinal.core.text import read_number, read_pair, read_whole

F = TypeVar("F", bound=Callable[..., Any])


def command(function: Callable[..., None]) -> click.Command:
    """Make a function a command of the tool, named as the function is."""
    return click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})(function)


class _Path(click.Path):
    """A path that is named: an empty text, as of a shell variable that is not set, is none.

    Whether it is there, and what it is, the readers of files judge: they say more.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; fails as click's own types do."""
        if value == "":
            self.fail("an empty text was found; expected a path", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)


class _Whole(click.types.IntParamType):
    """A whole number as tables hold it: Python's int takes ``1_0``, too, and the digits of other scripts."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails as click's own types do."""
        if isinstance(value, str) and read_whole(value) is None:
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return super().convert(value, param, ctx)


_NOT_FINITE = {"nan", "inf", "-inf", "infinity", "-infinity"}


class _Number(click.types.FloatParamType):
    """A number as tables hold it; NaN and infinity pass, for the command to say what it expects."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails as click's own types do."""
        if isinstance(value, str) and read_number(value) is None and value.lower() not in _NOT_FINITE:
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return super().convert(value, param, ctx)


WHOLE, NUMBER = _Whole(), _Number()


class WholeRange(click.IntRange):
    """A whole number in a range."""

    name = "integer"  # for messages: not "integer range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails as click's own types do."""
        return super().convert(WHOLE.convert(value, param, ctx), param, ctx)


class FiniteRange(click.FloatRange):
    """A number in a range, and a number: click lets NaN through, which is in no range, and infinity."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails as click's own types do."""
        number = super().convert(NUMBER.convert(value, param, ctx), param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


def _window(text: str) -> tuple[float, float]:
    limits = read_pair(text)
    if limits is None:
        raise click.BadParameter(f"{text!r} was found; expected LOW,HIGH such as 0,1200")
    return limits


dataset = click.argument("dataset", type=PATH, help="Folder of slices and their LabelMe files.")

results = click.argument("results", type=PATH, help="Folder of results that 'quantify' wrote.")

out_folder = click.option(
    "--out", type=PATH, required=True, metavar="DIR", help="Output folder; made if missing."
)

threshold = click.option(
    "--threshold", type=WHOLE, metavar="N", help="A pixel brighter than grey N is fat [default: 50]."
)

fat_rule = click.option(
    "--fat-rule",
    type=click.Choice(["fixed", "otsu", "multiotsu", "reference", "dixon"]),
    help="How fat is told: see docs/fat-rules.md [default: fixed, --threshold].",
)

sat_fraction = click.option(
    "--sat-fraction",
    type=NUMBER,
    metavar="X",
    help="Rule reference: threshold = X × median of the contour SAT [default: 0.5].",
)

fat = click.option(
    "--fat", type=PATH, metavar="FAT", help="Rule dixon: fat images, a folder by participant or one file."
)

water = click.option("--water", type=PATH, metavar="WATER", help="Rule dixon: water images, in the same way.")

same_voxels = click.option(
    "--same-voxels",
    is_flag=True,
    default=None,
    help="Rule dixon: fat and water are one grid, though the origin in a header differs.",
)

affine = click.option(
    "--affine",
    type=click.Choice(["qform", "sform"]),
    help="Which place of a NIfTI header counts where its two disagree [default: the scanner's, if one is].",
)

mask_rule = click.option(
    "--mask-rule",
    type=click.Choice(["labelme", "centre"]),
    help="Pixels of a contour [default: labelme, boundary included].",
)

label_map_folder = click.option(
    "--masks", type=PATH, metavar="DIR", help="Measure label maps (PNG, NIfTI) in place of LabelMe contours."
)

numbering = click.option(
    "--numbering",
    metavar="NAME|FILE.csv",
    help="What the numbers of --masks mean: mriparaspinal, musclemap, totalsegmentator, "
    "totalsegmentator_mr, or a table value,label [default: values.csv in DIR].",
)

mask_format = click.option(
    "--format",
    "format_",
    type=click.Choice(["png", "nifti"]),
    default="png",
    show_default=True,
    help="Index images and overlays, or label maps in the patient's space.",
)

image_left = click.option(
    "--image-left",
    type=click.Choice(["right", "left"]),
    help="The patient's side at the left of the image [default: right, radiological].",
)

reference = click.option(
    "--reference",
    type=click.Choice(["IVD", "VB"]),
    help="Region to divide by [default: the one that the dataset has].",
)

patient_from = click.option(
    "--patient-from",
    type=click.Choice(["name", "folder"]),
    help="Take the participant from the name or the folder [default: name].",
)

name_pattern = click.option(
    "--name-pattern", metavar="REGEX", help="For other file names; groups: group, patient, segment, slice."
)

window = click.option(
    "--window", type=_window, metavar="LOW,HIGH", help="Grey window for images of more than 8 bits."
)

participants_file = click.option(
    "--participants",
    type=PATH,
    metavar="FILE",
    help="Participants table (CSV, TSV or Excel) [default: the dataset's].",
)

jobs = click.option("--jobs", type=WholeRange(1), metavar="N", help="Processes to measure with [default: 1].")

scheduler = click.option(
    "--scheduler", metavar="tcp://HOST:PORT", help="Measure on a Dask cluster instead: see docs/cluster.md."
)

timeout = click.option(
    "--timeout",
    type=FiniteRange(0.01, 1e6),
    metavar="SECONDS",
    help="Give a slice up that takes longer, as on a network drive that hangs [default: wait].",
)

participant_label = click.option(
    "--participant-label",
    multiple=True,
    metavar="ID",
    help="Only this participant (repeat) [default: everyone].",
)

quiet = click.option("--quiet", is_flag=True, help="Say nothing but errors.")

verbose = click.option("--verbose", is_flag=True, help="Say more: every warning, every file.")

as_json = click.option("--json", "json_", is_flag=True, help="Print a summary as JSON to stdout.")

optional_results = click.argument(
    "results", type=PATH, required=False, metavar="[RESULTS]", help="Folder of results that 'quantify' wrote."
)

participants_of_results = click.option(
    "--participants",
    type=PATH,
    metavar="FILE",
    help="Participants table (CSV, TSV or Excel) [default: the copy in RESULTS].",
)

table_file = click.option(
    "--table", type=PATH, metavar="FILE", help="Any CSV, one row per participant, instead of RESULTS."
)

joined = click.option(
    "--join",
    type=PATH,
    multiple=True,
    metavar="FILE|RESULTS",
    help="Further table (or results) with columns for the same participants (repeat).",
)

dataset_of_results = click.option(
    "--dataset",
    type=PATH,
    required=True,
    metavar="DATASET",
    help="The dataset that RESULTS were measured from.",
)

roles = click.option(
    "--role",
    type=click.Choice(["symptomatic", "contralateral", "bilateral"]),
    multiple=True,
    help="Side of the results to look at (repeat) [default: symptomatic].",
)

group = click.option("--group", metavar="NAME", help="Only this group [default: all groups together].")

covariates = click.option(
    "--covariate", multiple=True, metavar="COL", help="Column to hold constant (repeat)."
)

predictors = click.option(
    "--predictor", multiple=True, required=True, metavar="COL", help="Column to predict from (repeat)."
)


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one, in this order."""

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


#: Options that settings of a measurement come from, for ``resolve_settings``.
protocol = _together(mask_rule, image_left, reference, patient_from, name_pattern, window)

fat_threshold = _together(threshold, fat_rule, sat_fraction)

dixon_images = _together(fat, water, same_voxels)
