"""Label maps of several folders, joined: against NumPy on a real volume and random ones, and every fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mriparaspinal.dataset.map_sources import numberings_of
from mriparaspinal.io.numberings import NUMBERINGS
from tests.support.builders.slices import SHAPES, grey_image, own_image, write_image
from tests.support.builders.study import one_line, problems_of, rows_of, run
from tests.support.builders.volumes import load, save, write_slices

TUM = {1: ("ES", "right"), 2: ("MF", "right"), 3: ("MF", "left"), 4: ("ES", "left")}

#: Our numbers, on a slice of 100×100 px.
LABELS = np.zeros((100, 100), dtype=np.uint8)
for _value, _shape in zip((6, 5, 4, 3, 2, 1, 9), SHAPES, strict=True):
    (_x0, _y0), _, (_x1, _y1), _ = _shape["points"]
    LABELS[int(_y0) : int(_y1) + 1, int(_x0) : int(_x1) + 1] = _value
MUSCLES, DISC = np.where(LABELS == 9, 0, LABELS), np.where(LABELS == 9, 20, 0).astype(np.uint8)

STEMS = ("ALS_1_3", "ALS_1_4", "LR_1_3")


@pytest.fixture
def two(tmp_path) -> Path:
    """Slices without JSON; the muscles in one folder, the discs, numbered as by a tool, in another."""
    for stem in STEMS:
        write_image(tmp_path / "scans" / f"{stem}.png", own_image(stem))
        write_image(tmp_path / "muscles" / f"{stem}_mask.png", MUSCLES)
        write_image(tmp_path / "discs" / f"{stem}_mask.png", DISC)
    return tmp_path


def joined(home: Path, *options: object, numberings: tuple[object, ...] = (), command: str = "quantify"):
    given = [
        word
        for name in numberings or ("mriparaspinal", "totalsegmentator_mr")
        for word in ("--numbering", name)
    ]
    out = () if command == "check" else ("--out", home / "results")
    masks = ("--masks", home / "muscles", "--masks", home / "discs")
    return run(command, home / "scans", *masks, *given, *out, *options)


def problem_codes(results: Path) -> set[str]:
    return {code for *_, code in problems_of(results)}


# ---------------------------------------------------------------- the same numbers


def test_muscles_of_one_tool_and_discs_of_another(two):
    assert joined(two).code == 0
    assert problem_codes(two / "results") == set()
    write_image(two / "one" / "ALS_1_3_mask.png", LABELS)
    for stem in STEMS:
        write_image(two / "one" / f"{stem}_mask.png", LABELS)
    run(
        *("quantify", two / "scans", "--masks", two / "one"),
        *("--numbering", "mriparaspinal", "--out", two / "same"),
    )
    assert rows_of(two / "results") == rows_of(two / "same")
    manifest = json.loads((two / "results" / "quantify.json").read_bytes())
    assert {"masks/1/ALS_1_3_mask.png", "masks/2/ALS_1_3_mask.png"} < set(manifest["inputs"])
    first, second = manifest["settings"]["numbering"]
    assert (first["9"], second["20"]) == ("IVD", "IVD")


def test_a_real_map_of_muscles_and_a_map_of_discs_in_another_orientation(shared, tmp_path):
    """TUM01's muscles, and discs in RAS+ with two slices more at each end: other voxels, the same patient."""
    volumes = shared / "real" / "TUM01" / "volumes"
    voxels, affine = load(volumes / "fat.nii.gz")
    muscles, _ = load(volumes / "muscles_manual.nii.gz")
    (tmp_path / "muscles").mkdir()
    shutil.copy(volumes / "muscles_manual.nii.gz", tmp_path / "muscles" / "HV_1.nii.gz")
    discs = np.zeros(muscles.shape, dtype=np.float32)
    rng = np.random.default_rng(3)
    for k in range(29):
        i, j = rng.integers(170, 180), rng.integers(140, 150)
        discs[i : i + 45, j : j + 35, k] = 7
    longer = np.pad(discs, ((0, 0), (0, 0), (2, 2)))
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    ras[:3, 3] -= 2 * ras[:3, 2]
    canonical = nibabel.as_closest_canonical(nibabel.Nifti1Image(longer, ras))
    assert nibabel.aff2axcodes(canonical.affine) == ("R", "A", "S")
    (tmp_path / "discs").mkdir()
    nibabel.save(canonical, tmp_path / "discs" / "HV_1.nii.gz")
    (tmp_path / "discs" / "values.csv").write_text("value,label\n7,disc\n", encoding="utf-8")
    indices = {f"HV_1_{n}": index for n, index in enumerate((23, 18, 14, 9, 3), start=1)}
    write_slices(tmp_path / "scans", voxels / 2, affine, indices)
    outcome = joined(tmp_path, numberings=("lpm_segmentator",))
    assert outcome.code == 0, outcome.err
    rows = {(row["segment"], row["muscle"], row["side"]): row for row in rows_of(tmp_path / "results")}
    for n, index in enumerate(indices.values(), start=1):
        disc = np.count_nonzero(discs[:, :, index])
        for value, key in TUM.items():
            row = rows[f"L{n}", *key]
            csa = np.count_nonzero(muscles[:, :, index] == value)
            assert (int(row["csa_px"]), int(row["reference_px"])) == (csa, disc)
            assert float(row["rcsa"]) == pytest.approx(csa / disc, rel=1e-12)


