"""What every image must keep to, and the error of one that does not."""

from __future__ import annotations

from PIL import Image

#: More pixels than any slice has: a file that claims more is broken or hostile.
PIXEL_LIMIT = 4096 * 4096

#: Each row takes memory of its own, were it one pixel wide.
SIDE_LIMIT = 4 * 4096


def too_large(width: int, height: int) -> bool:
    """True if the image is too large to be a slice."""
    return width * height > PIXEL_LIMIT or max(width, height) > SIDE_LIMIT


def require_below(image: Image.Image, colours: int) -> None:
    """Raise :class:`ValueError` for a pixel whose number has no colour in the palette."""
    highest = image.getextrema()[1]
    if isinstance(highest, (int, float)) and highest >= colours:
        raise ValueError(f"pixel value {highest} in a palette of {colours} colours")
