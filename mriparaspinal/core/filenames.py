"""The names of the files that several modules write or read."""

from __future__ import annotations

#: The usual image formats next to a JSON, in any case; of several images of a stem these are measured.
USUAL_ENDINGS = (".png", ".jpg", ".jpeg")

#: All endings that are looked for.
IMAGE_ENDINGS = (*USUAL_ENDINGS, ".tif", ".tiff", ".bmp")

MARK = ".unfinished"

MANIFEST = "quantify.json"

PARTICIPANTS = "participants.csv"

#: What a share of a dataset keeps for others to be joined with it.
SHARE = "share.msgpack"

#: What ``prepare`` writes next to the slices that it makes.
PREPARED = "prepare.json"

SLICES_TABLE = "slices.csv"
