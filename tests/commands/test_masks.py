"""Index images and overlays: what they show is what was counted."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_dataset, write_slice
from tests.support.builders.study import fingerprint, read_csv, rows_of, run


def values_of(out) -> dict[tuple[str, str], int]:
    return {(row["region"], row["side"]): int(row["value"]) for row in read_csv(out / "values.csv")}


def test_index_images_hold_the_pixels_that_quantify_counts(tmp_path):
    root, out, results = tmp_path / "Daten für ALS", tmp_path / "masks", tmp_path / "results"
    write_slice(root, "ALS_1_3")
    write_slice(root, "p 2/LR_1_4")
    before = fingerprint(root)
    outcome = run("masks", root, "--out", out)
    assert outcome.code == 0
    assert "drew 2 of 2 slices" in outcome.err
    assert sorted(fingerprint(out)) == [
        "ALS_1_3_mask.png",
        "ALS_1_3_overlay.png",
        "masks.json",
        "p 2/LR_1_4_mask.png",
        "p 2/LR_1_4_overlay.png",
        "values.csv",
    ]
    assert fingerprint(root) == before
    assert run("quantify", root, "--out", results).code == 0
    values = values_of(out)
    for row in rows_of(results):
        pixels = np.asarray(Image.open(out / f"{row['image'].removesuffix('.png')}_mask.png"))
        assert pixels.shape == (100, 100)
        if row["side"] != "both":
            assert np.count_nonzero(pixels == values[row["muscle"], row["side"]]) == int(row["csa_px"])
        assert np.count_nonzero(pixels == values["IVD", ""]) == int(row["reference_px"])


def test_values_are_told_apart_and_cover_all_regions(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    run("masks", tmp_path / "data", "--out", tmp_path / "out")
    values = values_of(tmp_path / "out")
    assert len(set(values.values())) == len(values)
    assert values["background", ""] == 0
    assert set(values) >= {(m, s) for m in ("MF", "ES", "PM", "QL") for s in ("left", "right")}
    assert set(values) >= {("IVD", ""), ("VB", ""), ("overlap", "")}


def test_shared_pixels_are_marked_as_such(tmp_path):
    shapes = [s for s in SHAPES if s["label"] != "ES_L"] + [polygon("ES_L", box(60, 60, 89, 89))]
    write_slice(tmp_path / "data", "ALS_1_3", shapes=shapes)
    assert run("masks", tmp_path / "data", "--out", tmp_path / "out").code == 0
    pixels = np.asarray(Image.open(tmp_path / "out" / "ALS_1_3_mask.png"))
    overlap = values_of(tmp_path / "out")["overlap", ""]
    rows, columns = np.nonzero(pixels == overlap)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (65, 84, 60, 64)


def test_overlays_can_be_looked_at(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3", grey_image())
    run("masks", tmp_path / "data", "--out", tmp_path / "out")
    overlay = Image.open(tmp_path / "out" / "ALS_1_3_overlay.png")
    assert min(overlay.size) >= 500
    assert overlay.mode == "RGB"
    assert len(overlay.getcolors(1 << 24)) > 50


def test_the_same_bytes_for_any_number_of_jobs(tmp_path):
    write_dataset(tmp_path / "data", 2, 1)
    for jobs in (1, 2, 3):
        assert run("masks", tmp_path / "data", "--out", tmp_path / str(jobs), "--jobs", jobs).code == 0
    assert fingerprint(tmp_path / "1") == fingerprint(tmp_path / "2") == fingerprint(tmp_path / "3")


def test_a_faulty_slice_does_not_stop_the_others(tmp_path):
    root = tmp_path / "data"
    write_dataset(root, 1, 1)
    (root / "ALS_1_3.png").write_bytes(b"no image")
    outcome = run("masks", root, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert "drew 3 of 4 slices" in outcome.err
    assert "ALS_1_3.png: error: " in outcome.err
    assert not (tmp_path / "out" / "ALS_1_3_mask.png").exists()


def test_an_output_folder_in_the_dataset_is_not_drawn_again(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    for _ in range(2):
        outcome = run("masks", tmp_path, "--out", tmp_path / "masks")
        assert outcome.code == 0
        drawn, following = outcome.err.splitlines()
        assert drawn == f"drew 1 of 1 slice into {tmp_path / 'masks'}"
        assert following.startswith("next, when every overlay is right: ")
    assert run("masks", tmp_path, "--out", tmp_path / "masks", "--quiet").err == ""


@pytest.mark.parametrize(
    ("out", "code", "part"),
    [(".", 2, "is the dataset itself"), ("file", 2, "cannot be written"), ("file/x", 2, "cannot be written")],
)
def test_outputs_that_are_refused(tmp_path, out, code, part):
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3")
    (root / "file").write_text("x")
    outcome = run("masks", root, "--out", root / out)
    assert outcome.code == code
    assert part in outcome.err
    assert "Traceback" not in outcome.err


def test_nothing_to_draw(tmp_path):
    assert run("masks", tmp_path, "--out", tmp_path / "out").code == 3
    assert run("masks", tmp_path / "none", "--out", tmp_path / "out").code == 3
