"""``labels.txt``: the labels that LabelMe offers while somebody draws (``labelme --labels``)."""

from __future__ import annotations

from mriparaspinal.core.model import MUSCLES, REFERENCES, SAT

LABELS = "labels.txt"


def label_list() -> bytes:
    """The labels of the contract, one a line, as LabelMe's ``--labels`` reads them."""
    names = [f"{muscle}_{side}" for muscle in MUSCLES for side in "LR"]
    return "".join(f"{name}\n" for name in (*names, *REFERENCES, SAT)).encode()
