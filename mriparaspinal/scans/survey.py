"""What the sources hold, for a person to choose slices from: the list of series and the contact sheets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.imaging.planes import Series, tilt_degrees
from mriparaspinal.imaging.window import series_window
from mriparaspinal.io.manifest import outputs_manifest
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.scan_files import numbers, read_source
from mriparaspinal.io.write import sha256
from mriparaspinal.scans.level_maps import LevelRule
from mriparaspinal.scans.levels import TABLE as LEVELS_TABLE
from mriparaspinal.scans.proposal import Found, levels_table, propose
from mriparaspinal.scans.sheet import contact_sheet

LIST_COLUMNS = (
    "source",
    "series",
    "plane",
    "slices",
    "numbers",
    "position_mm",
    "sequence",
    "TE ms",
    "TR ms",
    "size",
    "pixel mm",
    "slice mm",
    "VOI window",
    "name",
)

#: The file that lists the sheets.
SHEETS = "sheets.json"


def list_row(place: str, series: Series) -> tuple[str, ...]:
    """A series as a row of the list; ``place``: what to write as its source in levels.csv."""
    plane = series.pictures[0].plane
    name, spacing, positions = series.plane_name(), "", ""
    if plane:
        tilt = tilt_degrees(plane)
        name += f", tilted {tilt:.0f}°" if name == "axial" and tilt >= 1 else ""
        if plane.row_spacing_mm and plane.col_spacing_mm:
            spacing = f"{plane.row_spacing_mm:.4g}×{plane.col_spacing_mm:.4g}"
        ends = [p.plane.position_mm() for p in (series.pictures[0], series.pictures[-1]) if p.plane]
        positions = f"{ends[0]:.1f} to {ends[-1]:.1f}"
    voi, remark = series_window([picture.voi for picture in series.pictures])
    step = series.slice_spacing_mm()
    return (
        place,
        "" if series.number is None else str(series.number),
        name,
        str(len(series.pictures)),
        numbers(series).removeprefix("slices "),
        positions,
        series.sequence,
        *("" if ms is None else f"{ms:g}" for ms in (series.te_ms, series.tr_ms)),
        f"{series.size[0]}×{series.size[1]}",
        spacing,
        "" if step is None else f"{step:.4g}",
        ""
        if voi is None
        else voi.function
        if voi.table
        else f"{voi.centre:g}/{voi.width:g}" + "*" * bool(remark),
        series.name,
    )


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the sources hold: each stack, and broken files."""

    stacks: tuple[Found, ...]
    broken: tuple[str, ...]
    """One line for each DICOM or NIfTI file that cannot be read."""
    form: Form | None = None

    def rows(self) -> list[tuple[str, ...]]:
        """The list, with the columns of :data:`LIST_COLUMNS`."""
        return [list_row(found.source, found.series) for found in self.stacks]


def survey(sources: Sequence[Path], leave_out: Path | None = None, form: Form | None = None) -> Surveyed:
    """Every series of the sources; ``form``: which one counts where sform and qform disagree."""
    stacks: list[Found] = []
    broken: list[str] = []
    for path in sources:
        source = read_source(path, leave_out, form=form)
        for series in source.series:
            whole = not path.is_dir() or series.place == "."
            at = (path / series.place if path.is_dir() else path).resolve()
            folder = at.parent if at.is_file() else at
            below = len(folder.relative_to(path.resolve()).parts) if path.is_dir() else 0
            name = (path.name or str(path)) if whole else series.place
            stacks.append(Found(name, folder, at if series.kind != "DICOM" else None, below, series))
        broken += map(str, source.broken)
    return Surveyed(tuple(stacks), tuple(broken), form)


def sheet_files(found: Surveyed, maps: Collection[int], rule: LevelRule | None = None) -> dict[str, bytes]:
    """A contact sheet of each axial stack, numbered by the row of the list, and a levels.csv to be confirmed.

    ``maps``: the rows that are label maps, which have no sheet; ``rule``: how they number the levels.
    """
    stacks = dict(enumerate(found.stacks, 1))
    images = {row: one for row, one in stacks.items() if row not in maps}
    proposals = propose(images, {row: stacks[row] for row in maps}, rule, found.form)
    proposed: dict[int, dict[int, str]] = defaultdict(dict)
    for proposal in proposals:
        for segment, picked in proposal.slices.items():
            proposed[picked.row][picked.at] = segment
    scouts = [one.series for one in images.values()]
    sheets = {
        f"sheet_{row}.png": contact_sheet(one.series, scouts, row, one.source, proposed[row])
        for row, one in images.items()
        if one.series.plane_name() == "axial"
    }
    return {**sheets, LEVELS_TABLE: levels_table(proposals)} if sheets else {}


def sheets_manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of contact sheets."""
    return outputs_manifest({name: sha256(content) for name, content in files.items()})
