"""Every example as its README says, a picture of each, and a site of their reports: ``make gallery``.

Where data or weights are not at hand (CIFAR-10, VGG16), the stand-in beside the example is used, and said so: drawn
pictures, a small network trained on such.

    python examples/gallery.py build/gallery             # all of them, and the site
    python examples/gallery.py build/gallery w1-chest-xray --keep    # its picture goes to the example, too
"""

from __future__ import annotations

import argparse
import io
import re
import runpy
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from reportgen import read_report
from reportgen.cli.main import main

EXAMPLES = Path(__file__).resolve().parent
PICTURE = "picture.webp"
WIDTH, GAP, LARGEST = 1200, 12, 150_000
WEIGHTS = Path.home() / ".keras" / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
ARCHIVE = "cifar-10-python.tar.gz"


@dataclass(frozen=True)
class Example:
    """One example: its folder, its page, and the pictures of the report that show it, row by row."""

    name: str
    page: str
    shown: tuple[tuple[str, ...], ...]


ALL = (
    Example("w1-chest-xray", "report.html", (("case2-input", "case2-through-layers", "case2-occlusion-importance"),)),
    Example("w2-two-xrays", "report.html", (("case1-input", "case1-layer03"), ("case2-input", "case2-layer03"))),
    Example("w3-cifar10", "cifar10.html", (("model-samples",), ("case1-layer01",))),
    Example("w4-vgg16", "report.html", (("case1-input", "case1-occlusion-inputs", "case1-occlusion-scores"),)),
)


def command_of(name: str) -> list[str]:
    """Return the arguments of the first command of ``reportgen`` in an example's README."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^reportgen (.+)$", text, re.MULTILINE)
    assert found, name
    return shlex.split(found[1])


def build(example: Example, folder: Path) -> tuple[Path, str]:
    """Build an example in a copy of its folder; return its page, and what stood in for data or weights, if anything.

    Parameters
    ----------
    example
        Which.
    folder
        Holds the copies of the examples.
    """
    for other in {example.name, *re.findall(r"\.\./([\w-]+)/", (EXAMPLES / example.name / "report.toml").read_text())}:
        made = shutil.ignore_patterns("report.html", "report.json", "figures", "cifar10.*", "stand_in.keras")
        shutil.copytree(EXAMPLES / other, folder / other, dirs_exist_ok=True, ignore=made)
    place, arguments, stand_in = folder / example.name, command_of(example.name), ""
    if example.name == "w3-cifar10" and not (place / ARCHIVE).exists():
        stand_in = "drawn pictures in place of CIFAR-10"
        _stand_in(example.name)["write"](place / ARCHIVE)
        arguments += ["--epochs", "12"]
    if example.name == "w4-vgg16" and WEIGHTS.exists():
        arguments += ["-m", f"keras:VGG16@{WEIGHTS}"]
    elif example.name == "w4-vgg16":
        stand_in = "a small network of the same layer names in place of VGG16"
        _stand_in(example.name)["write"](place / "stand_in.keras")
        arguments += ["-m", str(place / "stand_in.keras")]
    if stand_in:
        settings = place / "report.toml"
        settings.write_text(
            settings.read_text(encoding="utf-8").replace('title = "', 'title = "Stand-in: ', 1), "utf-8"
        )
    code = main([*(_placed(one, place) for one in arguments), "-f"])
    assert code == 0, f"{example.name}: exit code {code}"
    return place / example.page, stand_in


def draw(example: Example, page: Path) -> bytes:
    """Return a report's own pictures as one, WebP of at most 150 kB."""
    pictures = {picture.name: picture for picture in read_report(page).pictures}
    rows = []
    for names in example.shown:
        row = []
        for name in names:
            found = next(one for key, one in pictures.items() if key == name or key.startswith(f"{name}-"))
            pixels = Image.open(io.BytesIO(found.data)).convert("RGBA")
            row.append(Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB"))
        rows.append(_in_a_row(row))
    whole = Image.new("RGB", (WIDTH, sum(one.height for one in rows) + GAP * (len(rows) - 1)), "white")
    top = 0
    for one in rows:
        whole.paste(one, (0, top))
        top += one.height + GAP
    for quality in (85, 70, 50, 30):
        data = io.BytesIO()
        whole.save(data, "WEBP", quality=quality, method=6)
        if data.tell() <= LARGEST:
            break
    return data.getvalue()


def _in_a_row(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures side by side, of one height, as wide as the whole."""
    height = round((WIDTH - GAP * (len(pictures) - 1)) / sum(one.width / one.height for one in pictures))
    row, left = Image.new("RGB", (WIDTH, height), "white"), 0
    for one in pictures:
        # what is made larger keeps its pixels
        how = Image.Resampling.NEAREST if one.height < height else Image.Resampling.LANCZOS
        row.paste(one.resize((round(one.width * height / one.height), height), how), (left, 0))
        left += round(one.width * height / one.height) + GAP
    return row


def gallery(folder: Path, names: list[str], *, keep: bool) -> None:
    """Build examples, their pictures, and the site of them in ``folder/site``."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for example in ALL:
        if names and example.name not in names:
            continue
        page, stand_in = build(example, folder)
        pages.append(str(page))
        picture = draw(example, page)
        (page.parent / PICTURE).write_bytes(picture)
        if keep:
            (EXAMPLES / example.name / PICTURE).write_bytes(picture)
        print(f"{example.name}: {stand_in or 'as its README says'}; picture of {len(picture) / 1000:.0f} kB")
    code = main(["site", *pages, "-o", str(folder / "site"), "--title", "Gallery of reportgen", "-f"])
    assert code == 0, f"site: exit code {code}"


def _stand_in(name: str) -> dict[str, object]:
    return runpy.run_path(str(EXAMPLES / name / "stand_in.py"))


def _placed(argument: str, place: Path) -> str:
    """Return an argument of a README's command as it is said from elsewhere."""
    return str(place / argument) if Path(argument).suffix in (".toml", ".keras", ".gz") else argument


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to build")
    parser.add_argument("names", nargs="*", help="examples; default: all")
    parser.add_argument("--keep", action="store_true", help="write the pictures into the examples, too")
    given = parser.parse_args()
    gallery(given.folder, given.names, keep=given.keep)
    sys.exit(0)
