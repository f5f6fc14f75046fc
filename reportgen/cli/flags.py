"""The flags that stand for settings: one table, from which the command line is made and read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Flag:
    """One flag: its name, the key of the settings it sets, how its text is read, and its help."""

    name: str
    key: tuple[str, str]
    read: Callable[[str], Any]
    metavar: str
    help: str
    repeats: bool = False


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers such as 1,2,3") from None


def _fractions(text: str) -> Any:
    found = _numbers(text)
    return found[0] if len(found) == 1 else found


def _pair(text: str) -> Any:
    try:
        parts = [int(part) for part in text.lower().replace("x", ",").split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 15 or 15x20") from None
    return parts[0] if len(parts) == 1 else parts


def _sizes(text: str) -> Any:
    """Read one size or several: 15, 15x20 (or 15,20), 15x15,30x30 or 15,30,45."""
    if "x" not in text.lower() or "," not in text:
        return _pair(text)
    found = [_pair(part) for part in text.split(",")]
    return [[one, one] if isinstance(one, int) else one for one in found]


def _fill(text: str) -> Any:
    names = [part.strip() for part in text.split(",")]
    if all(name in ("mean", "blur") for name in names):
        return names[0] if len(names) == 1 else names
    try:
        return _numbers(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"'{text}' is not mean, blur, or a colour such as 250,128,128") from None


def _names(text: str) -> Any:
    return text if "," not in text else [part.strip() for part in text.split(",")]


def _class_names(text: str) -> Any:
    """Return names, or the path of a file of them: what has no ending and isn't there is the name of one output."""
    if "," in text or Path(text).suffix or Path(text).exists():
        return _names(text)
    return [text]


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _sections(text: str) -> list[str]:
    """Read names of sections; what a reader calls evidence is the section of the scan."""
    return ["occlusion" if name == "evidence" else name for name in _list(text)]


def _integers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 3,30") from None


def _bytes(text: str) -> int:
    """Read 512M or 2GiB; units are powers of 1024, as memory is counted."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 512M or 2G")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " "))


def _count(text: str) -> int:
    """Read 100M; units are powers of 1000."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number such as 100M")
    return int(float(found[1]) * 1000 ** " kmg".index(found[2] or " "))


def _switch(text: str) -> bool:
    """Stand for a flag without a value."""
    return bool(text)


def _no(text: str) -> bool:
    """Stand for a flag without a value that switches something off."""
    return not text


