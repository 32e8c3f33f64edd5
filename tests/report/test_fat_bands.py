"""The tiles of the page that show where the fat lies."""

from __future__ import annotations

import math

from mriparaspinal.report.fat_bands import fat_bands


def row(side, **values):
    return {"muscle": "MF", "side": side, "fi": 0.5, **values}


def test_tiles_lie_as_the_picture_shows_the_patient():
    right = row("right", **{f"fi_ml_{k}of4": k / 10 for k in range(1, 5)})
    left = row("left", **{f"fi_ml_{k}of4": 0.5 + k / 10 for k in range(1, 5)})
    (bands,) = fat_bands([left, right, row("both", fi_ml_1of4=0.9)], "right")
    across = [tile.text for tile in sorted(bands.tiles, key=lambda tile: tile.x)]
    # The patient's right, lateral first, then the left, medial first; both sides together have no place.
    assert across == [".40", ".30", ".20", ".10", ".60", ".70", ".80", ".90"]
    (other,) = fat_bands([left, right], "left")
    assert [tile.text for tile in sorted(other.tiles, key=lambda tile: tile.x)] == [
        *(".90", ".80", ".70", ".60", ".10", ".20", ".30", ".40"),
    ]


def test_deep_is_above_superficial_and_no_tile_covers_another():
    values = {f"fi_{way}_{k}of4": k / 10 for way in ("ml", "ds") for k in range(1, 5)}
    (bands,) = fat_bands([row("left", **values), row("right", **values)], "right")
    places = [(tile.x, tile.y) for tile in bands.tiles]
    assert len(places) == len(set(places)) == 16
    columns = {x for x, _ in places if sum(place[0] == x for place in places) > 1}
    for x in columns:
        own = sorted((tile for tile in bands.tiles if tile.x == x), key=lambda tile: tile.y)
        assert [tile.fi for tile in own] == [0.1, 0.2, 0.3, 0.4]


def test_without_the_columns_or_a_value_there_is_no_tile():
    assert fat_bands([row("left"), row("right")], "right") == ()
    (bands,) = fat_bands([row("left", fi_ml_1of4=math.nan, fi_ml_2of4=1.0, fi_ds_1of4=0.0)], "right")
    assert [tile.text for tile in bands.tiles] == ["1.00", ".00"]
