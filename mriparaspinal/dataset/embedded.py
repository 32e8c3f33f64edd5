"""The picture that a LabelMe file carries, compared with the image next to it: was it the one annotated?"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.model import Problem
from mriparaspinal.imaging.rasterise import PixelBox
from mriparaspinal.io.images import SliceImage, decode_image, image_size, jpeg_means, windowed
from mriparaspinal.io.labelme import Annotation, embedded_image, embeds, embeds_same_stream, embeds_something

Levels = NDArray[np.int16]

#: JPEG works on blocks of so many pixels.
_BLOCK = 8

#: Differences of lossless pictures that are no other picture: windows that round in another way.
_ROUNDING = 2

#: From here on two pictures with different grey levels are taken for one in two windows.
_ALIKE = 0.98

#: How a picture may have been turned, and what makes the other one of it.
_TURNED = (
    ("mirrored (left and right exchanged)", Image.Transpose.FLIP_LEFT_RIGHT),
    ("flipped (top and bottom exchanged)", Image.Transpose.FLIP_TOP_BOTTOM),
    ("turned by 180°", Image.Transpose.ROTATE_180),
    ("turned by 90° to the right", Image.Transpose.ROTATE_270),
    ("turned by 90° to the left", Image.Transpose.ROTATE_90),
    ("transposed (rows and columns exchanged)", Image.Transpose.TRANSPOSE),
    ("transposed along the other diagonal", Image.Transpose.TRANSVERSE),
)

_LOOK = "measure the image that the contours were drawn on: check them on an overlay, and put that image back"


def embedded_size(annotation: Annotation) -> tuple[int, int] | None:
    """(rows, columns) of the picture in ``imageData``; None if there is none that can be read."""
    raw = embedded_image(annotation)
    return None if raw is None else image_size(raw)


def embedded_problem(
    name: str,
    annotation: Annotation,
    image: SliceImage,
    raw: bytes,
    window: tuple[float, float] | None,
    frame: PixelBox | None,
) -> Problem | None:
    """The warning that a LabelMe file was drawn on another picture than the image next to it.

    ``raw``: the bytes of that image. Grey levels are compared in ``frame``, around the regions, since
    names may have been blackened elsewhere; None: everywhere. LabelMe itself embeds a JPEG of a TIFF or BMP,
    and of more than 8 bits the range from the lowest to the highest value: neither is another picture.
    """
    if embeds(annotation, raw) or embeds_same_stream(annotation, raw):
        return None
    carried = embedded_image(annotation)
    if carried is None:
        return _unreadable(name, "no base64 of an image") if embeds_something(annotation) else None
    if carried == raw:
        return None
    if _same_means(carried, image, frame):
        return None
    own = image.grey.height, image.grey.width
    size = image_size(carried)
    try:
        if size is not None and size != own:
            how = _turned(_picture(carried, window), image) if size == own[::-1] else ""
            found = f"imageData holds {size[1]}×{size[0]} px, the image beside it {own[1]}×{own[0]}"
            found += f" and {how}" * bool(how) + "; expected the picture that was annotated"
            return Problem(name, "", "warning", "embedded-other-size", found, _LOOK)
        picture = _picture(carried, window)
    except UnreadableError as error:
        return _unreadable(name, error.fault.found)
    if _same(picture, image, frame):
        return None
    if (full := _of_full_range(image)) is not None and _same(picture, full, frame):
        return None
    how = _turned(picture, image) or _other_levels(picture, image, frame)
    found = f"the picture in imageData is not the image beside it, which {how}; expected the same"
    return Problem(name, "", "warning", "embedded-differs", found, _LOOK)


def _unreadable(name: str, why: str) -> Problem:
    found = f"the picture in imageData cannot be read: {why}; expected the picture that was annotated"
    remedy = "check on an overlay that the contours lie on the image beside it"
    return Problem(name, "", "warning", "embedded-unreadable", found, remedy)


def _picture(raw: bytes, window: tuple[float, float] | None) -> SliceImage:
    """The embedded picture, which is only compared: colours, and more than 8 bits, are no fault here."""
    try:
        return decode_image(raw, window)
    except UnreadableError as error:
        if error.fault.code == "image-bits" and window is None:
            return decode_image(raw, decode_image(raw, (0.0, 1.0)).full_range())
        if error.fault.code != "colour-image":
            raise
    with Image.open(io.BytesIO(raw)) as image:
        return SliceImage(image.convert("L"))


def _of_full_range(image: SliceImage) -> SliceImage | None:
    """The image as LabelMe shows more than 8 bits: from the lowest to the highest value."""
    if image.values is None:
        return None
    return SliceImage(windowed(image.values, image.full_range()), image.loss, image.values)


def _levels(image: Image.Image) -> Levels:
    return np.asarray(image).astype(np.int16)


def _aligned(frame: PixelBox, size: tuple[int, int]) -> PixelBox:
    """The frame made of whole blocks of JPEG, within an image of (width, height)."""
    left, top = frame.left // _BLOCK * _BLOCK, frame.top // _BLOCK * _BLOCK
    right, bottom = -(-frame.right // _BLOCK) * _BLOCK, -(-frame.bottom // _BLOCK) * _BLOCK
    return PixelBox(left, top, min(right, size[0]), min(bottom, size[1]))


def _same_means(raw: bytes, image: SliceImage, frame: PixelBox | None) -> bool:
    """Whether the bytes are a JPEG of the image's size, and each of its blocks as bright as the image's.

    Only what is not needs to be decoded. Blocks that the frame or the image cuts are not looked at.
    """
    width, height = size = image.grey.size
    found = jpeg_means(raw, size)
    if found is None:
        return False
    means, most = found
    whole = _aligned(frame or PixelBox(0, 0, width, height), size)
    left, top, right, bottom = (n // _BLOCK for n in whole)
    if min(right - left, bottom - top) < 1:
        return False
    box = (left * _BLOCK, top * _BLOCK, right * _BLOCK, bottom * _BLOCK)
    shown = means.crop((left, top, right, bottom))
    for beside in (image, _of_full_range(image)):
        if beside is not None:
            difference = ImageChops.difference(shown, beside.grey.reduce(_BLOCK, box))
            if difference.getextrema()[1] <= most + 1 + beside.loss:  # type: ignore[operator]
                return True
    return False


def _same(picture: SliceImage, image: SliceImage, frame: PixelBox | None) -> bool:
    """Whether nothing but JPEG can have made the difference of two pictures of one size."""
    box = _aligned(frame or PixelBox(0, 0, *image.grey.size), image.grey.size)
    difference = ImageChops.difference(picture.grey.crop(box), image.grey.crop(box))
    if not (picture.lossy or image.lossy):
        return difference.getextrema()[1] <= _ROUNDING  # type: ignore[operator]
    squares = np.asarray(difference).astype(np.int64) ** 2
    rows, columns = (range(0, n, _BLOCK) for n in squares.shape)
    blocks = np.add.reduceat(np.add.reduceat(squares, rows, axis=0), columns, axis=1)
    most = picture.loss + image.loss + _ROUNDING
    return bool(blocks.max(initial=0) <= _BLOCK**2 * most**2)


def _turned(picture: SliceImage, image: SliceImage) -> str:
    """How the image must have been turned, or its grey levels inverted, to be so; empty if it was not."""
    own = _levels(image.grey)
    found = {}
    for how, step in (("", None), *_TURNED):
        turned = picture.grey if step is None else picture.grey.transpose(step)
        if turned.size != image.grey.size:
            continue
        levels = _levels(turned)
        found[how] = _distance(levels, own)
        found[" and ".join(filter(None, (how, "inverted (black and white exchanged)")))] = _distance(
            255 - levels, own
        )
    nearest = min(found, key=lambda how: found[how])
    # What was written onto the picture, and JPEG, leave a little.
    others = [distance for how, distance in found.items() if how != nearest]
    return f"is {nearest}" if nearest and found[nearest] < min(others) / 3 else ""


def _distance(a: Levels, b: Levels) -> float:
    return float(np.sqrt(np.mean((a - b).astype(np.float64) ** 2)))


def _other_levels(picture: SliceImage, image: SliceImage, frame: PixelBox | None) -> str:
    box = frame or PixelBox(0, 0, *image.grey.size)
    shown, own = _levels(picture.grey.crop(box)), _levels(image.grey.crop(box))
    differing = int(np.count_nonzero(abs(shown - own) > _ROUNDING))
    told = f"differs in {differing} of {own.size} px around the contours, by up to {abs(shown - own).max()}"
    if shown.std() > 0 and own.std() > 0:
        alike = float(np.corrcoef(shown.ravel(), own.ravel())[0, 1])
        if alike >= _ALIKE:
            return f"{told} (the same picture with other grey levels, as by another window)"
    return told
