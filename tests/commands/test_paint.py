"""``maps paint`` as a user runs it: voxel by voxel against the comparison, and every mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.brain.paint import PAINTED_COLUMNS, towards_ras
from mriparaspinal.imaging.grids import LPS_TO_RAS, Grid
from mriparaspinal.present.painted import painted_figure
from tests.support.builders.brain import AFFINE, labels, nifti, table
from tests.support.builders.study import Outcome, run

NAMES = {1: "CST (L)", 2: "CST (R)", 3: "Corpus callosum", 4: "Thalamus"}
FIGURES = {"painted.png", "painted.svg", "painted_data.csv"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison by the function itself: FA lower in ALS in one region, higher in another."""
    folder = tmp_path_factory.mktemp("paint")
    nifti(folder / "atlas.nii.gz", labels(3, shape=(9, 8, 7), highest=4))
    table(folder / "labels.csv", list(NAMES.items()))
    rng = np.random.default_rng(4)
    rows = []
    for n in range(20):
        als = n < 10
        fa = rng.normal(0.5, 0.02, 3) + np.array([-0.03, 0.0, 0.02]) * als
        rows.append((f"P{n}", "ALS" if als else "HC", *fa, *rng.normal(0.8, 0.05, 1)))
    header = "participant_id,group,fa_mean_CST_L,fa_mean_CST_R,fa_mean_Corpus_callosum,md_mean_Thalamus"
    wide = table(folder / "wide.csv", rows, header)
    found = mp.compare(wide, contrasts=["group:ALS-HC", "group:HC-ALS"])
    (folder / "compared").mkdir()
    (folder / "compared" / "comparisons.csv").write_bytes(found.files["comparisons.csv"])
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "study"))


def paint(study: Path, *more: object, **replaced: object) -> Outcome:
    named = {
        "comparisons": study / "compared" / "comparisons.csv",
        "atlas": study / "atlas.nii.gz",
        "table": study / "labels.csv",
        "metric": "fa_mean",
        "contrast": "group:ALS-HC",
        "out": study / "painted",
        **replaced,
    }
    words = [word for name, value in named.items() if value is not None for word in (f"--{name}", value)]
    return run("maps", "paint", *words, *more)


def test_each_voxel_has_the_value_of_its_region(study: Path) -> None:
    done = paint(study)
    assert done.code == 0, done.err
    assert "regions of the atlas without a row, left unpainted: Thalamus" in done.err
    assert "painted 3 of 4 regions" in done.err
    out = study / "painted"
    assert {p.name for p in out.iterdir()} == {
        "painted.nii.gz", "painted_regions.csv", "notes.txt", "maps.json", *FIGURES,
    }  # fmt: skip
    compared = pd.read_csv(study / "compared" / "comparisons.csv")
    compared = compared[compared["contrast"] == "group:ALS-HC"].set_index("metric")
    atlas = np.asarray(nibabel.load(study / "atlas.nii.gz").dataobj)
    image = nibabel.load(out / "painted.nii.gz")
    np.testing.assert_array_equal(image.affine, AFFINE)
    made = np.asarray(image.dataobj)
    directions = []
    for label, part in ((1, "CST_L"), (2, "CST_R"), (3, "Corpus_callosum")):
        row = compared.loc[f"fa_mean_{part}"]
        higher = row["mean_a"] > row["mean_b"]
        expected = -np.log10(row["p"]) * (1 if higher else -1)
        assert made[atlas == label] == pytest.approx(expected, rel=1e-6)
        directions.append(higher)
    assert directions[0] != directions[2]
    assert np.isnan(made[(atlas == 0) | (atlas == 4)]).all()
    regions = pd.read_csv(out / "painted_regions.csv")
    assert tuple(regions.columns) == PAINTED_COLUMNS
    assert regions["region"].tolist() == list(NAMES.values())
    assert regions["n_voxels"].tolist() == [int((atlas == label).sum()) for label in NAMES]
    assert regions["signed_log10_p"].notna().tolist() == [True, True, True, False]


def table_of(study: Path, **asked: object) -> pd.DataFrame:
    """The painted regions, without files."""
    files = {"comparisons": study / "compared" / "comparisons.csv", "atlas": study / "atlas.nii.gz"}
    named = {**files, "table": study / "labels.csv", "metric": "fa_mean", "contrast": "group:ALS-HC", **asked}
    return mp.paint_regions(**named).table


