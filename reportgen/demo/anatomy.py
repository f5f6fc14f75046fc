"""A small child's chest from simple bodies: how many centimetres of what lie on the ray of each pixel.

The proportions (chest 15 to 20 cm wide, heart about half of it, ribs 1.4 to 1.9 cm apart) are round figures that give
the look of radiographs of children of one to five years; the phantom is no anatomical reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reportgen.demo.bodies import Curves, Field, Grid, Interval, capsule, curve, ellipsoid, joined, texture, tubes

SIDES = (-1, 1)  # the patient's right is at the left of the picture


@dataclass(frozen=True)
class Proportions:
    """What differs from child to child and from picture to picture; cm and radians."""

    half_width: float  # of the lungs together, at the base
    depth: float  # half of the chest's, front to back, inside the ribs
    wall: float  # ribs, muscles and fat around: thin to stout
    apex: float  # y of the top of the lungs
    base: tuple[float, float]  # y of the top of each half of the diaphragm: low after a deep breath
    turn: float  # about the long axis
    lean: float  # in the picture's plane
    heart: float  # 1 is average
    thymus: float  # half width of the upper mediastinum
    spacing: float  # of the ribs
    slope: float  # of the ribs, 1 is average
    arms: tuple[float, float]  # angle of each arm, 0 is level, positive is raised
    chin: float  # y of the lower end of the head
    gas: int  # bubbles in stomach and bowel
    bone: float  # 1 is average


@dataclass(frozen=True)
class Lung:
    """One lung: the whole of it, and what of it is air and not heart, mediastinum or diaphragm."""

    space: Interval
    heart: Interval
    column: Interval
    dome: Interval
    side: int

    def air(self, near: Field | float = -np.inf, far: Field | float = np.inf) -> Field:
        """Return the length of aerated lung between two planes of z, ``(H, W)`` in cm."""
        part = Interval(np.maximum(self.space.near, near), np.minimum(self.space.far, far))
        left = part.length
        for other in (self.heart, self.column, self.dome):
            left = left - part.shared(other)
        # where heart and diaphragm overlap, their common part went twice
        both = Interval(np.maximum(self.heart.near, self.dome.near), np.minimum(self.heart.far, self.dome.far))
        return np.maximum(left + part.shared(both), 0)


@dataclass(frozen=True)
class Thorax:
    """Lengths on every ray, ``(H, W)`` in cm, and what else drawing opacities needs.

    Attributes
    ----------
    body
        Everything inside the skin.
    lungs
        Right and left.
    gas
        Air that isn't in the lungs: windpipe, stomach, bowel.
    bone
        Length weighted by density: 1 is compact bone.
    vessels
        Blood in the lungs.
    heart
        The heart alone.
    """

    body: Field
    lungs: tuple[Lung, Lung]
    gas: Field
    bone: Field
    vessels: Field
    heart: Field


def draw_proportions(random: np.random.Generator) -> Proportions:
    """Draw a child and how it was held."""

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    breath = between(-0.8, 0.7)
    raised = between(-1.2, 1.35)
    return Proportions(
        half_width=between(7.2, 8.9),
        depth=between(4.4, 5.4),
        wall=between(0.9, 2.0),
        apex=between(-8.2, -7.4),
        base=(3.6 + breath + between(-0.3, 0.3), 4.2 + breath + between(-0.4, 0.4)),
        turn=float(np.clip(random.normal(0, 0.06), -0.14, 0.14)),
        lean=float(np.clip(random.normal(0, 0.025), -0.07, 0.07)),
        heart=between(0.88, 1.14),
        thymus=between(1.6, 2.5),
        spacing=between(1.42, 1.72),
        slope=between(0.75, 1.3),
        arms=(raised + between(-0.15, 0.15), raised + between(-0.15, 0.15)),
        chin=between(-12.5, -9.0),
        gas=int(random.integers(0, 5)),
        bone=between(0.8, 1.2),
    )


def draw_thorax(grid: Grid, child: Proportions, random: np.random.Generator) -> Thorax:
    """Return the lengths of every tissue on every ray.

    Parameters
    ----------
    grid
        Centres of the pixels in cm; the middle of the chest is at 0, 0.
    child
        Proportions.
    random
        Draws the courses of the vessels and the bubbles of gas.
    """
    heart = _heart(grid, child)
    column = _mediastinum(grid, child)
    domes = [_dome(grid, child, side) for side in SIDES]
    right, left = (
        Lung(_lung(grid, child, side), heart, column, dome, side) for side, dome in zip(SIDES, domes, strict=True)
    )
    vessels = _vessels(grid, child, random)
    return Thorax(
        body=_body(grid, child),
        lungs=(right, left),
        gas=_gas(grid, child, random),
        bone=_bones(grid, child),
        vessels=vessels,
        heart=heart.length,
    )


def outer_border(child: Proportions, y: Field | float) -> Field:
    """Return the distance of the lungs' outer border from the midline at heights y, cm."""
    down = np.clip((y - np.float32(child.apex)) / (12.5), 1e-4, 1.1)
    return np.asarray(_apex_at(child) + (child.half_width - _apex_at(child)) * np.minimum(down, 1) ** 0.31)


