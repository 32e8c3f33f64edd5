"""``mriparaspinal score``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems, show_table
from mriparaspinal.cli.steps import end, write_analysis
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.overwrite import refuse_inputs


@opt.command
def score(
    *,
    instrument: Annotated[str | None, opt.argument("Its name (--list), or a .toml of your own.")] = None,
    records: Annotated[
        Path | None, opt.argument("Item-level records (CSV, TSV or Excel).", "RECORDS.csv")
    ] = None,
    out: Annotated[Path | None, opt.option("--out", "Where the scores (or the template) go.", "FILE")] = None,
    participants: Annotated[
        Path | None,
        opt.option("--participants", "Participants table: FILE is this table with the scores.", "FILE"),
    ] = None,
    reference: Annotated[
        Path | None, opt.option("--reference", "cmap-z: the laboratory's item,mean,sd (CSV).", "FILE")
    ] = None,
    summary: Annotated[
        Path | None,
        opt.option("--summary", "fasciculation: compare the study groups; needs --participants.", "DIR"),
    ] = None,
    list_: Annotated[bool, opt.option("--list", "Show the instruments.")] = False,
    template: Annotated[
        bool, opt.option("--template", "Print, or write to FILE, an empty table of records.")
    ] = False,
    ui: opt.Ui,
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
    """
    from mriparaspinal.clinical import records as clinical
    from mriparaspinal.clinical.library import bundled, open_instrument, scores_of
    from mriparaspinal.io.output import require_ours, write_file, write_files

    if list_:
        known = [(name, open_instrument(name)) for name in bundled()]
        rows = [(name, found.title, ", ".join(s.name for s in found.scores)) for name, found in known]
        return show_table(("instrument", "title", "scores"), rows)
    if instrument is None:
        raise UsageError("no INSTRUMENT was given; expected its name or a .toml file; --list shows them")
    chosen = open_instrument(instrument)
    inputs = (records, participants, reference, Path(instrument))
    refuse_inputs("--out", [] if out is None else [out], inputs)
    people, problems = clinical.read_people(participants) if participants else (None, ())
    if template:
        content = clinical.template_csv(chosen, people)
        if out is None:
            sys.stdout.write(content.decode())
        else:
            # Records may be filled in already: only an empty one is replaced.
            write_file(out, content, lambda head: head in (content, clinical.template_csv(chosen)))
        return None
    if records is None or out is None:
        missing = "RECORDS.csv" if records is None else "--out"
        raise UsageError(
            f"no {missing} was given; expected the records and --out FILE, or --template; name it"
        )
    if summary is not None and people is None:
        raise UsageError("--summary: no --participants was given; expected the study groups; name the table")
    scored = clinical.score_file(chosen, records, reference)
    table, notes = clinical.joined_csv(scored, people) if people else (clinical.scores_csv(scored), [])
    problems = (*problems, *scored.problems)
    outputs = scores_of(out, table, clinical.scores_csv(scored), clinical.problems_csv(problems))
    refuse_inputs("--out", [output.path for output in outputs], inputs)
    for output in outputs:
        require_ours(output.path, output.is_ours)
    if summary is not None and people is not None:
        from mriparaspinal.analysis.grades import summarise

        write_analysis(summarise(chosen, scored, people), summary, (records, participants, out), ui.quiet)
    write_files(outputs)
    say_problems(problems, ui.quiet, ui.verbose)
    for note in notes:
        say(f"note: {note}", ui.quiet)
    left_out = {p.shape for p in scored.problems if p.severity == "error" and p.shape} - set(scored.rows)
    rest = f"; {counted(len(left_out), 'participant')} left out" if left_out else ""
    say(f"scored {counted(len(scored.rows), 'participant')} by {chosen.name} into {out}{rest}", ui.quiet)
    return end(problems)
