"""What lies around the muscles of the phantom: trunk, wall, organs, vessels, spine and disc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from mriparaspinal.phantom.curves import FIELD_OF_VIEW_MM, Array, Placement, ellipse, mirrored

if TYPE_CHECKING:
    from mriparaspinal.phantom.model import Body, Muscle, Participant


#: How wide the dark fascia around each muscle is.
RIM_MM = 1.5


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws curves given in mm."""

    image: Image.Image
    place: Placement

    def fill(self, outline: Array, grey: float) -> None:
        """Fill the inside of an outline."""
        ImageDraw.Draw(self.image).polygon(self._at(outline), fill=round(grey))

    def line(self, points: Array, grey: float, width: float) -> None:
        """Draw a line ``width`` mm wide."""
        grid = self.image.width
        wide = max(1, round(width / FIELD_OF_VIEW_MM * grid))
        ImageDraw.Draw(self.image).line(self._at(points), fill=round(grey), width=wide, joint="curve")

    def ring(self, outline: Array, grey: float, width: float) -> None:
        """A line along the whole outline, half of it inside."""
        self.line(np.vstack([outline, outline[:2]]), grey, width)

    def _at(self, points: Array) -> list[tuple[float, float]]:
        return [(x, y) for x, y in self.place.pixels(points, self.image.width).tolist()]


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where the skin is, mm from the centre of the disc."""

    level: int
    """0 … 4: L1 … L5."""
    bmi: float
    half_width: float
    front: float
    back: float

    @property
    def depth(self) -> float:
        """From skin to skin, front to back."""
        return self.back - self.front

    @property
    def centre(self) -> float:
        """Half-way between front and back."""
        return (self.back + self.front) / 2

    @property
    def middle(self) -> float:
        """Where the trunk is widest."""
        return self.back - 0.48 * self.depth


def make_trunk(participant: Participant, level: int, muscles: list[Muscle]) -> Trunk:
    """The trunk around the muscles: stouter patients have more fat behind them."""
    stout = participant.bmi - 24
    muscle_back = max(float(m.healthy[:, 1].max()) for m in muscles)
    fat = max(6.0, (9, 11, 14, 19, 24)[level] * (1 + 0.05 * stout))
    back = muscle_back + 4 + fat
    depth = float(np.clip(196 + 3 * stout, 180, 208))
    return Trunk(level, participant.bmi, float(np.clip(102 + stout, 95, 107)), back - depth, back)


def draw_surroundings(
    pen: Pen,
    trunk: Trunk,
    disc: Array,
    muscles: list[Muscle],
    body: Body,
    rng: np.random.Generator,
) -> None:
    """All but the muscles themselves, from the skin inwards."""
    _draw_wall(pen, trunk)
    disc_front, disc_back = float(disc[:, 1].min()), float(disc[:, 1].max())
    # Organs may not reach through the wall of the belly: drawn apart, and only what is within is taken.
    cavity = _wall(trunk, 1.0)
    contents = Pen(Image.new("L", pen.image.size, 150), pen.place)
    inside = Pen(Image.new("L", pen.image.size, 0), pen.place)
    inside.fill(cavity, 255)
    _draw_organs(contents, trunk, disc_front, rng)
    _draw_vessels(contents, disc_front, trunk.level)
    pen.image.paste(contents.image, (0, 0), inside.image)
    _draw_flank(pen, trunk, body)
    for grey, margin in ((14, 2.7), (158, 1.8)):  # the thoracolumbar fascia, then the fat within it
        for muscle in muscles:
            if muscle.region != "PM":
                pen.ring(muscle.healthy, grey, 2 * margin)
                pen.fill(muscle.healthy, grey)
    tip = max(float(m.healthy[:, 1].max()) for m in muscles if m.region == "MF") + 1
    _draw_arch(pen, disc_back, tip, trunk.level, rng)
    _draw_disc(pen, disc, body)
    for muscle in muscles:
        pen.ring(muscle.outline, 15, 2 * RIM_MM)


def _draw_wall(pen: Pen, trunk: Trunk) -> None:
    """Skin, subcutaneous fat and the muscles of the belly's wall."""
    w, front, back, deep, mid = trunk.half_width, trunk.front, trunk.back, trunk.depth, trunk.middle
    skin = mirrored(
        [
            (0, front),
            (0.5 * w, front + 0.03 * deep),
            (0.83 * w, front + 0.16 * deep),
            (w, mid - 0.05 * deep),
            (0.97 * w, mid + 0.2 * deep),
            (0.8 * w, back - 0.12 * deep),
            (0.5 * w, back - 0.015 * deep),
            (0.2 * w, back),
            (0, back - 0.025 * deep),
        ]
    )
    pen.fill(skin, 208)
    pen.ring(skin, 70, 2.4)
    outer = _wall(trunk, 0.0)
    pen.fill(outer, 26)
    pen.ring(outer, 12, 1.0)
    for part in (0.36, 0.68):  # fat between its layers
        pen.ring(_wall(trunk, part), 84, 0.9)
    for side in (-1, 1):  # fat lines in the subcutaneous layer
        x = np.linspace(4, 0.72 * w, 20)
        y = back - 0.028 * deep - 5.5 - 0.0022 * x**2
        pen.line(np.column_stack([side * x, y]), 165, 0.7)


