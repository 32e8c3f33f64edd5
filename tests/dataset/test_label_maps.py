"""Label maps that are measured in place of contours: real volumes against NumPy, round trips, every fault."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.labels import parse_label
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.label_maps import mask_candidates
from mriparaspinal.dataset.map_sources import open_label_maps
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.io.numberings import NUMBERINGS, parse_numbering
from mriparaspinal.io.tables import parse_table
from mriparaspinal.io.volumes import ENDINGS as VOLUMES
from mriparaspinal.measure.dataset import measure_dataset
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    polygon,
    write_dataset,
    write_image,
    write_slice,
)
from tests.support.builders.study import PROJECT, fingerprint, problems_of, read_csv, rows_of, run
from tests.support.builders.volumes import load, save, write_slices

#: The numbers of muscles_manual.nii.gz, as the data set's authors give them.
TUM = {1: ("ES", "right"), 2: ("MF", "right"), 3: ("MF", "left"), 4: ("ES", "left")}
TUM_TABLE = "value,label\n1,ES_R\n2,MF_R\n3,MF_L\n4,ES_L\n"
SIZES = ("csa_px", "fat_px", "lean_px", "fi", "reference_px", "rcsa", "mean_intensity", "asymmetry_pct")


def sizes(results: Path) -> dict[tuple[str, ...], list[str]]:
    """What was counted, by participant, segment, muscle and side."""
    keys = ("participant_id", "segment", "muscle", "side")
    return {tuple(row[k] for k in keys): [row[s] for s in SIZES] for row in rows_of(results)}


# ---------------------------------------------------------------- real volumes


@pytest.fixture
def tum(shared, tmp_path):
    """The volumes of TUM01: fat (for slices), the manual label map as that of HV_1, and its numbering."""
    volumes = shared / "real" / "TUM01" / "volumes"
    (tmp_path / "maps").mkdir()
    shutil.copy(volumes / "muscles_manual.nii.gz", tmp_path / "maps" / "HV_1.nii.gz")
    (tmp_path / "table.csv").write_text(TUM_TABLE, encoding="utf-8")
    voxels, affine = load(volumes / "fat.nii.gz")
    return voxels / 2, affine, load(volumes / "muscles_manual.nii.gz")[0]


def test_every_voxel_of_a_real_label_map(tum, tmp_path):
    voxels, affine, labels = tum
    indices = {f"HV_1_{n}": index for n, index in enumerate((23, 18, 14, 9, 3), start=1)}
    grey = write_slices(tmp_path / "scans", voxels, affine, indices)
    outcome = run(
        *("quantify", tmp_path / "scans", "--masks", tmp_path / "maps"),
        *("--numbering", tmp_path / "table.csv", "--out", tmp_path / "results"),
    )
    assert outcome.code == 4  # no reference
    assert "Traceback" not in outcome.err
    rows = {(row["segment"], row["muscle"], row["side"]): row for row in rows_of(tmp_path / "results")}
    assert len(rows) == 5 * 2 * 3
    for n, (stem, index) in enumerate(indices.items(), start=1):
        for value, key in TUM.items():
            row = rows[f"L{n}", *key]
            # Columns of the picture run along the first axis of this volume, rows along the second.
            of = value == labels[:, :, index].T
            assert int(row["csa_px"]) == np.count_nonzero(labels[:, :, index] == value)
            assert int(row["fat_px"]) == np.count_nonzero(grey[stem][of] > 50)
            assert float(row["fi"]) == np.mean(grey[stem][of] > 50)
            assert float(row["mean_intensity"]) == pytest.approx(grey[stem][of].mean(), rel=1e-12)
            assert float(row["contour_area_px"]) == int(row["csa_px"])
            assert (row["mask_rule"], row["rcsa"], row["reference"]) == ("mask", "", "")
    codes = {code for *_, code in problems_of(tmp_path / "results")}
    assert codes == {"missing-reference", "muscle-not-drawn"}


def test_the_slices_of_stacks_sum_to_the_whole_volume(tum, tmp_path):
    voxels, affine, labels = tum
    letters = "abcdef"
    indices = {f"HV_1_{1 + i // 6}_{letters[i % 6]}": i for i in range(29)}
    write_slices(tmp_path / "scans", voxels, affine, indices)
    outcome = run(
        *("quantify", tmp_path / "scans", "--masks", tmp_path / "maps"),
        *("--numbering", tmp_path / "table.csv", "--out", tmp_path / "results"),
    )
    assert outcome.code == 4  # no reference
    slices = [row for n in range(1, 6) for row in read_csv(tmp_path / "results" / f"L{n}_slices.csv")]
    stacks = rows_of(tmp_path / "results")
    assert len({row["image"] for row in slices}) == 29
    millilitres = abs(np.linalg.det(affine[:3, :3])) / 1000
    for value, key in TUM.items():
        voxels_of = np.count_nonzero(labels == value)
        assert sum(int(r["csa_px"]) for r in slices if (r["muscle"], r["side"]) == key) == voxels_of
        volume = sum(float(r["volume_ml"]) for r in stacks if (r["muscle"], r["side"]) == key)
        assert volume == pytest.approx(voxels_of * millilitres, rel=1e-6)


def test_discs_of_totalsegmentator(shared, tmp_path):
    folder = shared / "real" / "totalseg_mr"
    voxels, affine = load(folder / "ts_mr_sm.nii.gz")
    labels, _ = load(folder / "ts_seg_mr.nii.gz")
    (tmp_path / "maps").mkdir()
    shutil.copy(folder / "ts_seg_mr.nii.gz", tmp_path / "maps" / "HV_2.nii.gz")
    indices = {f"HV_2_{n}": 3 * n for n in range(1, 6)}
    write_slices(tmp_path / "scans", np.clip(voxels / 3, 0, 255), affine, indices)
    # A lab that decides that autochthonous muscles are its ES, and the iliopsoas its PM, says so.
    aliases = 'autochthon_L = "ES_L"\nautochthon_R = "ES_R"\niliopsoas_L = "PM_L"\niliopsoas_R = "PM_R"\n'
    for text, muscles in (("", set()), (f"[labels]\n{aliases}", {"ES", "PM"})):
        (tmp_path / "scans" / "paraspinal.toml").write_text(text, encoding="utf-8")
        maps = open_label_maps([tmp_path / "maps"], ["totalsegmentator_mr"])
        settings = Settings(
            labels=tuple(line.split(" = ") for line in aliases.replace('"', "").splitlines()) if text else ()
        )
        measured = measure_dataset(open_dataset(tmp_path / "scans", settings, maps=maps), settings)
        found = 0
        for result in measured.results:
            index = indices[Path(result.slice.name).stem]
            expected = np.count_nonzero(labels[:, :, index] == 20)
            count = result.counts.get(("IVD", ""))
            assert (count.csa_px if count else 0) == expected
            found += expected
            assert {muscle for muscle, side in result.counts if side} <= muscles
            for key, value in ((("ES", "left"), 46), (("ES", "right"), 47), (("PM", "left"), 48)):
                if key in result.counts:
                    assert result.counts[key].csa_px == np.count_nonzero(labels[:, :, index] == value)
        assert found > 100
        unknown = [p for p in measured.problems if p.code == "unknown-label"]
        assert any("vertebrae" in p.message for p in unknown)
        assert any("autochthon_L" in p.message for p in unknown) == (not muscles)


# ---------------------------------------------------------------- there and back


def there_and_back(dataset: Path, tmp_path: Path, format_: str) -> None:
    """Contours → label maps → numbers: the same as from the contours themselves."""
    maps = tmp_path / f"maps_{format_}"
    assert run("masks", dataset, "--out", maps, "--format", format_, "--quiet").code in (0, 4)
    assert run("quantify", dataset, "--out", tmp_path / "direct", "--quiet").code in (0, 4)
    outcome = run("quantify", dataset, "--masks", maps, "--out", tmp_path / f"r_{format_}", "--quiet")
    assert outcome.code == 0, outcome.err
    assert sizes(tmp_path / f"r_{format_}") == sizes(tmp_path / "direct")


@pytest.mark.parametrize("format_", ["png", "nifti"])
def test_the_sample_there_and_back(tmp_path, format_):
    (tmp_path / "scans").mkdir()
    for file in [*PROJECT.glob("sample_data/ALS_*_[35].*"), *PROJECT.glob("sample_data/LR_1_*.*")]:
        shutil.copy(file, tmp_path / "scans")
    there_and_back(tmp_path / "scans", tmp_path, format_)


def test_real_contours_there_and_back(shared, tmp_path):
    there_and_back(shared / "real" / "TUM01", tmp_path, "nifti")


def test_regions_that_overlap_there_and_back(tmp_path):
    shapes = [*SHAPES, polygon("MF_R", box(25, 65, 40, 84))]
    write_slice(tmp_path / "scans", "ALS_1_3", shapes=shapes)
    there_and_back(tmp_path / "scans", tmp_path, "nifti")
    labels = np.asarray(nibabel.load(tmp_path / "maps_nifti" / "ALS_1_3_mask.nii.gz").dataobj)
    assert 255 not in labels
    table = (tmp_path / "maps_nifti" / "values.csv").read_text(encoding="utf-8")
    (pair,) = {int(value) for value in np.unique(labels)} - set(range(12))
    assert f"\n{pair},MF_R+ES_R,\n" in table
    # An index image has one number for all overlaps: which regions they are is lost.
    run("masks", tmp_path / "scans", "--out", tmp_path / "png", "--quiet")
    outcome = run("quantify", tmp_path / "scans", "--masks", tmp_path / "png", "--out", tmp_path / "lost")
    assert outcome.code == 3
    assert "ALS_1_3.png: error: ALS_1_3_mask.png: 100 px of several regions" in outcome.err
    assert not (tmp_path / "lost").exists()


def test_three_regions_on_one_pixel_are_told(tmp_path):
    shapes = [*SHAPES, polygon("MF_R", box(25, 65, 40, 84)), polygon("PM_R", box(25, 65, 27, 70))]
    write_slice(tmp_path / "scans", "ALS_1_3", shapes=shapes)
    outcome = run("masks", tmp_path / "scans", "--out", tmp_path / "maps", "--format", "nifti")
    assert "belong to three regions or more" in outcome.err
    outcome = run("quantify", tmp_path / "scans", "--masks", tmp_path / "maps", "--out", tmp_path / "r")
    assert "px of several regions" in outcome.err


def test_label_maps_lie_where_their_source_lies(tum, shared, tmp_path):
    """Contours → label maps in the patient's space → on the volume that the slices came from."""
    voxels, affine, _ = tum
    write_slices(tmp_path / "scans", voxels, affine, {"HV_1_3": 14})
    square = polygon("MF_R", box(100, 210, 120, 230))
    write_slice(tmp_path / "scans", "HV_1_3", np.asarray(Image.open(tmp_path / "scans/HV_1_3.png")), [square])
    run("masks", tmp_path / "scans", "--out", tmp_path / "m", "--format", "nifti")
    image = nibabel.load(tmp_path / "m" / "HV_1_3_mask.nii.gz")
    source = nibabel.load(shared / "real" / "TUM01" / "volumes" / "fat.nii.gz")
    marked = np.argwhere(np.asarray(image.dataobj) == 2)
    assert len(marked) == 21 * 21
    world = image.affine @ np.column_stack([marked, np.ones(len(marked))]).T
    index = (np.linalg.inv(source.affine) @ world)[:3].T
    assert np.allclose(index, np.rint(index), atol=1e-3)
    columns, rows, slices = np.rint(index).astype(int).T
    assert set(slices.tolist()) == {14}
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (100, 120, 210, 230)


