"""Pictures to check a measurement by looking: index images of the masks, and overlays on the slice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import DEFAULTS, FASCIA, SAT, Settings
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.io.numberings import OVERLAP, pair_values_of, values_of

#: Colour of each region (Okabe–Ito, safe for colour-blind readers).
_COLOURS = {
    "MF": (230, 159, 0),
    "ES": (86, 180, 233),
    "PM": (0, 158, 115),
    "QL": (204, 121, 167),
    "IVD": (240, 228, 66),
    "VB": (213, 94, 0),
    SAT: (0, 114, 178),
    **dict.fromkeys(FASCIA, (255, 255, 255)),
}

_FAT_COLOUR = (255, 60, 60)

#: An overlay is enlarged by whole factors until its longer edge has at least so many pixels.
_LEGIBLE_PX = 768


def in_maps(patches: Mapping[RegionKey, Patch]) -> dict[RegionKey, Patch]:
    """The regions that label maps hold: the second outlines of muscles, :data:`FASCIA`, are none of them."""
    return {key: patch for key, patch in patches.items() if key[0] not in FASCIA}


def label_map(
    patches: Mapping[RegionKey, Patch],
    shape: tuple[int, int],
    pairs: bool = False,
    settings: Settings = DEFAULTS,
) -> NDArray[np.uint8]:
    """The value of each pixel of (rows, columns), as :func:`values_of` tells.

    A pixel of several regions has the value ``OVERLAP``; with ``pairs``, one of two regions has theirs of
    :func:`pair_values_of`. Regions that :func:`in_maps` leaves out have none.
    """
    known = values_of(settings.regions)
    # Row: the value so far; column: the region that is added.
    sums = np.full((256, max(known.values()) + 1), OVERLAP, dtype=np.uint8)
    sums[0] = np.arange(sums.shape[1])
    if pairs:
        for (one, other), value in (
            (tuple(p), value) for p, value in pair_values_of(settings.regions).items()
        ):
            sums[known[one], known[other]] = sums[known[other], known[one]] = value
    values = np.zeros(shape, dtype=np.uint8)
    for key, patch in in_maps(patches).items():
        window = values[patch.top : patch.bottom, patch.left : patch.right]
        window[patch.pixels] = sums[window[patch.pixels], known[key]]
    return values


def region_colour(region: str, side: str, settings: Settings = DEFAULTS) -> tuple[int, int, int]:
    """Red, green and blue of a region on index images; darker on the right side."""
    shade = 1.0 if side != "right" else 0.7
    red, green, blue = (int(shade * part) for part in _colours(settings)[region])
    return red, green, blue


def region_layers(
    patches: Mapping[RegionKey, Patch], shape: tuple[int, int], settings: Settings = DEFAULTS
) -> tuple[NDArray[np.uint8], dict[RegionKey, int]]:
    """The values of the pixels in as few layers, (layers, rows, columns), as keep overlapping regions apart.

    Returns with them the layer of each region. Regions go, in the order of their values, into the first layer
    that is free where they are.
    """
    known = values_of(settings.regions)
    layers: list[NDArray[np.uint8]] = []
    where: dict[RegionKey, int] = {}
    for key in sorted(patches, key=lambda key: known[key]):
        patch = patches[key]
        box = (slice(patch.top, patch.bottom), slice(patch.left, patch.right))
        free = (n for n, layer in enumerate(layers) if not layer[box][patch.pixels].any())
        where[key] = next(free, len(layers))
        if where[key] == len(layers):
            layers.append(np.zeros(shape, dtype=np.uint8))
        layers[where[key]][box][patch.pixels] = known[key]
    return np.stack(layers), where


def index_image(
    patches: Mapping[RegionKey, Patch], shape: tuple[int, int], settings: Settings = DEFAULTS
) -> Image.Image:
    """An image of (rows, columns) whose pixel values name the regions, in colours."""
    image = Image.fromarray(label_map(patches, shape, settings=settings)).convert("P")
    palette = [0] * 768
    for (region, side), value in values_of(settings.regions).items():
        palette[3 * value : 3 * value + 3] = region_colour(region, side, settings)
    palette[3 * OVERLAP :] = [255, 255, 255]
    image.putpalette(palette)
    return image


def _colours(settings: Settings) -> dict[str, tuple[int, int, int]]:
    own = {name: bytes.fromhex(colour[1:]) for name, colour in settings.own_colours.items()}
    return _COLOURS | {name: (red, green, blue) for name, (red, green, blue) in own.items()}


def overlay(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    threshold: float | None,
    title: str,
    settings: Settings,
) -> Image.Image:
    """The slice, enlarged, with the edge of every measured mask and its fat pixels marked.

    ``grey`` (rows, columns). What is drawn is the mask that was counted, not the contour. Without a
    ``threshold`` no fat is marked.
    """
    scale = max(1, -(-_LEGIBLE_PX // max(grey.shape)))
    drawn_in = _colours(settings)
    colours = np.repeat(grey[..., None], 3, axis=2).astype(np.float64)
    for (region, _), patch in patches.items():
        if region in settings.muscles and threshold is not None:
            window = colours[patch.top : patch.bottom, patch.left : patch.right]
            fat = patch.pixels & (patch.on(grey) > threshold)
            window[fat] = 0.55 * window[fat] + 0.45 * np.array(_FAT_COLOUR)
    large = colours.round().astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
    for (region, _), patch in patches.items():
        edge = _edge(patch.pixels.repeat(scale, axis=0).repeat(scale, axis=1), max(1, scale // 2))
        rows = slice(patch.top * scale, patch.bottom * scale)
        columns = slice(patch.left * scale, patch.right * scale)
        large[rows, columns][edge] = drawn_in[region]
    picture = Image.fromarray(large)
    _write_names(picture, patches, scale, drawn_in)
    return _with_caption(picture, title, threshold, settings.image_left)


def _edge(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """The outermost ``width`` pixels of a mask."""
    inner = np.pad(mask, width)
    core = inner.copy()
    for step in range(1, width + 1):
        for axis in (0, 1):
            core &= np.roll(inner, step, axis) & np.roll(inner, -step, axis)
    return mask & ~core[width:-width, width:-width]


def _write_names(
    picture: Image.Image,
    patches: Mapping[RegionKey, Patch],
    scale: int,
    colours: Mapping[str, tuple[int, int, int]],
) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=16)
    for key, patch in patches.items():
        rows, columns = np.nonzero(patch.pixels)
        x = (patch.left + columns.mean() + 0.5) * scale
        y = (patch.top + rows.mean() + 0.5) * scale
        name = str(Region(*key)).replace("_", " ")
        draw.text((x, y), name, colours[key[0]], font, anchor="mm", stroke_width=2, stroke_fill="black")


def _with_caption(picture: Image.Image, title: str, threshold: float | None, image_left: str) -> Image.Image:
    font, small = ImageFont.load_default(size=22), ImageFont.load_default(size=15)
    height = 52
    canvas = Image.new("RGB", (picture.width, picture.height + height), "black")
    canvas.paste(picture, (0, height))
    draw = ImageDraw.Draw(canvas)
    draw.text((10, 4), title, "white", font)
    told = (
        "fat is not marked" if threshold is None else f"red: brighter than grey {threshold:g}, counted as fat"
    )
    draw.text((10, 31), told, (255, 130, 130), small)
    left = image_left[0].upper()
    right = "L" if left == "R" else "R"
    middle = height + picture.height // 2
    for x, letter, anchor in ((10, left, "lm"), (canvas.width - 10, right, "rm")):
        draw.text((x, middle), letter, "white", font, anchor=anchor, stroke_width=2, stroke_fill="black")
    return canvas
