"""Shares of a dataset, measured separately and joined again, as if it had been measured in one run.

A share keeps what tables are made from: the counts of its slices, and what was found of the dataset as a
whole. Joined, the same steps make the same tables of them, byte for byte.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MANIFEST, SHARE
from mriparaspinal.core.model import Settings, SliceResult
from mriparaspinal.core.versions import all_versions
from mriparaspinal.dataset.contour_source import ContourSource
from mriparaspinal.dataset.find import FoundSlices
from mriparaspinal.dataset.map_sources import maps_in
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.io.manifest import Manifest
from mriparaspinal.io.protocol import faults_of
from mriparaspinal.measure.dataset import MeasuredDataset, gather_problems
from mriparaspinal.measure.pack import decode, unpack
from mriparaspinal.measure.results import open_share
from mriparaspinal.measure.share_file import Common, Share

#: How a field is called where two shares differ in it.
_WORDS = {
    "versions": "versions of the package, Python or libraries",
    "settings": "settings",
    "everyone": "participants in the dataset",
    "listing": "slices in the dataset",
    "sha256": "contents of participants table, slices.csv or paraspinal.toml",
    "participants": "participants tables",
    "participants_csv": "participants tables",
    "problems": "problems of the dataset as a whole",
    "numberings": "numberings of the label maps",
    "contours": "choices of contours (--annotations, --review, --accept-drafts)",
}


def join_shares(folders: Sequence[Path]) -> tuple[MeasuredDataset, Settings]:
    """Shares of one dataset together: everyone's results, or a larger share where some are missing.

    Raises :class:`NoInputError` for a folder that is no share, or not whole, and :class:`UsageError`
    where the shares do not belong together: other versions, settings or tables, a participant twice.
    """
    shares = [_read(folder) for folder in folders]
    first = shares[0].common
    for folder, share in zip(folders, shares, strict=True):
        _require_same(folders[0], first, folder, share.common)
    _require_once(folders, shares)
    if first.versions != all_versions():
        differ = [name for name, version in all_versions().items() if first.versions.get(name) != version]
        found = ", ".join(f"{name} {first.versions.get(name)}" for name in differ)
        expected = ", ".join(f"{name} {all_versions()[name]}" for name in differ)
        found = f"measured with {found}; expected {expected} as here"
        raise UsageError(f"{folders[0]}: {found}; join them with the versions that measured")
    study, results = _joined(shares)
    return gather_problems(study, results, first.settings), first.settings


def _read(folder: Path) -> Share:
    manifest, raw = open_share(folder)
    try:
        share = decode(raw, msgspec.msgpack.Decoder(Share))
        _require_sound(share, manifest)
    except (ValueError, RecursionError):  # those of msgspec, too
        found = "cannot be read; expected the file of this version"
        raise NoInputError(f"{folder / SHARE}: {found}; measure the share again") from None
    return share


def _require_sound(share: Share, manifest: Manifest) -> None:
    """Raise :class:`ValueError` where a share contradicts itself or its manifest."""
    told = () if manifest.share is None else manifest.share.participants
    places = [[place for place, *_ in part] for part in (share.slices, share.lost)]
    slices = [*(slice_ for _, slice_, _ in share.slices), *(slice_ for _, slice_ in share.lost)]
    results = [unpack(slice_, raw) for _, slice_, raw in share.slices]
    settings = dataclasses.asdict(share.common.settings) | {"labels": dict(share.common.settings.labels)}
    spacings = [mm for spacing in share.spacings.values() for mm in spacing]
    counts = [count for result in results for count in result.counts.values()]
    further = [x for result in results for values in result.more.values() for x in values.values()]
    sound = (
        share.members == told,
        set(share.members) <= set(share.common.everyone),
        all(
            slice_.participant_id in share.members and slice_.segment in share.common.settings.levels
            for slice_ in slices
        ),
        all(len(set(part)) == len(part) and min(part, default=0) >= 0 for part in places),
        not faults_of({name: value for name, value in settings.items() if value not in (None, "mask", ())}),
        all(math.isfinite(mm) and mm > 0 for mm in spacings),
        all(0 <= count.fat_px <= count.csa_px for count in counts),
        all(math.isfinite(count.contour_area_px or 0) for count in counts),
        all(map(math.isfinite, further)),
    )
    if not all(sound):
        raise ValueError("contradictions")


def _require_same(one: Path, here: Common, other: Path, there: Common) -> None:
    for field in dataclasses.fields(Common):
        if getattr(here, field.name) != getattr(there, field.name):
            found = f"other {_WORDS[field.name]} than {one}"
            expected = "shares of one dataset, measured in the same way"
            raise UsageError(f"{other}: {found} (see {MANIFEST}); expected {expected}; measure it again")


def _require_once(folders: Sequence[Path], shares: Sequence[Share]) -> None:
    counted = Counter(who for share in shares for who in share.members)
    twice = next((who for who, n in counted.items() if n > 1), None)
    if twice is not None:
        where = [str(folder) for folder, share in zip(folders, shares, strict=True) if twice in share.members]
        found = f"{twice} is in {' and '.join(where)}"
        raise UsageError(f"merge: {found}; expected each participant once; leave one of them out")


def _joined(shares: Sequence[Share]) -> tuple[Dataset, list[SliceResult]]:
    common = shares[0].common
    slices = sorted((one for share in shares for one in share.slices), key=lambda one: one[0])
    lost = sorted((one for share in shares for one in share.lost), key=lambda one: one[0])
    members = {who for share in shares for who in share.members}
    missing = set(common.everyone) - members
    dataset = FoundSlices([s for _, s, _ in slices], (), tuple(s for _, s in lost))
    kind = common.contours
    source = ContourSource(
        folder=Path(kind.annotations) if kind.annotations else None,
        accept_drafts=kind.accept_drafts,
        drawn={} if kind.drawn else None,
        judgements=kind.judgements,
    )
    told = common.numberings
    maps = None if told is None else maps_in([Path()] * len(told), told)
    study = Dataset(
        root=Path(),
        dataset=dataset,
        participants=common.participants,
        participants_csv=common.participants_csv,
        spacings={name: value for share in shares for name, value in share.spacings.items()},
        sha256=common.sha256,
        problems=common.problems,
        places={name: value for share in shares for name, value in share.places.items()},
        maps=maps,
        source=source,
        everyone=common.everyone,
        share=tuple(who for who in common.everyone if who in members) if missing else (),
        order=(*(i for i, _, _ in slices), *(i for i, _ in lost)) if missing else (),
        listing=common.listing,
        prepared={name: digest for share in shares for name, digest in share.prepared.items()},
    )
    return study, [unpack(slice_, raw) for _, slice_, raw in slices]
