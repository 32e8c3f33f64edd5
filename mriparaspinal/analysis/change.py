"""``change``: what changes between the sessions of a follow-up, with its tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.frames import participants_frame, read_measurements, with_own_regions
from mriparaspinal.analysis.inputs import METRICS, Cohort, people_of
from mriparaspinal.analysis.result import Analysis, Content, file_name, notes_bytes
from mriparaspinal.core.errors import NoInputError, NothingToCompareError, UsageError
from mriparaspinal.core.visits import MONTHS, SESSION, in_order_of_names, months_of, of_session
from mriparaspinal.io.tables import parse_table, table_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.results import Results, sessions_of
from mriparaspinal.present.change import change_figure, spaghetti_figure
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.change import ROLES, Region, change, mdc_of, ordered_sessions
from mriparaspinal.stats.change_model import change_model
from mriparaspinal.stats.change_tests import change_differences, change_tests, of_groups, slopes_of_groups
from mriparaspinal.stats.cohort import assemble

CHANGE = "change.json"


def open_sessions(results: Results, participants_file: Path | None = None) -> tuple[Cohort, list[str]]:
    """The rows of all sessions of a follow-up, with ``session`` and ``months``; the sessions in their order.

    Raises :class:`UsageError` for results without sessions, or with rows of none, or of one only, and
    where nothing tells the order; :class:`NoInputError` where the tables contradict each other.
    """
    there = sessions_of(results.contents, results.tables)
    people, problems, notes, inputs = people_of(results, participants_file)
    if not there:
        found = f"{results.folder}: the results have no sessions"
        remedy = (
            "name the scans ALS_7_v1_3.png, ALS_7_v2_3.png (see docs/follow-up.md) and measure them again"
        )
        raise UsageError(f"{found}; expected two or more; {remedy}")
    if len(there) < 2:
        found = f"{results.folder}: the results have one session, {there[0]}"
        raise NothingToCompareError(f"{found}; expected two or more; measure the others, too")
    months = months_of(people)
    ordered, said = ordered_sessions(
        {key: value for key, value in months.items() if key[1] in there}, there, in_order_of_names(there)
    )
    rows = read_measurements(results.contents, results.tables)
    if len(set(rows[SESSION])) > len(there):
        found = f"{results.folder}: rows without a session were found beside {', '.join(there)}"
        raise UsageError(f"{found}; expected a session in each; name the slices, and measure them again")
    parts, more = [], []
    for session in ordered:
        own = rows[(rows[SESSION] == session).to_numpy()].drop(columns=SESSION).reset_index(drop=True)
        at = of_session(people, session)
        table, remarks = assemble(own, participants_frame(at) if at.rows else None)
        parts.append(table.assign(**{SESSION: session, MONTHS: _months(table, session, months)}))
        more.append(remarks)
    table = with_own_regions(pd.concat(parts, ignore_index=True), results.manifest)
    _require_one_group(table)
    notes = (*notes, *said, *_of_sessions(ordered, more))
    cohort = Cohort(table, None, notes, problems, results.manifest, (results,), inputs)
    return cohort, ordered


def _months(table: pd.DataFrame, session: str, months: Mapping[tuple[str, str], float]) -> list[float]:
    return [months.get((who, session), np.nan) for who in table["participant_id"]]


def _require_one_group(table: pd.DataFrame) -> None:
    for column in ("group",):
        counts = table.groupby("participant_id", sort=False)[column].nunique()
        if (counts > 1).any():
            who = counts.index[counts > 1][0]
            there = " and ".join(sorted(set(table.loc[table["participant_id"] == who, column])))
            raise NoInputError(
                f"{who}: the groups {there} were found; expected one in all sessions; correct it"
            )


def _of_sessions(sessions: Sequence[str], notes: Sequence[Sequence[str]]) -> list[str]:
    """Notes on the sessions, each once: what holds for all of them without their names."""
    where: dict[str, list[str]] = {}
    for session, said in zip(sessions, notes, strict=True):
        for note in said:
            where.setdefault(note, []).append(session)
    return [n if len(of) == len(sessions) else f"{', '.join(of)}: {n}" for n, of in where.items()]


def read_mdc(file: Path) -> tuple[dict[Region, float], tuple[str, str]]:
    """The minimal detectable changes in a ``reliability.csv``; its name and SHA-256."""
    try:
        raw = table_bytes(file)
        text = parse_table(raw, file.name)
    except NoInputError as error:
        raise UsageError(f"--mdc: {error}") from None
    frame = pd.DataFrame(text.rows, columns=list(text.columns), dtype=object)
    return mdc_of(frame), (file.name, sha256(raw))


def change_cohort(
    cohort: Cohort,
    sessions: Sequence[str],
    metrics: Sequence[str] = (),
    normality: str | None = None,
    mdc_file: Path | None = None,
) -> Analysis:
    """Change, slopes and their tests; see ``stats.change``.

    Without ``metrics``: FI and rCSA; without ``normality`` that of the protocol.

    Raises :class:`UsageError` for a metric that is not there, or a table of detectable changes that is none.
    """
    names = list(dict.fromkeys(metrics)) or list(METRICS)
    chosen = normality or cohort.protocol.get("normality")
    judged_by: Normality = "shapiro" if chosen == "shapiro" else "lilliefors"
    mdc, inputs = None, cohort.inputs
    if mdc_file is not None:
        mdc, read = read_mdc(mdc_file)
        inputs = (*inputs, read)
    changes, slopes, found = change(cohort.table, names, sessions, mdc)
    known = changes[changes["role"].isin(ROLES).to_numpy()]
    tests = change_tests(known, sessions, judged_by)
    differences = change_differences(known, slopes, sessions, judged_by)
    settings: dict[str, Sequence[str]] = {
        "session": sessions,
        "metric": names,
        "normality": [judged_by],
        "mdc": [mdc_file.name] if mdc_file else [],
    }
    models, unfitted = change_model(changes, sessions)
    notes = [*cohort.notes, *found, *of_groups(changes), *unfitted]
    contents: dict[str, Content] = {
        "changes.csv": changes,
        "participant_slopes.csv": slopes,
        "change_tests.csv": tests,
        "slopes.csv": slopes_of_groups(slopes),
        "change_differences.csv": differences,
        "change_model.csv": models,
    }
    role = "symptomatic" if (known["role"] == "symptomatic").any() else "bilateral"
    for metric in names:
        shown = known[(known["metric"] == metric).to_numpy() & (known["role"] == role).to_numpy()]
        if not shown["value"].notna().any():
            continue
        for kind, draw in (("spaghetti", spaghetti_figure), ("change", change_figure)):
            name = file_name(f"{kind}_{metric}", contents)
            contents[name] = Drawing(partial(draw, shown, metric, role, sessions))
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(tests, tuple(notes), contents, CHANGE, settings, inputs)
