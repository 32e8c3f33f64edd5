"""The questions page: each message is what the tool prints, and each command that it gives helps."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from tests.support.pages import DOCS, SAMPLE, Block, blocks, shell

MEASURE = "mriparaspinal quantify scans --out results"


def edit(annotation: Path, **fields: Any) -> None:
    content = json.loads(annotation.read_text(encoding="utf-8"))
    annotation.write_text(json.dumps(content | fields), encoding="utf-8")


def slices(folder: Path, pattern: str = r"(ALS|LR)_[12]_[34]") -> Path:
    scans = folder / "scans"
    scans.mkdir()
    for path in sorted(SAMPLE.iterdir()):
        if re.fullmatch(pattern, path.stem):
            shutil.copy(path, scans)
    return scans


def nothing_wrong(scans: Path) -> None:
    pass


def template(scans: Path) -> None:
    shutil.copy(scans / "ALS_1_3.json", scans / "ALS_1_4.json")


def more_bits(scans: Path) -> None:
    with Image.open(scans / "ALS_1_3.png") as image:
        levels = np.asarray(image).astype(np.uint16) * 5
    Image.fromarray(levels).save(scans / "ALS_1_3.png")


def mirrored(scans: Path) -> None:
    for path in sorted(scans.glob("*.png")):
        with Image.open(path) as image:
            turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turned.save(path)
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        for shape in content["shapes"]:
            shape["points"] = [[turned.width - 1 - x, y] for x, y in shape["points"]]
        path.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8")


def renamed(old: str, new: str) -> Callable[[Path], None]:
    def rename(scans: Path) -> None:
        for ending in ("png", "json"):
            (scans / f"{old}.{ending}").rename(scans / f"{new}.{ending}")
        edit(scans / f"{new}.json", imagePath=f"{new}.png")

    return rename


def folders(scans: Path) -> None:
    for path in sorted(scans.iterdir()):
        _, patient, segment = path.stem.split("_")
        home = scans / f"patient{patient}"
        home.mkdir(exist_ok=True)
        new = path.rename(home / f"ALS_{int(segment) - 2}_{segment}{path.suffix}")
        if new.suffix == ".json":
            edit(new, imagePath=f"{new.stem}.png")


def one_slice_twice(scans: Path) -> None:
    shutil.copy(scans / "ALS_1_3.png", scans / "ALS_2_3.png")
    content = json.loads((scans / "ALS_1_4.json").read_text(encoding="utf-8"))
    edit(scans / "LR_1_4.json", shapes=content["shapes"])


class Trouble(NamedTuple):
    """How to come by the message of a question."""

    make: Callable[[Path], None]
    code: int
    command: str = MEASURE
    slices: str = r"(ALS|LR)_[12]_[34]"


SAVED_BACK = (
    f"{MEASURE} && sed -i.bak 's/,/;/g' results/L4.csv && mriparaspinal compare results --out comparison"
)
TROUBLES = {
    "Exit code 4: did it work?": Trouble(template, 4),
    "16-bit images": Trouble(more_bits, 4),
    "Mirrored slices": Trouble(mirrored, 3),
    "Our files have other names": Trouble(renamed("ALS_1_3", "pat01-L3"), 4),
    "One folder per patient": Trouble(folders, 3, slices=r"ALS_[12]_[345]"),
    "One slice under two names": Trouble(one_slice_twice, 0),
    "The comparison was skipped": Trouble(
        nothing_wrong, 0, "mriparaspinal run scans --out .", r"ALS_[1-3]_[34]"
    ),
    "My spreadsheet writes decimal commas": Trouble(nothing_wrong, 3, SAVED_BACK),
}


def below(heading: str, language: str) -> list[Block]:
    return [block for block in blocks("faq.md") if block.heading == heading and block.language == language]


def test_every_message_of_the_page_is_tried() -> None:
    with_messages = {block.heading for block in blocks("faq.md") if block.language == "text"}
    assert with_messages == set(TROUBLES)


@pytest.mark.parametrize("heading", TROUBLES)
def test_the_message_is_what_the_tool_prints_and_the_command_helps(heading: str, tmp_path: Path) -> None:
    trouble = TROUBLES[heading]
    folder = tmp_path / "study"
    folder.mkdir()
    scans = slices(folder, trouble.slices)
    trouble.make(scans)
    code, printed = shell(trouble.command, folder)
    assert code == trouble.code, printed
    for message in below(heading, "text"):
        assert message.text.strip() in map(str.strip, printed.splitlines()), (
            f"{message.text}\n--- printed\n{printed}"
        )
    for remedy in below(heading, "sh"):
        if heading == "Our files have other names":
            for path in sorted(scans.glob("*_*_*.*")):
                path.unlink()
        code, printed = shell(remedy.text, folder)
        assert code == 0, printed


def test_a_decimal_comma_comes_in(tmp_path: Path) -> None:
    scans = slices(tmp_path)
    (scans / "participants.csv").write_text("participant_id;bmi\nALS_1;19,7\nALS_2;25,6\nLR_1;21\nLR_2;20\n")
    code, printed = shell(MEASURE, tmp_path)
    assert code == 0, printed
    assert "ALS_1,19.7" in (tmp_path / "results" / "participants.csv").read_text()


def test_a_windows_path_is_understood(tmp_path: Path) -> None:
    scans = slices(tmp_path)
    edit(scans / "ALS_1_3.json", imagePath="..\\scans\\ALS_1_3.png")
    raw = (scans / "ALS_1_3.json").read_bytes()
    (scans / "ALS_1_3.json").write_bytes(b"\xef\xbb\xbf" + raw)
    code, printed = shell(MEASURE, tmp_path)
    assert code == 0
    assert "0 errors, 0 warnings" in printed


def test_an_embedded_image_beside_its_png_does_no_harm(tmp_path: Path) -> None:
    scans = slices(tmp_path)
    edit(scans / "ALS_1_3.json", imageData=base64.b64encode((scans / "LR_1_3.png").read_bytes()).decode())
    shell(MEASURE, tmp_path)
    row = (tmp_path / "results" / "L3.csv").read_text().splitlines()[1]
    edit(scans / "ALS_1_3.json", imageData=None)
    shell(MEASURE, tmp_path)
    assert (tmp_path / "results" / "L3.csv").read_text().splitlines()[1] == row


def test_the_options_on_the_pages_exist() -> None:
    from mriparaspinal.cli import COMMANDS, load

    params = [param for name in COMMANDS for param in load(name).params]
    known = {option for p in params for option in (*p.opts, *p.secondary_opts)}
    for page in DOCS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"mriparaspinal [^`|\n]*", text):
            used = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", line))
            assert used <= {*known, "--help", "--version"}, f"{page.name}: {line}"