def _apex_at(child: Proportions) -> float:
    return 0.30 * child.half_width


def _shift(child: Proportions, z: float) -> float:
    """How far something at depth z moves in the picture when the patient is turned."""
    return z * math.sin(child.turn)


def _body(grid: Grid, child: Proportions) -> Field:
    """Trunk, neck, shoulders, arms and head within the skin."""
    x, y = grid.x, grid.y
    narrow = 2.7 + 0.25 * child.wall
    down = np.clip((y - np.float32(child.apex - 2.4)) / 5.0, 0, 1)
    trunk = narrow + (child.half_width + child.wall + 0.25 * np.exp(-(((y - 1.5) / 3.0) ** 2)) - narrow) * down**1.5
    deep = 3.0 + (child.depth + 0.6 * child.wall - 2.5) * down**0.7
    lengths = ellipsoid(x / trunk, 0, 0, deep.astype(np.float32)).length
    for side, angle in zip(SIDES, child.arms, strict=True):
        joint, elbow = _shoulder(child, side, angle), _elbow(child, side, angle)
        inner = (side * 2.0, child.apex + 0.8)
        lengths = np.maximum(lengths, capsule(grid, inner, joint, 1.9 + 0.35 * child.wall))
        lengths = np.maximum(lengths, capsule(grid, joint, elbow, 1.6 + 0.35 * child.wall))
    head = ellipsoid(x / np.float32(5.6), (y - np.float32(child.chin - 6.5)) / np.float32(6.5), -1, 6.5)
    return np.maximum(lengths, head.length)


def _shoulder(child: Proportions, side: int, angle: float) -> tuple[float, float]:
    """Return the joint's place: it rises with the arm."""
    return side * (child.half_width + 0.1 * child.wall), child.apex + 0.8 - 0.9 * math.sin(angle)


def _elbow(child: Proportions, side: int, angle: float) -> tuple[float, float]:
    x, y = _shoulder(child, side, angle)
    return x + side * 11 * max(math.cos(angle), 0.25), y - 11 * math.sin(angle)


def _lung(grid: Grid, child: Proportions, side: int) -> Interval:
    """Return a stack of ellipses from the apex to the sulcus behind the diaphragm."""
    y = grid.y
    down = np.clip((y - np.float32(child.apex)) / 12.5, 0, 1)
    outer = outer_border(child, y)
    inner = _apex_at(child) - (_apex_at(child) - 0.2) * down**0.4
    inside = (y > child.apex) & (y < child.base[0 if side < 0 else 1] + 4.2)
    half = np.where(inside, (outer - inner) / 2, np.float32(1e-3))
    deep = (child.depth * np.clip(down * 1.6, 0, 1) ** 0.42).astype(np.float32)
    return ellipsoid((grid.x * side - (outer + inner) / 2) / half, 0, 0, deep)


def _dome(grid: Grid, child: Proportions, side: int) -> Interval:
    """Half of the diaphragm with what lies below: an ellipsoid that goes on downwards as a cylinder."""
    top = child.base[0 if side < 0 else 1]
    wide, high = 0.60 * child.half_width, 5.4
    below = np.minimum((grid.y - (top + high)) / high, 0)
    across = (grid.x * side - 0.47 * child.half_width) / wide
    return ellipsoid(across, below, 0.0, child.depth * 1.03)


def _heart(grid: Grid, child: Proportions) -> Interval:
    """Return an ellipsoid that leans to the left, resting on the diaphragm."""
    size = child.heart * child.half_width / 8
    angle = 0.92
    dx = grid.x - np.float32(1.35 * size + _shift(child, -2.5))
    dy = grid.y - np.float32((child.base[0] + child.base[1]) / 2 - 2.4 * size)
    along = (dx * math.cos(angle) + dy * math.sin(angle)) / np.float32(5.2 * size)
    across = (-dx * math.sin(angle) + dy * math.cos(angle)) / np.float32(3.3 * size)
    return ellipsoid(across, along, -1.6, 4.2 * size)


