"""Phantoms of which parts are covered, so that a network learns to look at what can be seen of an opacity.

A network that has never seen a covered image says of one what it likes: that it is brighter, smoother, has edges. One
that was trained on these says pneumonia for what is left of the opacities, and nothing for the coverings themselves;
so what covering takes away is evidence. Its answers rest on the right thing as far as that is known (A. Ross, M. Hughes
and F. Doshi-Velez: Right for the Right Reasons, IJCAI 2017, arXiv:1703.03717).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.demo.phantom import Phantom

ENOUGH = 0.8  # of the opacities: what is seen of them is as good as all
_SPREAD = 0.15  # of the opacities: more than this is never covered by one block too much
_TRIES = 80
_MOST_ELSEWHERE = 8


@dataclass(frozen=True)
class Covering:
    """How much of a phantom's opacities is to be seen, and what it is then to be taken for.

    Attributes
    ----------
    seen
        Share of the opacities, 0 to 1.
    is_ill
        The less is seen, the more rarely: with a chance of ``seen / 0.8``. In the mean over many phantoms a network
        learns from that how much each part tells.
    """

    seen: float
    is_ill: bool


def draw_covering(seed: int, *, with_opacities: bool) -> Covering | None:
    """Return how a phantom is covered, by its seed alone; None for the third that isn't."""
    random = np.random.default_rng([seed, 2])
    if random.random() < 1 / 3:
        return None
    if not with_opacities:
        return Covering(1.0, is_ill=False)
    seen = float(random.random())
    return Covering(seen, is_ill=bool(random.random() < seen / ENOUGH))


def cover_phantom(drawn: Phantom, covering: Covering) -> NDArray[np.uint8]:
    """Return the pixels ``(H, W)`` uint8 of a phantom under blocks, as an occlusion scan would cover it.

    Blocks have an eighth to two fifths of the sides. They are put on the opacities until no more of them is seen than
    asked, then some elsewhere; what they show is the blurred image, its mean, or any gray.
    """
    random = np.random.default_rng([drawn.seed, 3])
    covered = _blocks(drawn.opacities, covering.seen, random)
    return np.where(covered, _filling(drawn.pixels, random), drawn.pixels)


def _blocks(opacities: NDArray[np.bool_], seen: float, random: np.random.Generator) -> NDArray[np.bool_]:
    height, width = opacities.shape
    covered, area = np.zeros(opacities.shape, bool), int(opacities.sum())
    for elsewhere in range(_TRIES):
        side = random.uniform(0.08, 0.4)
        high, wide = (int(length * side * random.uniform(0.7, 1.4)) for length in (height, width))
        left = np.flatnonzero(opacities & ~covered)
        if left.size and left.size > seen * area:
            row, column = divmod(int(left[random.integers(left.size)]), width)
            top, start = row - high // 2, column - wide // 2
        elif elsewhere > random.integers(_MOST_ELSEWHERE):
            break
        else:
            top, start = (int(random.integers(-part // 2, length - part // 2)) for part, length in
                          ((high, height), (wide, width)))  # fmt: skip
        more = covered.copy()
        more[max(0, top) : max(0, top + high), max(0, start) : max(0, start + wide)] = True
        if np.count_nonzero(opacities & ~more) >= (seen - _SPREAD) * area:
            covered = more
    return covered


def _filling(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    if random.random() < 0.6:
        from PIL import Image, ImageFilter

        # two means over a fifth of the side, as the scan's own blur
        soft = ImageFilter.BoxBlur(min(pixels.shape) / 10)
        return np.asarray(Image.fromarray(pixels).filter(soft).filter(soft))
    gray = pixels.mean() if random.random() < 0.8 else random.uniform(40, 200)
    return np.full_like(pixels, round(float(gray)))