# ---------------------------------------------------------------- a small dataset and its faults

LABELS = np.zeros((100, 100), dtype=np.uint8)
for _value, _shape in zip((6, 5, 4, 3, 2, 1, 9), SHAPES, strict=True):
    (_x0, _y0), _, (_x1, _y1), _ = _shape["points"]
    LABELS[int(_y0) : int(_y1) + 1, int(_x0) : int(_x1) + 1] = _value


@pytest.fixture
def small(tmp_path):
    """One slice without JSON and its label map, numbered as ours."""
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    write_image(tmp_path / "maps" / "ALS_1_3_mask.png", LABELS)
    return tmp_path


def quantify(home: Path, *options: object, numbering: str | None = "mriparaspinal"):
    given = ["--numbering", numbering] if numbering else []
    return run(
        *("quantify", home / "scans", "--masks", home / "maps", *given),
        *("--out", home / "results", *options),
    )


def test_images_alone_are_slices(small):
    outcome = quantify(small)
    assert (outcome.code, outcome.out) == (0, "")
    row = next(row for row in rows_of(small / "results") if (row["muscle"], row["side"]) == ("ES", "right"))
    assert row["csa_px"] == "600"
    assert row["reference_px"] == "900"
    manifest = json.loads((small / "results" / "quantify.json").read_bytes())
    assert set(manifest["inputs"]) == {"ALS_1_3.png", "masks/ALS_1_3_mask.png"}
    assert manifest["settings"]["numbering"]["9"] == "IVD"
    assert manifest["settings"]["mask_rule"] == "mask"


