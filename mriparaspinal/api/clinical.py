"""Clinical scores from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.api.given import Found, PathLike, Table, files
from mriparaspinal.clinical import records as clinical
from mriparaspinal.clinical.library import bundled, open_instrument, scores_of
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.io.overwrite import refuse_inputs
from mriparaspinal.io.write import require_ours, write_file, write_files

if TYPE_CHECKING:
    import pandas as pd

    from mriparaspinal.analysis.drawing import FigureFiles
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.clinical.instrument import Instrument
    from mriparaspinal.clinical.score import Scored
    from mriparaspinal.core.model import Problem
    from mriparaspinal.core.participants import Participants

#: The formula whose summary needs no study groups.
_CRITERIA = "criteria"


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores(Found):
    """The scores of an instrument as a table that can be saved."""

    instrument: str
    outputs: tuple[bytes, bytes, bytes] = field(repr=False)
    """The bytes of the tables: scores with the participants, scores alone, problems."""
    notes: tuple[str, ...] = ()
    compared: Analysis | None = None
    """The comparison of the study groups, if it was requested."""
    inputs: tuple[Path, ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per participant: ``participant_id`` and the columns of the instrument."""
        from mriparaspinal.analysis.frames import table_frame
        from mriparaspinal.io.tables import parse_table

        return table_frame(parse_table(self.outputs[0], "scores"))

    def save(
        self,
        file: PathLike,
        summary: PathLike | None = None,
        *,
        formats: Sequence[str] = (),
        style: PathLike | None = None,
    ) -> None:
        """Write the table, its problems next to it, and the comparison of the groups into a folder.

        ``formats`` and ``style`` of the figures as for :meth:`Analysis.save`. Raises :class:`UsageError` over
        an input, and over what is not ours.
        """
        from mriparaspinal.analysis.drawing import figure_files

        self.put(file, summary, figure_files(formats, style))

    def put(self, file: PathLike, summary: PathLike | None, how: FigureFiles) -> None:
        """Save with figures as they were asked for."""
        path = Path(file)
        refuse_inputs(argument("save"), [path], self.inputs)
        outputs = scores_of(path, *self.outputs)
        refuse_inputs(argument("save"), [output.path for output in outputs], self.inputs)
        for output in outputs:
            require_ours(output.path, output.is_ours, argument("save"))
        if summary is not None and self.compared is not None:
            compared = replace(self.compared, paths=(*self.inputs, path))
            compared.write(Path(summary), how)
        write_files(outputs)


def score(
    instrument: str | Path,
    records: Table,
    *,
    participants: Table | None = None,
    reference: PathLike | None = None,
    summary: bool = False,
) -> Scores:
    """Turn item-level clinical records into one row of scores per participant.

    Parameters
    ----------
    instrument : str or Path
        Its name, such as ``alsfrs-r``, or a ``.toml`` of your own.
    records : str, Path or DataFrame
        The records, item by item.
    participants : str, Path or DataFrame, optional
        Participants table, which the scores are added to.
    reference : str or Path, optional
        For ``cmap-z``: the laboratory's item, mean, sd.
    summary : bool
        For ``fasciculation``: also compare the study groups of ``participants``; for ``als-criteria``: also
        count how the categories go over into each other.

    Returns
    -------
    Scores
        ``table``: ``participant_id`` and the columns of the instrument, which the page on clinical scores
        lists; ``problems``: the faulty records, whose participants are left out.

    Raises
    ------
    UsageError
        For records that cannot be used, or from which no participant could be scored.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = mp.make_phantom(f"{folder}/scans", als=2, lr=0, size=128, clinical=True)
    ...     found = mp.score("alsfrs-r", f"{folder}/scans/records/alsfrs-r.csv")
    >>> list(found.table)[:2], len(found.table)
    (['participant_id', 'alsfrs_r'], 2)
    """
    chosen = open_instrument(str(instrument))
    if summary and participants is None and chosen.formula != _CRITERIA:
        missing = f"no {argument('participants')} was given; expected the study groups; name the table"
        raise UsageError(f"{argument('summary')}: {missing}")
    with files() as given:
        file = given.if_any(participants, PARTICIPANTS)
        people = clinical.read_people(file) if file else None
        norms = given.if_any(reference, "")
        scored = clinical.score_file(chosen, given.of(records, "records.csv"), norms)
    found = _scores(chosen.name, scored, people, (*given.paths, Path(instrument)))
    if not summary:
        return found
    if chosen.formula == _CRITERIA:
        from mriparaspinal.analysis.criteria import category_shift

        return replace(found, compared=category_shift(chosen.name, scored))
    assert people is not None
    from mriparaspinal.analysis.grades import summarise

    return replace(found, compared=summarise(chosen, scored, people[0]))


def _scores(
    instrument: str,
    scored: Scored,
    people: tuple[Participants, tuple[Problem, ...]] | None,
    inputs: tuple[Path, ...],
) -> Scores:
    plain = clinical.scores_csv(scored)
    table, notes = clinical.joined_csv(scored, people[0]) if people else (plain, [])
    problems = (*(people[1] if people else ()), *scored.problems)
    left_out = {p.shape for p in scored.problems if p.severity == "error" and p.shape} - set(scored.rows)
    return Scores(
        instrument=instrument,
        problem_list=problems,
        summary={"participants": len(scored.rows), "left_out": len(left_out)},
        outputs=(table, plain, clinical.problems_csv(problems)),
        notes=tuple(notes),
        inputs=inputs,
    )


def instruments() -> list[Instrument]:
    """The instruments that :func:`score` knows by name.

    Returns
    -------
    list of Instrument
        ``name``, ``title``, and ``scores``, each with its own ``name``.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> [found.name for found in mp.instruments()][:2]
    ['als-criteria', 'alsfrs-r']
    """
    return [open_instrument(name) for name in bundled()]


def score_template(
    instrument: str | Path, *, participants: Table | None = None, out: PathLike | None = None
) -> str:
    """An empty table of records for :func:`score`, to be filled in.

    Parameters
    ----------
    instrument : str or Path
        Its name, such as ``alsfrs-r``, or a ``.toml`` of your own.
    participants : str, Path or DataFrame, optional
        Participants table, whose ids the table begins with.
    out : str or Path, optional
        The file to write; only an empty template is ever replaced.

    Returns
    -------
    str
        The table as CSV.

    Raises
    ------
    UsageError
        For an unknown instrument, and over a file that is filled in.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> mp.score_template("cmap-z").split(",")[:3]
    ['participant_id', 'median_left', 'median_right']
    """
    chosen = open_instrument(str(instrument))
    with files() as given:
        file = given.if_any(participants, PARTICIPANTS)
        people = clinical.read_people(file)[0] if file else None
    content = clinical.template_csv(chosen, people)
    if out is not None:
        refuse_inputs(argument("out"), [Path(out)], (*given.paths, Path(instrument)))
        write_file(Path(out), content, lambda head: head in (content, clinical.template_csv(chosen)))
    return content.decode()
