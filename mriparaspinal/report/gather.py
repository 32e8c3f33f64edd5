"""What is on the page, gathered from results, dataset and comparison. Nothing new is measured here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal import __version__
from mriparaspinal.analysis.frames import read_measurements, with_own_regions
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.core.errors import Fault, NoInputError
from mriparaspinal.core.filenames import MANIFEST
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import SPINE, Problem, Settings
from mriparaspinal.core.text import count_of, natural_key
from mriparaspinal.core.visits import SESSION
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.reopen import ReopenedDataset
from mriparaspinal.measure.results import Results, problems_in
from mriparaspinal.report.analyses import AnalysisView, is_comparison, read_analyses
from mriparaspinal.report.comparison import Compared, TableView, open_comparison, table_view
from mriparaspinal.report.flow import Step, flow
from mriparaspinal.report.html import STUDY, templates
from mriparaspinal.report.methods import CITATION, StudyFacts, commands, methods_paragraph
from mriparaspinal.report.outliers import FEWEST_PARTICIPANTS, RULES, Outliers, find_outliers
from mriparaspinal.report.outlines import SliceImage
from mriparaspinal.report.pictures import (
    FirstPictures,
    draw_pictures,
    room_for_pictures,
    tables_by_slice,
    thresholds_of,
)
from mriparaspinal.report.slices import SliceView, slice_views
from mriparaspinal.stats.cells import regions_alone


@dataclass(frozen=True, slots=True)
class GroupView:
    """How many participants of a group were measured, in all and by segment."""

    group: str
    participants: int
    by_segment: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Problems of one kind."""

    code: str
    number: int
    example: Problem


