"""Writers that are stopped, killed and crowded: real processes, real signals, and what they leave.

A command runs in a process of its own, forked from this one, in which the n-th step that changes a name
on the disk (rename, link, removal) first sends a signal to the process.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mriparaspinal.core.filenames import MARK
from mriparaspinal.io.write import DRAFT
from tests.support.builders.study import become, copy_sample, run
from tests.support.builders.volumes import save

_STEPS = ("replace", "rename", "link", "unlink")


@dataclass(frozen=True)
class Writer:
    """A command that writes into ``OUT``, with options that tell two runs of it apart."""

    name: str
    arguments: tuple[object, ...]
    """``OUT`` stands for the folder."""
    one: tuple[object, ...] | None
    """None: the command replaces nothing, and begins in a folder as ``start`` makes it."""
    other: tuple[object, ...]
    start: Callable[[Path], None] = Path.mkdir
    """Makes the folder as it is before any run."""

    def command(self, out: Path, options: tuple[object, ...]) -> list[str]:
        return [self.name, *(str(part).replace("OUT", str(out)) for part in (*self.arguments, *options))]


def is_held(folder: Path) -> bool:
    """Whether a command holds a folder: its mark is there, and locked a moment later."""
    import fcntl

    try:
        with (folder / MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def fork(command: Iterable[str], said: Path, number: int = 0, sent: int = 0) -> int:
    """Start a command; before its ``number``-th step the signal ``sent`` reaches it. The process."""
    process = os.fork()
    if process:
        return process
    log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    become(command, log, log, lambda: _count_steps(number, sent, said.with_suffix(".steps")))


def _count_steps(number: int, sent: int, count_file: Path) -> None:
    count = 0

    def watched(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), sent)
            elif not number:
                count_file.write_text(str(count))
            return step(*arguments, **options)

        return call

    for name in _STEPS:
        setattr(os, name, watched(getattr(os, name)))


def finished(process: int) -> int:
    """Exit code of a process; −n where the signal n ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder, those with a leading dot, too, and their SHA-256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Trial:
    """One writer, whole results of its two runs, and what was left after each fault."""

    def __init__(self, writer: Writer, place: Path) -> None:
        self.writer, self.place = writer, place
        self.said = place / "said.txt"
        place.mkdir()
        self.new, self.old = self._whole(writer.other), self._whole(writer.one)
        shutil.copytree(place / "out", place / "kept")
        assert self.old != self.new, f"{writer.name}: the two runs cannot be told apart"
        # The steps of the new run over the old one.
        out = self.fresh()
        code = finished(fork(writer.command(out, writer.other), self.said))
        assert code in (0, 4), self.said.read_text()
        assert contents(out) == self.new, f"{writer.name}: differs over an older run"
        self.steps = int(self.said.with_suffix(".steps").read_text())

    def _whole(self, options: tuple[object, ...] | None) -> dict[str, str]:
        out = self.place / "out"
        _remove(out)
        self.writer.start(out)
        if options is None:
            return contents(out)
        code = finished(fork(self.writer.command(out, options), self.said))
        assert code in (0, 4), self.said.read_text()
        return contents(out)

    def fresh(self) -> Path:
        """A folder with the results of the first run."""
        out = self.place / "out"
        _remove(out)
        shutil.copytree(self.place / "kept", out)
        return out

    def cut_off(self, number: int, sent: int) -> str:
        """Send a signal at a step of the new run; what is left."""
        out = self.fresh()
        code = finished(fork(self.writer.command(out, self.writer.other), self.said, number, sent))
        left = self.left(out, killed=sent == signal.SIGKILL)
        said = self.said.read_text()
        if sent == signal.SIGKILL:
            assert code == -sent, said
        else:
            assert code == 128 + sent, (code, said)
            assert "Traceback" not in said, said
        if left == "new" and self.writer.one is None:
            return left  # it replaces nothing
        # The next run takes the folder over, whatever was left in it.
        again = finished(fork(self.writer.command(out, self.writer.other), self.said))
        assert again in (0, 4), self.said.read_text()
        assert contents(out) == self.new, "the next run does not mend it"
        return left

    def two_at_once(self) -> str:
        """Both runs together; what is left."""
        out = self.fresh()
        runs = [
            fork(self.writer.command(out, options), self.place / f"said_{n}.txt")
            for n, options in enumerate((self.writer.other, self.writer.one or self.writer.other))
        ]
        codes = [finished(process) for process in runs]
        said = [(self.place / f"said_{n}.txt").read_text() for n in range(2)]
        assert set(codes) <= {0, 2, 3, 4}, said
        assert "Traceback" not in "".join(said), said
        assert {0, 4} & set(codes), said
        return self.left(out, killed=False)

    def left(self, out: Path, killed: bool) -> str:
        """``old``, ``new``, ``marked`` or ``part``; fails where files of both runs stand without a mark."""
        there = contents(out)
        marks = [name for name in there if name.rsplit("/", 1)[-1] == MARK]
        drafts = [name for name in there if DRAFT in name]
        files = {name: digest for name, digest in there.items() if name not in (*marks, *drafts)}
        assert killed or not drafts, f"drafts are left: {drafts}"
        if marks:
            assert killed, f"a mark is left: {files}"
            return "marked"
        if files == self.old:
            return "old"
        if files == self.new:
            return "new"
        # Some are missing, none is of the other run: what was made of the old results goes first.
        for name, whole in (("part of the old", self.old), ("part of the new", self.new)):
            if files.items() <= whole.items():
                return name
        mixed = [n for n in files if files[n] not in (self.old.get(n), self.new.get(n))]
        raise AssertionError(f"MIXED: {sorted(files)}; of neither: {mixed}")


