"""The mark of a draft, as this package sets it; what it is stands in :mod:`mriparaspinal.core.draft_mark`."""

from __future__ import annotations

from mriparaspinal.core.draft_mark import DECIMALS, FLAG, as_written, contour_hash, is_draft, set_draft

__all__ = ["DECIMALS", "FLAG", "as_written", "contour_hash", "is_draft", "set_draft"]
