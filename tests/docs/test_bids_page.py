"""The part on BIDS of the page on clusters: the layout and the commands that it shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.builders.bids import bids_dataset
from tests.support.pages import blocks, shell


def test_the_commands_measure_the_layout_that_is_shown(tmp_path: Path) -> None:
    commands, layout = (block.text for block in blocks("cluster.md") if block.heading == "A BIDS App")
    root = bids_dataset(tmp_path / "bids", {"07": "ALS_1"})
    shown = [line.split()[0] for line in layout.splitlines()[1:]]
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert {re.sub("_desc-[a-z]+", "", name) for name in there} - {"dataset_description.json"} == set(shown)
    participant, group = commands.splitlines()
    code, printed = shell(participant.replace("0,1200", "0,255"), tmp_path)
    assert code == 0, printed
    assert (tmp_path / "out/sub-07/results/L4.csv").is_file()
    code, printed = shell(group, tmp_path)
    assert code == 0, printed
    assert (tmp_path / "out/group/report.html").is_file()