def test_annotations_are_passed_over(small):
    (small / "scans" / "ALS_1_3.json").write_text("broken", encoding="utf-8")
    (small / "scans" / "ALS_2_3.json").write_text("no image", encoding="utf-8")
    (small / "scans" / "ALS_3_3.json").symlink_to("nowhere")
    assert quantify(small).code == 0
    assert problems_of(small / "results") == set()


def test_masks_beside_the_slices_are_no_slices(small):
    for path in (small / "maps").iterdir():
        shutil.copy(path, small / "scans")
    shutil.copy(small / "maps" / "ALS_1_3_mask.png", small / "scans" / "ALS_1_3_overlay.png")
    outcome = run(
        *("quantify", small / "scans", "--masks", small / "scans", "--numbering", "mriparaspinal"),
        *("--out", small / "results"),
    )
    assert outcome.code == 0
    assert problems_of(small / "results") == set()


def test_the_numbering_of_the_folder(small):
    outcome = quantify(small, numbering=None)
    assert outcome.code == 2
    assert "maps: no values.csv in it; expected mriparaspinal, totalsegmentator, totals" in outcome.err
    (small / "maps" / "values.csv").write_text("value,region,side\n3,MF,left\n9,VB,\n", encoding="utf-8")
    assert quantify(small, numbering=None).code == 4  # most muscles are missing
    rows = rows_of(small / "results")
    assert {(row["muscle"], row["side"], row["csa_px"], row["reference"]) for row in rows} == {
        ("MF", "left", "600", "VB")
    }


