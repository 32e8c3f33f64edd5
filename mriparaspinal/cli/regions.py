"""``mriparaspinal regions``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_problems
from mriparaspinal.cli.steps import end
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.overwrite import refuse_beside_inputs


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
    ui: opt.Ui,
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

    _check_atlas(maps.atlas, maps.table, maps.probability)
    named, tissues = _named(maps.map_, "--map", r"\w+"), _named(maps.tissue, "--tissue", r"\w+")
    if twice := sorted(set(named) & set(tissues)):
        raise UsageError(f"--tissue {twice[0]}: a --map, too; expected each name once; name one otherwise")
    request = Request(
        maps=named,
        tissues=tissues,
        atlas=maps.atlas or "",
        names=read_names(maps.table) if maps.table else {},
        probabilities=_named(maps.probability, "--probability", r".*\w.*"),
        percent=maps.percent,
        ignore_zero=maps.ignore_zero,
        affine=maps.affine,
    )
    if people.subjects is not None and people.participant is not None:
        raise UsageError("--participant: given with --subjects, whose folders give it; leave one out")
    check_request(request, people.subjects is not None)
    if people.participants is not None and people.tiv is None:
        raise UsageError("--participants: given without --tiv, which alone uses it; expected both; add it")
    volumes = read_tiv(people.tiv, people.participants) if people.tiv is not None else None
    who = find_subjects(people.subjects) if people.subjects else [single_subject(people.participant, request)]
    _refuse_inputs(
        out, wide, [*map(Path, request.files()), *(p for p in (maps.table, people.participants) if p)]
    )
    with progress_bar("measuring", len(who), ui.quiet) as advance:
        measured = measure_regions(request, who, volumes, advance)
    say_problems(measured.problems, ui.quiet, ui.verbose)
    tables = {out: long_csv(measured.rows)} | ({wide: wide_csv(measured.rows)} if wide else {})
    # The long table is the last: it is what the wide one was made of.
    write_files([Output(path, content, same_header(content)) for path, content in reversed(tables.items())])
    if not measured.rows[0].participant_id:
        say("note: the participant is not known, its cell is empty; name it with --participant", ui.quiet)
    say(
        f"measured {counted(len({row.region for row in measured.rows}), 'region')} of "
        f"{counted(measured.participants, 'participant')} into {' and '.join(map(str, tables))}",
        ui.quiet,
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
