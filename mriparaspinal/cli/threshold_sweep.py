"""``mriparaspinal threshold-sweep``."""

from __future__ import annotations

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_problems
from mriparaspinal.cli.steps import end, write_analysis


@opt.command
def threshold_sweep(
    *,
    results: opt.Results,
    dataset: opt.ResultsDataset,
    out: opt.Out,
    participants: opt.ResultsParticipants = None,
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Show how much a study's results depend on the threshold between muscle and fat.

    Writes FI at the thresholds 0–255 (sweep.csv and a figure), its change per grey level at the study's
    threshold (slope.csv), and the main contrasts of FI at the thresholds up to 10 grey levels away from it
    (sweep_contrasts.csv; 40–60 around 50). The dataset has to be the one that was measured.

    \b
    Example:
      mriparaspinal threshold-sweep results --dataset scans --out sweep
    """
    from mriparaspinal.analysis.inputs import open_cohort
    from mriparaspinal.analysis.sweep import sweep_thresholds
    from mriparaspinal.measure.reopen import open_source

    say_jobs(jobs or 1, ui.quiet)
    cohort = open_cohort(results, participants)
    source = open_source(results, cohort.manifest, dataset)
    say_problems(cohort.problems, ui.quiet, ui.verbose)
    slices = len(source.study.dataset.slices)
    with progress_bar("reading", slices, ui.quiet) as advance:
        found, summary = sweep_thresholds(cohort, source, jobs or 1, advance)
    write_analysis(found, out, (results, dataset, participants), ui.quiet, cohort.sources)
    for sentence in summary:
        say(sentence, ui.quiet)
    say(f"swept the threshold over {counted(slices, 'slice')} into {out}", ui.quiet)
    end(cohort.problems)