def _wall(trunk: Trunk, part: float) -> Array:
    """The wall of the belly: its outer (part 0) to its inner surface (part 1)."""
    stout = trunk.bmi - 24
    flank = float(np.clip(9 + 0.8 * stout, 4, 16))
    front = trunk.front + float(np.clip(12 + 1.2 * stout, 6, 20)) + 9 * part
    w = trunk.half_width - flank - 13 * part
    deep, mid = trunk.depth, trunk.middle
    return mirrored(
        [
            (0, front),
            (0.5 * w, front + (0.025 + 0.01 * part) * deep),
            (0.83 * w, front + (0.15 + 0.01 * part) * deep),
            (w, mid - 0.05 * deep),
            (0.95 * w, mid + (0.14 - 0.04 * part) * deep),
            (0.8 * w, 50 - 7 * part),
            (0.5 * w, 48 - 12 * part),
            (0, 45 - 15 * part),
        ]
    )


def _draw_organs(pen: Pen, trunk: Trunk, disc_front: float, rng: np.random.Generator) -> None:
    """Liver, kidneys and bowel; the patient's right is the left of the image."""
    w, level = trunk.half_width - 22, trunk.level
    if level <= 1:
        pen.fill(ellipse(-0.72 * w, trunk.middle - 48, 34 - 6 * level, 46, 12), 46)
    for _ in range(30):  # small vessels of the mesentery
        x, y, radius = (
            rng.uniform(-0.7, 0.7) * w,
            rng.uniform(trunk.front + 24, disc_front - 24),
            rng.uniform(0.5, 1),
        )
        pen.fill(ellipse(x, y, radius, 2 * radius, rng.uniform(0, 180)), 75)
    for row, y in enumerate(np.arange(trunk.front + 33, disc_front + 6, 18.0)):
        for x in np.linspace(-0.7, 0.7, 6)[row % 2 :] * w:
            rx, ry, turn = rng.uniform(9, 14), rng.uniform(8, 10.5), rng.uniform(-40, 40)
            at = (x + rng.uniform(-6, 6), y + rng.uniform(-3, 3))
            grey = rng.choice([66.0, 80.0, 95.0, 112.0, 178.0, 12.0], p=[0.2, 0.2, 0.2, 0.2, 0.12, 0.08])
            if abs(at[0]) > 40 or at[1] < disc_front - 32:  # the large vessels need room
                pen.fill(ellipse(*at, rx, ry, turn), 46)
                pen.fill(ellipse(*at, rx - 1.8, ry - 1.8, turn), grey)
    for side in (-1, 1):  # ascending and descending colon
        x, y = side * 0.86 * w, trunk.middle - rng.uniform(26, 34)
        pen.fill(ellipse(x, y, 13, 16), 44)
        pen.fill(ellipse(x, y, 11, 14), rng.uniform(60, 110))
        pen.fill(ellipse(x + 1, y - 6, 8, 5), 8)
    for side, sizes in ((-1, (25, 26, 15)), (1, (26, 23, 0))):  # the right kidney lies lower
        radius = (*sizes, 0, 0)[level]
        if radius:
            x, y = side * 0.68 * w, 10.0
            pen.ring(ellipse(x, y, radius, 0.85 * radius, side * 20), 40, 2.0)
            pen.fill(ellipse(x, y, radius, 0.85 * radius, side * 20), 92)
            for petal in range(0, 360, 45):
                px = x + 0.62 * radius * np.cos(np.radians(petal))
                py = y + 0.53 * radius * np.sin(np.radians(petal))
                pen.fill(ellipse(px, py, 0.17 * radius, 0.13 * radius, petal), 104)
            pen.fill(ellipse(x - side * 0.3 * radius, y - 1, 0.42 * radius, 0.22 * radius, side * 20), 165)


