"""``mriparaspinal threshold-sweep``."""

from __future__ import annotations

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.text import count_of


@opt.command
def threshold_sweep(
    *,
    results: opt.Results,
    dataset: opt.ResultsDataset,
    out: opt.Out,
    annotations: opt.Annotations = None,
    participants: opt.ResultsParticipants = None,
    session: opt.Session = None,
    jobs: opt.Jobs = None,
    figures: opt.FigureLook,
) -> None:
    """Show how much a study's results depend on the threshold between muscle and fat.

    Writes FI at the thresholds 0–255 (sweep.csv and a figure), its change per grey level at the study's
    threshold (slope.csv), and the main contrasts of FI at the thresholds up to 10 grey levels away from it
    (sweep_contrasts.csv; 40–60 around 50). The dataset has to be the one that was measured.

    \b
    Example:
      mriparaspinal threshold-sweep results --dataset scans --out sweep
    """
    import mriparaspinal as api

    how = figures.drawn_by(jobs)
    with progress_bar() as progress:
        found = api.sweep_thresholds(
            opt.at_session(results, session),
            dataset,
            annotations=annotations,
            participants=participants,
            jobs=jobs,
            progress=progress,
        )
    save(found, out, how)
    for sentence in found.summary["sentences"]:
        say(sentence)
    say(f"swept the threshold over {count_of(found.summary['slices'], 'slice')} into {out}")
    end(found.problem_list)
