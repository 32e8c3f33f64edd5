"""What a formula of an instrument gives: scores that are no sums, maxima, means, counts or ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mriparaspinal.core.participants import Doubt

Value: TypeAlias = float | str | None
"""A score: a number, a category, or None where it cannot be known."""

Ratings: TypeAlias = Mapping[str, float | None]
"""The ratings of a participant by item, with the side where there is one; None where one is missing."""


@dataclass(frozen=True, slots=True)
class Computed:
    """The scores of one participant."""

    values: Mapping[str, Value]
    """By column."""
    doubts: tuple[Doubt, ...] = ()
    """Why cells are empty; an error leaves the participant out."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How scores follow from ratings, where no key of the TOML file can say it."""

    items: tuple[str, ...]
    """What it reads."""
    columns: tuple[str, ...]
    """What it may give."""
    compute: Callable[[Ratings], Computed]
