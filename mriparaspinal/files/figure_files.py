"""A figure as the bytes of a file: the same figure gives the same bytes."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure

from mriparaspinal.figures import style

DPI = 300


def png_bytes(figure: Figure) -> bytes:
    """A PNG of 300 dpi, without a date or the name of a program."""
    content = io.BytesIO()
    with style():
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


def svg_bytes(figure: Figure) -> bytes:
    """An SVG, without a date or the name of a program.

    Its letters are paths: text would be set in another font where DejaVu Sans is not installed, and would
    then run into its neighbours.
    """
    content = io.BytesIO()
    # Ids inside the file are random unless they are salted with something fixed.
    with style(), matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "mriparaspinal"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()
