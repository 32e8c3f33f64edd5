"""``labels.txt``: the labels that LabelMe offers while somebody draws (``labelme --labels``)."""

from __future__ import annotations

from mriparaspinal.core.model import MUSCLES, REFERENCES, SAT, Settings

LABELS = "labels.txt"


def label_list(settings: Settings | None = None) -> bytes:
    """The labels that are always known, and those of a study's own regions, one a line.

    >>> label_list().split()[:3]
    [b'MF_L', b'MF_R', b'ES_L']
    """
    own = () if settings is None else settings.regions
    sided = (*MUSCLES, *(region.name for region in own if region.sided))
    others = (*REFERENCES, SAT, *(region.name for region in own if not region.sided))
    names = [f"{name}_{side}" for name in sided for side in "LR"]
    return "".join(f"{name}\n" for name in (*names, *others)).encode()
