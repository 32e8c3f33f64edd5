"""A BIDS dataset made of slices of the sample: volumes, label maps of the muscles, participants.tsv."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

import mriparaspinal as mp
from tests.support.builders.study import SAMPLE

#: Voxels (column, row, slice) to RAS: columns run to the patient's left, rows back, slices to the head.
AFFINE = np.diag([-0.8, -0.8, 30.0, 1.0])

#: The segments from the foot to the head, as the slices of a volume.
SEGMENTS = (5, 4, 3, 2, 1)


def volume(path: Path, slices: list[np.ndarray]) -> Path:
    """A NIfTI volume of axial slices, (rows, columns) each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.stack([one.T for one in slices], axis=2)
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), path)
    return path


def scan(root: Path, sample: str, label: str, session: str, masks: Path) -> None:
    """One scan, a volume of ``sample``'s five slices, with its label map in the derivatives."""
    folder = f"sub-{label}/ses-{session}" if session else f"sub-{label}"
    stem = folder.replace("/", "_") + "_acq-ax"
    images = [np.asarray(Image.open(SAMPLE / f"{sample}_{n}.png")).astype(np.int16) for n in SEGMENTS]
    maps = [np.asarray(Image.open(masks / f"{sample}_{n}_mask.png")) for n in SEGMENTS]
    volume(root / folder / "anat" / f"{stem}_T2w.nii.gz", images)
    volume(root / "derivatives/drawn" / folder / "anat" / f"{stem}_desc-muscles_dseg.nii.gz", maps)


def bids_dataset(root: Path, people: dict[str, str], sessions: tuple[str, ...] = ("",)) -> Path:
    """``people``: label in BIDS → participant of the sample, whose group and onset side are taken over."""
    masks = root.parent / "masks"
    mp.masks(SAMPLE, masks, only=list(people.values()))
    table = mp.quantify(SAMPLE, only=list(people.values())).contents["participants.csv"].decode()
    cells = {line.split(",")[0]: line.split(",")[1:] for line in table.splitlines()}
    header = "\t".join(["participant_id", *cells["participant_id"]])
    rows = ["\t".join([f"sub-{label}", *cells[sample]]) for label, sample in people.items()]
    root.mkdir(parents=True)
    (root / "participants.tsv").write_text("\n".join([header, *rows]) + "\n")
    (root / "dataset_description.json").write_text(json.dumps({"Name": "test", "BIDSVersion": "1.10.0"}))
    levels = ["participant_id,segment,slice"]
    for label, sample in people.items():
        for session in sessions:
            scan(root, sample, label, session, masks)
        levels += [f"sub-{label},L{segment},{k}" for k, segment in enumerate(SEGMENTS, 1)]
    (root / "levels.csv").write_text("\n".join(levels) + "\n")
    values = (masks / "values.csv").read_text().splitlines()[1:]
    names = ["index\tname"]
    for value, region, side in (line.split(",") for line in values):
        names.append(f"{value}\t{region}{'_' + side if side else ''}")
    (root / "derivatives/drawn/dseg.tsv").write_text("\n".join(names) + "\n")
    return root
