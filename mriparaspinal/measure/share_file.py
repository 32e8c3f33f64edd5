"""What a part of a dataset keeps for others to be merged with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from mriparaspinal.core.model import Problem, Settings, Slice, Spacing
from mriparaspinal.core.participants import Participants
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.versions import all_versions
from mriparaspinal.dataset.contour_source import Judgement
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.measure.dataset import MeasuredDataset
from mriparaspinal.measure.pack import encode, pack


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of the contours: the name of their folder, and what tells of them."""

    annotations: str
    accept_drafts: bool
    drawn: bool
    judgements: tuple[Judgement, ...] | None


@dataclass(frozen=True, slots=True)
class Common:
    """What all shares of a dataset have in common."""

    versions: dict[str, str]
    settings: Settings
    everyone: tuple[str, ...]
    listing: str
    sha256: dict[str, str]
    participants: Participants
    participants_csv: bytes | None
    problems: tuple[Problem, ...]
    numberings: tuple[dict[int, str], ...] | None
    contours: Kind


@dataclass(frozen=True, slots=True)
class Share:
    """What one share adds."""

    common: Common
    members: tuple[str, ...]
    slices: list[tuple[int, Slice, bytes]]
    """With their place in the whole dataset, and their results, packed."""
    lost: list[tuple[int, Slice]]
    spacings: dict[str, Spacing]
    places: dict[str, SlicePlace]
    prepared: dict[str, str] = dataclasses.field(default_factory=dict)


def share_bytes(measured: MeasuredDataset, settings: Settings) -> bytes:
    """What a share keeps for :func:`join_shares`; always the same bytes for the same results."""
    study = measured.study
    common = Common(
        versions=all_versions(),
        settings=settings,
        everyone=study.everyone,
        listing=study.listing,
        sha256=study.sha256,
        participants=study.participants,
        participants_csv=study.participants_csv,
        problems=study.problems,
        contours=Kind(
            study.source.name,
            study.source.accept_drafts,
            study.source.drawn is not None,
            study.source.judgements,
        ),
        numberings=None
        if study.maps is None
        else tuple(dict(sorted(source.numbering.items())) for source in study.maps.sources),
    )
    own, lost = study.dataset.slices, study.dataset.lost
    names = {slice_.name for slice_ in own}
    as_written = set(map(composed, names))
    share = Share(
        common,
        study.share,
        [
            (place, result.slice, pack(result))
            for place, result in zip(study.order[: len(own)], measured.results, strict=True)
        ],
        list(zip(study.order[len(own) :], lost, strict=True)),
        {name: spacing for name, spacing in study.spacings.items() if name in names},
        {name: place for name, place in study.places.items() if name in names},
        {name: digest for name, digest in study.prepared.items() if name in as_written},
    )
    return encode(share)
