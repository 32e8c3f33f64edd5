"""``mriparaspinal score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import end_bar, say, say_problems, show_table
from mriparaspinal.cli.steps import end, say_notes_of
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What the records are scored with, and compared by."""

    participants: Annotated[
        Path | None,
        opt.option("--participants", "Participants table: FILE is this table with the scores.", "FILE"),
    ] = None
    reference: Annotated[
        Path | None, opt.option("--reference", "cmap-z: the laboratory's item,mean,sd (CSV).", "FILE")
    ] = None
    summary: Annotated[
        Path | None,
        opt.option(
            "--summary",
            "fasciculation: compare the study groups (--participants); als-criteria: cross tables.",
            "DIR",
        ),
    ] = None


@opt.command
def score(
    *,
    instrument: Annotated[str | None, opt.argument("Its name (--list), or a .toml of your own.")] = None,
    records: Annotated[
        Path | None, opt.argument("Item-level records (CSV, TSV or Excel).", "RECORDS.csv")
    ] = None,
    out: Annotated[Path | None, opt.option("--out", "Where the scores (or the template) go.", "FILE")] = None,
    tables: Tables,
    figures: opt.FigureLook,
    list_: Annotated[bool, opt.option("--list", "Show the instruments.")] = False,
    template: Annotated[
        bool, opt.option("--template", "Print, or write to FILE, an empty table of records.")
    ] = False,
) -> None:
    """Turn item-level clinical records into one row of scores per participant.

    The instruments are described in docs/scores.md. A participant with an invalid record is left out
    (exit code 4) and listed next to FILE, in …_problems.csv.

    \b
    Example:
      mriparaspinal score --list
      mriparaspinal score alsfrs-r --template --out items.csv
      mriparaspinal score alsfrs-r items.csv --out alsfrs.csv
      mriparaspinal score cmap-z emg.csv --reference norms.csv --participants people.csv --out people_z.csv
      mriparaspinal score fasciculation us.csv --participants people.csv --out scores.csv --summary us
      mriparaspinal score als-criteria signs.csv --out categories.csv --summary shift
    """
    import mriparaspinal as api

    if list_:
        rows = [(i.name, i.title, ", ".join(score.name for score in i.scores)) for i in api.instruments()]
        return show_table(("instrument", "title", "scores"), rows)
    if instrument is None:
        raise UsageError("no INSTRUMENT was given; expected its name or a .toml file; --list shows them")
    if template:
        content = api.score_template(instrument, participants=tables.participants, out=out)
        end_bar()
        return None if out else print(content, end="")
    if records is None or out is None:
        missing = "RECORDS.csv" if records is None else "--out"
        raise UsageError(
            f"no {missing} was given; expected the records and --out FILE, or --template; name it"
        )
    summary, how = tables.summary, figures.drawn_by(None)
    scored = api.score(
        instrument,
        records,
        participants=tables.participants,
        reference=tables.reference,
        summary=summary is not None,
    )
    scored.put(out, summary, how)
    if scored.compared is not None:
        say_notes_of(scored.compared)
    say_problems(scored.problem_list)
    for note in scored.notes:
        say(f"note: {note}")
    people, left_out = (scored.summary[name] for name in ("participants", "left_out"))
    rest = f"; {count_of(left_out, 'participant')} left out" if left_out else ""
    say(f"scored {count_of(people, 'participant')} by {scored.instrument} into {out}{rest}")
    return end(scored.problem_list)
