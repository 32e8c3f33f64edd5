"""``mriparaspinal reliability``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, progress_bar, say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.errors import UsageError

if TYPE_CHECKING:
    from mriparaspinal.analysis.drawing import FigureFiles
    from mriparaspinal.analysis.reliability import Agreement


Raters = Annotated[tuple[Path, ...], opt.argument("Folders of results, one per rater or session.", "RATER")]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What the raters drew."""

    dataset: Annotated[
        tuple[Path, ...],
        opt.option("--dataset", "Dataset of each rater, in their order: compare the masks.", "DATASET"),
    ] = ()
    readers: Annotated[
        tuple[Path, ...],
        opt.option(
            "--readers", "Folders of contours of one --dataset: measured first (--readers A B).", "DIR"
        ),
    ] = ()
    mean_out: Annotated[
        Path | None, opt.option("--mean-out", "Write the raters' mean as results for 'compare'.", "DIR")
    ] = None

    @property
    def named(self) -> bool:
        """Whether any of them was given."""
        return bool(self.dataset or self.readers or self.mean_out)


@dataclass(frozen=True, kw_only=True)
class Graded:
    """What the raters graded."""

    ratings: Annotated[
        tuple[Path, ...],
        opt.option("--ratings", "Table of grades by all raters, or of each (--ratings A B).", "FILE"),
    ] = ()
    grades: Annotated[
        str | None,
        opt.option("--grades", "Scale of --ratings from low to high [default: as found].", "0,1,2,…"),
    ] = None
    instrument: Annotated[
        str | None,
        opt.option("--instrument", "What --ratings are records of, as for 'score': goutallier, say.", "NAME"),
    ] = None


@opt.command
def reliability(
    *,
    out: opt.Out,
    raters: Raters = (),
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to judge (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    require_cv: Annotated[
        float | None, opt.option("--require-cv", "Exit 5 where the CV of a region exceeds it.", "PCT")
    ] = None,
    drawn: Drawn,
    session: opt.Session = None,
    table: Annotated[
        Path | None, opt.option("--table", "A CSV with target, rater, value instead of RATERs.", "FILE")
    ] = None,
    graded: Graded,
    seed: Annotated[
        int, opt.option("--seed", "Of the bootstrap over participants [default: 1].", "N", min=0)
    ] = 1,
    figures: opt.Figures,
) -> None:
    """Measure the agreement of two or more raters, or of two sessions of one.

    Writes reliability.csv (ICC, CV, SEM, MDC95), bland_altman.csv with figures, and notes.txt; with the
    datasets of two raters also overlap.csv (Dice, Hausdorff distance) and overlap_summary.csv. Of grades
    rating_agreement.csv (per cent agreement, kappa, Gwet's AC), rating_pairs.csv, a table and figures.

    \b
    Example:
      mriparaspinal reliability results_a results_b --out agreement --require-cv 5 --mean-out results_mean
      mriparaspinal reliability results_a results_b --dataset scans_a --dataset scans_b --out agreement
      mriparaspinal reliability --dataset scans --readers anna ben --out agreement
      mriparaspinal reliability --table ratings.csv --out agreement
      mriparaspinal reliability --ratings goutallier.csv --grades 0,1,2,3,4 --out agreement
      mriparaspinal reliability --ratings anna.csv ben.csv --instrument goutallier --out agreement
    """
    import mriparaspinal as api
    from mriparaspinal.analysis.reliability import headline
    from mriparaspinal.api.agreement import RATERS_AND_TABLE, RATINGS_ALONE

    how = figures.how
    for name in ("grades", "instrument"):
        if getattr(graded, name) is not None and not graded.ratings:
            raise UsageError(f"--{name}: given without --ratings; expected both; leave it out")
    if graded.ratings:
        if table or drawn.named or metric or session or require_cv is not None:
            raise UsageError(RATINGS_ALONE)
        return _grades(graded, raters, out, seed, how)
    readers, raters = ((*drawn.readers, *raters), ()) if drawn.readers else ((), raters)
    if table and readers:
        raise UsageError("--readers: given with --table; expected one of them; leave one out")
    if table and raters:
        raise UsageError(RATERS_AND_TABLE.format("--table"))
    with progress_bar() as progress:
        found = api.reliability(
            table or raters,
            metrics=metric,
            datasets=drawn.dataset,
            readers=readers,
            require_cv=require_cv,
            mean_out=drawn.mean_out,
            seed=seed,
            session=session or "",
            progress=progress,
        )
    if "overlap_summary.csv" in found.contents:
        _say_overlap(found)
    for name in save(found, out, how):
        say(f"wrote {name}", VERBOSE)
    say(f"{headline(found.table)}; written into {out}")
    if found.failed is not None:
        raise found.failed
    end(found.problem_list)


def _say_overlap(found: Agreement) -> None:
    means = found.tables["overlap_summary"][["muscle", "dice_mean"]].values
    say(f"mean Dice coefficient: {', '.join(f'{muscle} {mean:.3f}' for muscle, mean in means)}")


def _grades(graded: Graded, more: tuple[Path, ...], out: Path, seed: int, how: FigureFiles) -> None:
    """The same of grades; ``more``: files that follow the first."""
    import mriparaspinal as api
    from mriparaspinal.analysis.ratings import headline

    scale = () if graded.grades is None else tuple(graded.grades.split(","))
    files = [*graded.ratings, *more]
    found = api.rating_agreement(files, grades=scale, instrument=graded.instrument, seed=seed)
    for name in save(found, out, how):
        say(f"wrote {name}", VERBOSE)
    say(f"{headline(found.table)}; written into {out}")
