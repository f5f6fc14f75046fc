"""``reportgen phantom``: draw a synthetic radiograph."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made
from reportgen.demo import OPACITY_KINDS
from reportgen.outputs.made import Made

_EXAMPLES = """reportgen phantom normal.png --seed 3
reportgen phantom pneumonia.png --seed 3 --opacities 2
reportgen phantom lobar.png --seed 3 --opacities 1 --kind lobar --masks
reportgen build PNEUMONIA=lobar.png --mask opacities=lobar-opacities.png"""


def add_phantom(commands: Any) -> None:
    """Add the command."""
    phantom = add_command(commands, "phantom", "draw a synthetic chest radiograph", _phantom, _EXAMPLES)
    phantom.add_argument("output", help="PNG file to write")
    phantom.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed draws the same thorax")
    phantom.add_argument("--opacities", type=int, default=0, metavar="N", help="how many opacities; 0 is normal")
    phantom.add_argument(
        "--kind",
        action="append",
        choices=OPACITY_KINDS,
        help="draw only opacities of this kind; may be given again for further kinds",
    )
    phantom.add_argument(
        "--masks", action="store_true", help="write masks beside it, too: NAME-lungs.png, -heart, and -opacities"
    )
    add_open(phantom)
    add_force(phantom)


def _phantom(given: argparse.Namespace) -> None:
    from reportgen.workflows.making import draw_phantom

    path = Path(given.output)
    written = draw_phantom(path, given.seed, given.opacities, given.kind, masks=given.masks, overwrite=given.force)
    say_made(Made(tuple(written)), opening=given.open)