def error_of(home: Path, **options: str) -> str:
    """The one error of the one slice; nothing can be measured then."""
    outcome = quantify(home, **options)
    assert outcome.code == 3, outcome
    lines = [line for line in outcome.err.splitlines() if ": error: " in line]
    assert len(lines) == 1
    assert "Traceback" not in outcome.err
    assert lines[0].startswith("ALS_1_3.png: ")
    return lines[0]


def test_a_slice_without_a_label_map(small):
    (small / "maps" / "ALS_1_3_mask.png").rename(small / "maps" / "ALS_9_3_mask.png")
    assert "no label map of this slice; expected ALS_1_3_mask.png, or ALS_1.nii.gz" in error_of(small)


def test_label_maps_that_belong_to_no_slice_are_listed(small):
    save(small / "maps" / "LR_4.nii.gz", np.ones((2, 2, 2), dtype=np.uint8), np.eye(4))
    write_image(small / "maps" / "sub" / "ALS_2_3_mask.png", LABELS)
    write_image(small / "maps" / "note.png", LABELS)
    outcome = quantify(small)
    assert outcome.code == 0
    assert "masks: warning: LR_4.nii.gz, sub/ALS_2_3_mask.png belong to no slice" in outcome.err


def test_two_label_maps_of_one_slice(small):
    save(small / "maps" / "ALS_1.nii.gz", LABELS.T[:, :, None], np.eye(4))
    assert "ALS_1_3_mask.png and ALS_1.nii.gz are label maps of this slice; expected one" in error_of(small)


def test_a_label_map_of_another_size(small):
    write_image(small / "maps" / "ALS_1_3_mask.png", LABELS[:, :90])
    assert "90×100 px, but the image has 100×100" in error_of(small)


def test_a_label_map_that_cannot_be_read(small):
    (small / "maps" / "ALS_1_3_mask.png").write_bytes(b"\x89PNG")
    assert "ALS_1_3_mask.png: not a complete PNG" in error_of(small)


def test_a_label_map_of_probabilities(small):
    (small / "maps" / "ALS_1_3_mask.png").unlink()
    save(small / "maps" / "ALS_1_3.nii.gz", (LABELS.T / 9)[:, :, None], None)
    assert "ALS_1_3.nii.gz: numbers that are not whole" in error_of(small)


def test_an_image_that_is_taken_for_a_label_map(small):
    shutil.copy(small / "scans" / "ALS_1_3.png", small / "maps" / "ALS_1_3_mask.png")
    assert "ALS_1_3_mask.png: 256 different numbers on this slice; expected the labels" in error_of(small)


def test_a_map_of_background_alone(small):
    write_image(small / "maps" / "ALS_1_3_mask.png", LABELS * 0)
    assert "ALS_1_3_mask.png: only background on this slice" in error_of(small)


def test_a_map_whose_numbers_are_others(small):
    line = error_of(small, numbering="musclemap")
    assert "ALS_1_3_mask.png: values 1, 2, 3, 4, 5, 6, 9 on this slice" in line


