"""What a command wrote is asked to be on the disk, whole, before it ends: a loss of power takes no result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.builders.slices import write_slice
from tests.support.builders.study import run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no folder is synchronised on Windows")


@pytest.mark.parametrize("command", ["quantify", "masks", "check"])
def test_every_file_is_on_the_disk_whole_and_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    write_slice(data, "ALS_1_3")
    written: list[tuple[int, int]] = []

    def ask(descriptor: int) -> None:
        status = os.fstat(descriptor)
        written.append((status.st_ino, status.st_size))

    monkeypatch.setattr(os, "fsync", ask)
    where = ("--json", tmp_path / "found.json") if command == "check" else ("--out", out)
    assert run(command, data, *where).code == 0
    made = [tmp_path / "found.json"] if command == "check" else [p for p in out.rglob("*") if p.is_file()]
    assert made
    for path in made:
        status = path.stat()
        assert (status.st_ino, status.st_size) in written, path
    if command != "check":
        assert out.stat().st_ino in {number for number, _ in written}, "the names are on the disk, too"
