from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mriparaspinal.analysis.files import pdf_bytes, png_bytes, svg_bytes, tiff_bytes
from mriparaspinal.present.bland_altman import bland_altman_figure
from mriparaspinal.present.effects import effect_map
from mriparaspinal.present.sweep import sweep_figure
from mriparaspinal.stats.bland_altman import bland_altman
from mriparaspinal.stats.compare import COMPARISON_COLUMNS


def agreement() -> Figure:
    a = np.linspace(0.1, 0.9, 12)
    return bland_altman_figure({"MF": bland_altman(a, a + 0.02 * np.sin(40 * a))}, "fi", "A", "B")


def effects() -> Figure:
    """With hatching and a colour bar, whose ids in an SVG are the delicate ones."""
    row = dict.fromkeys(COMPARISON_COLUMNS, np.nan) | {
        "contrast": "side:ALS", "muscle": "MF", "metric": "fi", "role": "", "effect": "rank_biserial",
    }  # fmt: skip
    sizes = {"L3": 0.3, "L4": np.nan}
    return effect_map(pd.DataFrame([row | {"segment": s, "effect_size": x} for s, x in sizes.items()]))


def sweep() -> Figure:
    t = np.arange(256)
    curve = 1 / (1 + t / 50)
    return sweep_figure(
        pd.DataFrame({"muscle": "MF", "threshold": t, "fi_median": curve, "fi_q1": curve / 2, "fi_q3": curve})
    )


FIGURES = [agreement, effects, sweep]


@pytest.mark.parametrize("make", FIGURES)
@pytest.mark.parametrize("to_bytes", [png_bytes, svg_bytes, pdf_bytes, tiff_bytes])
def test_the_same_figure_gives_the_same_bytes(make, to_bytes) -> None:
    figure = make()
    first = to_bytes(figure)
    # Writing the other kind in between, or once more, moves nothing.
    png_bytes(figure)
    svg_bytes(figure)
    assert to_bytes(figure) == first
    with matplotlib.rc_context({"savefig.dpi": 50, "savefig.bbox": "tight", "svg.fonttype": "none"}):
        assert to_bytes(make()) == first


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import sys, numpy as np\n"
        "from mriparaspinal.present.bland_altman import bland_altman_figure\n"
        "from mriparaspinal.analysis.files import png_bytes, svg_bytes\n"
        "from mriparaspinal.stats.reliability import bland_altman\n"
        "a = np.linspace(0.1, 0.9, 12)\n"
        "limits = bland_altman(a, a + 0.02 * np.sin(40 * a))\n"
        "figure = bland_altman_figure({'MF': limits}, 'fi', 'A', 'B')\n"
        "sys.stdout.buffer.write(svg_bytes(figure) + png_bytes(figure))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1234"}
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    figure = agreement()
    assert result.stdout == svg_bytes(figure) + png_bytes(figure)


def test_png_has_300_dpi_and_no_words() -> None:
    figure = agreement()
    image = Image.open(io.BytesIO(png_bytes(figure)))
    width, height = figure.get_size_inches()
    assert image.size == (int(width * 300), int(height * 300))
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert set(image.info) == {"dpi"}
    assert np.asarray(image.convert("L")).min() < 50  # something is drawn


def test_tiff_has_600_dpi_and_is_packed_without_loss() -> None:
    figure = agreement()
    image = Image.open(io.BytesIO(tiff_bytes(figure)))
    width, height = figure.get_size_inches()
    assert image.size == (int(width * 600), int(height * 600))
    assert (image.mode, image.info["compression"]) == ("RGB", "tiff_lzw")
    assert image.info["dpi"] == pytest.approx((600, 600))


def test_pdf_has_its_fonts_and_no_date_or_program() -> None:
    figure = agreement()
    content = pdf_bytes(figure)
    width, _ = figure.get_size_inches()
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert float(box[0]) == pytest.approx(width * 72, abs=0.01)
    assert b"/FontFile2" in content  # TrueType, whole letters: texts can be searched and edited
    assert b"/Type3" not in content
    assert not [word for word in (b"CreationDate", b"Producer", b"Creator") if word in content]


def test_svg_has_texts_in_the_fonts_of_journals_and_no_date_or_program() -> None:
    figure = agreement()
    content = svg_bytes(figure)
    root = ElementTree.fromstring(content)
    width, _ = figure.get_size_inches()
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(width * 72, abs=1e-3)
    tags = {element.tag.split("}")[-1] for element in root.iter()}
    assert {"path", "text"} <= tags
    assert not tags & {"date", "creator", "Agent"}
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert {"bias", "n = 12"} <= {text.text for text in texts}
    fonts = "font-family: Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
    assert all(fonts in text.attrib["style"] for text in texts)
    assert b"matplotlib.org" not in content.lower()


def test_letters_that_the_own_font_lacks(monkeypatch):
    """With a font that has them they are drawn by it; without one they are boxes, and told."""
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    from mriparaspinal.analysis import files as figure_files

    def drawn(letters: str) -> bytes:
        figure = Figure(figsize=(2, 1))
        figure.text(0.1, 0.5, letters)
        return figure_files.png_bytes(figure)

    assert figure_files.missing_letters(["ALS", "Müller ± −", "عربي"]) == ""
    if not figure_files.missing_letters(["肌"]):
        assert drawn("肌") != drawn("肉")
        assert drawn("肌") == drawn("肌")
    own = [entry for entry in font_manager.fontManager.ttflist if entry.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    figure_files.fonts_for.cache_clear()
    assert figure_files.missing_letters(["肌肉", "a肌"]) == "".join(sorted("肌肉"))
    assert drawn("肌") == drawn("肉")  # boxes, and no warning
    figure_files.fonts_for.cache_clear()