def _remove(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)


def writers(place: Path) -> dict[str, Writer]:
    """Every command that writes, on small inputs made below ``place``."""
    made = _inputs(place)
    data, results, other = made / "data", made / "results", made / "other"
    nifti, atlas = made / "fa.nii.gz", ("--atlas", made / "atlas.nii.gz", "--table", made / "labels.csv")
    table = ("--table", made / "clinic.csv", "--out", "OUT")
    levels = ("--levels", made / "levels.csv", "--out", "OUT", "--window")
    images = partial(_with_images, data)
    shares = [(made / f"share_{a}", made / f"share_{b}") for a, b in ((1, 2), (3, 4))]
    found = [
        Writer("quantify", (data, "--out", "OUT", "--threshold"), (60,), (90,)),
        Writer("run", (data, "--out", "OUT", "--threshold"), (60,), (90,)),
        Writer("merge", ("--out", "OUT"), *shares),
        Writer("masks", (data, "--out", "OUT", "--threshold"), (60,), (90,)),
        Writer("prepare", (made / "scans", *levels), ("0,500",), ("0,900",)),
        Writer("contours", (made / "masks", "--dataset", "OUT"), None, (), images),
        Writer("refine", (made / "rough", "--out", "OUT", "--band"), (3,), (9,)),
        Writer("interpolate", ("OUT",), None, (), partial(_with_stack, data)),
        Writer("draft", ("OUT", "--from", data), None, (), partial(_with_bare_slices, data)),
        Writer("phantom", ("OUT", "--als", 1, "--lr", 1, "--clinical"), None, ()),
        Writer("compare", (results, "--out", "OUT", "--metric"), ("fi",), ("rcsa",)),
        Writer("correlate", (*table, "--metric"), ("a", "--score", "b"), ("c", "--score", "b")),
        Writer("regress", (*table, "--outcome", "b", "--predictor"), ("a",), ("c",)),
        Writer(
            "roc", (made / "clinic.csv", "--out", "OUT", "--outcome", "group", "--positive", "ALS"), *_ROC
        ),
        Writer(
            "reliability",
            (results, made / "rater", "--out", "OUT/r", "--mean-out", "OUT/m", "--metric"),
            *_RATERS,
        ),
        Writer("threshold-sweep", ("--dataset", data, "--out", "OUT"), (results,), (other,)),
        Writer("report", ("--dataset", data, "--out", "OUT/page.html"), (results,), (other,)),
        Writer("score", ("alsfrs-r", "--out", "OUT/x.csv"), (made / "bad.csv",), (made / "good.csv",)),
        Writer("check", (data, "--json", "OUT/found.json", "--reference"), ("IVD",), ("VB",)),
        Writer(
            "regions", ("--map", f"fa={nifti}", *atlas, "--out", "OUT/l.csv", "--wide", "OUT/w.csv"), *_WHO
        ),
        Writer(
            "maps", ("ratio", "--numerator", nifti, "--out", "OUT/x.nii.gz", "--denominator"), *_maps(made)
        ),
    ]
    return {writer.name: writer for writer in found}


