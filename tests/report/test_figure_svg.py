"""A figure inside the page: nothing of it can become part of the page's own markup."""

from __future__ import annotations

import base64
import re

import pytest
from matplotlib.figure import Figure

from mriparaspinal.analysis.files import svg_bytes
from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.report.figure_svg import svg_picture


def test_a_figure_is_an_image_that_holds_the_file_as_it_is():
    figure = Figure()
    figure.subplots().set_title("title")
    content = svg_bytes(figure)
    markup = svg_picture(content, '<script>"title"')
    found = re.fullmatch(r"<img src=\"data:image/svg\+xml;base64,([\w+/=]+)\" alt='([^<>']*)'>", markup)
    assert found is not None
    assert base64.b64decode(found[1]) == content
    assert found[2] == '&lt;script&gt;"title"'


def test_a_figure_of_one_column_is_not_enlarged_to_two():
    """85 mm are 241 points, 174 mm are 493."""
    narrow, wide = (svg_picture(svg_bytes(Figure(figsize=(mm / 25.4, 2))), "b") for mm in (85, 174))
    assert narrow.startswith('<img class="column" src=')
    assert wide.startswith("<img src=")


@pytest.mark.parametrize("content", [b"no svg", b"<svg", b"<html/>", b'<svg viewBox="0 0 1 1"/>'])
def test_what_is_no_figure_is_refused(content):
    with pytest.raises(UnreadableError):
        svg_picture(content, "b")
