"""Helpers that write small inputs for the tests: a slice with its LabelMe file, a whole little dataset.

Coordinates are LabelMe's: ``[column, row]`` in pixels. All files are written below a folder of the test.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """The four corners of an upright rectangle, as points of a polygon."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def polygon(label: str, points: Any, **fields: Any) -> dict[str, Any]:
    """A LabelMe shape; ``fields`` override or add to it (``shape_type="circle"``, ``mask=…``)."""
    points = [[float(x), float(y)] for x, y in points]
    shape = {"label": label, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}
    return shape | fields


def labelme(image_path: str, size: tuple[int, int], shapes: list[dict[str, Any]], **fields: Any) -> dict:
    """The content of a LabelMe file for an image of ``size`` (rows, columns); ``fields`` override it."""
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    } | fields


#: The regions of a whole slice of 100×100 px in radiological display: the image's left is the right side.
SHAPES = [
    polygon("PM_R", box(5, 20, 24, 39)),
    polygon("PM_L", box(75, 20, 94, 39)),
    polygon("ES_R", box(10, 60, 29, 89)),
    polygon("ES_L", box(70, 60, 89, 89)),
    polygon("MF_R", box(35, 65, 44, 84)),
    polygon("MF_L", box(55, 65, 64, 84)),
    polygon("IVD", box(35, 20, 64, 49)),
]


def hand_drawn(seed: int) -> list[dict[str, Any]]:
    """:data:`SHAPES` as a hand draws them: each corner up to 1.5 px elsewhere, between pixels."""
    random = np.random.default_rng(seed)
    return [
        shape | {"points": (np.array(shape["points"]) + random.uniform(-1.5, 1.5, (4, 2))).tolist()}
        for shape in SHAPES
    ]


def grey_image(shape: tuple[int, int] = (100, 100), seed: int = 1) -> np.ndarray:
    """Random grey levels 0–255, shape (rows, columns)."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def own_image(stem: str) -> np.ndarray:
    """:func:`grey_image` with pixels of its own in the upper left corner, outside of :data:`SHAPES`.

    For slices that are to give the same numbers, and are not to be one image under two names.
    """
    image = grey_image()
    image[0, :4] = np.frombuffer(struct.pack(">I", zlib.crc32(stem.encode("utf-8", "surrogateescape"))), "u1")
    return image


def write_image(path: Path, image: np.ndarray) -> Path:
    """Write an array as PNG (or what the ending says); folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def write_slice(
    folder: Path,
    stem: str,
    image: np.ndarray | None = None,
    shapes: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Path:
    """Write ``stem.png`` and ``stem.json`` and return the path of the JSON.

    Without ``image``: :func:`own_image`; without ``shapes``: :data:`SHAPES`, each region on each side.
    ``fields`` go into the JSON: ``imagePath="other.png"``; a field whose value is ``...`` is left out.
    ``stem`` may name folders: ``"patient1/ALS_1_3"``.
    """
    image = own_image(stem) if image is None else image
    path = folder / f"{stem}.json"
    write_image(path.with_suffix(".png"), image)
    content = labelme(f"{path.stem}.png", image.shape[:2], SHAPES if shapes is None else shapes, **fields)
    content = {name: value for name, value in content.items() if value is not ...}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_dataset(folder: Path, als: int = 2, lr: int = 2, segments: tuple[int, ...] = (3, 4)) -> Path:
    """A dataset of whole slices: participants ``ALS_1`` …, ``LR_1`` …; each image has its own grey levels."""
    for group, count in (("ALS", als), ("LR", lr)):
        for number in range(1, count + 1):
            for segment in segments:
                seed = 1000 * number + 10 * segment + (group == "LR")
                write_slice(folder, f"{group}_{number}_{segment}", grey_image(seed=seed))
    return folder


def png_bytes(pixels: np.ndarray, colour_type: int, depth: int = 8, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand, for what Pillow cannot write (16-bit colour, unusual chunks).

    ``pixels`` (rows, columns) or (rows, columns, channels); ``colour_type`` 0 grey, 2 RGB, 3 palette,
    4 grey + alpha, 6 RGBA; ``depth`` 8 or 16; ``chunks`` (name, content) stand before the pixels.
    """
    rows, columns = pixels.shape[:2]
    lines = pixels.reshape(rows, -1).astype(">u2" if depth == 16 else "u1")
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, content) for name, content in parts)


def png_stream(raw: bytes) -> bytes:
    """The compressed stream of a PNG, from all its chunks."""
    place, stream = 8, b""
    while place < len(raw):
        length, kind = int.from_bytes(raw[place : place + 4], "big"), raw[place + 4 : place + 8]
        stream += raw[place + 8 : place + 8 + length] * (kind == b"IDAT")
        place += 12 + length
    return stream


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG: length, name, content, checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
