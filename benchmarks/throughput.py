"""Slices per second against the floor: reading both files, SHA-256, PNG decode, JSON parse, nothing more.

All take turns in one process and one run, on the same slices; the ratios are what counts. LabelMe's own
``shape_to_mask`` takes part where LabelMe is installed (``pip install --no-deps labelme``).
Run: ``python benchmarks/throughput.py [slices] [size]``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import json
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import numpy as np
from PIL import Image, ImageDraw

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import Dataset, open_dataset
from mriparaspinal.io import images
from mriparaspinal.measure.slice import measure_slices
from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort

ROUNDS = 9
Names = list[tuple[str, str]]


def floor(root: Path, names: Names, decode: Callable[[bytes], object], parse: Callable[[bytes], Any]) -> None:
    """What cannot be left out: read, hash, decode the image, parse the JSON."""
    for image, annotation in names:
        raw_image, raw_json = (root / image).read_bytes(), (root / annotation).read_bytes()
        hashlib.sha256(raw_image).hexdigest()
        hashlib.sha256(raw_json).hexdigest()
        decode(raw_image)
        parse(raw_json)


def by_pillow(raw: bytes) -> object:
    return np.asarray(Image.open(io.BytesIO(raw)))


def filled(shape: tuple[int, ...], points: list[list[float]], _: str) -> np.ndarray:
    canvas = Image.new("L", shape[::-1])
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in points], outline=1, fill=1)
    return np.array(canvas, dtype=bool)


def script(root: Path, names: Names, mask_of: Callable[..., np.ndarray]) -> None:
    """What one writes first: json, a full canvas per contour, boolean indexing."""
    for image, annotation in names:
        grey = np.array(Image.open(root / image))
        for shape in json.loads((root / annotation).read_text())["shapes"]:
            mask = mask_of(grey.shape, shape["points"], shape["shape_type"])
            (grey[mask] > 50).sum() / mask.sum()


def measured(root: Path, study: Dataset, quick: bool) -> None:
    """The tool itself, with the decoder of the extra ``fast`` or with Pillow's."""
    decoder = images.decode_plain_png if quick else lambda _: None
    with mock.patch.object(images, "decode_plain_png", decoder):
        measure_slices(root, study.dataset.slices, Settings())


def labelme_mask() -> Callable[..., np.ndarray] | None:
    """LabelMe's own function, from its file alone: the package would load its windows."""
    spec = importlib.util.find_spec("labelme")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0])
    for name in ("labelme", "labelme._label_file"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["labelme._label_file"].ShapeDict = dict  # type: ignore[attr-defined]
    shape = types.ModuleType("shape")
    exec(compile((home / "utils" / "shape.py").read_text(), "shape.py", "exec"), shape.__dict__)
    found: Callable[..., np.ndarray] = shape.shape_to_mask
    return found


def main(slices: int = 100, size: int = 512) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        participants = make_cohort(-(-slices // 5), 0, 1)
        write_cohort(root, participants, make_slices(participants, 1, size, Effects()))
        study = open_dataset(root, Settings())
        names = [(s.image or "", s.annotation) for s in study.dataset.slices]
        quickest = msgspec.json.Decoder().decode
        contenders: dict[str, Callable[[], None]] = {
            "floor": functools.partial(floor, root, names, by_pillow, quickest),
            "floor, JSON by Python's json": functools.partial(floor, root, names, by_pillow, json.loads),
        }
        if importlib.util.find_spec("kornia_rs") is not None:
            from kornia_rs.io import decode_image_png_u8

            decode = lambda raw: decode_image_png_u8(raw, (size, size), "mono")  # noqa: E731
            contenders["floor, PNG by the extra fast"] = functools.partial(
                floor, root, names, decode, quickest
            )
            contenders["mriparaspinal, extra fast"] = functools.partial(measured, root, study, True)
        contenders["mriparaspinal"] = functools.partial(measured, root, study, False)
        contenders["script with a full canvas"] = functools.partial(script, root, names, filled)
        mask_of = labelme_mask()
        if mask_of is not None:
            contenders["script with LabelMe's shape_to_mask"] = functools.partial(
                script, root, names, mask_of
            )
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, work in contenders.items():
                start = time.perf_counter()
                work()
                times[name].append(time.perf_counter() - start)
    best = {name: statistics.median(values) for name, values in times.items()}
    print(f"{len(names)} slices of {size}×{size}, one process, median of {ROUNDS} rounds\n")
    print("| what | ms per slice | slices per second | of the floor's rate |")
    print("| --- | ---: | ---: | ---: |")
    for name, seconds in best.items():
        rate = len(names) / seconds
        print(f"| {name} | {1000 / rate:.2f} | {rate:.0f} | {best['floor'] / seconds:.2f} |")
    if mask_of is None:
        print("\nLabelMe is not installed: its shape_to_mask was not timed (pip install --no-deps labelme)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
