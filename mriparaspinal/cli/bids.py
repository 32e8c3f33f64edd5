"""``mriparaspinal bids``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.following import say_next, show_page
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class LabelMaps:
    """Where the regions and the levels of the participants are told."""

    masks: Annotated[
        str | None,
        opt.option(
            "--masks", "Folder of IN/derivatives with label maps of the muscles (…_dseg.nii.gz).", "PIPELINE"
        ),
    ] = None
    numbering: Annotated[
        str | None,
        opt.option("--numbering", "Numbers of --masks [default: the dseg.tsv of PIPELINE].", "NAME|FILE.csv"),
    ] = None
    levels: Annotated[
        str | None,
        opt.option(
            "--levels",
            "Table with participant_id, segment and slice; or a PIPELINE of label maps of the levels.",
            "FILE|PIPELINE",
        ),
    ] = None
    level_numbering: Annotated[
        str | None,
        opt.option("--level-numbering", "Numbers of label maps of levels, as for 'prepare'.", "NAME|FILE"),
    ] = None
    window: Annotated[
        str | None, opt.option("--window", "percentile, or the grey levels LOW,HIGH.", "RULE")
    ] = None


@opt.command
def bids(
    *,
    dataset: Annotated[Path, opt.argument("BIDS dataset, with label maps in its derivatives.", "IN")],
    out: Annotated[Path, opt.argument("Folder to write; made if missing.", "OUT")],
    level: Annotated[
        Literal["participant", "group"], opt.argument("First participant, then group.", "participant|group")
    ],
    participant_label: opt.ParticipantLabel = (),
    maps: LabelMaps,
    jobs: opt.Jobs = None,
    open_: opt.OpenPage = False,
) -> None:
    """Measure a BIDS dataset, as a BIDS App: participant by participant, then as a group.

    participant: the slices of each axial T2w, measured by the label map with the same entities, in
    OUT/sub-LABEL (and ses-LABEL). group: all of them as one study, in OUT/group with its report.html.
    participants.tsv has the groups; IN/code/paraspinal.toml the settings, if there is one.

    \b
    Example:
      mriparaspinal bids IN OUT participant --masks musclemap --levels levels.csv --window 0,1200
      mriparaspinal bids IN OUT group
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.bids(
            dataset,
            out,
            level,
            only=participant_label,
            jobs=jobs,
            progress=progress,
            **vars(maps),
        )
    say_problems(made.problem_list)
    scans = count_of(len(made.measured), "scan")
    if made.study is None:
        say(f"measured {scans} into {out}; {count_of(made.summary['without'], 'scan')} without results")
        say_next("bids", dataset, out, "group", why="when all participants are measured")
    else:
        page = Path(made.study.report.out)
        say(f"compared {scans} in {out / 'group'}")
        show_page(page, open_)
        if not open_:
            say(f"next: open {page} in a browser, or let --open do it")
    end(made.problem_list)
