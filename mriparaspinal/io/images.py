"""Slice images: bytes in, 8-bit grey levels out. What is not surely the grey levels is refused."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.io.image_limits import require_below, too_large
from mriparaspinal.io.png import (
    PNG_MAGIC,
    GreyImage,
    bits_per_channel,
    decode_plain_png,
    require_complete_png,
)

#: More bytes than any slice or annotation has (LabelMe embeds the image, as base64).
SLICE_FILE_LIMIT = 100_000_000

#: What Pillow raises for bytes that are not the image they claim to be.
_BROKEN = (OSError, ValueError, TypeError, LookupError, SyntaxError, EOFError, struct.error, zlib.error)

#: How TIFF (and BigTIFF) and BMP begin.
_OTHER_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")

_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class SliceImage:
    """The grey levels of a slice."""

    grey: Image.Image
    """Of mode L."""
    loss: float = 0.0
    """JPEG: how much it can have changed a block of 8×8 pixels at most (RMS, in grey levels); else 0."""
    values: Image.Image | None = None
    """The values of a file of more than 8 bits, which a window made the grey levels of; else None."""

    @property
    def lossy(self) -> bool:
        """Whether the format changes grey levels."""
        return self.loss > 0

    def full_range(self) -> tuple[float, float]:
        """The lowest and the highest of ``values``, as a window."""
        levels = np.asarray(self.values)
        low, high = float(levels.min()), float(levels.max())
        return low, max(high, low + 1)


def png_size(path: Path) -> tuple[int, int] | None:
    """(rows, columns) by the first bytes of a PNG; None where they are not those of one."""
    try:
        with path.open("rb") as file:
            start = file.read(24)
    except OSError:
        return None
    if start[:16] != PNG_MAGIC + b"\0\0\0\x0dIHDR" or len(start) < 24:
        return None
    width, height = struct.unpack(">II", start[16:24])
    return height, width


def decode_image(raw: bytes, window: tuple[float, float] | None = None) -> SliceImage:
    """Decode PNG, JPEG, TIFF or BMP bytes to grey levels.

    ``window`` = (LOW, HIGH) is applied to images of more than 8 bits by
    ``g = clip(floor(255·(x − LOW)/(HIGH − LOW) + 0.5), 0, 255)``, and to no others.
    Raises :class:`UnreadableError`.
    """
    plain = decode_plain_png(raw)
    if plain is not None:
        return SliceImage(plain)
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes below PIXEL_LIMIT, and of side data that no grey level depends on.
            warnings.simplefilter("ignore")
            image = _open(raw)
            if bits_per_channel(raw) == 16 or image.mode.startswith(("I", "F")):
                return SliceImage(Image.fromarray(_windowed(image, window)), _loss(image), image)
            return SliceImage(_grey_levels(image), _loss(image))
    except Image.DecompressionBombError:
        found = "more pixels than a slice can have"
        raise unreadable(found, "one slice", "export it again", "image-too-large") from None
    except _BROKEN as error:
        found = f"not a complete PNG, JPEG, TIFF or BMP ({_reason(error)})"
        raise unreadable(
            found, "a PNG of 8-bit grey levels", "export the slice again", "unreadable-image"
        ) from None


def is_turned(image: Image.Image) -> bool:
    """Whether an EXIF orientation turns an image whose pixels are loaded."""
    return bool(image.info) and image.getexif().get(_EXIF_ORIENTATION, 1) not in (0, 1)


def _open(raw: bytes) -> Image.Image:
    """The decoded image, still in its own mode."""
    if not raw:
        raise ValueError("the file is empty")
    image = _image_file(raw)
    if too_large(*image.size):
        size = f"{image.width}×{image.height}"
        raise unreadable(f"{size} pixels", "one slice", "export it again", "image-too-large")
    if getattr(image, "n_frames", 1) > 1:
        found = "an image of several frames"
        raise unreadable(found, "one slice", "export the slice as a still image", "image-frames")
    image.load()
    require_complete_png(image, raw)
    # Asked for only now: a PNG may tell its orientation behind the pixels.
    # Viewers turn such images; LabelMe's newer versions do, its older do not: the contours could be either.
    if is_turned(image):
        found = "an EXIF orientation that turns the image"
        remedy = "export the slice without EXIF orientation"
        raise unreadable(found, "pixels as they are shown", remedy, "image-orientation")
    return image


def _image_file(raw: bytes) -> Image.Image:
    """The image by its first bytes, whatever the file is called; its pixels are not yet decoded."""
    if raw.startswith(PNG_MAGIC):
        # Image.open would first load what reads five other formats.
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(io.BytesIO(raw))
    if raw.startswith(_OTHER_MAGIC):
        from mriparaspinal.io.other_images import open_other

        return open_other(raw)
    return Image.open(io.BytesIO(raw), formats=("JPEG",))


def image_size(raw: bytes) -> tuple[int, int] | None:
    """(rows, columns) that an image says in its header; None where it cannot be read."""
    if raw.startswith(PNG_MAGIC) and raw[12:16] == b"IHDR" and len(raw) > 24:
        columns, rows = struct.unpack(">II", raw[16:24])
        return rows, columns
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw), formats=("JPEG", "TIFF", "BMP", "GIF", "WEBP")) as image:
                return image.height, image.width
    except (*_BROKEN, Image.DecompressionBombError):
        return None


def jpeg_means(raw: bytes, size: tuple[int, int]) -> tuple[Image.Image, float] | None:
    """The mean grey level of each block of 8×8 pixels of a JPEG, in half the time of decoding it.

    With it, how far such a mean can be from that of the picture which was compressed (half a step of its
    table, an eighth of it in each pixel). None for what is no such JPEG of ``size`` (width, height).
    """
    if not raw.startswith(b"\xff\xd8"):
        return None
    try:
        image: Any = Image.open(io.BytesIO(raw), formats=("JPEG",))
        width, height = size
        if image.mode not in ("L", "RGB") or image.size != size:
            return None
        image.draft("L", (max(width // 8, 1), max(height // 8, 1)))
        image.load()
        if image.mode != "L" or image.size != (-(-width // 8), -(-height // 8)):
            return None
        return image, image.quantization[0][0] / 16 + 1
    except (*_BROKEN, Image.DecompressionBombError):
        return None


def windowed(values: Image.Image, window: tuple[float, float]) -> Image.Image:
    """Values of more than 8 bits as grey levels, by the formula of :func:`decode_image`."""
    return Image.fromarray(_windowed(values, window))


def _loss(image: Image.Image) -> float:
    """What JPEG can have changed: each coefficient by half a step of its table, each pixel by rounding."""
    if image.format == "JPEG":
        steps = image.quantization[0]  # type: ignore[attr-defined]
        return math.sqrt(sum(step**2 for step in steps) / len(steps)) / 2 + 1
    if image.format == "TIFF" and image.info.get("compression") == "jpeg":
        from mriparaspinal.io.other_images import TIFF_JPEG_LOSS

        return TIFF_JPEG_LOSS
    return 0.0


def _reason(error: Exception) -> str:
    text = str(error).split("<")[0].strip().rstrip(".")
    return text or type(error).__name__


def _windowed(image: Image.Image, window: tuple[float, float] | None) -> GreyImage:
    if not image.mode.startswith(("I", "F")):
        found = f"16 bits per channel in colour (mode {image.mode})"
        raise unreadable(found, "grey levels", "export the slice as 8-bit greyscale PNG", "colour-image")
    if window is None:
        found = "more than 8 bits per pixel"
        remedy = "export it from the PACS as 8-bit PNG, or give --window LOW,HIGH"
        raise unreadable(found, "8-bit grey levels, which the rule '> 50' is meant for", remedy, "image-bits")
    if "transparency" in image.info:
        raise _colour("transparent pixels")
    low, high = window
    levels = np.floor(255.0 * (np.asarray(image, dtype=np.float64) - low) / (high - low) + 0.5)
    grey: GreyImage = np.clip(levels, 0, 255).astype(np.uint8)
    return grey


def _grey_levels(image: Image.Image) -> Image.Image:
    if image.mode == "L" and "transparency" not in image.info:
        return image
    if image.mode == "1":
        found = "a black-and-white image of 1 bit"
        raise unreadable(found, "256 grey levels", "export the slice itself, not a mask of it", "image-bits")
    if image.mode == "CMYK":
        raise _colour("CMYK colours")
    if image.mode == "P":
        _require_colours_of(image)
    channels = np.asarray(image.convert("RGBA"))
    if (channels[..., 3] != 255).any():
        raise _colour("transparent pixels")
    red = channels[..., 0]
    if (channels[..., 1] != red).any() or (channels[..., 2] != red).any():
        raise _colour("coloured pixels")
    return Image.fromarray(np.ascontiguousarray(red))


def _require_colours_of(image: Image.Image) -> None:
    """Raise :class:`ValueError` where a pixel has no colour in the palette: Pillow makes one up."""
    palette = image.palette
    colours = 0 if palette is None else len(palette.palette) // len(palette.mode)
    require_below(image, colours)


def _colour(found: str) -> UnreadableError:
    message = f"{found}"
    remedy = "export the slice as 8-bit greyscale PNG"
    expected = "grey levels (a colour image is read only where its channels are equal)"
    return unreadable(message, expected, remedy, "colour-image")


def decode_mask(raw: bytes) -> NDArray[np.bool_] | None:
    """The image inside a LabelMe shape of type ``mask``; None where it cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(raw), formats=("PNG",))
            if too_large(*image.size) or image.mode not in ("1", "L", "P"):
                return None
            image.load()
            require_complete_png(image, raw)
            return np.asarray(image).astype(bool)
    except (*_BROKEN, Image.DecompressionBombError):
        return None