FLAGS = (
    Flag("--class-names", ("model", "class_names"), _class_names, "NAMES", "A,B,... in output order, or a .txt/.json "
         "file"),
    Flag("--head", ("model", "head"), str, "KIND", "auto, sigmoid, softmax, logits or regression"),
    Flag("--threshold", ("model", "threshold"), _fractions, "SCORE", "sigmoid: score from which a class is said, or "
         "A,B,... for independent findings"),
    Flag("--multi-label", ("model", "multi_label"), _switch, "", "several sigmoids: findings, each by itself"),
    Flag("--one-label", ("model", "multi_label"), _no, "", "several sigmoids: a choice of one class"),
    Flag("--architecture", ("model", "architecture"), str, "NAME", "what a file of weights alone belongs to"),
    Flag("--output", ("model", "output"), str, "NAME", "which output of a model that has several (name or number)"),
    Flag("--input-size", ("model", "input_size"), _pair, "SIZE", "HEIGHTxWIDTH, for a model that leaves it open"),
    Flag("--trust-model-code", ("model", "trust_code"), _switch, "", "run code in the model file, if you trust it"),
    Flag("--custom-objects", ("model", "custom_objects"), str, "MODULE:NAME", "your own code; repeats", repeats=True),
    Flag("--evaluation", ("model", "evaluation"), str, "FILE", "evaluation.json of this model: where each case's score "
         "stands among others"),
    Flag("--preprocess", ("preprocessing", "mode"), str, "MODE", "auto, try (a table of scores under each), scale, "
         "mean_std, none, or a family like vgg16"),
    Flag("--factor", ("preprocessing", "factor"), float, "X", "for scale: x * factor + offset"),
    Flag("--offset", ("preprocessing", "offset"), float, "X", "for scale"),
    Flag("--mean", ("preprocessing", "mean"), _numbers, "R,G,B", "for mean_std, 0 to 255"),
    Flag("--std", ("preprocessing", "std"), _numbers, "R,G,B", "for mean_std, 0 to 255"),
    Flag("--resampling", ("preprocessing", "resampling"), str, "FILTER", "nearest, box, bilinear, bicubic or lanczos"),
    Flag("--aspect", ("preprocessing", "aspect"), str, "HOW", "stretch, pad or crop an image of another shape"),
    Flag("--frame", ("images", "frame"), int, "N", "which frame of an image that has several; the first is 1"),
    Flag("--colour-profiles", ("images", "colour_profiles"), str, "HOW", "ignore (default, as training does) or apply"),
    Flag("--depth", ("images", "depth"), str, "RANGE", "of more than 8 bits: auto, full, 12 (bits) or stretch"),
    Flag("--allow-truncated", ("images", "allow_truncated"), _switch, "", "use cut off or damaged images, marked so"),
    Flag("--window", ("images", "window"), str, "WINDOW", "DICOM: auto, file, percentile, full or CENTRE/WIDTH"),
    Flag("--keep-names", ("images", "keep_names"), _switch, "", "name DICOM cases by their files, not by a digest"),
    Flag("--max-pixels", ("limits", "pixels"), _count, "N", "refuse larger images; default 100M"),
    Flag("--max-file-size", ("limits", "file_size"), _bytes, "SIZE", "refuse larger image files; default 1G"),
    Flag("--max-frames", ("limits", "frames"), int, "N", "refuse image files with more frames; default 10000"),
    Flag("--max-memory", ("limits", "memory"), _bytes, "SIZE", "refuse models that need more, say 4G; default: all"),
    Flag("--layer", ("layers", "show"), str, "NAME", "show this layer; globs ('block1_*') work; repeats", repeats=True),
    Flag("--layer-type", ("layers", "types"), str, "TYPE", "show only this type, say Conv2D; repeats", repeats=True),
    Flag("--first-layers", ("layers", "first"), int, "N", "show only the first N layers"),
    Flag("--no-deciding", ("layers", "deciding"), _no, "", "don't look for the channels that the evidence hangs on"),
    Flag("--scale", ("feature_maps", "scale"), str, "SCALE", "channel, standardized or shared"),
    Flag("--range", ("feature_maps", "range"), str, "OVER", "cases (comparable) or case (each on its own)"),
    Flag("--colours", ("feature_maps", "colours"), str, "MAP", "any matplotlib colour map; default viridis"),
    Flag("--columns", ("feature_maps", "columns"), int, "N", "tiles a row"),
    Flag("--first-channels", ("feature_maps", "first_channels"), int, "N", "show only the first N channels of a layer"),
    Flag("--single-channels", ("feature_maps", "single_channels"), _integers, "N,N,...", "channels of the first layer"),
    Flag("--through-channel", ("feature_maps", "through_channel"), int, "N", "one channel through all layers"),
    Flag("--patch", ("occlusion", "patch"), _sizes, "SIZE", "pixels, HEIGHTxWIDTH, or several: 15x15,30x30; default "
         "a tenth to two fifths of each side"),
    Flag("--stride", ("occlusion", "stride"), _sizes, "STEP", "pixels, DOWNxACROSS, or one for each patch; default a "
         "third of it"),
    Flag("--fill", ("occlusion", "fill"), _fill, "FILL", "mean, blur, a colour R,G,B from 0 to 255, or mean,blur "
         "(default)"),
    Flag("--engine", ("occlusion", "engine"), str, "NAME", "auto, full or incremental: the same scores, other speed"),
    Flag("--target", ("occlusion", "target"), _names, "CLASS", "class to follow: a name or number (or A,B,...: each in "
         "turn), predicted, or label"),
    Flag("--no-test", ("occlusion", "test"), _no, "", "don't test whether the map is better than chance"),
    Flag("--sanity", ("occlusion", "sanity"), _switch, "", "compare the map with those of random weights"),
    Flag("--robustness", ("occlusion", "robustness"), _switch, "", "does noise change the map, or a shifted grid?"),
    Flag("--left", ("occlusion", "left"), _switch, "", "show what is left of the image times its importance"),
    Flag("--view", ("occlusion", "views"), str, "NAME", "another view under the same test: grad-cam, "
         "integrated-gradients, smoothgrad or rise; repeats", repeats=True),
    Flag("--view-baseline", ("occlusion", "view_baseline"), str, "IMAGE", "where integrated gradients begin: blur or "
         "black"),
    Flag("--rise-masks", ("occlusion", "rise_masks"), _count, "N", "how many random masks rise takes; default 1000"),
    Flag("--commentary", ("commentary", "folder"), str, "FOLDER", "your own commentary: Markdown by section and layer"),
    Flag("--author", ("commentary", "author"), str, "NAME", "who wrote the commentary: stands under it"),
    Flag("--theme", ("theme", "folder"), str, "DIR", "your own templates and styles (see reportgen theme)"),
    Flag("--logo", ("theme", "logo"), str, "FILE", "a PNG or SVG to stand above the title"),
    Flag("--accent", ("theme", "accent"), str, "#RRGGBB", "colour of links and marks"),
    Flag("--sections", ("page", "sections"), _sections, "NAMES", "show (and compute) only these sections, in "
         "this order: summary,..."),
    Flag("--no-others", ("page", "others"), _no, "", "don't let installed packages add sections"),
    Flag("--max-size", ("page", "max_size"), str, "SIZE", "make the page smaller than 10MB, say, and tell in it what "
         "was left out"),
    Flag("--to", ("email", "to"), str, "ADDRESS", "to whom the e-mail goes; repeats", repeats=True),
    Flag("--cc", ("email", "cc"), str, "ADDRESS", "who gets a copy of it; repeats", repeats=True),
    Flag("--from", ("email", "sender"), str, "ADDRESS", "from whom the e-mail is"),
    Flag("--subject", ("email", "subject"), str, "TEXT", "its subject; default: the title of the report"),
    Flag("--attach-html", ("email", "attach_html"), _switch, "", "attach the HTML to it, too; some filters mind"),
    Flag("--no-attach-pdf", ("email", "attach_pdf"), _no, "", "don't attach the PDF to it"),
    Flag("--limit", ("email", "limit"), _count, "BYTES", "refuse an e-mail that is larger as sent; default 25M"),
    Flag("--smtp-host", ("smtp", "host"), str, "NAME", "the server that sends mail"),
    Flag("--smtp-port", ("smtp", "port"), int, "N", "its port; default 587, with tls 465"),
    Flag("--smtp-security", ("smtp", "security"), str, "HOW", "starttls (default) or tls"),
    Flag("--smtp-user", ("smtp", "user"), str, "NAME", "the login there; its password is never a flag"),
    Flag("--smtp-ca", ("smtp", "ca_file"), str, "FILE", "PEM file of the authority behind its certificate"),
)  # fmt: skip