def _draw_vessels(pen: Pen, disc_front: float, level: int) -> None:
    """Aorta to the left of the patient, vena cava to the right; below L4 the iliac vessels. Flow is dark."""
    vessels = [(8.0, disc_front - 11, 8.5, 8.5, 7.0), (-15.0, disc_front - 8, 11.0, 7.5, 13.0)]
    if level == 4:
        vessels = [
            (17.0, disc_front - 8, 5.5, 5.5, 7.0),
            (-11.0, disc_front - 9, 5.5, 5.5, 7.0),
            (8.0, disc_front - 5, 8.0, 4.5, 13.0),
            (-22.0, disc_front - 3, 7.5, 5.5, 13.0),
        ]
    for x, y, rx, ry, blood in vessels:
        pen.fill(ellipse(x, y, rx, ry), 34)
        pen.fill(ellipse(x, y, rx - 1.2, ry - 1.2), blood)


def _draw_flank(pen: Pen, trunk: Trunk, body: Body) -> None:
    """Quadratus lumborum; at L5 the tip of the iliac wing with its muscles instead."""
    s, level = body.size, trunk.level
    for side in (-1, 1):
        if level < 4:
            x, y, rx, ry = ((47.0, 30, 9, 4), (54.0, 30, 12, 5.5), (60.0, 29, 14, 7), (66.0, 27, 14, 7.5))[
                level
            ]
            belly = ellipse(side * s * x, s * y, s * rx, s * ry, side * -14)
            pen.ring(belly, 15, 1.6)
            pen.fill(belly, body.muscle_grey)
        else:
            x = trunk.half_width - 25
            pen.fill(ellipse(side * (x - 6), 21, 19, 6, side * -50), body.muscle_grey)
            pen.fill(ellipse(side * (x + 6), 29, 18, 8, side * -54), body.muscle_grey)
            pen.fill(ellipse(side * x, 25, 23, 5, side * -52), 12)
            pen.fill(ellipse(side * x, 25, 21.5, 3.6, side * -52), 112)


def _draw_arch(pen: Pen, disc_back: float, tip: float, level: int, rng: np.random.Generator) -> None:
    """Foramina with their roots, canal, facet joints, laminae and spinous process."""
    rx = (9.5, 9.0, 8.8, 8.4, 7.2)[level]
    ry = (8.2, 7.8, 7.4, 7.0, 6.2)[level]
    y = disc_back + ry + 1.5
    for side in (-1, 1):
        pen.fill(ellipse(side * 16, disc_back + 3, 9, 7.5), 155)
        pen.fill(ellipse(side * 18.5, disc_back + 2.5, 2.3, 2.3), 60)
        pen.line(np.array([(side * 14.0, y + 7), (0, y + ry + 5)]), 13, 7.0)
        pen.line(np.array([(side * 14.0, y + 7), (0, y + ry + 5)]), 105, 3.6)
        pen.fill(ellipse(side * 17.5, y + 4, 6.2, 8.2, side * 25), 12)
        pen.fill(ellipse(side * 19.6, y + 3, 2.4, 5.6, side * 25), 100)
        pen.fill(ellipse(side * 15.6, y + 5.4, 2.0, 5.4, side * 25), 100)
    spine = [
        (0, y + ry + 2),
        (2.6, y + ry + 3),
        (1.9, (y + tip) / 2 + 6),
        (3.4, tip - 3),
        (2.2, tip),
        (0, tip + 0.6),
    ]
    pen.ring(mirrored(spine), 12, 2.4)
    pen.fill(mirrored(spine), 112)
    pen.fill(ellipse(0, y + 0.6, rx + 3.2, ry + 3.0), 14)
    pen.fill(np.array([(0, y + ry + 2.8), (rx - 1, y + 2), (1 - rx, y + 2)]), 165)
    pen.fill(ellipse(0, y, rx + 0.7, ry + 0.7), 24)
    pen.fill(ellipse(0, y, rx, ry), 215)
    if level == 0:
        pen.fill(ellipse(0, y + 0.4, 4.6, 3.7), 98)
    for _ in range(14 if level == 0 else 20):  # the roots sink to the back of a supine patient
        px = rng.uniform(-0.8, 0.8) * rx
        py = y + ry * rng.uniform(0.15, 0.85) * np.sqrt(1 - (px / rx) ** 2)
        pen.fill(ellipse(px, py, 0.75, 0.75), 85)


def _draw_disc(pen: Pen, disc: Array, body: Body) -> None:
    centre = disc.mean(axis=0)
    pen.fill(disc, 22)
    for part in (0.82, 0.75, 0.68):
        grey = 30 + (body.disc_grey - 30) * (0.9 - part) / 0.22
        pen.fill(centre + part * (disc - centre), grey)
    pen.ring(centre + 0.985 * (disc - centre), 11, 1.0)
