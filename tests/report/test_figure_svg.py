"""A figure inside the page: nothing of it can run, reach out, or touch another figure."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from mriparaspinal.analysis.files import svg_bytes
from mriparaspinal.report.figure_svg import UnreadableFigureError, inline_svg

HOSTILE = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 viewBox="0 0 10 10" onload="alert(1)">
 <script>alert(1)</script><style>body{display:none}</style>
 <a href="https://example.org"><rect width="1" height="1"/></a>
 <g onclick="alert(1)"><path d="M0 0" style="fill: red; background: url(https://example.org/x)"/></g>
 <foreignObject><img src="x" onerror="alert(1)"/></foreignObject>
 <image xlink:href="https://example.org/x.png"/><use href="https://example.org/x.svg#a"/>
 <rect id="a&quot;&gt;&lt;script&gt;" x="1.23456"/>
</svg>"""


def test_what_could_run_or_reach_out_is_gone():
    markup = inline_svg(HOSTILE, "fig", '<script>"title"')
    assert not re.search(r"<script|<style|<a |onload|onclick|onerror|foreignObject|example|url\(", markup)
    assert '&lt;script&gt;"title"</title>' in markup
    assert '<path d="M0 0" fill="red"/>' in markup
    assert 'x="1.23"' in markup


def test_figures_keep_their_drawing_and_have_their_own_ids():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], marker="o")
    axes.set_title("title")
    content = svg_bytes(figure)
    one, other = inline_svg(content, "one", "a"), inline_svg(content, "other", "b")
    ids = [set(re.findall(r' id="([^"]*)"', markup)) for markup in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    used = set(re.findall(r'href="#([^"]*)"', one)) | set(re.findall(r"url\(#([^)]*)\)", one))
    assert used <= ids[0]
    assert "style=" not in one
    for element in ("<path", "<use", "<clipPath"):
        assert one.count(element) == content.decode().count(element)


@pytest.mark.parametrize("content", [b"no svg", b"<svg", b"<html/>", b'<svg viewBox="0 0 1 1"/>'])
def test_what_is_no_figure_is_refused(content):
    with pytest.raises(UnreadableFigureError):
        inline_svg(content, "a", "b")