def test_values_without_a_meaning_are_told_once(small):
    labels = LABELS.copy()
    labels[:5, :4] = np.arange(30, 50).reshape(5, 4)
    write_image(small / "maps" / "ALS_1_3_mask.png", labels)
    outcome = quantify(small)
    assert outcome.code == 0
    told = [line for line in outcome.err.splitlines() if "ignored" in line]
    assert len(told) == 1
    assert "values 30, 31, 32, 33, 34, 35, 36, 37, 38, 39 and 10 more were found and ignored" in told[0]


def test_a_volume_of_the_participant_without_the_place_of_the_slice(small):
    (small / "maps" / "ALS_1_3_mask.png").unlink()
    save(small / "maps" / "ALS_1.nii.gz", LABELS.T[:, :, None], np.eye(4))
    assert "ALS_1.nii.gz: slices.csv does not say where the slice lies" in error_of(small)


def test_a_label_map_elsewhere_names_both_grids(tmp_path):
    affine = np.diag([0.5, 0.5, 4.0, 1.0])
    write_slices(tmp_path / "scans", grey_image()[:, :, None] * np.ones(3), affine, {"ALS_1_3": 1})
    save(tmp_path / "maps" / "ALS_1.nii.gz", LABELS[:, :, None], affine @ np.diag([2, 2, 1, 1.0]))
    line = error_of(tmp_path)
    assert "the label map is 100×100×1 voxels of 1×1×4 mm, the first at (0, 0, 0) mm LPS" in line
    assert "the slice's 100×100 px of 0.5×0.5 mm, the first at (0, 0, 4) mm LPS" in line


def test_a_map_with_a_place_for_a_slice_without_one_is_a_warning(small):
    (small / "maps" / "ALS_1_3_mask.png").unlink()
    save(small / "maps" / "ALS_1_3.nii.gz", LABELS.T[:, :, None], np.eye(4))
    assert quantify(small).code == 0
    assert {code for *_, code in problems_of(small / "results")} == {"mask-place-unknown"}
    assert sizes(small / "results")["ALS_1", "L3", "ES", "right"][0] == "600"


