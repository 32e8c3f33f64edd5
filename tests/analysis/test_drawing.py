"""How figures are written on request: formats, styles, processes, and the data of each."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.analysis.drawing import Drawing, FigureFiles, each_drawn, figure_files
from mriparaspinal.core.errors import UsageError
from mriparaspinal.present.bland_altman import bland_altman_figure
from mriparaspinal.stats.bland_altman import bland_altman

A = np.linspace(0.1, 0.9, 12)
DRAWINGS = {
    name: Drawing(
        partial(bland_altman_figure, {name: bland_altman(A, A + shift * np.sin(40 * A))}, "fi", "A", "B")
    )
    for name, shift in (("one", 0.02), ("two", 0.03), ("three", 0.04))
}


def files(how: FigureFiles) -> dict[str, bytes]:
    return {name: content for each in each_drawn(DRAWINGS, how) for name, content in each.items()}


def styled(tmp_path: Path, text: str) -> FigureFiles:
    file = tmp_path / "lab.mplstyle"
    file.write_text(text, encoding="utf-8")
    return figure_files(style=file)


def colours(content: bytes) -> set[tuple[int, ...]]:
    return {colour for _, colour in Image.open(io.BytesIO(content)).getcolors(1 << 24)}


def test_png_svg_and_data_always_others_on_request():
    assert list(files(FigureFiles())) == [
        f"{name}{ending}" for name in DRAWINGS for ending in (".png", ".svg", "_data.csv")
    ]
    made = files(figure_files(["tiff", "pdf", "tiff"]))
    assert [name for name in made if name.startswith("one")] == [
        "one.png", "one.svg", "one.tiff", "one.pdf", "one_data.csv",
    ]  # fmt: skip
    assert (made["one.tiff"][:2], made["one.pdf"][:5]) == (b"II", b"%PDF-")


def test_any_number_of_processes_gives_the_same_bytes():
    alone = files(figure_files(["pdf"]))
    assert files(figure_files(["pdf"], jobs=2)) == alone
    assert list(files(figure_files(["pdf"], jobs=3))) == list(alone)


def test_progress_is_told_once_a_figure():
    told: list[None] = []
    list(each_drawn(DRAWINGS, FigureFiles(), lambda: told.append(None)))
    assert len(told) == len(DRAWINGS)


def test_the_data_are_the_points_and_lines_of_the_figure():
    rows = list(csv.DictReader(io.StringIO(files(FigureFiles())["two_data.csv"].decode())))
    points = [(float(r["mean"]), float(r["difference"])) for r in rows if r["drawn"] == "point"]
    b = A + 0.03 * np.sin(40 * A)
    assert points == list(zip(((A + b) / 2).tolist(), (b - A).tolist(), strict=True))
    assert {r["drawn"] for r in rows} == {"point", "bias", "upper limit", "lower limit"}
    (bias,) = [r for r in rows if r["drawn"] == "bias"]
    assert float(bias["difference"]) == pytest.approx((b - A).mean(), rel=1e-12)


def test_a_style_is_laid_over_ours(tmp_path):
    how = styled(
        tmp_path,
        "# of the lab\naxes.prop_cycle: cycler('color', ['#FF0000', '#00AA00'])  # two\n"
        'axes.facecolor: "#EEEEFF"\nsavefig.dpi: 100\nfont.size: 6\n',
    )
    (first, *_) = each_drawn(DRAWINGS, how)
    picture = Image.open(io.BytesIO(first["one.png"]))
    plain = Image.open(io.BytesIO(files(FigureFiles())["one.png"]))
    assert picture.width == pytest.approx(plain.width / 3, abs=1)
    assert (0xEE, 0xEE, 0xFF) in colours(first["one.png"])
    assert b"font-size: 6px" in first["one.svg"]
    assert b"font-size: 6px" not in files(FigureFiles())["one.svg"]
    (said,) = how.settings["style"]
    assert said.startswith("lab.mplstyle, SHA-256 ")


def test_a_font_that_is_there_stands_before_ours(tmp_path):
    how = styled(tmp_path, "font.family: No Such Font, DejaVu Serif\n")
    assert how.style["font.family"] == ["DejaVu Serif", "DejaVu Sans"]
    assert b"'DejaVu Serif', Arial" in files(how)["one.svg"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("axes.titlesize 12\n", "line 1: 'axes.titlesize 12' was found"),
        ("\nfont.sizes: 8\n", "line 2: 'font.sizes' was found"),
        ("backend: agg\n", "line 1: 'backend' was found"),
        ("text.usetex: True\n", "line 1: 'text.usetex' was found"),
        ("axes.linewidth: thick\n", "line 1: "),
        ("axes.prop_cycle: cycler('colour', ['r'])\n", "line 1: "),
        ("font.family: No Such Font\n", "font.family: none of No Such Font is installed"),
        ("lines.linewidth: 1\nlines.linewidth: -\n", "line 2: "),
        # What hides data.
        ("ytick.labelleft: False\n", "line 1: 'ytick.labelleft' was found; expected a setting of fonts"),
        ("font.size: 8\nfigure.dpi: 20\n", "line 2: 'figure.dpi' was found"),
        ("savefig.dpi: 20\n", "line 1: savefig.dpi 20.0 was found; expected 100 to 1200 dots per inch"),
        ("savefig.dpi: nan\n", "line 1: savefig.dpi nan was found"),
        ("savefig.dpi: figure\n", "line 1: savefig.dpi figure was found"),
        ("font.size: 20\n", "line 1: font.size 20 was found; expected 5 to 8 points"),
        ("font.size: nan\n", "line 1: font.size nan was found"),
        (
            "font.size: 8\nxtick.labelsize: xx-large\n",
            "line 2: xtick.labelsize 13.8 (xx-large) was found; expected 5 to 10 points",
        ),
        ("axes.titlesize: xx-small\n", "line 1: axes.titlesize 4.05 (xx-small) was found"),
        ("axes.linewidth: 0\n", "line 1: axes.linewidth 0.0 was found; expected 0.25 to 2 points"),
        ("grid.alpha: 5\n", "line 1: grid.alpha 5.0 was found; expected 0 to 1;"),
        # Contrasts by hand: white on white 1; #999999 (luminance 0.3185) 1.05 / 0.3685 = 2.8.
        (
            "text.color: white\n",
            "line 1: text.color white was found; expected a contrast with the background ",
        ),
        (
            'xtick.color: "#999999"\n',
            "line 1: xtick.color #999999 was found; expected a contrast with the "
            "background of at least 4.5, not 2.8",
        ),
        ("text.color: none\n", "line 1: text.color none was found; expected a colour by its name"),
        ("text.color: C0\n", "line 1: text.color C0 was found; expected a colour by its name"),
        ("axes.facecolor: navy\n", "line 1: axes.facecolor navy was found; expected a light colour"),
        ("figure.facecolor: none\n", "line 1: figure.facecolor none was found"),
        ("axes.prop_cycle: cycler('color', ['black', 'yellow'])\n", "line 1: axes.prop_cycle yellow was"),
        ("axes.prop_cycle: cycler('color', ['#00000080'])\n", "line 1: axes.prop_cycle #00000080 was"),
        ("axes.prop_cycle: cycler('alpha', [0])\n", "line 1: axes.prop_cycle of alpha was found"),
        ("font.family: cmsy10\n", "line 1: font.family cmsy10 was found; expected a font of letters"),
    ],
)
def test_a_style_that_is_none_is_refused_with_its_line(tmp_path, text, found):
    with pytest.raises(UsageError) as error:
        styled(tmp_path, text)
    assert error.value.exit_code == 2
    said = str(error.value)
    assert said.startswith(f"style {tmp_path / 'lab.mplstyle'}: {found}")
    assert said.count("; ") == 2
    assert "expected" in said


def test_a_style_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        figure_files(style=tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        figure_files(style=tmp_path / "none.mplstyle")
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no text"):
        figure_files(style=tmp_path / "picture")


def test_a_format_that_is_none():
    with pytest.raises(UsageError, match="'eps' was found; expected pdf or tiff"):
        figure_files(["eps"])
