"""``mriparaspinal merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.summary import measured_rows, measured_summary, print_json, show
from mriparaspinal.core.errors import EXIT_PARTLY, UsageError


@opt.command
def merge(
    *,
    results: Annotated[tuple[Path, ...], opt.argument("Folders of 'quantify --participant-label'.")],
    out: opt.Out,
    as_json: opt.AsJson = False,
    ui: opt.Ui,
) -> None:
    """Join shares of a dataset that were measured separately, as on the nodes of a cluster.

    Gives the same bytes as measuring all their participants in one run.

    \b
    Example:
      mriparaspinal merge shares/ALS_1 shares/ALS_2 shares/LR_1 --out results
    """
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.measure.results import refuse_other_share, write_results
    from mriparaspinal.measure.shares import join_shares

    if out.resolve() in {folder.resolve() for folder in results}:
        raise UsageError(f"{out}: is one of the shares; expected another folder; choose another --out")
    measured, settings = join_shares(results)
    with OutputFolder(out) as folder:
        refuse_other_share(out, measured.study.share)
        write_results(measured, settings, folder)
    say_problems(measured.problems, ui.quiet, ui.verbose)
    summary = measured_summary(measured)
    show(measured_rows(summary), ui.quiet)
    study = measured.study
    missing = [who for who in study.everyone if study.share and who not in study.share]
    if missing:
        names = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        have = f"{len(missing)} of {counted(len(study.everyone), 'participant')} in no share"
        say(f"warning: {have}: {names}; {out} is a share itself until they are joined", ui.quiet)
    say(
        f"joined {counted(len(results), 'share')} into {out}: {measured.measured} of "
        f"{counted(len(measured.results), 'slice')} measured; {counted(measured.errors, 'error')}, "
        f"{counted(measured.warnings, 'warning')}",
        ui.quiet,
    )
    if as_json:
        print_json({"command": "merge", **summary})
    if measured.errors:
        raise SystemExit(EXIT_PARTLY)
