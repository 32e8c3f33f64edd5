"""``mriparaspinal merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say, say_problems
from mriparaspinal.cli.steps import end, say_faults
from mriparaspinal.cli.summary import measured_rows, print_json, show
from mriparaspinal.core.text import count_of


@opt.command
def merge(
    *,
    results: Annotated[tuple[Path, ...], opt.argument("Folders of 'quantify --participant-label'.")],
    out: opt.Out,
    tables: opt.Tables,
    as_json: opt.AsJson = False,
) -> None:
    """Join shares of a dataset that were measured separately, as on the nodes of a cluster.

    Gives the same bytes as measuring all their participants in one run.

    \b
    Example:
      mriparaspinal merge shares/ALS_1 shares/ALS_2 shares/LR_1 --out results
    """
    import mriparaspinal as api

    joined = api.merge(results, out, xlsx=tables.xlsx, sav=tables.sav)
    summary, missing, share = joined.summary, joined.left_out, joined.share
    say_problems(joined.problem_list)
    show(measured_rows(summary))
    if missing:
        names = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        have = f"{len(missing)} of {count_of(len(missing) + len(share), 'participant')} in no share"
        say(f"warning: {have}: {names}; {out} is a share itself until they are joined")
    measured = f"{summary['slices_measured']} of {count_of(summary['slices_found'], 'slice')} measured"
    say(f"joined {count_of(len(results), 'share')} into {out}: {measured}; {say_faults(summary)}")
    if as_json:
        print_json({"command": "merge", **summary})
    end(joined.problem_list)