@pytest.mark.parametrize("flips", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_map_whose_rows_or_columns_run_the_other_way_measures_the_same(small, flips):
    assert quantify(small).code == 0
    expected = sizes(small / "results")
    (small / "maps" / "ALS_1_3_mask.png").unlink()
    # The columns of a slice run to the left, its rows to the back.
    affine = np.diag([0.7 * flips[0], 0.7 * flips[1], 4.0, 1.0])
    save(small / "maps" / "ALS_1_3.nii.gz", LABELS.T[:: flips[0], :: flips[1], None], affine)
    assert quantify(small).code == 0
    assert {code for *_, code in problems_of(small / "results")} == {"mask-place-unknown"}
    assert sizes(small / "results") == expected


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_map_without_a_place_is_read_column_by_row(small, end):
    (small / "maps" / "ALS_1_3_mask.png").unlink()
    save(small / "maps" / f"ALS_1_3.nii{end}", LABELS.T[:, :, None].astype("f4"), None)
    assert quantify(small).code == 0
    assert problems_of(small / "results") == set()
    assert sizes(small / "results")["ALS_1", "L3", "ES", "right"][0] == "600"


def test_a_side_that_contradicts_the_display(small):
    write_image(small / "maps" / "ALS_1_3_mask.png", LABELS[:, ::-1])
    line = error_of(small)
    assert "all 6 labels with a side contradict the display" in line
    assert quantify(small, "--image-left", "left").code == 0


def test_both_references_need_a_choice(small):
    labels = LABELS.copy()
    labels[20:30, 35:65] = 10
    write_image(small / "maps" / "ALS_1_3_mask.png", labels)
    assert quantify(small).code == 2
    assert quantify(small, "--reference", "VB").code == 0
    assert sizes(small / "results")["ALS_1", "L3", "ES", "right"][4] == "300"


def test_a_muscle_without_side_is_told_by_its_place(small):
    table = "value,label\n1,multifidus\n2,multifidus\n9,disc\n"
    (small / "maps" / "values.csv").write_text(table, encoding="utf-8")
    quantify(small, numbering=None)
    rows = {row["side"]: row["csa_px"] for row in rows_of(small / "results")}
    assert rows == {"left": "200", "right": "200", "both": "400"}


def test_a_file_that_changes_between_two_runs_is_read_again(tmp_path):
    affine = np.diag([0.5, 0.5, 4.0, 1.0])
    write_slices(tmp_path / "scans", grey_image()[:, :, None] * np.ones(3), affine, {"ALS_1_3": 1})
    found = []
    for size in (5, 7):
        volume = np.zeros((100, 100, 3), dtype=np.uint8)
        volume[:size, :size, 1] = 4
        save(tmp_path / "maps" / "ALS_1.nii", volume, affine)
        maps = open_label_maps([tmp_path / "maps"], ["mriparaspinal"])
        measured = measure_dataset(open_dataset(tmp_path / "scans", Settings(), maps=maps), Settings())
        found.append(measured.results[0].counts["ES", "right"].csa_px)
    assert found == [25, 49]


# ---------------------------------------------------------------- the commands


def test_jobs_change_nothing_and_nothing_is_written_beside_the_inputs(tmp_path):
    write_dataset(tmp_path / "scans", als=3, lr=3)
    run("masks", tmp_path / "scans", "--out", tmp_path / "maps", "--format", "nifti", "--quiet")
    before = fingerprint(tmp_path / "scans"), fingerprint(tmp_path / "maps")
    for jobs in (1, 3):
        outcome = quantify(tmp_path, "--jobs", jobs, numbering=None)
        assert outcome.code == 0
        (tmp_path / "results").rename(tmp_path / f"jobs{jobs}")
    assert fingerprint(tmp_path / "jobs1") == fingerprint(tmp_path / "jobs3")
    assert (fingerprint(tmp_path / "scans"), fingerprint(tmp_path / "maps")) == before


@pytest.mark.parametrize("format_", ["png", "nifti"])
def test_masks_writes_the_same_bytes_again(tmp_path, format_):
    write_dataset(tmp_path / "scans", als=1, lr=1)
    for jobs in (1, 2):
        run("masks", tmp_path / "scans", "--out", tmp_path / f"m{jobs}", "--format", format_, "--jobs", jobs)
    assert fingerprint(tmp_path / "m1") == fingerprint(tmp_path / "m2")
    ends = {"".join(Path(name).suffixes) for name in fingerprint(tmp_path / "m1")}
    assert ends == {".png" if format_ == "png" else ".nii.gz", ".csv", ".json"}


def test_label_maps_without_a_space_are_told(tmp_path):
    write_dataset(tmp_path / "scans", als=1, lr=1)
    outcome = run("masks", tmp_path / "scans", "--out", tmp_path / "m", "--format", "nifti")
    assert outcome.code == 0
    assert "slices.csv: warning: no place in the patient for 4 of 4 slices" in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--numbering", "mriparaspinal"], "--numbering: given without --masks"),
        (["--masks", "maps", "--numbering", "itksnap"], "--numbering itksnap: neither a known numbering nor"),
        (["--masks", "nowhere"], "nowhere: does not exist; expected a folder"),
        (["--masks", "maps/ALS_1_3_mask.png"], "is a file; expected a folder"),
        (["--masks", "maps", "--mask-rule", "centre"], "--mask-rule: given with --masks"),
        (["--masks", "maps", "--numbering", "bad.csv"], "bad.csv: the columns a, b were found"),
        (["--masks", "maps", "--numbering", "empty.csv"], "--numbering: empty.csv: no rows"),
        (["--masks", "results"], "results: is the folder of --masks"),
    ],
)
def test_wrong_usage(small, monkeypatch, options, said):
    monkeypatch.chdir(small)
    (small / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (small / "empty.csv").write_text("", encoding="utf-8")
    (small / "results").mkdir()
    outcome = run("quantify", "scans", "--out", "results", *options)
    assert outcome.code == 2, outcome
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_results_of_label_maps_are_not_opened_as_those_of_contours(tmp_path):
    write_dataset(tmp_path / "scans", als=3, lr=3)
    run("masks", tmp_path / "scans", "--out", tmp_path / "maps", "--quiet")
    assert quantify(tmp_path, numbering=None).code == 0
    outcome = run(
        *("threshold-sweep", tmp_path / "results", "--dataset", tmp_path / "scans"),
        *("--out", tmp_path / "sweep"),
    )
    assert outcome.code == 3
    assert "results: measured from label maps, not from contours; expected" in outcome.err
    assert run("compare", tmp_path / "results", "--out", tmp_path / "c", "--quiet").code == 0


# ---------------------------------------------------------------- the page about it

PAGE = (PROJECT / "docs" / "label-maps.md").read_text(encoding="utf-8")


def test_the_page_tells_the_numbers_as_they_are():
    told = dict(re.findall(r"^\| `(\w+)` \| [^|]*\| ([^|]*) \|$", PAGE, flags=re.MULTILINE))
    assert set(told) == set(NUMBERINGS)
    for name, numbering in NUMBERINGS.items():
        regions = {label: str(value) for value, label in numbering.items() if parse_label(label)}
        assert dict(re.findall(r"(\w+) (\d+)", told[name])) == regions
    mr = NUMBERINGS["totalsegmentator_mr"]
    assert [mr[n] for n in (46, 47, 48, 49, 19)] == re.findall(
        r"`((?:auto|ilio|vertebrae)\w*)`(?=[ ,])",
        " ".join(PAGE.split()).split("are not:")[1].split("A lab")[0],
    )


def test_the_page_lists_the_names_as_they_are_looked_for():
    table = PAGE.split("## Names")[1].split("Exactly one")[0]
    (slice_,) = find_slices(["sub/ALS_7_3.png"], (), Settings(), images_alone=True).slices
    names = re.findall(r"`((?:sub/)?ALS_7\w*\.(?:png|nii(?:\.gz)?))`", table.split("---")[-1])
    assert names == [name for name in mask_candidates(slice_) if name.endswith((".png", ".nii", ".nii.gz"))]
    others = PAGE.split("## Other formats")[1].split("##")[0]
    for ending in VOLUMES[2:]:
        assert f"`{ending}`" in others
        for stem in ("sub/ALS_7_3", "sub/ALS_7_3_mask", "ALS_7", "ALS_7_mask"):
            assert f"{stem}{ending}" in mask_candidates(slice_)


def test_the_tables_and_commands_of_the_page(small, monkeypatch):
    monkeypatch.chdir(small)
    (table,) = re.findall(r"```csv\n(.*?)```", PAGE, flags=re.DOTALL)
    parsed = parse_table(table.encode(), "table.csv")
    assert parse_numbering(parsed.columns, parsed.rows, "table.csv")[7] == "disc"
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    (small / "scans" / "paraspinal.toml").write_text(toml, encoding="utf-8")
    shutil.rmtree(small / "maps")
    write_slice(small / "scans", "ALS_1_3")
    write_image(small / "automatic" / "ALS_1_3_mask.png", np.where(LABELS == 3, 5111, 0).astype(np.uint16))
    write_image(
        small / "muscles" / "ALS_1_3_mask.png", np.array([0, 4, 4, 3, 3, 1, 1, 0, 0, 0], "u1")[LABELS]
    )
    write_image(small / "discs" / "ALS_1_3_mask.png", np.where(LABELS == 9, 20, 0).astype(np.uint8))
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in commands.splitlines():
        outcome = run(*line.split("#")[0].split()[1:])
        assert outcome.code in (0, 4), (line, outcome.err)


# ---------------------------------------------------------------- damaged files


def test_damaged_label_maps_give_a_result_or_one_line_each(tmp_path):
    """100 slices, each with a label map that was damaged in another way."""
    rng = np.random.default_rng(11)
    png = io.BytesIO()
    Image.fromarray(LABELS).save(png, "PNG")
    image = nibabel.Nifti1Image(
        np.ascontiguousarray(LABELS.T)[:, :, None], np.diag([-1.0, -1.0, 1.0, 1.0])
    ).to_bytes()
    sound = {"_mask.png": png.getvalue(), ".nii.gz": gzip.compress(image), ".nii": image}
    grey = io.BytesIO()
    Image.fromarray(grey_image()).save(grey, "PNG")
    (tmp_path / "scans").mkdir()
    (tmp_path / "maps").mkdir()
    for n in range(1, 101):
        end = list(sound)[n % 3]
        raw = bytearray(sound[end])
        # The header is where damage does most.
        reach = len(raw) if n % 2 else 352
        for place in rng.integers(0, reach, rng.integers(1, 6)):
            raw[place % len(raw)] = rng.integers(0, 256)
        (tmp_path / "maps" / f"ALS_{n}_3{end}").write_bytes(raw[: len(raw) if n % 5 else len(raw) // 2])
        (tmp_path / "scans" / f"ALS_{n}_3.png").write_bytes(grey.getvalue())
    outcome = quantify(tmp_path, "--reference", "IVD", "--verbose")
    assert outcome.code == 4
    assert "Traceback" not in outcome.err
    errors = [line for line in outcome.err.splitlines() if ": error: " in line]
    lost = [line for line in errors if "mask" in line or ".nii" in line]
    measured = {row["participant_id"] for row in rows_of(tmp_path / "results")}
    assert len({line.split(":")[0] for line in errors} | measured) >= 100
    assert len(lost) > 30
    assert len(measured) > 10


# ---------------------------------------------------------------- two places in one header


def shifted_map(tum, tmp_path, codes=(2, 1), slices=5):
    """The manual map with its true place in the qform, and another in the sform; slices 23 and 18."""
    voxels, affine, labels = tum
    indices = {"HV_1_1": 23, "HV_1_2": 18}
    write_slices(tmp_path / "scans", voxels, affine, indices)
    image = nibabel.Nifti1Image(labels, None)
    ras = np.diag([-1.0, -1, 1, 1]) @ affine
    image.set_qform(ras, code=codes[1])
    ras[:3, 3] += slices * ras[:3, 2]
    image.set_sform(ras, code=codes[0])
    nibabel.save(image, tmp_path / "maps" / "HV_1.nii.gz")
    return {stem: labels[:, :, index] for stem, index in indices.items()}


@pytest.mark.parametrize("command", ["check", "run", "contours"])
def test_two_places_are_told(tum, tmp_path, command):
    shifted_map(tum, tmp_path)
    inputs = {
        "check": [tmp_path / "scans", "--masks", tmp_path / "maps"],
        "run": [tmp_path / "scans", "--masks", tmp_path / "maps", "--out", tmp_path / "o"],
        "contours": [tmp_path / "maps", "--dataset", tmp_path / "scans"],
    }[command]
    table = ["--numbering", tmp_path / "table.csv"]
    words = "sform (code 2, aligned) and qform (code 1, scanner) are up to "
    outcome = run(command, *inputs, *table)
    assert words in outcome.out + outcome.err
    outcome = run(command, *inputs, *table, "--affine", "qform")
    assert words not in outcome.out + outcome.err


def test_the_place_of_the_scanner_counts(tum, tmp_path):
    labels = shifted_map(tum, tmp_path)
    arguments = ("quantify", tmp_path / "scans", "--masks", tmp_path / "maps")
    arguments += ("--numbering", tmp_path / "table.csv", "--out", tmp_path / "results")

    def used() -> object:
        manifest = json.loads((tmp_path / "results" / "quantify.json").read_text())
        return manifest["settings"].get("affine", "none")

    run(*arguments)
    told = [
        row["file"] for row in read_csv(tmp_path / "results" / "problems.csv") if row["code"] == "two-places"
    ]
    assert told == ["masks/HV_1.nii.gz"]  # once, for two slices
    found = {
        (row["image"], row["muscle"], row["side"]): row["csa_px"] for row in rows_of(tmp_path / "results")
    }
    for stem, cut in labels.items():
        for value, key in TUM.items():
            assert int(found[f"{stem}.png", *key]) == np.count_nonzero(cut == value)
    assert used() == "none"
    before = rows_of(tmp_path / "results")
    run(*arguments, "--affine", "qform")
    assert (rows_of(tmp_path / "results"), used()) == (before, "qform")
    run(*arguments, "--affine", "sform")
    assert rows_of(tmp_path / "results") != before


def test_two_places_of_which_none_is_clear(tum, tmp_path):
    shifted_map(tum, tmp_path, codes=(1, 1))
    arguments = (
        "quantify",
        tmp_path / "scans",
        "--masks",
        tmp_path / "maps",
        "--numbering",
        tmp_path / "table.csv",
    )
    outcome = run(*arguments, "--out", tmp_path / "results")
    assert outcome.code == 3 or "unreadable-mask" in {code for *_, code in problems_of(tmp_path / "results")}
    assert "say by --affine sform or --affine qform which one is right" in outcome.err
    outcome = run(*arguments, "--out", tmp_path / "results", "--affine", "qform")
    assert {code for *_, code in problems_of(tmp_path / "results")} == {
        "missing-reference",
        "muscle-not-drawn",
    }


def test_affine_of_no_volume(tmp_path):
    write_dataset(tmp_path / "scans")
    for command in (["quantify"], ["check"], ["run"]):
        out = [] if command == ["check"] else ["--out", tmp_path / "o"]
        outcome = run(*command, tmp_path / "scans", *out, "--affine", "qform")
        assert outcome.code == 2
        assert "--affine: given without --masks" in outcome.err
