"""The page on regions of one's own: its protocol is read, its commands are typed."""

from __future__ import annotations

import json

import numpy as np

from tests.support.builders.slices import box, polygon
from tests.support.builders.study import copy_sample, read_csv
from tests.support.pages import blocks, commands_with_output, shell


def test_the_page_is_followed_to_the_letter(tmp_path) -> None:
    scans = copy_sample(tmp_path / "scans", "ALS_[12]_5.*", "LR_[12]_5.*")
    for path in scans.glob("*.json"):
        content = json.loads(path.read_text())
        points = next(np.array(s["points"]) for s in content["shapes"] if s["label"] == "IVD")
        x, y = (points[:, 0].min() + points[:, 0].max()) / 2, points[:, 1].max()
        content["shapes"] += [
            polygon("Dural_Sac", box(x - 8, y + 2, x + 8, y + 8)),
            polygon("left gl", box(x + 90, y, x + 100, y + 20)),
            polygon("GL_R", box(x - 100, y, x - 90, y + 20)),
        ]
        path.write_text(json.dumps(content))
    (protocol,) = (block.text for block in blocks("own-regions.md") if block.language == "toml")
    (scans / "paraspinal.toml").write_text(protocol)
    for name in ("ALS_1", "LR_1"):  # what is said of the names of files
        for ending in (".png", ".json"):
            (scans / f"{name}_5{ending}").rename(scans / f"{name}_S1{ending}")
        annotation = scans / f"{name}_S1.json"
        annotation.write_text(annotation.read_text().replace(f"{name}_5.png", f"{name}_S1.png"))
    for command, _ in commands_with_output("own-regions.md"):
        code, printed = shell(command, tmp_path)
        assert code == 0, printed
    assert {row["muscle"] for row in read_csv(tmp_path / "results" / "S1.csv")} == {
        "MF",
        "ES",
        "PM",
        "GL",
        "DS",
    }
    assert {row["reference"] for row in read_csv(tmp_path / "by_sac" / "L5.csv")} == {"DS"}
    assert ("12", "GL", "left") in [
        tuple(row.values()) for row in read_csv(tmp_path / "masks" / "values.csv")
    ]