_ROC = ("--predictor", "a"), ("--predictor", "c")
_RATERS = ("fi",), ("rcsa",)
_WHO = ("--participant", "p1"), ("--participant", "p2")


def _maps(made: Path) -> tuple[tuple[object, ...], tuple[object, ...]]:
    return (made / "one.nii.gz",), (made / "two.nii.gz",)


def _with_images(data: Path, out: Path) -> None:
    out.mkdir()
    for path in data.glob("*.png"):
        shutil.copy(path, out)


def _with_stack(data: Path, out: Path) -> None:
    """Five slices of one segment, of which the second and the fourth have no contours."""
    out.mkdir()
    for letter in "abcde":
        shutil.copy(data / "ALS_1_3.png", out / f"ALS_1_3_{letter}.png")
        if letter in "ace":
            text = (data / "ALS_1_3.json").read_text().replace("ALS_1_3.png", f"ALS_1_3_{letter}.png")
            (out / f"ALS_1_3_{letter}.json").write_text(text)


def _with_bare_slices(data: Path, out: Path) -> None:
    out.mkdir()
    for stem in ("ALS_1_3", "LR_2_4"):
        shutil.copy(data / f"{stem}.png", out)


def _rough(data: Path, place: Path) -> None:
    """Slices with every sixth point of their contours, as if they were clicked."""
    place.mkdir()
    for path in data.glob("*_1_*.json"):
        document = json.loads(path.read_text())
        for shape in document["shapes"]:
            shape["points"] = shape["points"][::6]
        (place / path.name).write_text(json.dumps(document))
        shutil.copy(path.with_suffix(".png"), place)


def _inputs(place: Path) -> Path:
    """What the writers read."""
    place.mkdir()
    data = copy_sample(place / "data", "*_[12]_[34].*")
    for name, threshold in (("results", 50), ("other", 80)):
        assert run("quantify", data, "--out", place / name, "--threshold", threshold).code == 0
    shutil.copytree(data, place / "second")
    for path in (place / "second").glob("*.json"):  # as another rater could have drawn it: a little lower
        drawn = json.loads(path.read_text())
        for shape in drawn["shapes"]:
            shape["points"] = [[x, y + 1.5] for x, y in shape["points"]]
        path.write_text(json.dumps(drawn))
    assert run("quantify", place / "second", "--out", place / "rater", "--threshold", 50).code == 0
    halves = (("--participant-label", "ALS_1", "--participant-label", "ALS_2"),)
    halves += (("--participant-label", "LR_1", "--participant-label", "LR_2"),)
    for number, (half, threshold) in enumerate(itertools.product(halves, (50, 80)), 1):
        share = place / f"share_{(1, 3, 2, 4)[number - 1]}"
        assert run("quantify", data, "--out", share, *half, "--threshold", threshold).code == 0
    assert run("masks", data, "--out", place / "masks").code == 0
    _volumes(place)
    _rough(data, place / "rough")
    rows = [f"p{i},{('ALS', 'LR')[i % 2]},{i},{i * 7 % 11},{i * 5 % 13}" for i in range(20)]
    (place / "clinic.csv").write_text("\n".join(["participant_id,group,a,b,c", *rows, ""]))
    assert run("score", "alsfrs-r", "--template", "--out", place / "items.csv").code == 0
    columns = (place / "items.csv").read_text().splitlines()[0]
    items = columns.count(",")
    good = [f"ALS_{n}" + f",{n}" * items for n in (1, 2, 3)]
    (place / "good.csv").write_text("\n".join([columns, *good, ""]))
    (place / "bad.csv").write_text("\n".join([columns, *good[:2], "ALS_9" + ",9" * items, ""]))
    return place


def _volumes(place: Path) -> None:
    voxels = np.arange(40 * 50 * 6, dtype=np.float32).reshape(40, 50, 6) % 997
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    save(place / "scans" / "v.nii.gz", voxels, affine)
    rows = [f"v.nii.gz,ALS,1,{segment},{6 - segment}" for segment in (2, 3, 4)]
    (place / "levels.csv").write_text("\n".join(["source,group,patient,segment,slice", *rows, ""]))
    for name, values in (("fa", voxels), ("one", voxels + 1), ("two", voxels + 2)):
        save(place / f"{name}.nii.gz", values, affine)
    save(place / "atlas.nii.gz", (voxels % 3).astype(np.uint8), affine)
    (place / "labels.csv").write_text("value,label\n1,left\n2,right\n")
