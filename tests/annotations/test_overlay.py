"""The pictures show the masks that were counted, no more and no less."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal.annotations.overlay import index_image, overlay
from mriparaspinal.annotations.to_masks import draw_slices
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.io.numberings import OVERLAP, VALUES, value_table
from mriparaspinal.io.output import OutputFolder
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_dataset, write_slice

CAPTION = 52


def patch(top, left, rows, columns):
    return Patch(top, left, np.ones((rows, columns), dtype=bool))


def saved(image):
    content = io.BytesIO()
    image.save(content, "PNG")
    return Image.open(io.BytesIO(content.getvalue()))


# ---------------------------------------------------------------- index images


def test_each_value_stands_for_one_region_and_side():
    table = value_table()
    assert [value for value, _, _ in table] == [0, *range(1, 12), 255]
    assert table[1:3] == [(1, "MF", "left"), (2, "MF", "right")]
    assert [row[1:] for row in table[-4:]] == [("IVD", ""), ("VB", ""), ("SAT", ""), ("overlap", "")]


def test_the_values_of_a_saved_index_image_are_the_regions():
    patches = {key: patch(3 * n, 5 * n, 3, 4) for n, key in enumerate(VALUES)}
    expected = np.zeros((40, 60), dtype=np.uint8)
    for n, key in enumerate(VALUES):
        expected[3 * n : 3 * n + 3, 5 * n : 5 * n + 4] = VALUES[key]
    image = saved(index_image(patches, (40, 60)))
    assert (image.mode, image.size) == ("P", (60, 40))
    assert (np.asarray(image) == expected).all()


def test_pixels_of_two_or_three_regions_have_a_value_of_their_own():
    keys = [("MF", "left"), ("ES", "left"), ("IVD", "")]
    patches = {key: patch(n, n, 10, 10) for n, key in enumerate(keys)}
    covered = sum(p.full((20, 20)).astype(int) for p in patches.values())
    values = np.asarray(index_image(patches, (20, 20)))
    assert ((values == OVERLAP) == (covered > 1)).all()
    assert ((values == 0) == (covered == 0)).all()
    for key, p in patches.items():
        assert ((values == VALUES[key]) == (p.full((20, 20)) & (covered == 1))).all()


def test_all_regions_have_their_own_colour():
    patches = {key: patch(0, n, 1, 1) for n, key in enumerate(VALUES)}
    colours = np.asarray(index_image(patches, (1, len(VALUES) + 1)).convert("RGB"))[0].tolist()
    assert len({tuple(colour) for colour in colours}) == len(VALUES) + 1
    assert colours[-1] == [0, 0, 0]


def test_no_region_is_an_image_of_zeros():
    assert not np.asarray(index_image({}, (5, 6))).any()


# ---------------------------------------------------------------- overlays


def names_cover(picture, patches, scale):
    """The pixels of the picture around the names and letters, which may have any colour."""
    covered = np.zeros(picture.shape[:2], dtype=bool)
    for p in patches.values():
        row = (p.top + p.bottom) / 2 * scale
        column = (p.left + p.right) / 2 * scale
        covered[int(row) - 20 : int(row) + 20, max(0, int(column) - 50) : int(column) + 50] = True
    middle = picture.shape[0] // 2
    covered[middle - 20 : middle + 20, :40] = True
    covered[middle - 20 : middle + 20, -40:] = True
    return covered


def test_only_the_edge_of_masks_and_their_fat_is_coloured():
    grey = grey_image((200, 200))
    patches = {
        ("MF", "left"): patch(20, 20, 50, 40),
        ("ES", "right"): patch(110, 100, 60, 70),
        ("IVD", ""): patch(20, 100, 50, 60),
    }
    scale = 4  # the smallest with 768 pixels
    picture = np.asarray(overlay(grey, patches, 50, "ALS_1  L3", Settings())).astype(int)
    assert picture.shape == (200 * scale + CAPTION, 200 * scale, 3)
    shown = picture[CAPTION:]
    large = grey.repeat(scale, axis=0).repeat(scale, axis=1)
    coloured = (shown != large[..., None]).any(axis=2)

    may = np.zeros_like(coloured)
    must = np.zeros_like(coloured)
    for (region, _), p in patches.items():
        inside = p.full(grey.shape)
        core = np.zeros_like(inside)
        core[p.top + 1 : p.bottom - 1, p.left + 1 : p.right - 1] = True
        fat = inside & (grey > 50) if region != "IVD" else np.zeros_like(inside)
        edge = inside & ~core
        may |= (edge | fat).repeat(scale, axis=0).repeat(scale, axis=1)
        must |= fat.repeat(scale, axis=0).repeat(scale, axis=1)
        # the outermost line of pixels of the picture itself is edge
        must[p.top * scale, p.left * scale : p.right * scale] = True
        must[p.bottom * scale - 1, p.left * scale : p.right * scale] = True
        must[p.top * scale : p.bottom * scale, p.left * scale] = True
        must[p.top * scale : p.bottom * scale, p.right * scale - 1] = True
    written = names_cover(shown, patches, scale)
    assert not (coloured & ~may & ~written).any()
    assert coloured[must & ~written].all()


def test_fat_is_strictly_above_the_threshold():
    grey = np.full((100, 100), 50, dtype=np.uint8)
    grey[40] = 51
    picture = np.asarray(overlay(grey, {("MF", "left"): patch(20, 20, 60, 60)}, 50, "", Settings())).astype(
        int
    )
    scale = 8
    red = picture[CAPTION:, 25 * scale + 4] - picture[CAPTION:, 25 * scale + 4][:, 1:2]
    rows = {row // scale for row in np.nonzero(red[:, 0] > 20)[0]} - {20, 79}
    assert rows == {40}


@pytest.mark.parametrize(
    ("shape", "size"),
    [((768, 900), (900, 768)), ((100, 200), (800, 400)), ((1000, 2000), (2000, 1000))],
)
def test_overlays_are_enlarged_by_whole_factors(shape, size):
    picture = overlay(np.zeros(shape, dtype=np.uint8), {}, 50, "", Settings())
    assert picture.size == (size[0], size[1] + CAPTION)


def test_a_sliver_of_an_image_is_not_enlarged_beyond_use():
    picture = overlay(np.zeros((2, 3000), dtype=np.uint8), {}, 50, "", Settings())
    assert picture.width * picture.height < 20_000_000


def test_a_patch_of_one_pixel_at_each_corner():
    corners = ((0, 0), (0, 9), (9, 0), (9, 9))
    patches = {key: patch(*corner, 1, 1) for key, corner in zip(list(VALUES)[:4], corners, strict=True)}
    picture = overlay(np.zeros((10, 10), dtype=np.uint8), patches, 50, "", Settings(image_left="left"))
    assert picture.size == (770, 770 + CAPTION)


def test_the_letters_tell_the_patients_sides():
    pictures = [
        np.asarray(overlay(np.zeros((100, 100), dtype=np.uint8), {}, 50, "", Settings(image_left=side)))[
            CAPTION:
        ].astype(int)
        for side in ("right", "left")
    ]
    edge = 60
    first, second = pictures
    # What stands at one edge in the one display stands at the other in the other, apart from its place.
    assert (first[:, :edge] != second[:, :edge]).any()
    assert (first[:, :edge] > 0).sum() == (second[:, -edge:] > 0).sum() != (first[:, -edge:] > 0).sum()
    assert (first[:, edge:-edge] == second[:, edge:-edge]).all()


# ---------------------------------------------------------------- a whole folder


def drawn_into(out, dataset, jobs=1):
    with OutputFolder(out) as folder:
        return draw_slices(dataset, folder, Settings(), jobs)


def test_every_slice_gets_both_pictures_and_the_table_tells_the_values(tmp_path):
    root, out = tmp_path / "dataset", tmp_path / "out"
    write_dataset(root, als=1, lr=1)
    write_slice(root, "sub/LR_9_1")
    drawn, problems = drawn_into(out, open_dataset(root, Settings()))
    assert (drawn, problems) == (5, [])
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    stems = ["ALS_1_3", "ALS_1_4", "LR_1_3", "LR_1_4", "sub/LR_9_1"]
    assert names == sorted(
        [
            *(f"{stem}_{kind}.png" for stem in stems for kind in ("mask", "overlay")),
            "masks.json",
            "values.csv",
        ]
    )
    with (out / "values.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    values = {(row["region"], row["side"]): int(row["value"]) for row in rows}
    for stem in stems:
        index = np.asarray(Image.open(out / f"{stem}_mask.png"))
        for shape in SHAPES:
            canvas = Image.new("L", (100, 100))
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
            name, _, side = shape["label"].partition("_")
            value = values[name, {"L": "left", "R": "right", "": ""}[side]]
            assert ((index == value) == (np.asarray(canvas) == 1)).all()


def test_slices_that_cannot_be_drawn_are_told(tmp_path):
    root, out = tmp_path / "dataset", tmp_path / "out"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3", shapes=[polygon("fat", box(1, 1, 5, 5))])
    (write_slice(root, "ALS_3_3")).write_text("{")
    drawn, problems = drawn_into(out, open_dataset(root, Settings()))
    assert drawn == 1
    assert {(p.file, p.code) for p in problems} == {
        ("ALS_2_3.json", "no-known-label"),
        ("ALS_3_3.json", "bad-json"),
    }
    assert not (out / "ALS_2_3_mask.png").exists()


def test_nothing_to_draw(tmp_path):
    write_slice(tmp_path / "dataset", "ALS_1_3").write_text("{")
    with pytest.raises(NoInputError, match="no slice could be drawn"):
        drawn_into(tmp_path / "out", open_dataset(tmp_path / "dataset", Settings()))
    assert not (tmp_path / "out").exists()


def test_the_same_pictures_whatever_the_jobs(tmp_path):
    root = write_dataset(tmp_path / "dataset", als=2, lr=0, segments=(3,))
    study = open_dataset(root, Settings())
    contents = []
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        drawn_into(out, study, jobs)
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0] == contents[1]
