"""The whole slice for the page: small, and black around the body, where exports have names burnt in."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.imaging.rasterise import PixelBox

#: Pixels of the longer edge; larger slices are made smaller.
_LONGEST = 384

#: Of WebP, 0 to 100: for finding one's way; nothing is measured on it.
_QUALITY = 50

#: Pixels within the edge of a covered part that stay as they are: loss spreads over edges.
_EDGE = 4

#: A piece of the body has at least this share of the pixels; a burnt-in line of text has less.
_LARGE = 0.02

#: Grey levels up to this one are background in any case.
_DARK = 8


def whole_slice(grey: NDArray[np.uint8], covered: PixelBox | None = None) -> bytes:
    """A slice of (rows, columns) as WebP, without what lies around the body.

    ``covered``: the part that another picture lies upon; it is of one grey level, which takes half the bytes.
    """
    shown = np.where(body(grey), grey, 0).astype(np.uint8)
    if covered is not None:
        left, top, right, bottom = covered
        part = shown[top + _EDGE : bottom - _EDGE, left + _EDGE : right - _EDGE]
        part[...] = part.mean() if part.size else 0
    image = Image.fromarray(shown)
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.HAMMING)
    content = io.BytesIO()
    image.save(content, "WEBP", quality=_QUALITY, method=2)
    return content.getvalue()


def body(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels between the edges of the large bright pieces, along both rows and columns.

    Only air and what stands in it are left out: what lies between parts of the body stays, bright or dark.
    """
    from scipy import ndimage

    pieces, number = ndimage.label(grey > max(_DARK, float(grey.mean()) / 3))
    if not number:
        return np.zeros(grey.shape, dtype=bool)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    large = (sizes >= min(_LARGE * grey.size, sizes.max()))[pieces]
    inside: NDArray[np.bool_] = _between_ends(large) & _between_ends(large.T).T
    return inside


def _between_ends(piece: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Along each row, the pixels from the first to the last of a piece."""
    length = piece.shape[1]
    first, last = piece.argmax(axis=1), length - piece[:, ::-1].argmax(axis=1)
    place = np.arange(length)
    found: NDArray[np.bool_] = (place >= first[:, None]) & (place < last[:, None])
    return found & piece.any(axis=1, keepdims=True)
