"""``mriparaspinal reliability``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.errors import UsageError

if TYPE_CHECKING:
    from mriparaspinal.agreement import Rater
    from mriparaspinal.mask_agreement import MaskAgreement


def reliability(
    out: opt.OutFolder,
    raters: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RATER_A RATER_B ...]", help="Folders of results, one per rater or session."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="COL", help="Column to judge (repeat) [default: fi and rcsa]."),
    ] = None,
    require_cv: Annotated[
        float | None,
        typer.Option("--require-cv", metavar="PCT", help="Exit 5 where the CV of a region exceeds it."),
    ] = None,
    mean_out: Annotated[
        Path | None,
        typer.Option("--mean-out", metavar="DIR", help="Write the raters' mean as results for 'compare'."),
    ] = None,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(
            "--dataset", metavar="DATASET", help="Dataset of each rater, in their order: compare the masks."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="A CSV with target, rater, value instead of RATERs."),
    ] = None,
    quiet: opt.Quiet = False,
) -> None:
    """Measure how far two or more raters (or two sessions of one) agree.

    Writes reliability.csv (ICC, CV, SEM, MDC95), bland_altman.csv with figures, and notes.txt; with the
    datasets of two raters also overlap.csv (Dice, Hausdorff distance) and overlap_summary.csv.

    \b
    Example:
      mriparaspinal reliability results_a results_b --out agreement --require-cv 5 --mean-out results_mean
      mriparaspinal reliability results_a results_b --dataset scans_a --dataset scans_b --out agreement
      mriparaspinal reliability --table ratings.csv --out agreement
    """
    from mriparaspinal import agreement as steps
    from mriparaspinal.files.results import OutputFolder, stale_tables

    folders, datasets = raters or [], dataset or []
    refuse_inputs_as_output((out, mean_out), (*folders, *datasets))
    opened = [] if table else steps.open_raters(folders)
    if table is None:
        agreed = steps.agreement_of_raters(opened, metric or [])
    elif folders or datasets or metric or mean_out:
        found = "was given with RATERs, --metric, --dataset or --mean-out"
        raise UsageError(f"--table: {found}; expected it alone; leave out one of them")
    else:
        agreed = steps.agreement_of_table(table)
    failed = None if require_cv is None else steps.gate(agreed.table, require_cv)
    with OutputFolder(out) as folder:
        files, notes = dict(agreed.files), list(agreed.notes)
        if datasets:
            masks = compare_masks_step(opened, datasets, quiet)
            files |= masks.files
            notes += masks.notes
        mean, more = steps.mean_files(opened) if mean_out else ({}, [])
        notes += more
        files["notes.txt"] = "".join(f"{note}\n" for note in notes).encode()
        folder.replace(files, steps.leftovers(out, files))
    if mean_out:
        with OutputFolder(mean_out) as folder:
            folder.replace(mean, stale_tables(folder, mean))
    for note in notes:
        say(f"note: {note}", quiet)
    say(f"{steps.headline(agreed.table)}; written into {out}", quiet)
    if failed is not None:
        raise failed


def compare_masks_step(raters: list[Rater], datasets: list[Path], quiet: bool) -> MaskAgreement:
    """Hold the raters' masks against each other, with a bar."""
    from mriparaspinal.mask_agreement import compare_masks, open_sources

    first, second = open_sources(raters, datasets)
    with progress_bar("comparing masks", len(first.study.dataset.slices), quiet) as advance:
        masks = compare_masks(first, second, advance)
    each = (
        f"{muscle} {mean:.3f}"
        for muscle, mean in zip(masks.summary["muscle"], masks.summary["dice_mean"], strict=True)
    )
    say(f"mean Dice coefficient: {', '.join(each)}", quiet)
    return masks


def refuse_inputs_as_output(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Nothing is written into a rater's folder, where the mean would replace the rater's own tables."""
    taken = {path.resolve() for path in inputs}
    for out in outputs:
        if out is not None and out.resolve() in taken:
            raise UsageError(
                f"{out}: is used for something else; expected a folder of its own; choose another"
            )
        if out is not None:
            taken.add(out.resolve())
