"""``mriparaspinal regions``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_problems
from mriparaspinal.cli.steps import end, refuse_beside_inputs
from mriparaspinal.core.errors import UsageError


@opt.command
@click.option(
    "--out", type=opt.PATH, required=True, metavar="FILE", help="The long table: a row per region and map."
)
@click.option(
    "--map",
    "map_",
    multiple=True,
    metavar="NAME=FILE",
    help="A map to average, such as fa=FA.nii.gz (repeat).",
)
@click.option(
    "--tissue",
    multiple=True,
    metavar="NAME=FILE",
    help="A map of tissue shares, such as gm=mwp1.nii, whose volume is wanted (repeat).",
)
@click.option("--atlas", metavar="FILE", help="Labels (3-D), or probability maps (4-D).")
@click.option("--table", type=opt.PATH, metavar="FILE", help="Names of the atlas: value,label or index,name.")
@click.option(
    "--probability",
    multiple=True,
    metavar="REGION=FILE",
    help="Instead of an atlas: probability map or mask of one region (repeat).",
)
@click.option("--percent", is_flag=True, help="Probabilities are 0–100 [default: 0–1].")
@click.option("--ignore-zero", is_flag=True, help="Leave voxels out in which a map is exactly 0.")
@click.option(
    "--subjects",
    type=opt.PATH,
    metavar="DIR",
    help="A tree: FILEs with {participant_id} are looked up in DIR for each of its folders.",
)
@click.option("--participant", metavar="ID", help="Whose files they are [default: the sub-… of their paths].")
@click.option("--tiv", metavar="ML|COL", help="Intracranial volume: a number, or a column of --participants.")
@click.option(
    "--participants", type=opt.PATH, metavar="FILE", help="Participants table (CSV, TSV or Excel), for --tiv."
)
@click.option(
    "--wide", type=opt.PATH, metavar="FILE", help="Also one row per participant, as fa_mean_REGION."
)
@opt.affine
@opt.quiet
@opt.verbose
def regions(
    out: Path,
    map_: tuple[str, ...],
    tissue: tuple[str, ...],
    atlas: str | None,
    table: Path | None,
    probability: tuple[str, ...],
    percent: bool,
    ignore_zero: bool,
    subjects: Path | None,
    participant: str | None,
    tiv: str | None,
    participants: Path | None,
    wide: Path | None,
    affine: Literal["qform", "sform"] | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Mean, SD, median and volume of NIfTI maps in the regions of an atlas. Nothing is resampled.

    The maps and the atlas must have the same voxels. Voxels that are no number are left out and counted;
    zeros are values. Both tables go into compare, correlate and regress as --table, and into roc. See
    docs/brain-maps.md.

    \b
    Example:
      mriparaspinal regions --map fa=FA.nii.gz --map md=MD.nii.gz --atlas atlas.nii.gz --table labels.csv
        --out regions.csv
      mriparaspinal regions --subjects derivatives --map "fa={participant_id}/dwi/*_FA.nii.gz"
        --atlas jhu.nii.gz --table jhu.csv --out regions.csv --wide wide.csv
    """
    from mriparaspinal.brain.measure import (
        Request,
        check_request,
        find_subjects,
        long_csv,
        measure_regions,
        read_names,
        read_tiv,
        single_subject,
        wide_csv,
    )
    from mriparaspinal.io.output import Output, same_header, write_files

    _check_atlas(atlas, table, probability)
    maps, tissues = _named(map_, "--map", r"\w+"), _named(tissue, "--tissue", r"\w+")
    if twice := sorted(set(maps) & set(tissues)):
        raise UsageError(f"--tissue {twice[0]}: a --map, too; expected each name once; name one otherwise")
    request = Request(
        maps=maps,
        tissues=tissues,
        atlas=atlas or "",
        names=read_names(table) if table else {},
        probabilities=_named(probability, "--probability", r".*\w.*"),
        percent=percent,
        ignore_zero=ignore_zero,
        affine=affine,
    )
    if subjects is not None and participant is not None:
        raise UsageError("--participant: given with --subjects, whose folders tell it; leave one out")
    check_request(request, subjects is not None)
    if participants is not None and tiv is None:
        raise UsageError("--participants: given without --tiv, which alone uses it; expected both; add it")
    volumes = read_tiv(tiv, participants) if tiv is not None else None
    people = find_subjects(subjects) if subjects else [single_subject(participant, request)]
    _refuse_inputs(out, wide, [*map(Path, request.files()), *(p for p in (table, participants) if p)])
    with progress_bar("measuring", len(people), quiet) as advance:
        measured = measure_regions(request, people, volumes, advance)
    say_problems(measured.problems, quiet, verbose)
    tables = {out: long_csv(measured.rows)} | ({wide: wide_csv(measured.rows)} if wide else {})
    # The long table is the last: it is what the wide one was made of.
    write_files([Output(path, content, same_header(content)) for path, content in reversed(tables.items())])
    if not measured.rows[0].participant_id:
        say("note: the participant is not known, its cell is empty; name it with --participant", quiet)
    say(
        f"measured {counted(len({row.region for row in measured.rows}), 'region')} of "
        f"{counted(measured.participants, 'participant')} into {' and '.join(map(str, tables))}",
        quiet,
    )
    end(measured.problems)


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


def _refuse_inputs(out: Path, wide: Path | None, inputs: list[Path]) -> None:
    if wide is not None and wide.resolve() == out.resolve():
        raise UsageError(f"--wide {wide}: is --out, too; expected two files; choose another")
    for option, path in (("--out", out), ("--wide", wide)):
        if path is not None:
            refuse_beside_inputs(option, path, inputs, ())
