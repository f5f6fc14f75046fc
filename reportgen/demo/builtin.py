"""What comes with the program: a trained model, and two synthetic cases, so that a report needs no file at all."""

from __future__ import annotations

from reportgen.demo.phantom import phantom
from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array
from reportgen.system.language import mark, say

NORMAL_SEED, PNEUMONIA_SEED = 33, 21
DEMO_TITLE = mark("A normal and a pneumonia chest X-ray (synthetic)")
SYNTHETIC = mark("Synthetic: drawn by a program (a phantom), not an image of a patient.")
_REGIONS = {"lungs": mark("lungs"), "heart": mark("heart"), "opacities": mark("opacities")}


def demo_cases() -> tuple[Case, Case]:
    """Return a normal phantom and one with two opacities."""
    normal = phantom(NORMAL_SEED)
    ill = phantom(PNEUMONIA_SEED, opacities=2)
    cases = []
    for label, drawn in (("NORMAL", normal), ("PNEUMONIA", ill)):
        image = image_from_array(drawn.pixels, kind="phantom, gray 8 bit", notes=(say(SYNTHETIC),))
        regions = {say(_REGIONS.get(name, name)): mask for name, mask in drawn.regions.items()}
        cases.append(Case(label, image, f"phantom {drawn.seed}", regions))
    return cases[0], cases[1]