def _mediastinum(grid: Grid, child: Proportions) -> Interval:
    """Great vessels, thymus and gullet before the spine: a column, wider at the aortic arch and the thymus."""
    y = grid.y
    half = 1.35 + (child.thymus - 1.5) * np.exp(-(((y + 4.4) / 2.2) ** 2)) + 0.3 * np.exp(-(((y + 3.4) / 0.9) ** 2))
    centre = _shift(child, -1.0) + 0.15 + 0.35 * np.exp(-(((y + 3.0) / 1.8) ** 2))
    across = (grid.x - centre.astype(np.float32)) / half.astype(np.float32)
    return ellipsoid(across, 0, 0.5, child.depth * 0.85)


def _gas(grid: Grid, child: Proportions, random: np.random.Generator) -> Field:
    """Air in the windpipe, and bubbles in stomach and bowel below the diaphragm."""
    x, y = grid.x, grid.y
    centre = np.float32(_shift(child, 0.5) + 0.1)
    gas = ellipsoid((x - centre) / 0.5, 0, 0.5, 0.5).length * np.clip((-2.6 - y) / 0.6, 0, 1)
    bubbles = Interval(np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)).length
    for number in range(child.gas):
        wide, high = random.uniform(0.9, 2.4), random.uniform(0.7, 1.3)
        at = random.uniform(2.0, 5.5) if number < 3 else random.uniform(-5, 5)
        low = child.base[1] + 1.6 + high + (0 if number == 0 else random.uniform(0.5, 3.5))
        bubble = ellipsoid((x - np.float32(at)) / np.float32(wide), (y - np.float32(low)) / np.float32(high), -1, 1.4)
        bubbles = np.maximum(bubbles, bubble.length)
    return np.asarray(gas + bubbles)


def _bones(grid: Grid, child: Proportions) -> Field:
    """Spine, ribs, collarbones, shoulder blades, upper arms and the jaw, weighted by density."""
    ribs = joined([_rib(child, side, number) for side in SIDES for number in range(12)])
    thick = [_collarbone(child, side) for side in SIDES]
    thick += [_upper_arm(child, side, angle) for side, angle in zip(SIDES, child.arms, strict=True)]
    thick += [_blade(child, side) for side in SIDES]
    bones = tubes(grid, [(joined([ribs, *thick, _pedicles(child)]), ((0.32, 1.25), (0.24, -0.50)))])
    return np.float32(child.bone) * (bones + _vertebrae(grid, child) + _jaw(grid, child))


def _rib(child: Proportions, side: int, number: int) -> Curves:
    """Return a hoop from the spine round the side to its front end; the rays meet it lengthwise at the side."""
    start = child.apex + 0.5 + number * child.spacing
    drop = child.slope * (4.2 + 0.42 * number)
    end = 2.4 - 0.05 * number if number < 9 else 1.8 - 0.3 * (number - 9)
    t = np.linspace(0.12, end, 260)
    fall = drop * ((1 - np.cos(t)) / 2) ** 1.15
    y = start + fall - 0.45 * np.sin(np.minimum(1.6 * t, np.pi))
    middle = float(outer_border(child, start + drop * 0.36))
    reach = min(middle, child.half_width) + 0.32 - 0.12 * max(number - 8, 0)
    across, deep = side * (reach * np.sin(t)), (child.depth + 0.3) * np.cos(t)
    return curve(across + deep * math.sin(child.turn), y, deep)


def _collarbone(child: Proportions, side: int) -> Curves:
    """Return an S from the breastbone to the shoulder, higher where the arm is raised."""
    run = np.linspace(0, 1, 120)
    lift = 0.9 * math.sin(child.arms[0 if side < 0 else 1])
    x = side * (1.0 + (0.80 * child.half_width - 0.6) * run) + _shift(child, -child.depth)
    y = child.apex + 1.5 - (0.9 + lift) * run - 0.35 * np.sin(2 * np.pi * run)
    drawn = curve(x, y, -child.depth + 3.5 * run)
    return Curves(drawn.x, drawn.y, 1.4 * drawn.steps)  # denser than a rib


