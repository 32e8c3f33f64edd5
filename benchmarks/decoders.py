"""PNG decoders against each other, on the same slices, those that are installed; the bits are compared, too.

Run: ``pip install imagecodecs opencv-python-headless``, then ``python benchmarks/decoders.py [slices]``.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort

ROUNDS = 9
Decode = Callable[[bytes], np.ndarray]


def installed(size: int) -> Iterator[tuple[str, Decode]]:
    yield f"Pillow {version('pillow')}", lambda raw: np.asarray(Image.open(io.BytesIO(raw)))
    try:
        from kornia_rs.io import decode_image_png_u8

        yield (
            f"kornia-rs {version('kornia-rs')}",
            lambda raw: decode_image_png_u8(raw, (size, size), "mono")[..., 0],
        )
    except ImportError:
        pass
    try:
        import imagecodecs

        yield f"imagecodecs {version('imagecodecs')}, libpng", imagecodecs.png_decode
        yield f"imagecodecs {version('imagecodecs')}, libspng", imagecodecs.spng_decode
    except ImportError:
        pass
    try:
        import cv2

        yield (
            f"OpenCV {version('opencv-python-headless')}",
            lambda raw: cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED),
        )
    except ImportError:
        pass


def main(slices: int = 50, size: int = 512) -> None:
    with tempfile.TemporaryDirectory() as folder:
        participants = make_cohort(-(-slices // 5), 0, 1)
        write_cohort(Path(folder), participants, make_slices(participants, 1, size, Effects()))
        files = [path.read_bytes() for path in sorted(Path(folder).glob("*.png"))]
    decoders = dict(installed(size))
    pillow = next(iter(decoders.values()))
    for name, decode in decoders.items():
        assert all(np.array_equal(decode(raw), pillow(raw)) for raw in files), name
    times: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(ROUNDS):
        for name, decode in decoders.items():
            start = time.perf_counter()
            for raw in files:
                decode(raw)
            times[name].append((time.perf_counter() - start) / len(files))
    best = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(best.values()))
    print(f"{len(files)} slices of {size}×{size}, all to the same bits, median of {ROUNDS} rounds\n")
    print("| decoder | ms per slice | of Pillow's time |")
    print("| --- | ---: | ---: |")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds:.2f} | {seconds / first:.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
