"""Resamples with replacement, from a seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mriparaspinal.stats.limits import Vector


def resampled_counts(n: int, times: int, rng: np.random.Generator, at_once: int) -> Iterator[Vector]:
    """How often each of ``n`` rows is drawn in ``times`` resamples of ``n``, in arrays of (at_once, n).

    From uniform numbers alone, as they stay the same from one version of NumPy to the next.
    """
    for first in range(0, times, at_once):
        size = min(at_once, times - first)
        drawn = (rng.random((size, n)) * n).astype(np.int64) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
