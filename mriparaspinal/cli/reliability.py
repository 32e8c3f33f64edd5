"""``mriparaspinal reliability``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.cli.steps import write_analysis
from mriparaspinal.core.errors import UsageError

if TYPE_CHECKING:
    from mriparaspinal.analysis.reliability import Rater
    from mriparaspinal.analysis.result import Analysis


@opt.command
def reliability(
    *,
    out: opt.Out,
    raters: Annotated[
        tuple[Path, ...], opt.argument("Folders of results, one per rater or session.", "RATER")
    ] = (),
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to judge (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    require_cv: Annotated[
        float | None, opt.option("--require-cv", "Exit 5 where the CV of a region exceeds it.", "PCT")
    ] = None,
    mean_out: Annotated[
        Path | None, opt.option("--mean-out", "Write the raters' mean as results for 'compare'.", "DIR")
    ] = None,
    dataset: Annotated[
        tuple[Path, ...],
        opt.option("--dataset", "Dataset of each rater, in their order: compare the masks.", "DATASET"),
    ] = (),
    table: Annotated[
        Path | None, opt.option("--table", "A CSV with target, rater, value instead of RATERs.", "FILE")
    ] = None,
    ui: opt.Ui,
) -> None:
    """Measure the agreement of two or more raters, or of two sessions of one.

    Writes reliability.csv (ICC, CV, SEM, MDC95), bland_altman.csv with figures, and notes.txt; with the
    datasets of two raters also overlap.csv (Dice, Hausdorff distance) and overlap_summary.csv.

    \b
    Example:
      mriparaspinal reliability results_a results_b --out agreement --require-cv 5 --mean-out results_mean
      mriparaspinal reliability results_a results_b --dataset scans_a --dataset scans_b --out agreement
      mriparaspinal reliability --table ratings.csv --out agreement
    """
    from mriparaspinal.analysis import reliability as steps
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.measure.results import stale_tables

    inputs = [*raters, *dataset]
    refuse_mean_out(mean_out, (out, *inputs))
    opened = [] if table else steps.open_raters(raters)
    if table is None:
        found = steps.agreement_of_raters(opened, metric)
    elif inputs or metric or mean_out:
        given = "was given with RATERs, --metric, --dataset or --mean-out"
        raise UsageError(f"--table: {given}; expected it alone; leave out one of them")
    else:
        found = steps.agreement_of_table(table)
    failed = None if require_cv is None else steps.gate(found.table, require_cv)
    if dataset:
        masks = compare_masks_step(opened, dataset, ui.quiet)
        found = steps.extended(found, masks.files, masks.notes)
    mean, notes = steps.mean_files(opened) if mean_out else ({}, [])
    sources = [rater.read for rater in opened]
    write_analysis(steps.extended(found, {}, notes), out, (*inputs, table), ui.quiet, sources)
    if mean_out:
        with OutputFolder(mean_out) as folder:
            folder.replace(mean, stale_tables(folder, mean))
    for name in [*found.files, *mean] if ui.verbose else ():
        say(f"wrote {name}", ui.quiet)
    say(f"{steps.headline(found.table)}; written into {out}", ui.quiet)
    if failed is not None:
        raise failed


def compare_masks_step(raters: list[Rater], datasets: Sequence[Path], quiet: bool) -> Analysis:
    """Hold the raters' masks against each other, with a bar."""
    from mriparaspinal.analysis.overlap import compare_masks, open_sources

    first, second = open_sources(raters, datasets)
    with progress_bar("comparing masks", len(first.study.dataset.slices), quiet) as advance:
        masks = compare_masks(first, second, advance)
    means = zip(masks.table["muscle"], masks.table["dice_mean"], strict=True)
    say(f"mean Dice coefficient: {', '.join(f'{muscle} {mean:.3f}' for muscle, mean in means)}", quiet)
    return masks


def refuse_mean_out(mean_out: Path | None, others: Iterable[Path]) -> None:
    """In a rater's folder the mean would take the place of the rater's own tables."""
    if mean_out is not None and mean_out.resolve() in {path.resolve() for path in others}:
        found = "is an input or --out"
        raise UsageError(f"--mean-out {mean_out}: {found}; expected a folder of its own; choose another")
