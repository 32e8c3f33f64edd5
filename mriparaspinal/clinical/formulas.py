"""The formulas that an instrument may name."""

from __future__ import annotations

from mriparaspinal.clinical import criteria, spirometry
from mriparaspinal.clinical.computed import Formula

FORMULAS: dict[str, Formula] = {
    "criteria": Formula(criteria.ITEMS, criteria.COLUMNS, criteria.categories),
    "fvc": Formula(spirometry.ITEMS, spirometry.COLUMNS, spirometry.percent_predicted),
}
