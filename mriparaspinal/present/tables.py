"""Tables 1–4 laid out as the paper prints them: texts in cells, so that no number is retyped.

The paper: Ren et al. 2026, Front. Neurol. 17:1751139. Its layout holds for any groups, metrics and scores;
every number comes from the tables of ``stats/``, which also have the digits that are not shown here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from mriparaspinal.core.names import (
    CHOICE_OF_TEST,
    NORMALITY_NAMES,
    SIDE_NAMES,
    TEST_NAMES,
    clinical_name_of,
)
from mriparaspinal.core.text import join_names
from mriparaspinal.present.cell_texts import (
    SMD_NOTE,
    exact_text,
    n_text,
    p_cell,
    r_and_p,
    range_text,
    smd_cell,
    with_minus_signs,
)
from mriparaspinal.present.decimals import with_even_decimals
from mriparaspinal.present.p_values import is_significant
from mriparaspinal.present.table_layout import (
    ABSENT,
    Column,
    PaperTable,
    absent_note,
    clinical_name,
    contrasted_column,
    lay_out,
    metric_name,
    rank_of,
    row_key,
    row_keys,
    superscripts,
    with_empty_texts,
)
from mriparaspinal.present.words import abbreviations
from mriparaspinal.stats.cells import muscles_of
from mriparaspinal.stats.limits import ALPHA


def table1(
    characteristics: pd.DataFrame, normality: str = "lilliefors"
) -> tuple[PaperTable | None, list[str]]:
    """Table 1: one row per characteristic, one column per group, p and test per pair of groups.

    ``characteristics`` is the table of :func:`mriparaspinal.stats.characteristics.characteristics`.
    ``normality`` is the test that was used, for the footnotes. None and a note where the table is empty.
    """
    if characteristics.empty:
        return None, ["Table 1: no characteristics, so it is left out"]
    characteristics = with_empty_texts(characteristics)
    sizes: dict[str, int] = {}
    pairs: dict[tuple[str, str], None] = {}
    by_item: dict[str, list[dict[str, object]]] = {}
    for record in characteristics.to_dict("records"):
        by_item.setdefault(record["characteristic"], []).append(record)
        for letter in "ab":
            if record[f"label_{letter}"]:
                size = int(record[f"n_{letter}"] + record[f"missing_{letter}"])
                sizes[record[f"label_{letter}"]] = size
        if record["label_b"]:
            pairs[record["label_a"], record["label_b"]] = None
    with_smd = "smd" in characteristics
    marks = superscripts(len(pairs))
    header = ["Item", *(f"{group} (n = {size})" for group, size in sizes.items())]
    for mark in marks:
        header += [f"P{mark} value", f"Test{mark}", *([f"SMD{mark}"] if with_smd else [])]
    rows: list[tuple[str, ...]] = []
    bold, remarks = set(), []
    for records in by_item.values():
        cells = _group_cells(records)
        row = [str(records[0]["item"]), *(cells.get(group, ABSENT) for group in sizes)]
        for pair in pairs:
            record = next(r for r in records if (r["label_a"], r["label_b"]) == pair)
            if is_significant(record["p"]):
                bold.add((len(rows), len(row)))
            test = TEST_NAMES.get(str(record["test"]))
            row += [p_cell(record["p"]), ABSENT if test is None else test.label]
            row += [smd_cell(record)] if with_smd else []
            if record["remark"]:
                versus = f", {pair[0]} against {pair[1]}" if len(pairs) > 1 else ""
                exact = exact_text(record)
                remarks.append(f"{records[0]['item']}{versus}: {record['remark']}{exact}.")
        rows.append(tuple(row))
    groups = list(sizes)
    footnotes = [
        *_abbreviations([*groups, *(name.label for column in by_item if (name := clinical_name_of(column)))]),
        *_characteristic_notes(characteristics, rows, normality),
        *(f"P{m}, {a} against {b}." for m, (a, b) in zip(marks, pairs, strict=True) if m),
        *([_bold_note("")] if pairs else []),
        *([SMD_NOTE] if with_smd else []),
        *remarks,
        *absent_note(rows),
    ]
    title = f"Table 1. Demographic and clinical features of {join_names(dict.fromkeys(groups))}."
    return PaperTable("table1", title, tuple(header), tuple(rows), frozenset(bold), tuple(footnotes)), []


def table2(comparisons: pd.DataFrame, normality: str = "lilliefors") -> tuple[PaperTable | None, list[str]]:
    """Table 2: the sides within each group, from the contrasts ``side:…`` of ``comparisons.csv``.

    Columns are S and C (or L and R where no onset side is known) of each group, then one p each.
    None and a note where there is no such contrast.
    """
    comparisons = with_even_decimals(with_empty_texts(comparisons))
    chosen = comparisons[[contrasted_column(text) == "side" for text in comparisons["contrast"]]]
    if chosen.empty:
        return None, ["Table 2: no comparison of sides within a group, so it is left out"]
    arms: list[Column] = []
    p_values: list[Column] = []
    meanings: list[str] = []
    sides: list[str] = []
    groups: list[str] = []
    contrasts = list(dict.fromkeys(chosen["contrast"]))
    for mark, text in zip(superscripts(len(contrasts)), contrasts, strict=True):
        rows = chosen[chosen["contrast"] == text]
        groups.append(_arm_name(text.partition(":")[2].strip()))
        for letter in "ab":
            label = rows[f"label_{letter}"].iloc[0]
            sides.append(label)
            arms.append(_arm_column(f"{groups[-1]} {SIDE_NAMES[label].label}", rows, letter))
        p_values.append(_p_column(f"P{mark} value", rows))
        a, b = (SIDE_NAMES[label].long for label in sides[-2:])
        meanings.append(f"P{mark}, {a} against {b} in {groups[-1]}.")
    title = f"Table 2. MRI data{_of_metrics(chosen)} by side in {join_names(dict.fromkeys(groups))}."
    footnotes = [
        *_comparison_notes(chosen, groups, sides, normality),
        *meanings,
        _bold_note("comparisons.csv"),
    ]
    return lay_out("table2", title, "Item", [*arms, *p_values], row_keys(chosen), footnotes), []


def table3(comparisons: pd.DataFrame, normality: str = "lilliefors") -> tuple[PaperTable | None, list[str]]:
    """Table 3: groups against each other, from the contrasts ``group:…`` of ``comparisons.csv``.

    Columns are the symptomatic side and both sides of each arm that occurs (in the paper ALS, ALS with
    onset in the lower limbs, and LR), then one p per contrast and role.
    None and a note where there is no such contrast.
    """
    comparisons = with_even_decimals(with_empty_texts(comparisons))
    chosen = comparisons[[contrasted_column(text) == "group" for text in comparisons["contrast"]]]
    if chosen.empty:
        return None, ["Table 3: no comparison of groups, so it is left out"]
    contrasts = list(dict.fromkeys(chosen["contrast"]))
    roles = [role for role in ("symptomatic", "bilateral", "") if (chosen["role"] == role).any()]
    blocks = {
        (text, role): rows
        for text in contrasts
        for role in roles
        if len(rows := chosen[(chosen["contrast"] == text) & (chosen["role"] == role)])
    }
    # Arms a first, so that the paper's contrasts give its order: ALS, ALS-lower, LR.
    places = list(dict.fromkeys(_group_arm(chosen, text, letter) for letter in "ab" for text in contrasts))
    arms: dict[tuple[str, str], Column] = {}
    p_values = []
    meanings = []
    for mark, text in zip(superscripts(len(contrasts)), contrasts, strict=True):
        both = [_group_arm(chosen, text, letter) for letter in "ab"]
        meanings.append(f"P{mark}, {_arm_name(both[0])} against {_arm_name(both[1])}.")
        for role in roles:
            if (text, role) not in blocks:
                continue
            rows = blocks[text, role]
            p_values.append(_p_column(f"P{mark} value {_side_letter(role)}".strip(), rows))
            for letter, arm in zip("ab", both, strict=True):
                # An arm of several contrasts is the same participants in each.
                column = _arm_column(f"{_arm_name(arm)} {_side_letter(role)}".strip(), rows, letter)
                arms.setdefault((arm, role), column)
    columns = [arms[arm, role] for arm in places for role in roles if (arm, role) in arms]
    filtered = [f"{_arm_name(arm)}, {_arm_in_words(arm)}." for arm in places if "[" in arm]
    names = [_arm_name(arm) for arm in places]
    title = f"Table 3. MRI data{_of_metrics(chosen)} of {join_names(dict.fromkeys(names))}."
    groups = [arm.partition("[")[0] for arm in places]
    footnotes = [
        *_comparison_notes(chosen, groups, roles, normality),
        *filtered,
        *meanings,
        _bold_note("comparisons.csv"),
    ]
    return lay_out("table3", title, "Item", [*columns, *p_values], row_keys(chosen), footnotes), []


def table4(
    correlations: pd.DataFrame, source: str = "correlations.csv"
) -> tuple[PaperTable | None, list[str]]:
    """Table 4: r and p of each muscle's metrics with the clinical scores, from ``correlations.csv``.

    ``source`` is the file of all digits that the footnotes name.
    One column per metric; where there are several scores (covariates, methods, roles), one per each.
    None and a note where there are no correlations.
    """
    if correlations.empty:
        return None, ["Table 4: no correlations, so it is left out"]
    correlations = with_empty_texts(correlations)
    settings = ["score", "covariates", "method", "role"]
    varying = [name for name in settings if correlations[name].nunique() > 1]
    in_table_mode = bool((correlations["muscle"] == "").all() and (correlations["segment"] == "").all())
    columns = []
    by = settings if in_table_mode else [*settings, "metric"]
    for values, rows in correlations.groupby(by, sort=False):
        found = dict(zip(by, values, strict=True))
        parts = [_setting_text(name, found[name]) for name in varying]
        metric = "r and p" if in_table_mode else metric_name(found["metric"])
        column = Column(": ".join([", ".join(parts), metric]) if parts else metric)
        for record in rows.to_dict("records"):
            key = (record["segment"], record["muscle"], record["metric"] if in_table_mode else "")
            column.cells[key] = r_and_p(record["r"], record["p"])
            if is_significant(record["p"]):
                column.bold.add(key)
        columns.append(column)
    scores = [clinical_name(score) for score in dict.fromkeys(correlations["score"])]
    keys = row_keys(correlations if in_table_mode else correlations.assign(metric=""))
    metrics = [metric_name(metric) for metric in dict.fromkeys(correlations["metric"])]
    footnotes = [
        *_abbreviations([*scores, *dict.fromkeys(correlations["muscle"]), *metrics]),
        *_correlation_notes(correlations, source),
        _bold_note(source),
    ]
    of, with_ = join_names(dict.fromkeys(scores)), join_names(dict.fromkeys(metrics))
    title = f"Table 4. Correlations of {of} with {with_}."
    first = scores[0] if len(scores) == 1 else "Item"
    return lay_out("table4", title, first, columns, keys, footnotes), []


def _arm_column(name: str, rows: pd.DataFrame, letter: str) -> Column:
    """One arm of one contrast (and role): its summaries, and the n used in the header."""
    column = Column(f"{name} ({n_text(rows[f'n_{letter}'])})")
    for record in rows.to_dict("records"):
        column.cells[row_key(record)] = with_minus_signs(record[f"summary_{letter}"]) or ABSENT
    return column


def _p_column(name: str, rows: pd.DataFrame) -> Column:
    column = Column(name)
    for record in rows.to_dict("records"):
        column.cells[row_key(record)] = p_cell(record["p"])
        if is_significant(record["p"]):
            column.bold.add(row_key(record))
    return column


def _group_cells(records: Iterable[dict[str, object]]) -> dict[str, str]:
    """A characteristic by group; the n that was used follows it where values are missing."""
    cells = {}
    for record in records:
        for letter in "ab":
            summary = with_minus_signs(str(record[f"summary_{letter}"]))
            if summary:
                n = f" [{record[f'n_{letter}']:.0f}]" if record[f"missing_{letter}"] else ""
                cells[str(record[f"label_{letter}"])] = summary + n
    return cells


def _group_arm(rows: pd.DataFrame, contrast: str, letter: str) -> str:
    """An arm with its filter, as spelled.

    A filter that holds for both arms is not in their labels, but it is in the contrast: without it the
    arm of ``group:ALS-LR[sex=F]`` could be taken for that of ``group:ALS-LR``.
    """
    first = rows[rows["contrast"] == contrast].iloc[0]
    label = str(first[f"label_{letter}"])
    if "[" in f"{first['label_a']}{first['label_b']}":
        return label
    filters = [text for text in re.findall(r"\[[^\[\]]*\]", contrast) if text != "[]"]
    return label + (filters[0] if filters else "")


def _arm_name(arm: str) -> str:
    """Short, for a header.

    >>> _arm_name("ALS[onset_region=lower]"), _arm_name("ALS[psa=1,sex=F]")
    ('ALS-lower', 'ALS (psa = 1, sex = F)')
    """
    group, _, rest = arm.partition("[")
    conditions = [condition.partition("=") for condition in rest.rstrip("]").split(",") if condition.strip()]
    if [column.strip() for column, _, _ in conditions] == ["onset_region"]:
        return f"{group.strip()}-{conditions[0][2].strip()}"
    inside = ", ".join(f"{column.strip()} = {value.strip()}" for column, _, value in conditions)
    return f"{group.strip()} ({inside})" if inside else group.strip()


def _arm_in_words(arm: str) -> str:
    group, _, rest = arm.partition("[")
    conditions = rest.rstrip("]").replace("=", " = ").split(",")
    return f"{group.strip()} with {' and '.join(' '.join(c.split()) for c in conditions)}"


def _side_letter(role: str) -> str:
    return SIDE_NAMES[role].label if role else ""


def _comparison_notes(
    rows: pd.DataFrame, groups: Sequence[str], sides: Sequence[str], normality: str
) -> list[str]:
    metrics = [metric_name(metric) for metric in dict.fromkeys(rows["metric"])]
    letters = [f"{SIDE_NAMES[side].label}, {SIDE_NAMES[side].long}" for side in dict.fromkeys(sides) if side]
    notes = _abbreviations(
        [*groups, *metrics, *sorted(set(rows["muscle"]), key=lambda name: rank_of(name, muscles_of(rows)))],
        letters,
    )
    notes.append(_mean_or_median(normality))
    tests = _used_tests(rows)
    if tests:
        notes.append(
            f"Tests used: {tests}; chosen for each row: {CHOICE_OF_TEST}. The test of each row is in "
            "comparisons.csv."
        )
    if any(rows[column].nunique() > 1 for column in ("n_a", "n_b")):
        notes.append("n, number of values used; those of each row are in comparisons.csv.")
    return notes


def _characteristic_notes(table: pd.DataFrame, rows: Sequence[tuple[str, ...]], normality: str) -> list[str]:
    notes = []
    if (table["levels"] == "").any():
        notes.append(f"{_mean_or_median(normality)} Categories: number of participants.")
    else:
        notes.append("Number of participants.")
    used = set(table["test"])
    sentences = []
    if used & {"student_t", "welch_t", "mann_whitney_u"}:
        sentences.append(f"Numbers: {CHOICE_OF_TEST}.")
    if used & {"chi_squared", "fisher_exact"}:
        sentences.append(
            "Categories: Pearson's χ² test without continuity correction; Fisher's exact test where a 2 × 2 "
            "table expects fewer than five in a cell."
        )
    notes += [" ".join(sentences)] if sentences else []
    if any(re.search(r" \[\d+\]$", cell) for row in rows for cell in row[1:]):
        notes.append("[n], number of participants with a value, where some have none.")
    return notes


def _correlation_notes(table: pd.DataFrame, source: str) -> list[str]:
    notes = []
    kinds = table[["method", "covariates", "role"]].drop_duplicates()
    for method, covariates, role in kinds.itertuples(index=False, name=None):
        kind = f"Partial correlation ({method.capitalize()})" if covariates else method.capitalize()
        kind += f", {_setting_text('covariates', covariates)}" if covariates else "'s correlation"
        notes.append(f"{kind}; {SIDE_NAMES[role].long}." if role else f"{kind}.")
    df = [float(value) for value in table["df"].dropna()]
    degrees = f"; degrees of freedom {range_text(df)}" if df else ""
    notes.append(f"{n_text(table['n'])}{degrees}; those of each row are in {source}.")
    return notes


def _mean_or_median(normality: str) -> str:
    return (
        f"Mean ± standard deviation where normality is not rejected ({NORMALITY_NAMES[normality]}, "
        f"p ≥ {ALPHA}); else median, with the interquartile range in brackets."
    )


def _used_tests(rows: pd.DataFrame) -> str:
    used = set(rows["test"])
    return ", ".join(name.label for test, name in TEST_NAMES.items() if test in used)


def _abbreviations(names: Iterable[str], more: Iterable[str] = ()) -> list[str]:
    return [line] if (line := abbreviations(names, more)) else []


def _bold_note(file: str) -> str:
    adjusted = f"; values adjusted by Benjamini and Hochberg are in {file} (p_adjusted)" if file else ""
    return f"Bold: p < {ALPHA} before rounding, not adjusted for the number of tests{adjusted}."


def _setting_text(name: str, value: str) -> str:
    """A setting of a correlation for a header or footnote."""
    if name == "covariates":
        listed = join_names([clinical_name(covariate) for covariate in value.split("+")])
        return f"controlled for {listed}" if value else "no covariates"
    if name == "role":
        return SIDE_NAMES[value].label if value else ABSENT
    return clinical_name(value)


def _of_metrics(rows: pd.DataFrame) -> str:
    names = [metric_name(metric) for metric in dict.fromkeys(rows["metric"])]
    return f" ({join_names(dict.fromkeys(names))})" if len(names) < 4 else ""
