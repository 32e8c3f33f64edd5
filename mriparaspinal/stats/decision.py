"""Decision curves: the net benefit of treating by a model.

Vickers & Elkin 2006, *Med Decis Making* 26:565–574.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.stats.limits import Mask, Vector

#: The columns of ``roc_decision.csv``.
DECISION_COLUMNS = ("threshold", "net_benefit", "net_benefit_corrected", "treat_all", "treat_none")

#: The threshold probabilities, 0.01 to 0.99.
THRESHOLDS: Vector = np.arange(1, 100) / 100
#: A probability that differs by less from the threshold is on it, and is treated.
_DIGITS = 9


def net_benefit(probability: Vector, is_positive: Mask, weights: Vector, thresholds: Vector) -> Vector:
    """(models, thresholds) from probabilities and weights (models, n).

    True positives less false positives × t/(1 − t), per patient; treated are those whose probability is t or
    more.
    """
    rounded, total = np.round(probability, _DIGITS), weights.sum(axis=1)
    benefits = []
    for threshold in thresholds:
        treated = weights * (rounded >= threshold)
        true, false = (treated * is_positive).sum(axis=1), (treated * ~is_positive).sum(axis=1)
        benefits.append((true - false * threshold / (1 - threshold)) / total)
    return np.stack(benefits, axis=1)


def decision_table(probability: Vector, is_positive: Mask, optimism: Any) -> pd.DataFrame:
    """The decision curve of one model, and of treating all or nobody, with ``DECISION_COLUMNS``.

    ``optimism``: (thresholds,) of the net benefit, by which the corrected one is lower.
    """
    ones = np.ones((1, len(probability)))
    apparent = net_benefit(probability[None], is_positive, ones, THRESHOLDS)[0]
    everybody = net_benefit(np.ones_like(ones), is_positive, ones, THRESHOLDS)[0]
    columns = (THRESHOLDS, apparent, apparent - optimism, everybody, np.zeros_like(THRESHOLDS))
    return pd.DataFrame(dict(zip(DECISION_COLUMNS, columns, strict=True)))