def _upper_arm(child: Proportions, side: int, angle: float) -> Curves:
    start, elbow, run = _shoulder(child, side, angle), _elbow(child, side, angle), np.linspace(0.06, 1, 500)
    return curve(start[0] + (elbow[0] - start[0]) * run, start[1] + (elbow[1] - start[1]) * run)


def _blade(child: Proportions, side: int) -> Curves:
    """Return the outer edge and the spine of a shoulder blade, turned outwards with the arm."""
    out = 0.35 * math.sin(child.arms[0 if side < 0 else 1])
    run = np.linspace(0, 1, 80)
    x = child.half_width + 0.3 + (0.2 + 2.2 * out) * run - 0.5 * np.sin(np.pi * run)
    y = child.apex + 1.6 + 6.0 * run
    return curve(side * x + _shift(child, child.depth), y)


def _pedicles(child: Proportions) -> Curves:
    """Short tubes towards the viewer on both sides of each vertebra, and the process between: seen as rings."""
    level = child.apex + 0.7 + np.arange(-4, 14) * child.spacing
    x = np.array([-0.75, 0.75, -0.4 * math.sin(4 * child.turn)]) + _shift(child, child.depth)
    lengths = np.tile([0.20, 0.20, 0.12], level.size)
    return Curves(np.tile(x, level.size), np.repeat(level, 3), lengths)


def _vertebrae(grid: Grid, child: Proportions) -> Field:
    """Vertebral bodies: an elliptic cylinder of spongy bone with denser end plates and gaps of disc between."""
    phase = ((grid.y - np.float32(child.apex + 0.7)) / np.float32(child.spacing) + 0.5) % 1 - 0.5
    edge = np.abs(phase)
    density = 0.20 * np.clip((0.43 - edge) / 0.05, 0, 1) + 0.10 * np.exp(-(((edge - 0.36) / 0.05) ** 2))
    centre = np.float32(_shift(child, child.depth - 1.0))
    wide = (0.95 + 0.018 * (grid.y - child.apex)) * (1 + 0.25 * edge)
    return np.asarray(ellipsoid((grid.x - centre) / wide, 0, child.depth, 1.0).length * density.astype(np.float32))


def _jaw(grid: Grid, child: Proportions) -> Field:
    """Return the skull's lower end: the shell between two ellipsoids."""
    x, y = grid.x, grid.y - np.float32(child.chin - 5.6)
    outer = ellipsoid(x / 4.6, y / 5.4, 0, 5.0).length
    return 0.5 * (outer - ellipsoid(x / 4.1, y / 4.9, 0, 4.6).length)


def _vessels(grid: Grid, child: Proportions, random: np.random.Generator) -> Field:
    """Arteries and veins that leave the hilum, fork three times and taper."""
    parts = []
    for side in SIDES:
        first = 9
        x = np.full(first, side * 2.1 + _shift(child, 0.0))
        y = np.full(first, random.uniform(-1.5, -0.6) + (0.3 if side < 0 else -0.3)) + random.normal(0, 0.4, first)
        angle = np.linspace(-1.3, 1.4, first) + random.normal(0, 0.14, first)
        radius = random.uniform(0.13, 0.21, first)
        for order in range(4):
            length = random.uniform(1.0, 2.3, x.size) * (1.0 - 0.08 * order)
            bent = angle[:, None] + random.normal(0, 0.35, x.size)[:, None] * np.linspace(0, 1, 20)
            step = length[:, None] / 20
            along_x = x[:, None] + side * np.cumsum(np.cos(bent) * step, axis=1)
            along_y = y[:, None] + np.cumsum(np.sin(bent) * step, axis=1)
            drawn = curve(along_x, along_y)
            # the tubes have one radius: a thinner vessel is one of less density, with the same blood in it
            taper = np.linspace(radius, 0.8 * radius, 19, axis=1) ** 2 / 0.11**2
            parts.append(Curves(drawn.x, drawn.y, drawn.steps * taper.ravel()))
            fork = 0.36 + random.normal(0, 0.12, x.size)
            x, y = np.tile(along_x[:, -1], 2), np.tile(along_y[:, -1], 2)
            angle = np.concatenate([bent[:, -1] - fork, bent[:, -1] + fork])
            radius = np.tile(0.74 * radius, 2)
    return tubes(grid, [(joined(parts), ((0.11, 1.4),))]) + np.float32(0.18) * texture(random, grid, 0.25)