# sections of the settings that matter where a model is only looked at, and where a report is sent
INSPECTED = ("model", "preprocessing", "layers", "limits")
SENT = ("email", "smtp")


def add_flags(parser: argparse.ArgumentParser, sections: Container[str] | None = None) -> None:
    """Add the flags of these sections to a parser; without any, those of a report, and what stands in no section.

    A report that is made can be written as an e-mail; sending it is another step.
    """
    group = parser.add_argument_group("settings (each also stands in the settings file)")
    if sections is None:
        group.add_argument("--title", metavar="TEXT", help="title of the report")
        group.add_argument("--language", metavar="CODE", help="language of the report: en or de")
        group.add_argument("--no-occlusion", action="store_true", help="leave out the occlusion scan")
    for flag in _of(sections):
        if flag.read in (_switch, _no):
            group.add_argument(
                flag.name, dest=_place(flag), action="store_const", const=flag.read is _switch, help=flag.help
            )
            continue
        how = "append" if flag.repeats else "store"
        group.add_argument(
            flag.name, dest=_place(flag), action=how, type=flag.read, metavar=flag.metavar, help=flag.help
        )


def tables_from(arguments: argparse.Namespace, sections: Container[str] | None = None) -> dict[str, Any]:
    """Return what the flags say as nested tables of settings; flags that weren't given are not in them."""
    tables: dict[str, Any] = {}
    for flag in _of(sections):
        value = getattr(arguments, _place(flag))
        if value is not None:
            section, key = flag.key
            tables.setdefault(section, {})[key] = value
    if sections is not None:
        return tables
    if arguments.no_occlusion:
        tables.setdefault("occlusion", {})["enabled"] = False
    if arguments.title is not None:
        tables["title"] = arguments.title
    if arguments.language is not None:
        tables["language"] = arguments.language
    return tables


def _of(sections: Container[str] | None) -> Iterator[Flag]:
    for flag in FLAGS:
        if flag.key[0] in sections if sections is not None else flag.key[0] != "smtp":
            yield flag


def _place(flag: Flag) -> str:
    """Return where argparse keeps the value; such names clash with no other argument."""
    return "__".join(flag.key)