def test_the_other_contrast_and_p_turn_and_change_the_value(study: Path) -> None:
    before = table_of(study)["signed_log10_p"]
    turned = table_of(study, contrast="group:HC-ALS")["signed_log10_p"]
    assert turned[:3].tolist() == pytest.approx((-before[:3]).tolist())
    adjusted = table_of(study, p_column="p_adjusted")
    compared = pd.read_csv(study / "compared" / "comparisons.csv")
    compared = compared[compared["contrast"] == "group:ALS-HC"].set_index("metric")
    assert adjusted["p"][0] == compared.loc["fa_mean_CST_L", "p_adjusted"]
    assert (adjusted["signed_log10_p"][:3].abs() <= before[:3].abs() + 1e-12).all()


def test_python_and_a_second_run_give_the_same_bytes(study: Path) -> None:
    paint(study)
    first = {p.name: p.read_bytes() for p in (study / "painted").iterdir()}
    files = (study / "compared" / "comparisons.csv", study / "atlas.nii.gz", study / "labels.csv")
    found = mp.paint_regions(*files, "fa_mean", contrast="group:ALS-HC")
    found.save(study / "mine")
    assert {p.name: p.read_bytes() for p in (study / "mine").iterdir()} == first
    assert list(found.figures) == ["painted"]


def change(study: Path, **columns: object) -> Path:
    """The comparison with other cells in its first row."""
    rows = pd.read_csv(study / "compared" / "comparisons.csv", dtype=str, keep_default_na=False)
    for column, cell in columns.items():
        rows.loc[0, column] = cell
    file = study / "changed.csv"
    rows.to_csv(file, index=False)
    return file


def refused(done: Outcome, code: int, *words: str) -> None:
    assert done.code == code, done
    assert done.err.count("\n") == 1, done.err
    for word in words:
        assert word in done.err, done.err


def test_all_regions_that_the_atlas_does_not_have_are_named(study: Path) -> None:
    table(study / "labels.csv", [(1, "CST (L)"), (2, "CST right"), (3, "Callosum")])
    done = paint(study)
    refused(done, 2, "no region of the atlas's table for fa_mean_CST_R, fa_mean_Corpus_callosum")
    assert "regions of it (CST_L, CST_right, Callosum)" in done.err
    assert not (study / "painted").exists()


def test_regions_without_voxels_are_named(study: Path) -> None:
    nifti(study / "atlas.nii.gz", np.ones((9, 8, 7), np.int16))
    refused(paint(study), 2, "no voxel in the atlas for fa_mean_CST_R, fa_mean_Corpus_callosum")


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"metric": "fa"}, ["no region of the atlas's table for fa_mean_CST_L, fa_mean_CST_R"]),
        ({"metric": "ad_mean"}, ["no metric ad_mean_… in group:ALS-HC, but fa_mean_CST_L"]),
        ({"contrast": None}, ["2 contrasts: group:ALS-HC, group:HC-ALS", "--contrast"]),
        ({"contrast": "group:A-B"}, ["no contrast group:A-B; expected one of group:ALS-HC"]),
        ({"metric": None}, ["maps paint: no --metric"]),
        ({"atlas": None}, ["maps paint: no --atlas"]),
    ],
)
def test_what_was_asked_for_wrongly(study: Path, replaced: dict[str, object], words: list[str]) -> None:
    refused(paint(study, **replaced), 2, *words)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"p": "1.2"}, ["fa_mean_CST_L: p 1.2; expected a p-value of 0–1"]),
        ({"p": "-0.1"}, ["expected a p-value of 0–1"]),
        ({"p": "< 0.001"}, ["fa_mean_CST_L: p '< 0.001'; expected a number or nothing"]),
        ({"effect_size": "big"}, ["effect_size 'big'"]),
        ({"segment": "L4"}, ["fa_mean by segment or role"]),
        ({"metric": "fa_mean_CST_R"}, ["fa_mean_CST_R twice in group:ALS-HC"]),
    ],
)
def test_cells_that_cannot_be(study: Path, columns: dict[str, str], words: list[str]) -> None:
    refused(paint(study, comparisons=change(study, **columns)), 2, *words)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"p": ""}, "without p-value or effect, left unpainted"),
        ({"effect_size": ""}, "without p-value or effect, left unpainted"),
        (
            {"p": "0"},
            "of p = 0, which has no logarithm, left unpainted",
        ),
    ],
)
def test_what_is_not_known_is_not_painted(study: Path, columns: dict[str, str], what: str) -> None:
    files = (change(study, **columns), study / "atlas.nii.gz", study / "labels.csv")
    found = mp.paint_regions(*files, "fa_mean", contrast="group:ALS-HC")
    (note,) = (note for note in found.notes if "CST (L)" in note)
    assert note == f"regions {what}: CST (L)"
    assert pd.isna(found.table["signed_log10_p"][0])
    assert found.summary == {"painted": 2, "regions": 4}


