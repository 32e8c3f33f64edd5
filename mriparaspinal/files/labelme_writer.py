"""LabelMe files: contours in, bytes out; and their way into a dataset, where they never replace a file."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.errors import UsageError
from mriparaspinal.files.output import cannot_write, drafts_of, finished
from mriparaspinal.model import Contour

#: The version whose format is written; LabelMe of any later version reads it.
VERSION = "5.5.0"


def labelme_bytes(image_name: str, shape: tuple[int, int], contours: Iterable[Contour]) -> bytes:
    """The file as LabelMe saves it beside an image of (rows, columns); always the same bytes."""
    rows, columns = shape
    content: dict[str, object] = {
        "version": VERSION,
        "flags": {},
        "shapes": [_shape(contour) for contour in contours],
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
    }
    return (json.dumps(content, separators=(",", ":")) + "\n").encode()


def _shape(contour: Contour) -> dict[str, object]:
    return {
        "label": contour.label,
        "points": contour.points,
        "group_id": None,
        "description": "",
        "shape_type": contour.shape_type,
        "flags": {},
        "mask": None if contour.mask is None else _png_base64(contour.mask),
    }


def _png_base64(mask: NDArray[np.bool_]) -> str:
    content = io.BytesIO()
    # Not compressed: the same bytes whatever compressor Pillow was built with.
    Image.fromarray(mask).save(content, "PNG", compress_level=0)
    return base64.b64encode(content.getvalue()).decode("ascii")


def write_beside(root: Path, files: Mapping[str, bytes]) -> int:
    """Write new files into a folder, all or none; the number of those that had to be written.

    ``files``: name below ``root`` → bytes. A file that is there with these very bytes stays as it is. Raises
    :class:`UsageError` that lists every other file that is there, and where nothing can be written.
    """
    there = {name: _holds(_there(root / name), content) for name, content in files.items()}
    in_the_way = [name for name, same in there.items() if same is False]
    if in_the_way:
        found = f"{', '.join(in_the_way)} there already, with other contours"
        remedy = "move them away to have new ones; nothing was written"
        raise UsageError(f"{root}: {found}; expected no LabelMe files of these slices; {remedy}")
    fresh = {root / name: content for name, content in files.items() if there[name] is None}
    try:
        with drafts_of(fresh) as drafts, finished():
            _place_all(drafts)
    except OSError as error:
        raise cannot_write(root, error) from None
    return len(fresh)


def _place_all(drafts: Mapping[Path, Path]) -> None:
    """Give all files their names, or none."""
    written: list[Path] = []
    try:
        for path, draft in drafts.items():
            _place(draft, path)
            written.append(path)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _there(path: Path) -> Path | None:
    """The entry of this name, written in small letters or in capitals; None where there is none."""
    with contextlib.suppress(OSError):
        for entry in path.parent.iterdir():
            if entry.name.casefold() == path.name.casefold():
                return entry
    return None


def _holds(path: Path | None, content: bytes) -> bool | None:
    """Whether a file has these bytes; None where there is none."""
    if path is None:
        return None
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:
        return False


def _place(temporary: Path, path: Path) -> None:
    """Give a file its name, unless somebody else took it in the meantime."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(17, "File exists") from None
        temporary.rename(path)