def test_an_oblique_series_and_maps_of_other_axes(tmp_path):
    """Slices tilted by 20° and turned by 5°; the discs' voxels are stored in another order of axes."""
    tilt, turn = np.radians(20), np.radians(5)
    tilted = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turned @ tilted @ np.diag([0.7, 0.7, 4.5])
    affine[:3, 3] = (-31.5, 12.25, 407.0)
    rng = np.random.default_rng(8)
    keep = rng.random((100, 100, 6)) < 0.8
    muscles, discs = (np.where(keep, one.T[:, :, None], 0).astype(np.uint8) for one in (MUSCLES, DISC))
    write_slices(tmp_path / "scans", grey_image().T[:, :, None] * np.ones(6), affine, {"ALS_1_3": 2})
    save(tmp_path / "muscles" / "ALS_1.nii.gz", muscles, affine)
    image = nibabel.load(save(tmp_path / "discs" / "ALS_1.nii.gz", discs, affine))
    to = nibabel.orientations.axcodes2ornt(("S", "R", "P"))
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), to)
    other = image.as_reoriented(change)
    assert other.shape == (6, 100, 100)
    nibabel.save(other, tmp_path / "discs" / "ALS_1.nii.gz")
    assert joined(tmp_path).code == 0
    for row in rows_of(tmp_path / "results"):
        if row["side"] != "both":
            value = {"MF": 1, "ES": 3, "PM": 5}[row["muscle"]] + (row["side"] == "right")
            assert int(row["csa_px"]) == np.count_nonzero(muscles[:, :, 2] == value)
            assert int(row["reference_px"]) == np.count_nonzero(discs[:, :, 2])


@pytest.mark.parametrize("seed", range(5))
def test_random_maps(tmp_path, seed):
    """Any numbers in any place: each region's pixels are those that NumPy counts, whatever folder has it."""
    rng = np.random.default_rng(seed)
    labels = LABELS.copy()
    labels[rng.random(labels.shape) < 0.3] = 0
    folder_of = rng.permutation([0, 1] * 4)[:7]
    for value, folder in zip((1, 2, 3, 4, 5, 6, 9), folder_of, strict=True):
        path = tmp_path / ("muscles", "discs")[folder] / "values.csv"
        path.parent.mkdir(exist_ok=True)
        old = path.read_text() if path.is_file() else "value,label\n"
        name = {1: "MF_L", 2: "MF_R", 3: "ES_L", 4: "ES_R", 5: "PM_L", 6: "PM_R", 9: "IVD"}[value]
        path.write_text(f"{old}{1000 + 7 * value},{name}\n")
    for folder, name in enumerate(("muscles", "discs")):
        mine = np.isin(labels, np.array((1, 2, 3, 4, 5, 6, 9))[folder_of == folder])
        numbers = np.where(mine, 1000 + 7 * labels.astype(np.int32), 0)
        save(tmp_path / name / "ALS_1_3.nii.gz", numbers.T[:, :, None].astype(np.int32), None)
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    outcome = run(
        *("quantify", tmp_path / "scans", "--masks", tmp_path / "muscles", "--masks", tmp_path / "discs"),
        *("--out", tmp_path / "results"),
    )
    assert outcome.code == 0, outcome.err
    grey = grey_image()
    for row in rows_of(tmp_path / "results"):
        if row["side"] == "both":
            continue
        value = {"MF": 1, "ES": 3, "PM": 5}[row["muscle"]] + (row["side"] == "right")
        pixels = labels == value
        assert int(row["csa_px"]) == np.count_nonzero(pixels)
        assert int(row["fat_px"]) == np.count_nonzero(grey[pixels] > 50)
        assert int(row["reference_px"]) == np.count_nonzero(labels == 9)