def test_files_that_do_not_fit(study: Path) -> None:
    refused(paint(study, comparisons=study / "wide.csv"), 2, "no column contrast, segment, metric")
    refused(paint(study, comparisons=study / "none.csv"), 3, "none.csv")
    nifti(study / "four.nii.gz", np.zeros((3, 3, 3, 2), np.float32))
    refused(paint(study, atlas=study / "four.nii.gz"), 2, "probability maps were found")
    table(study / "labels.csv", [(1, "CST (L)"), (2, "CST L")])
    refused(paint(study), 2, "'CST (L)' and 'CST L' are both CST_L")
    refused(paint(study, "--fat", study / "atlas.nii.gz"), 2, "maps paint: --fat does not apply")
    ratio = ("maps", "ratio", "--numerator", study / "a.nii", "--denominator", study / "b.nii")
    refused(run(*ratio, "--metric", "fa", "--out", study / "r.nii"), 2, "--metric does not apply")
    refused(run(*ratio, "--figure-format", "pdf", "--out", study / "r.nii"), 2, "--figure-format does not")


def test_right_is_on_the_left_of_the_figure_however_the_image_is_stored() -> None:
    """One voxel at the patient's right, front and top, in every orientation of the axes."""
    ras = np.full((6, 7, 8), np.nan)
    ras[5, 6, 7] = 2.0
    for flips in ((), (0,), (1, 2), (0, 1, 2)):
        affine = np.eye(4)
        stored = np.flip(ras, flips) if flips else ras
        for axis in flips:
            affine[axis, axis], affine[axis, 3] = -1, ras.shape[axis] - 1
        stored, affine = np.moveaxis(stored, 0, 2), affine[:, [1, 2, 0, 3]]
        turned, place = towards_ras(stored, Grid(stored.shape, LPS_TO_RAS @ affine))
        np.testing.assert_array_equal(turned, ras)
        np.testing.assert_allclose(place, np.eye(4), atol=1e-12)
    figure = painted_figure(ras, np.ones(ras.shape, bool), np.eye(4), "x", [])
    planes = [figure.axes[0], figure.axes[4], figure.axes[8]]
    assert [axes.get_title() for axes in planes] == ["x = 5 mm", "y = 6 mm", "z = 7 mm"]
    for axes in planes:
        shown = axes.images[1].get_array()
        assert axes.images[1].origin == "lower"
        # The top row, first column: front or right at the left edge.
        assert np.argwhere(~np.ma.getmaskarray(shown)).tolist() == [[shown.shape[0] - 1, 0]]
    letters = [text.get_text() for axes in planes for text in axes.texts]
    assert letters == ["sagittal", "A", "P", "coronal", "R", "L", "axial", "R", "L"]


def test_the_outline_of_the_atlas_lies_on_the_edges_of_its_voxels() -> None:
    inside = np.zeros((9, 10, 11), bool)
    inside[2:7, 3:8, 1:9] = True
    figure = painted_figure(np.where(inside, 2.0, np.nan), inside, np.eye(4), "x", [])
    for first in (0, 4, 8):
        axes = figure.axes[first]
        rows, columns = axes.images[1].get_array().shape
        outline = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
        # Voxel centres are whole numbers: the first one's edge is at -0.5, the last one's half a voxel on.
        assert outline.min(axis=0).tolist() == [-0.5, -0.5]
        assert outline.max(axis=0).tolist() == [columns - 0.5, rows - 0.5]