@dataclass(frozen=True, slots=True)
class Record:
    """What repeats the study."""

    versions: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    manifest: str
    manifest_sha256: str
    inputs: int
    commands: tuple[str, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The page's contents; every text is plain."""

    study: StudyFacts
    groups: tuple[GroupView, ...]
    flow: tuple[Step, ...]
    slices_found: int
    errors: tuple[Kind, ...]
    checks: tuple[str, ...]
    """What was checked while the page was made, and held."""
    methods: str
    compared: Compared
    tables: tuple[TableView, ...]
    analyses: tuple[AnalysisView, ...]
    first: tuple[SliceView, ...]
    """The slices with a reason to look at before the others."""
    others: tuple[SliceView, ...]
    rules: tuple[str, ...]
    """What is a reason."""
    judged: int
    too_few: int
    """Sets of values that could be judged by their modified z-score, and those that could not."""
    fewest: int
    """Values of so many participants are needed for that."""
    has_mm2: bool
    labels: tuple[str, ...]
    """The regions that a verdict can be about."""
    problems: tuple[Problem, ...]
    record: Record

    @property
    def not_measured(self) -> tuple[SliceView, ...]:
        """The slices without a number."""
        return tuple(view for view in self.first + self.others if not view.rows)

    @property
    def problem_counts(self) -> str:
        """How many errors and warnings there are, in words."""
        errors = sum(problem.severity == "error" for problem in self.problems)
        warnings = len(self.problems) - errors
        return f"{count_of(errors, 'error', 'no')}, {count_of(warnings, 'warning', 'no')} in the files"

    @property
    def step(self) -> int:
        """Grey levels outside the regions are shown in steps of so many; 1: as they are."""
        return max((view.picture.step for view in self.first + self.others if view.picture), default=1)


@dataclass(frozen=True, eq=False)
class Opened:
    """What the page is made of, whatever was compared."""

    cohort: Cohort
    source: ReopenedDataset
    rows: pd.DataFrame
    """The rows of each slice by itself."""
    outliers: Outliers


@dataclass(frozen=True)
class Ready:
    """What of the page is made already."""

    comparison: Analysis | None = None
    """Of this cohort."""
    pictures: FirstPictures | None = None
    """Of the slices."""
    opened: Opened | None = None


NOTHING_READY = Ready()


def open_page(cohort: Cohort, source: ReopenedDataset) -> Opened:
    """What of the page can be made before anything is compared; the template, too."""
    templates().get_template(STUDY)
    rows = slice_rows(cohort.sources[0])
    return Opened(cohort, source, rows, find_outliers(rows))


def gather(
    opened: Opened,
    folders: Sequence[Path] = (),
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
    ready: Ready = NOTHING_READY,
) -> Contents:
    """Everything for the page.

    ``folders``: what ``compare`` wrote, and other analyses; ``ready``: what of the page is made already.
    Raises :class:`NoInputError` where dataset, results and analyses do not belong together.
    """
    cohort, source, rows, outliers = opened.cohort, opened.source, opened.rows, opened.outliers
    comparisons = [folder for folder in folders if is_comparison(folder)]
    others = "; other analyses are below the figures" if len(folders) > len(comparisons) else ""
    compared = Compared(missing=f"no comparison was given (--comparison){others}")
    for folder in comparisons[1:]:
        found, expected = "a second comparison", "one, and other analyses"
        raise NoInputError(Fault(f"{folder}", found, expected, "leave it out"))
    for folder in comparisons:
        compared = open_comparison(folder, cohort, ready.comparison)
    analyses = read_analyses([folder for folder in folders if folder not in comparisons], cohort)
    (read,) = cohort.sources
    problems = problems_in(read.contents.get("problems.csv"))
    drawn = [*compared.figures, *([compared.effects] if compared.effects else [])]
    drawn += [figure for analysis in analyses for figure in analysis.figures]
    room = room_for_pictures(source, sum(len(figure.markup) for figure in drawn))
    # Their pixels give the numbers of the results again.
    pictures = draw_pictures(source, thresholds_of(read), room, jobs, progress, ready.pictures)
    _require_same_pixels(source, rows, pictures)
    seen = (pictures, outliers.findings, problems, source.settings)
    views = slice_views(source.study.dataset.slices, rows, *seen)
    study = _study(opened, compared, problems)
    return Contents(
        study=study,
        groups=_groups(rows, study.segments),
        flow=flow(cohort.participants, cohort.table, views),
        slices_found=len(views),
        errors=_kinds(problem for problem in problems if problem.severity == "error"),
        checks=_checks(source, compared),
        methods=methods_paragraph(study),
        compared=compared,
        tables=tuple(map(table_view, compared.tables)),
        analyses=analyses,
        first=tuple(sorted(filter(_to_look_at, views), key=lambda v: (-len(v.unusual), -len(v.problems)))),
        others=tuple(view for view in views if not _to_look_at(view)),
        rules=RULES,
        judged=outliers.judged,
        too_few=outliers.too_few,
        fewest=FEWEST_PARTICIPANTS,
        has_mm2=bool(rows["csa_mm2"].notna().any()),
        labels=_labels(rows, study.muscles, study.settings),
        problems=tuple(problems),
        record=_record(read, source, study, compared),
    )


def _to_look_at(view: SliceView) -> bool:
    # Warnings alone, such as contours that share a few pixels, are too common to come first.
    return bool(view.unusual) or any(p.severity == "error" for p in view.problems) or not view.rows


def slice_rows(results: Results) -> pd.DataFrame:
    """The rows of each slice by itself, with the CSV that has them (``table``)."""
    names = tables_by_slice(results)
    tables = [read_measurements(results.contents, [name]).assign(table=name) for name in names]
    return with_own_regions(pd.concat(tables, ignore_index=True), results.manifest)


def _require_same_pixels(
    source: ReopenedDataset, rows: pd.DataFrame, pictures: Mapping[str, SliceImage]
) -> None:
    for row in rows[regions_alone(rows)].to_dict("records"):
        where = f"{source.results / row['table']}: {row['image']} {row['muscle']} {row['side']}"
        again = "run quantify again with this version"
        picture = pictures.get(row["image"])
        counts = (
            picture.counts.get((row["muscle"], row["side"].replace("both", "")))
            if picture is not None
            else None
        )
        if counts is None:
            raise NoInputError(f"{where}: in the table; expected it in the dataset, too; {again}")
        told = (row["csa_px"], row["fat_px"] if row["fat_rule"] != "dixon" else counts[1])
        if told != counts:
            found = f"{told[0]:.0f} px, of them {told[1]:.0f} fat"
            raise NoInputError(
                f"{where}: {found}; expected {counts[0]} and {counts[1]} as counted now; {again}"
            )


def _study(opened: Opened, compared: Compared, problems: Sequence[Problem]) -> StudyFacts:
    source, rows = opened.source, opened.rows
    manifest, settings = source.manifest, source.settings
    sessions = sorted(set(rows[SESSION].dropna()) - {""}, key=natural_key) if SESSION in rows else []
    libraries = dict(manifest.libraries)
    if not compared.missing:
        # With these the comparison was made again and came out the same.
        libraries |= {name: version(name) for name in ("scipy", "statsmodels", "pandas")}
    muscles, segments = set(rows["muscle"]), set(rows["segment"])
    return StudyFacts(
        version=manifest.version,
        settings=settings,
        muscles=tuple(muscle for muscle in settings.muscles if muscle in muscles),
        segments=tuple(segment for segment in SPINE if segment in segments),
        participants=rows["participant_id"].nunique(),
        slices=rows["image"].nunique(),
        sessions=tuple(sessions),
        at=opened.cohort.session,
        libraries={"Python" if name == "python" else name: v for name, v in libraries.items()},
        several_slices=_has_stacks(rows),
        compared=not compared.missing,
        normality=compared.normality,
        asked=compared.asked,
        divide_by=compared.divide_by,
        groups=compared.groups,
        sides_compared=any(text.startswith("side:") for text in compared.contrasts),
        drafts=manifest.counts.get("drafts_measured", 0),
        as_drawn=manifest.counts.get("accepted_as_drawn", 0),
        excluded=(
            manifest.counts.get("excluded_slices", 0),
            manifest.counts.get("excluded_regions", 0),
        ),
        contours=manifest.contours,
        noted=frozenset(problem.code for problem in problems),
    )


def _has_stacks(rows: pd.DataFrame) -> bool:
    one = ["participant_id", "segment", *([SESSION] if SESSION in rows else [])]
    return bool((rows.groupby(one)["image"].nunique() > 1).any())


def _labels(rows: pd.DataFrame, muscles: Sequence[str], settings: Settings) -> tuple[str, ...]:
    sided = [str(Region(muscle, side)) for muscle in muscles for side in settings.sides_of(muscle)]
    return (*sided, *sorted({name for name in rows["reference"] if isinstance(name, str) and name}))


def _groups(rows: pd.DataFrame, segments: Sequence[str]) -> tuple[GroupView, ...]:
    views = []
    for group in sorted(set(rows["group"]), key=natural_key):
        own = rows[rows["group"] == group]
        by_segment = own.groupby("segment")["participant_id"].nunique()
        counts = tuple(int(by_segment.get(segment, 0)) for segment in segments)
        views.append(GroupView(group, own["participant_id"].nunique(), counts))
    return tuple(views)


def _kinds(problems: Any) -> tuple[Kind, ...]:
    """The problems by code, the most frequent first."""
    by_code: dict[str, list[Problem]] = {}
    for problem in problems:
        by_code.setdefault(problem.code, []).append(problem)
    kinds = [Kind(code, len(found), found[0]) for code, found in by_code.items()]
    return tuple(sorted(kinds, key=lambda kind: -kind.number))


def _checks(source: ReopenedDataset, compared: Compared) -> tuple[str, ...]:
    regions = "contours" if source.study.maps is None else "label maps"
    checks = [
        f"All {len(source.sha256)} files of images and {regions} are those that were measured: SHA-256 of "
        f"each, compared with {MANIFEST}.",
        "The pixels of every muscle were counted again from the pictures on this page: the same areas"
        + (" and fat pixels" if source.settings.fat_rule != "dixon" else "")
        + " as in the tables.",
    ]
    if not compared.missing:
        checks.append("The comparisons are those that these tables give, computed with this version.")
    return tuple(checks)


def _record(results: Results, source: ReopenedDataset, study: StudyFacts, compared: Compared) -> Record:
    manifest = source.manifest
    measured = manifest.settings
    shown = [(name.replace("_", "-"), _setting(value)) for name, value in measured.items()]
    versions = [("mriparaspinal (measured)", study.version), ("mriparaspinal (this page)", __version__)]
    return Record(
        versions=(*versions, *study.libraries.items()),
        settings=tuple(shown),
        manifest=MANIFEST,
        manifest_sha256=sha256(results.sealed),
        inputs=len(manifest.inputs),
        commands=tuple(
            commands(
                source.settings,
                compared.contrasts,
                not compared.missing,
                study.contours,
                compared.asked,
                manifest.numberings or (),
            )
        ),
        citation=CITATION,
    )


def _setting(value: object) -> str:
    """A setting for a table: lists and mappings in words, nothing as a dash."""
    if isinstance(value, dict):
        value = [f"{key} = {meaning}" for key, meaning in value.items()]
    if isinstance(value, list | tuple):
        several = any(isinstance(one, dict) for one in value)  # numberings, one of each folder
        return ("; " if several else ", ").join(map(_setting if several else str, value)) or "–"
    return "–" if value is None else str(value)