def test_jobs_and_shares_change_nothing(two):
    assert joined(two).code == 0
    files = {p.name: p.read_bytes() for p in (two / "results").iterdir()}
    shutil.rmtree(two / "results")
    assert joined(two, "--jobs", 2).code == 0
    assert {p.name: p.read_bytes() for p in (two / "results").iterdir()} == files
    shutil.rmtree(two / "results")
    for who in ("ALS_1", "LR_1"):
        assert joined(two, "--participant-label", who).code == 0
        (two / "results").rename(two / who)
    assert run("merge", two / "ALS_1", two / "LR_1", "--out", two / "merged").code == 0
    assert {p.name: p.read_bytes() for p in (two / "merged").iterdir()} == files


# ---------------------------------------------------------------- faults


def test_a_region_in_both_is_an_error_that_names_both(two):
    write_image(two / "muscles" / "ALS_1_3_mask.png", LABELS)
    outcome = joined(two)
    assert outcome.code == 4
    (line,) = [line for line in outcome.err.splitlines() if ": error: " in line]
    assert (
        "ALS_1_3.png: IVD: error: masks/1/ALS_1_3_mask.png and masks/2/ALS_1_3_mask.png both have IVD" in line
    )
    rows = [row for row in rows_of(two / "results") if row["image"] == "ALS_1_3.png"]
    assert {row["rcsa"] for row in rows} == {""}
    assert {row["csa_px"] for row in rows if row["muscle"] == "MF"} == {"200", "400"}
    # The numbering of the one that is not meant leaves it out.
    (two / "table.csv").write_text("value,label\n1,MF_L\n2,MF_R\n3,ES_L\n4,ES_R\n5,PM_L\n6,PM_R\n")
    assert joined(two, numberings=(two / "table.csv", "totalsegmentator_mr")).code == 0


@pytest.mark.parametrize(
    ("folder", "told", "kept"),
    [("discs", "masks/2", ("csa_px", "200")), ("muscles", "masks/1", None)],
)
def test_a_slice_that_one_folder_does_not_have(two, folder, told, kept):
    (two / folder / "ALS_1_3_mask.png").unlink()
    outcome = joined(two)
    assert outcome.code == 4
    assert (
        f"ALS_1_3.png: error: no label map of this slice in {told}; expected ALS_1_3_mask.png" in outcome.err
    )
    rows = [row for row in rows_of(two / "results") if row["image"] == "ALS_1_3.png"]
    if kept:
        assert kept[1] in {row[kept[0]] for row in rows}
        assert {row["reference_px"] for row in rows} == {""}
    else:
        assert rows == []


def test_a_slice_that_no_folder_has_is_lost(two):
    for folder in ("muscles", "discs"):
        (two / folder / "ALS_1_3_mask.png").unlink()
    outcome = joined(two)
    assert outcome.code == 4
    assert outcome.err.count("no label map of this slice in masks/") == 2
    assert not any(row["image"] == "ALS_1_3.png" for row in rows_of(two / "results"))


def test_a_map_on_another_grid_costs_its_own_regions(tmp_path):
    affine = np.diag([0.5, 0.5, 4.0, 1.0])
    write_slices(tmp_path / "scans", grey_image()[:, :, None] * np.ones(3), affine, {"ALS_1_3": 1})
    upright = np.rot90(MUSCLES, 0).T[:, :, None] * np.ones(3, dtype=np.uint8)
    save(tmp_path / "muscles" / "ALS_1.nii.gz", upright, affine)
    oblique = affine.copy()
    oblique[:3, :3] = [[0.49, -0.1, 0], [0.1, 0.49, 0], [0, 0, 4]]
    save(tmp_path / "discs" / "ALS_1.nii.gz", DISC.T[:, :, None] * np.ones(3, dtype=np.uint8), oblique)
    outcome = joined(tmp_path)
    assert outcome.code == 4
    assert "masks/2/ALS_1.nii.gz: the label map is" in outcome.err
    assert {row["csa_px"] for row in rows_of(tmp_path / "results") if row["muscle"] == "MF"} == {"200", "400"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--numbering", "mriparaspinal"), "1 numbering for 2 folders, of which 2 need one"),
        (("--numbering", "mriparaspinal") * 3, "3 numberings for 2 folders"),
        ((), "muscles: no values.csv in it"),
        (
            ("--numbering", "mriparaspinal", "--numbering", "total"),
            "--numbering total: neither a known numbering",
        ),
    ],
)
def test_as_many_numberings_as_folders(two, options, said):
    masks = ("--masks", two / "muscles", "--masks", two / "discs")
    outcome = run("quantify", two / "scans", *masks, *options, "--out", two / "results")
    assert outcome.code == 2
    assert said in outcome.err
    assert not (two / "results").exists()


