"""``mriparaspinal regions``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.steps import end
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Maps:
    """What is averaged, and in which regions."""

    map_: Annotated[
        tuple[str, ...], opt.option("--map", "A map to average, such as fa=FA.nii.gz (repeat).", "NAME=FILE")
    ] = ()
    tissue: Annotated[
        tuple[str, ...],
        opt.option(
            "--tissue",
            "A map of tissue shares, such as gm=mwp1.nii, whose volume is wanted (repeat).",
            "NAME=FILE",
        ),
    ] = ()
    atlas: Annotated[
        str | None, opt.option("--atlas", "Labels (3-D), or probability maps (4-D).", "FILE")
    ] = None
    table: Annotated[
        Path | None, opt.option("--table", "Names of the atlas: value,label or index,name.", "FILE")
    ] = None
    probability: Annotated[
        tuple[str, ...],
        opt.option(
            "--probability",
            "Instead of an atlas: probability map or mask of one region (repeat).",
            "REGION=FILE",
        ),
    ] = ()
    percent: Annotated[bool, opt.option("--percent", "Probabilities are 0–100 [default: 0–1].")] = False
    ignore_zero: Annotated[
        bool, opt.option("--ignore-zero", "Leave out voxels in which a map is exactly 0.")
    ] = False
    affine: opt.Affine = None


@dataclass(frozen=True, kw_only=True)
class People:
    """Whose the maps are."""

    subjects: Annotated[
        Path | None,
        opt.option(
            "--subjects",
            "A tree: FILEs with {participant_id} are looked up in DIR for each of its folders.",
            "DIR",
        ),
    ] = None
    participant: Annotated[
        str | None,
        opt.option("--participant", "Whose files they are [default: the sub-… of their paths].", "ID"),
    ] = None
    tiv: Annotated[
        str | None,
        opt.option("--tiv", "Intracranial volume: a number, or a column of --participants.", "ML|COL"),
    ] = None
    participants: Annotated[
        Path | None,
        opt.option("--participants", "Participants table (CSV, TSV or Excel), for --tiv.", "FILE"),
    ] = None


@opt.command
def regions(
    *,
    out: Annotated[Path, opt.option("--out", "The long table: a row per region and map.", "FILE")],
    maps: Maps,
    people: People,
    wide: Annotated[
        Path | None, opt.option("--wide", "Also one row per participant, as fa_mean_REGION.", "FILE")
    ] = None,
) -> None:
    """Mean, SD, median and volume of NIfTI maps in the regions of an atlas. Nothing is resampled.

    The maps and the atlas must have the same voxels. Voxels that are not numbers are left out and counted;
    zeros are values. Both tables go into compare, correlate and regress as --table, and into roc. See
    docs/brain-maps.md.

    \b
    Example:
      mriparaspinal regions --map fa=FA.nii.gz --map md=MD.nii.gz --atlas atlas.nii.gz --table labels.csv
        --out regions.csv
      mriparaspinal regions --subjects derivatives --map "fa={participant_id}/dwi/*_FA.nii.gz"
        --atlas jhu.nii.gz --table jhu.csv --out regions.csv --wide wide.csv
    """
    import mriparaspinal as api
    from mriparaspinal.api.brain import refuse_tables

    _check_atlas(maps.atlas, maps.table, maps.probability)
    named, tissues = _named(maps.map_, "--map", r"\w+"), _named(maps.tissue, "--tissue", r"\w+")
    probabilities = _named(maps.probability, "--probability", r".*\w.*")
    if people.participants is not None and people.tiv is None:
        raise UsageError("--participants: given without --tiv, which alone uses it; expected both; add it")
    read = [*named.values(), *tissues.values(), *probabilities.values(), maps.atlas, maps.table]
    refuse_tables(out, wide, [Path(path) for path in (*read, people.participants) if path is not None])
    with progress_bar() as progress:
        found = api.measure_regions(
            named,
            probabilities or (str(maps.atlas), str(maps.table)),
            tissues=tissues,
            percent=maps.percent,
            ignore_zero=maps.ignore_zero,
            affine=maps.affine,
            subjects=people.subjects,
            participant=people.participant,
            tiv=(people.tiv, people.participants) if people.tiv and people.participants else people.tiv,
            progress=progress,
        )
    say_problems(found.problem_list)
    found.save(out, wide)
    if found.summary["unnamed"]:
        say("note: the participant is not known, its cell is empty; name it with --participant")
    where = " and ".join(str(path) for path in (out, wide) if path)
    regions, count = (found.summary[name] for name in ("regions", "participants"))
    say(f"measured {count_of(regions, 'region')} of {count_of(count, 'participant')} into {where}")
    end(found.problem_list)


def _check_atlas(atlas: str | None, table: Path | None, probability: Sequence[str]) -> None:
    if (atlas is None) == (not probability):
        found = "both --atlas and --probability were given" if atlas else "no regions were given"
        raise UsageError(f"{found}; expected --atlas with --table, or --probability; name one")
    if (atlas is None) != (table is None):
        missing, other = ("--atlas", "--table") if atlas is None else ("--table", "--atlas")
        raise UsageError(f"{other}: no {missing} was given; expected both; add it, or leave {other} out")


def _named(texts: Sequence[str], option: str, pattern: str) -> dict[str, str]:
    """Name → file of ``NAME=FILE``; raises :class:`UsageError`."""
    named: dict[str, str] = {}
    for text in texts:
        name, equals, file = (part.strip() for part in text.partition("="))
        if not (equals and file and re.fullmatch(pattern, name)):
            kind = "letters, digits and _, then = and a file" if pattern == r"\w+" else "a name, = and a file"
            raise UsageError(f"{option} {text}: was found; expected {kind}, as fa=FA.nii.gz; correct it")
        if name in named:
            raise UsageError(f"{option} {name}: given twice; expected each name once; name one otherwise")
        named[name] = file
    return named
