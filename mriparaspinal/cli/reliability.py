"""``mriparaspinal reliability``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, progress_bar, say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.errors import UsageError

_MeanOut = Annotated[
    Path | None, opt.option("--mean-out", "Write the raters' mean as results for 'compare'.", "DIR")
]


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
    mean_out: _MeanOut = None,
    dataset: Annotated[
        tuple[Path, ...],
        opt.option("--dataset", "Dataset of each rater, in their order: compare the masks.", "DATASET"),
    ] = (),
    readers: Annotated[
        tuple[Path, ...],
        opt.option(
            "--readers", "Folders of contours of one --dataset: measured first (--readers A B).", "DIR"
        ),
    ] = (),
    session: opt.Session = None,
    table: Annotated[
        Path | None, opt.option("--table", "A CSV with target, rater, value instead of RATERs.", "FILE")
    ] = None,
    figures: opt.Figures,
) -> None:
    """Measure the agreement of two or more raters, or of two sessions of one.

    Writes reliability.csv (ICC, CV, SEM, MDC95), bland_altman.csv with figures, and notes.txt; with the
    datasets of two raters also overlap.csv (Dice, Hausdorff distance) and overlap_summary.csv.

    \b
    Example:
      mriparaspinal reliability results_a results_b --out agreement --require-cv 5 --mean-out results_mean
      mriparaspinal reliability results_a results_b --dataset scans_a --dataset scans_b --out agreement
      mriparaspinal reliability --dataset scans --readers anna ben --out agreement
      mriparaspinal reliability --table ratings.csv --out agreement
    """
    import mriparaspinal as api
    from mriparaspinal.analysis.reliability import headline
    from mriparaspinal.api.agreement import RATERS_AND_TABLE

    if readers:
        readers, raters = (*readers, *raters), ()
    if table and readers:
        raise UsageError("--readers: given with --table; expected one of them; leave one out")
    if table and raters:
        raise UsageError(RATERS_AND_TABLE.format("--table"))
    how = figures.how
    with progress_bar() as progress:
        found = api.reliability(
            table or raters,
            metrics=metric,
            datasets=dataset,
            readers=readers,
            require_cv=require_cv,
            mean_out=mean_out,
            session=session or "",
            progress=progress,
        )
    if "overlap_summary.csv" in found.contents:
        means = found.tables["overlap_summary"][["muscle", "dice_mean"]].values
        say(f"mean Dice coefficient: {', '.join(f'{muscle} {mean:.3f}' for muscle, mean in means)}")
    for name in save(found, out, how):
        say(f"wrote {name}", VERBOSE)
    say(f"{headline(found.table)}; written into {out}")
    if found.failed is not None:
        raise found.failed
    end(found.problem_list)
