"""The options of how a dataset is measured, which ``quantify`` and ``run`` have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.options import option
from mriparaspinal.core.measure_columns import MEASURES


@dataclass(frozen=True, kw_only=True)
class Dixon:
    """The images of the fat rule ``dixon``."""

    fat: Annotated[
        Path | None,
        option("--fat", "Rule dixon: fat images, a folder by participant or one file.", "FAT"),
    ] = None
    water: Annotated[
        Path | None, option("--water", "Rule dixon: water images, in the same way.", "WATER")
    ] = None
    same_voxels: Annotated[
        bool,
        option(
            "--same-voxels",
            "Rule dixon: fat and water are one grid, though their headers differ in origin.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Measuring(
    opt.Execution, opt.Naming, opt.Protocol, Dixon, opt.FatRule, opt.Contours, opt.LabelMapFolder, opt.Tables
):
    """How a dataset is measured: all that ``quantify`` and ``run`` have in common."""

    affine: opt.Affine = None
    bids: Annotated[
        Path | None, option("--bids", "Write the results as BIDS derivatives into BIDS, too.", "BIDS")
    ] = None
    participants: opt.Participants = None
    measures: Annotated[
        tuple[str, ...],
        option(
            "--measure",
            "Further columns, a group by name (repeat): see docs/measures.md.",
            f"[{'|'.join(MEASURES)}]",
            autocompletion=lambda: list(MEASURES),
        ),
    ] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The same for the functions."""
        return {
            "settings": opt.given(self),
            "participants": self.participants,
            "masks": self.masks,
            "numbering": self.numbering,
            "annotations": self.annotations,
            "review": self.review,
            "accept_drafts": self.accept_drafts,
            "fat_and_water": (self.fat, self.water),
            "jobs": opt.spread(self),
            "xlsx": self.xlsx,
            "sav": self.sav,
            "bids": self.bids,
        }
