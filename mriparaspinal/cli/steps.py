"""How the commands end: files in place, notes said, the exit code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal.analysis.counts import compared_summary
from mriparaspinal.cli.console import progress_bar, say, say_notes, say_problems
from mriparaspinal.cli.summary import not_tested
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from mriparaspinal.analysis.drawing import FigureFiles
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.api.given import Found
    from mriparaspinal.api.making import Made
    from mriparaspinal.api.results import StudyResults
    from mriparaspinal.core.model import Problem


def save(found: Analysis, out: Path, figures: FigureFiles | None = None) -> list[str]:
    """Say what is wrong with the participants, write an analysis, say its notes; the names of its files."""
    from mriparaspinal.api.given import each

    say_problems(found.problem_list)
    with progress_bar() as progress:
        files = found.write(out, figures, each(progress, "drawing and writing", found.to_draw))
    say_notes_of(found)
    return files


def say_notes_of(found: Analysis) -> None:
    """Say the notes of an analysis, and what its figures lack."""
    say_notes([*found.notes, *found.lacking])


def end(problems: Sequence[Problem]) -> None:
    """Exit 4 where there were errors, which have been said."""
    if any(problem.severity == "error" for problem in problems):
        raise SystemExit(EXIT_PARTLY)


def finish(found: Found, line: str) -> None:
    """Say what is wrong, then the last line; exit 4 for errors."""
    say_problems(found.problem_list)
    say(line)
    end(found.problem_list)


def say_faults(summary: Mapping[str, Any]) -> str:
    """The numbers of errors and warnings, for the last line of a command."""
    return f"{count_of(summary['errors'], 'error')}, {count_of(summary['warnings'], 'warning')}"


def say_measured(measured: StudyResults, out: Path) -> None:
    """The last line of measuring."""
    summary = measured.summary
    tables = [name for name in measured.contents if re.split("[._]", name)[0] in SPINE]
    slices = count_of(summary["slices_found"], "slice")
    done = f"measured {summary['slices_measured']} of {slices} into {out} ({', '.join(tables)})"
    say(f"{done}; {say_faults(summary)}")


def say_compared(compared: Analysis, out: Path) -> None:
    """The last line of comparing."""
    found = compared_summary(compared)
    made = f"made {count_of(found['comparisons'], 'comparison')}{not_tested(found)} into {out}"
    adjusted = f"{found['p_adjusted_below_0_05']} with adjusted p < 0.05"
    say(f"{made}; {found['p_below_0_05']} with p < 0.05, {adjusted}")


def say_report(made: Made) -> None:
    """The last line of making a page."""
    look = count_of(made.summary["first"], "slice")
    pages = made.summary.get("pages", 0)
    more = f" and {count_of(pages, 'page')} of participants" if pages else ""
    say(f"wrote {made.out} with {count_of(made.count, 'slice')}{more}; {look} to look at first")
