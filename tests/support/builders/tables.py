"""Helpers that write tables for the tests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def write(table: pd.DataFrame, path: Path) -> Path:
    """A frame as a CSV, without its index."""
    table.to_csv(path, index=False)
    return path
