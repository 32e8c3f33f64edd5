"""``mriparaspinal quantify``."""

from __future__ import annotations

from pathlib import Path

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    fat_and_water,
    label_maps,
    refuse_dataset_as_output,
    settings_from,
)
from mriparaspinal.cli.steps import quantify_step
from mriparaspinal.cli.summary import measured_summary, print_json
from mriparaspinal.errors import EXIT_PARTLY


@opt.command
@opt.dataset
@opt.out_folder
@opt.label_map_folder
@opt.numbering
@opt.threshold
@opt.fat_rule
@opt.sat_fraction
@opt.fat
@opt.water
@opt.same_voxels
@opt.mask_rule
@opt.image_left
@opt.reference
@opt.patient_from
@opt.name_pattern
@opt.window
@opt.participants_file
@opt.participant_label
@opt.jobs
@opt.scheduler
@opt.timeout
@opt.as_json
@opt.quiet
@opt.verbose
def quantify(
    dataset: Path,
    out: Path,
    masks: Path | None,
    numbering: str | None,
    threshold: int | None,
    fat_rule: str | None,
    sat_fraction: float | None,
    fat: Path | None,
    water: Path | None,
    same_voxels: bool | None,
    mask_rule: str | None,
    image_left: str | None,
    reference: str | None,
    patient_from: str | None,
    name_pattern: str | None,
    window: tuple[float, float] | None,
    participants: Path | None,
    participant_label: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    timeout: float | None,
    json_: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Writes L1.csv … L5.csv, problems.csv, participants.csv (if there is one) and quantify.json.
    With --masks the regions are those of label maps, pixel for pixel: see docs/label-maps.md.

    \b
    Example:
      mriparaspinal quantify scans --out results --jobs 4
      mriparaspinal quantify scans --out shares/ALS_1 --participant-label ALS_1
      mriparaspinal quantify scans --out results --fat-rule dixon --fat fat --water water
    """
    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    maps = label_maps(masks, numbering, mask_rule, out)
    dixon = fat_and_water(settings, fat, water)
    measured = quantify_step(
        dataset,
        out,
        settings,
        participants,
        jobs,
        quiet,
        verbose,
        maps=maps,
        dixon=dixon,
        scheduler=scheduler,
        timeout=timeout,
        share=participant_label,
    )
    if json_:
        print_json({"command": "quantify", **measured_summary(measured)})
    if measured.errors:
        raise SystemExit(EXIT_PARTLY)
