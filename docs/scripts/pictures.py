"""Make the pictures of the site from the sample cohort and what the commands write: ``docs/pictures/*.png``.

Run: ``python docs/scripts/pictures.py``. A test makes them again and compares.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
SAMPLE = ROOT / "sample_data"

_COLOURS = {"MF": "#E69F00", "ES": "#56B4E9", "PM": "#2FBF93", "IVD": "#F0E442"}


def main() -> None:
    """Run the commands and write all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for words in (("run", "study"), ("masks", "masks")):
            command = [
                sys.executable,
                "-m",
                "mriparaspinal",
                words[0],
                str(SAMPLE),
                "--quiet",
                "--out",
                words[1],
            ]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        FOLDER.mkdir(exist_ok=True)
        for name, picture in pictures(Path(folder)).items():
            (FOLDER / name).write_bytes(_png(picture))
            print(f"wrote {FOLDER / name}")


def pictures(outputs: Path) -> dict[str, Image.Image]:
    """All pictures by name, from a folder with ``study``, written by ``run``, and ``masks``."""
    comparison = outputs / "study" / "comparison"
    return {
        "overlay.png": _opened(outputs / "masks" / "ALS_2_4_overlay.png"),
        "sides.png": _narrower(_opened(comparison / "figure3_sides_als.png"), 1000),
        "effects.png": _narrower(_opened(comparison / "figure_effects.png"), 1000),
        "contours.png": _drawn("LR_3", 4, 3.4, vertices=True),
        **{f"L{level}.png": _drawn("LR_3", level, 2.6) for level in range(1, 6)},
        "two-ways.png": _two_ways("ALS_2", 4),
        "refine.png": _refined("LR_3", 4),
        "draft.png": _drafted("LR_3", 4),
        "bands.png": _bands("LR_3", 4),
        "shape.png": _shape("ALS_2", 4, "ES_L"),
    }


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _narrower(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def _png(picture: Image.Image) -> bytes:
    """Few colours are enough, and make small files; the method keeps rare ones, such as those of lines."""
    content = io.BytesIO()
    few = picture.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(content, "PNG", optimize=True)
    return content.getvalue()


def _contours(who: str, level: int, folder: Path = SAMPLE) -> list[tuple[str, list[tuple[float, float]]]]:
    content = json.loads((folder / f"{who}_{level}.json").read_text(encoding="utf-8"))
    return [(shape["label"], [(x, y) for x, y in shape["points"]]) for shape in content["shapes"]]


def _drawn(
    who: str,
    level: int,
    scale: float,
    crop: tuple[int, int, int, int] = (28, 92, 228, 246),
    vertices: bool = False,
    contours: dict[str, list[tuple[float, float]]] | None = None,
) -> Image.Image:
    """A slice with contours as LabelMe shows them: lines, points, labels. ``crop`` in pixels of the slice."""
    left, top, right, bottom = crop
    size = (round((right - left) * scale), round((bottom - top) * scale))
    grey = (
        _opened(SAMPLE / f"{who}_{level}.png").convert("L").crop(crop).resize(size, Image.Resampling.BICUBIC)
    )
    # Noise does not compress; nobody sees the lowest bits of it.
    slice_ = grey.point(lambda level: level & 0xF8 | 4).convert("RGB")
    draw = ImageDraw.Draw(slice_)
    font = ImageFont.load_default(size=17)
    for label, points in _contours(who, level) if contours is None else contours.items():
        # The centre of a pixel is at one half.
        xy = [((x + 0.5 - left) * scale, (y + 0.5 - top) * scale) for x, y in points]
        colour = _COLOURS[label.partition("_")[0]]
        draw.line([*xy, xy[0]], fill=colour, width=2)
        for x, y in xy if vertices else ():
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
        middle = tuple(sum(values) / len(xy) for values in zip(*xy, strict=True))
        draw.text(middle, label, colour, font, anchor="mm", stroke_width=2, stroke_fill="black")
    return slice_


def _titled(picture: Image.Image, title: str) -> Image.Image:
    canvas = Image.new("RGB", (picture.width, picture.height + 30), "black")
    canvas.paste(picture, (0, 30))
    ImageDraw.Draw(canvas).text((8, 15), title, "white", ImageFont.load_default(size=18), anchor="lm")
    return canvas


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    canvas = Image.new("RGB", (left.width + 6 + right.width, left.height), "white")
    canvas.paste(left, (0, 0))
    canvas.paste(right, (left.width + 6, 0))
    return canvas


def _two_ways(who: str, level: int) -> Image.Image:
    """The wasted muscles of the left side: drawn without and with the fat between muscle and fascia."""
    by_label = dict(_contours(who, level))
    disc = by_label["IVD"]
    middle = sum(x for x, _ in disc) / len(disc)
    # The muscles of the other side fill their fascia: mirrored, they show where it is on this one.
    whole = {f"{name}_L": [(2 * middle - x, y) for x, y in by_label[f"{name}_R"]] for name in ("MF", "ES")}
    muscle = {label: by_label[label] for label in whole}
    crop = (122, 158, 208, 226)
    return _side_by_side(
        _titled(_drawn(who, level, 6, crop, contours=muscle), "muscle only"),
        _titled(_drawn(who, level, 6, crop, contours=whole), "inside the fascia"),
    )


def _refined(who: str, level: int) -> Image.Image:
    """Eight points of each contour, joined by straight lines, and the lines that they are refined to."""
    from mriparaspinal.drafts.refine import refine_region

    grey = np.asarray(_opened(SAMPLE / f"{who}_{level}.png").convert("L"))
    clicks = {label: points[:: len(points) // 8] for label, points in _contours(who, level)}
    lines = {label: refine_region(grey, np.array(points)).tolist() for label, points in clicks.items()}
    return _side_by_side(
        _titled(_drawn(who, level, 2.6, vertices=True, contours=clicks), "clicked"),
        _titled(_drawn(who, level, 2.6, contours=lines), "refined"),
    )


def _drafted(who: str, level: int) -> Image.Image:
    """The contours of a slice, and its draft from six other participants."""
    import mriparaspinal as mp

    others = [f"{group}_{number}" for group in ("ALS", "LR") for number in (1, 5, 8)]
    with tempfile.TemporaryDirectory() as folder:
        for other in others:
            for ending in ("png", "json"):
                shutil.copy(SAMPLE / f"{other}_{level}.{ending}", folder)
        shutil.copy(SAMPLE / f"{who}_{level}.png", folder)
        mp.draft(folder)
        draft = dict(_contours(who, level, Path(folder)))
    return _side_by_side(
        _titled(_drawn(who, level, 2.6), "drawn by hand"),
        _titled(_drawn(who, level, 2.6, contours=draft), "draft"),
    )


#: Light to dark: medial to lateral, deep to superficial, border to core.
_BANDS = ("#FDE725", "#5EC962", "#21918C", "#3B528B", "#440154")


def _bands(who: str, level: int) -> Image.Image:
    """The quarters of each muscle either way, its rings, and the part nearest to the disc."""
    from mriparaspinal.measure import fat_distribution as fat

    with Image.open(SAMPLE / f"{who}_{level}.png") as picture:
        columns, rows = picture.size
    masks = {}
    for label, points in _contours(who, level):
        name, _, side = label.partition("_")
        canvas = Image.new("1", (columns, rows))
        ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
        masks[name, {"L": "left", "R": "right", "": ""}[side]] = np.asarray(canvas)
    muscles = {key: mask for key, mask in masks.items() if key[1]}
    axes = fat.patient_axes(muscles, None, "right")
    disc = tuple(float(values.mean()) for values in np.nonzero(masks["IVD", ""])[::-1])
    panels: dict[str, dict[tuple[str, str], np.ndarray]] = {}
    for key, mask in muscles.items():
        lateral, superficial = fat.positions(mask, key[1], axes, None)
        found = {
            "quarters, medial to lateral": fat.equal_bands(lateral, superficial, 4),
            "quarters, deep to superficial": fat.equal_bands(superficial, lateral, 4),
            "rings, border to core": fat.depth_rings(mask, None),
            "deepest 15 %": fat.nearest(mask, disc, None, np.stack([lateral, superficial])),
        }
        for title, bands in found.items():
            panels.setdefault(title, {})[key] = bands
    drawn = [_titled(_painted(who, level, muscles, bands), title) for title, bands in panels.items()]
    halves = [_side_by_side(*drawn[:2]), _side_by_side(*drawn[2:])]
    canvas = Image.new("RGB", (halves[0].width, 2 * halves[0].height + 6), "white")
    for number, half in enumerate(halves):
        canvas.paste(half, (0, number * (half.height + 6)))
    return canvas


def _painted(
    who: str, level: int, masks: dict[tuple[str, str], np.ndarray], bands: dict[tuple[str, str], np.ndarray]
) -> Image.Image:
    """A slice with the bands of each mask in colours; pixels of none as they are."""
    crop, scale = (28, 92, 228, 246), 2
    grey = np.asarray(_opened(SAMPLE / f"{who}_{level}.png").convert("L")) & 0xF8
    colours = np.repeat(grey[..., None], 3, axis=2)
    for key, mask in masks.items():
        numbers = np.full(mask.shape, -1)
        numbers[mask] = bands[key]
        for band, colour in enumerate(_BANDS):
            colours[numbers == band] = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    left, top, right, bottom = crop
    size = ((right - left) * scale, (bottom - top) * scale)
    return Image.fromarray(colours).crop(crop).resize(size, Image.Resampling.NEAREST)


def _shape(who: str, level: int, label: str) -> Image.Image:
    """A muscle with its bounding box, its convex hull, and the ellipse of its second moments."""
    from scipy.spatial import ConvexHull
    from skimage.measure import regionprops

    crop, scale = (142, 152, 212, 232), 6
    points = dict(_contours(who, level))[label]
    mask = Image.new("L", (256, 256))
    ImageDraw.Draw(mask).polygon(points, outline=1, fill=1)
    region = regionprops(np.asarray(mask))[0]
    picture = _drawn(who, level, scale, crop, contours={label: points})
    draw = ImageDraw.Draw(picture)

    def line(xy: np.ndarray, colour: str) -> None:
        placed = [tuple((point - crop[:2]) * scale) for point in xy]
        draw.line([*placed, placed[0]], fill=colour, width=2)

    top, left, bottom, right = region.bbox
    line(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), "white")
    corners = np.argwhere(np.asarray(mask))[:, ::-1] + 0.5
    line(corners[ConvexHull(corners).vertices], "#F0E442")
    angles = np.linspace(0, 2 * np.pi, 90)
    long, short = region.axis_major_length / 2 * np.cos(angles), region.axis_minor_length / 2 * np.sin(angles)
    sine, cosine = np.sin(region.orientation), np.cos(region.orientation)
    middle = np.array(region.centroid)[::-1] + 0.5
    line(middle + np.column_stack([long * sine + short * cosine, long * cosine - short * sine]), "#E69F00")
    return picture


if __name__ == "__main__":
    main()