def test_a_numbering_less_where_a_folder_has_its_own(two):
    (two / "muscles" / "values.csv").write_text(
        "value,label\n1,MF_L\n2,MF_R\n3,ES_L\n4,ES_R\n5,PM_L\n6,PM_R\n", encoding="utf-8"
    )
    assert joined(two, numberings=("totalsegmentator_mr",)).code == 0
    assert problem_codes(two / "results") == set()
    assert "2 numberings for 2 folders" not in joined(two).err  # both are taken, the first above values.csv


@pytest.mark.parametrize("again", ["discs", "discs/../discs", "link"])
def test_one_folder_twice(two, again):
    (two / "link").symlink_to(two / "discs")
    outcome = run(
        *("quantify", two / "scans", "--masks", two / "discs", "--masks", two / again),
        *("--numbering", "totalsegmentator_mr", "--out", two / "results"),
    )
    assert "again; expected each once; leave one of them out" in one_line(outcome, 2)


def test_a_folder_in_another_is_not_told_as_lost(two):
    (two / "discs").rename(two / "muscles" / "discs")
    outcome = run(
        *("quantify", two / "scans", "--masks", two / "muscles", "--masks", two / "muscles" / "discs"),
        *("--numbering", "mriparaspinal", "--numbering", "totalsegmentator_mr", "--out", two / "results"),
    )
    assert outcome.code == 0
    assert problem_codes(two / "results") == set()


def test_check_says_the_same(two):
    write_image(two / "muscles" / "ALS_1_3_mask.png", LABELS)
    outcome = joined(two, command="check")
    assert outcome.code == 4
    assert "two-sources" in outcome.out + outcome.err


# ---------------------------------------------------------------- run and report


def test_run_knows_all_folders_and_their_numberings(two):
    how = ("run", two / "scans", "--masks", two / "muscles", "--masks", two / "discs", "--out", two / "study")
    numbered = ("--numbering", "mriparaspinal", "--numbering", "totalsegmentator_mr")
    assert run(*how, *numbered).code == 0
    assert "since the last run" not in run(*how, *numbered).err
    smaller = DISC.copy()
    smaller[:30] = 0
    write_image(two / "discs" / "LR_1_3_mask.png", smaller)
    assert "since the last run: changed: LR_1_3_mask.png (masks/2); doing" in run(*how, *numbered).err
    (two / "discs.csv").write_text("value,label\n20,IVD\n", encoding="utf-8")
    other = ("--numbering", "mriparaspinal", "--numbering", two / "discs.csv")
    assert "numbering" in run(*how, *other).err
    command = ("report", two / "study" / "results", "--dataset", two / "scans", "--out", two / "page.html")
    masks = ("--masks", two / "muscles", "--masks", two / "discs")
    assert run(*command, *masks).code == 0
    assert "measured from 2 folders of label maps, and --masks names 1" in one_line(
        run(*command, *masks[:2]), 2
    )
    other_way_round = one_line(run(*command, *masks[2:], *masks[:2]), 3)
    assert f"{two / 'discs' / 'ALS_1_3_mask.png'}: changed since it was measured" in other_way_round
    assert "give the folders that were measured, in the same order, or" in other_way_round


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("total_v3", "totalsegmentator_v3"),
        ("total_mr", "totalsegmentator_mr"),
    ],
)
def test_totalsegmentators_own_names_of_its_tasks_are_taken(tmp_path, task, name):
    (numbering,) = numberings_of([tmp_path], [task], "--masks")
    assert numbering == NUMBERINGS[name]


def test_a_folder_of_dicom_is_told_where_it_belongs(two):
    (two / "seg").mkdir()
    (two / "seg" / "ALS_1.dcm").write_bytes(b"")
    outcome = run("quantify", two / "scans", "--masks", two / "seg", "--out", two / "results")
    assert "has DICOM files and no label maps; expected label maps; make LabelMe files of" in one_line(
        outcome, 2
    )
