"""``mriparaspinal quantify``."""

from __future__ import annotations

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import refuse_dataset_as_output
from mriparaspinal.cli.steps import quantify_step
from mriparaspinal.cli.summary import measured_summary, print_json
from mriparaspinal.core.errors import EXIT_PARTLY


@opt.command
def quantify(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    options: opt.Measuring,
    participant_label: opt.ParticipantLabel = (),
    as_json: opt.AsJson = False,
    ui: opt.Ui,
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
    from mriparaspinal.io.protocol import read_protocol

    protocol = read_protocol(dataset)
    settings = options.settings(protocol)
    refuse_dataset_as_output(dataset, out)
    images = options.images(settings, out)
    measured = quantify_step(protocol, out, settings, options, images, ui, share=participant_label)
    if as_json:
        print_json({"command": "quantify", **measured_summary(measured)})
    if measured.errors:
        raise SystemExit(EXIT_PARTLY)
