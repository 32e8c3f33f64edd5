"""The whole slice for the page: small, and black around the body, where exports have names burnt in."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Pixels of the longer edge; larger slices are made smaller.
_LONGEST = 512

#: Of WebP, 0 to 100: for finding one's way; nothing is measured on it.
_QUALITY = 50

#: Grey levels up to this one are background in any case.
_DARK = 8


def whole_slice(grey: NDArray[np.uint8]) -> bytes:
    """A slice of (rows, columns) as WebP, without what lies around the body."""
    image = Image.fromarray(np.where(body(grey), grey, 0).astype(np.uint8))
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "WEBP", quality=_QUALITY, method=4)
    return content.getvalue()


def body(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels between the edges of the largest bright piece, along both rows and columns.

    Only air and what stands in it are left out: what lies between parts of the body stays, bright or dark.
    """
    from scipy import ndimage

    pieces, number = ndimage.label(grey > max(_DARK, float(grey.mean()) / 3))
    if not number:
        return np.zeros(grey.shape, dtype=bool)
    largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    inside: NDArray[np.bool_] = _between_ends(largest) & _between_ends(largest.T).T
    return inside


def _between_ends(piece: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Along each row, the pixels from the first to the last of a piece."""
    seen = np.logical_or.accumulate(piece, axis=1)
    return seen & np.logical_or.accumulate(piece[:, ::-1], axis=1)[:, ::-1]
