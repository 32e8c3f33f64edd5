"""``mriparaspinal quantify``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import fat_and_water, label_maps, refuse_dataset_as_output, refuse_idle_affine
from mriparaspinal.cli.steps import quantify_step
from mriparaspinal.cli.summary import measured_summary, print_json
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.io.protocol import resolve_settings


@opt.command
@opt.dataset
@opt.out_folder
@opt.label_map_folder
@opt.numbering
@opt.affine
@opt.fat_threshold
@opt.dixon_images
@opt.protocol
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
    fat: Path | None,
    water: Path | None,
    participants: Path | None,
    participant_label: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    timeout: float | None,
    json_: bool,
    quiet: bool,
    verbose: bool,
    **protocol: Any,
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
    settings = resolve_settings(dataset, protocol)
    refuse_dataset_as_output(dataset, out)
    maps = label_maps(masks, numbering, protocol["mask_rule"], out)
    dixon = fat_and_water(settings, fat, water, out)
    refuse_idle_affine(protocol["affine"], masks, dixon)
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
