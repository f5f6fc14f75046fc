"""What was computed, in words for a paper: from the report's own data, with the works it rests on.

All of these works are cited in docs/occlusion.md and docs/evidence.md, where what is taken from each is said.
"""

from __future__ import annotations

import functools
import math
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli_w

from reportgen.outputs.saved.report_json import to_plain
from reportgen.report.evidence import BITS, OcclusionMap
from reportgen.report.numbers import grouped
from reportgen.report.report import Report, readable
from reportgen.settings.report import DEFAULTS, public_settings
from reportgen.system.language import say, say_count


@dataclass(frozen=True)
class Work:
    """A work to be cited: as it stands in a list of references, and its BibTeX entry without a key."""

    key: str
    text: str
    kind: str
    fields: Mapping[str, str]

    @property
    def bibtex(self) -> str:
        """The entry."""
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in self.fields.items())
        return f"@{self.kind}{{{self.key},\n{lines}}}\n"


def _work(key: str, authors: str, title: str, kind: str, where: str, year: int, **more: str) -> Work:
    place = {"article": "journal", "inproceedings": "booktitle"}.get(kind, "publisher")
    fields = {"author": authors, "title": f"{{{title}}}", place: where, "year": str(year), **more}
    people = [" ".join(reversed(one.split(", "))) for one in authors.split(" and ")]
    bits = [f"{', '.join(people)}: {title}. {where}"]
    if "volume" in more:
        bits.append(f" {more['volume']}, {more['pages'].replace('--', '–')}")
    bits.append(f", {year}")
    bits.append(f", arXiv:{more['eprint']}" if "eprint" in more else f", doi:{more['doi']}" if "doi" in more else "")
    return Work(key, "".join(bits) + ".", kind, fields)


WORKS = {
    work.key: work
    for work in (
        _work("zeiler2014", "Zeiler, M. D. and Fergus, R.", "Visualizing and Understanding Convolutional Networks",
              "inproceedings", "ECCV", 2014, eprint="1311.2901", archiveprefix="arXiv"),
        _work("good1950", "Good, I. J.", "Probability and the Weighing of Evidence", "book", "Griffin", 1950),
        _work("robnik2008", "Robnik-Šikonja, M. and Kononenko, I.",
              "Explaining Classifications for Individual Instances", "article", "IEEE TKDE", 2008, volume="20",
              pages="589--600"),
        _work("zintgraf2017", "Zintgraf, L. M. and Cohen, T. S. and Adel, T. and Welling, M.",
              "Visualizing Deep Neural Network Decisions: Prediction Difference Analysis", "inproceedings", "ICLR",
              2017, eprint="1702.04595", archiveprefix="arXiv"),
        _work("nakandala2019", "Nakandala, S. and Kumar, A. and Papakonstantinou, Y.",
              "Incremental and Approximate Inference for Faster Occlusion-based Deep CNN Explanations",
              "inproceedings", "SIGMOD", 2019, doi="10.1145/3299869.3319874"),
        _work("petsiuk2018", "Petsiuk, V. and Das, A. and Saenko, K.",
              "RISE: Randomized Input Sampling for Explanation of Black-box Models", "inproceedings", "BMVC", 2018,
              eprint="1806.07421", archiveprefix="arXiv"),
        _work("rong2022", "Rong, Y. and Leemann, T. and Borisov, V. and Kasneci, G. and Kasneci, E.",
              "A Consistent and Efficient Evaluation Strategy for Attribution Methods", "inproceedings", "ICML", 2022,
              eprint="2202.00449", archiveprefix="arXiv"),
        _work("cliff1993", "Cliff, N.", "Dominance Statistics: Ordinal Analyses to Answer Ordinal Questions", "article",
              "Psychological Bulletin", 1993, volume="114", pages="494--509"),
    )
}  # fmt: skip


@dataclass
class _Cited:
    """Numbers works in the order in which they're first cited."""

    keys: list[str] = field(default_factory=list)

    def __call__(self, *keys: str) -> str:
        self.keys += [key for key in keys if key not in self.keys]
        return f"[{', '.join(str(self.keys.index(key) + 1) for key in keys)}]"


@dataclass(frozen=True)
class Methods:
    """What was computed, in paragraphs, and what goes with it.

    Attributes
    ----------
    paragraphs
        Sentences that can go into a paper.
    references
        The works that they cite, in the order of their numbers.
    bibtex
        The same and the program itself, as BibTeX.
    command, settings
        What makes the report again: a command, and the settings file it needs (empty where defaults do).
    """

    paragraphs: tuple[str, ...]
    references: tuple[str, ...]
    bibtex: str
    command: str
    settings: str


def describe_methods(report: Report) -> Methods:
    """Return what was computed for a report."""
    cite = _Cited()
    paragraphs = tuple(_paragraphs(report, cite))
    works = [WORKS[key] for key in cite.keys]
    version = re.sub(r"[^\w.+-]", "", report.versions["reportgen"])
    own = Work("reportgen", "", "software", {"title": "{reportgen}", "version": version})
    settings = _settings_file(report)
    demo = _is_demo(report)
    return Methods(
        paragraphs, tuple(work.text for work in works), "\n".join(work.bibtex for work in (*works, own)),
        "reportgen demo" if demo else _command(report, with_file=bool(settings)), settings,
    )  # fmt: skip


def _paragraphs(report: Report, cite: _Cited) -> Iterator[str]:
    yield _inputs(report)
    scanned = [case for case in report.cases if case.occlusion]
    if scanned and scanned[0].occlusion:
        yield _scan(scanned[0].occlusion, [case.occlusion for case in scanned if case.occlusion], cite)
    tests = [case.map_test for case in report.cases if case.map_test]
    if tests:
        curves = tests[0].curves
        goes = {
            "blur": say("a blurred image"),
            "imputed": say("noisy linear imputation {works}", works=cite("rong2022")),
        }
        instead = say(" and by ").join(goes.get(one.baseline, one.baseline) for one in curves)
        yield say(
            "Each map was tested by deletion and insertion {works}: pixels were taken away, or put back, in the map's "
            "order in {steps} steps, and the same in {orders} random orders of blocks of {size} pixels. Pixels that "
            "are "
            "gone were replaced by {instead}.",
            works=cite("petsiuk2018"), steps=len(tests[0].shares) - 1, orders=curves[0].orders,
            size=_size(tests[0].block), instead=instead,
        )  # fmt: skip
    if any(case.decision for case in report.cases):
        yield say(
            "The smallest share of the image whose blurring in the map's order flips the decision, and the smallest "
            "that restores it when put back into the blurred image, were looked for in steps of 1/10 of the pixels "
            "and, within the first in which the decision turns, of 1/160."
        )
    layers = len(report.model.shown_layers)
    if layers:
        yield say_count(
            "The feature maps of {count} layer come from one forward pass. Correlations are Pearson's, over the "
            "pixels of "
            "a map, with the input averaged to the size of the map.",
            "The feature maps of {count} layers come from one forward pass. Correlations are Pearson's, over the "
            "pixels of "
            "a map, with the input averaged to the size of the map.",
            layers,
        )
    if report.differences:
        yield say(
            "How far a channel responds differently is Cliff's delta {works}: of all pairs of a place of its map in "
            "the "
            "one group of images and a place in the other, the share in which the latter's value is the larger, less "
            "the "
            "share in which the former's is.",
            works=cite("cliff1993"),
        )


def _inputs(report: Report) -> str:
    model, how = report.model, report.settings.get("preprocessing")
    table = how if isinstance(how, dict) else {}
    words = [say("resampling: {how}", how=table["resampling"])] if isinstance(table.get("resampling"), str) else []
    words += [say("aspect: {how}", how=table["aspect"])] if isinstance(table.get("aspect"), str) else []
    scaled = f" ({', '.join(words)})" if words else ""
    libraries = say(" and ").join(
        f"{name} {report.versions[key]}"
        for key, name in (("tensorflow", "TensorFlow"), ("keras", "Keras"))
        if key in report.versions
    )
    outputs = math.prod(model.output_shape)
    return say_count(
        "{count} image of the model's input size, {size} pixels{scaled}, preprocessed as {preprocessing}, went through "
        "{model} ({parameters} parameters, {outputs}, {head}), by reportgen {version}{libraries}.",
        "{count} images of the model's input size, {size} pixels{scaled}, preprocessed as {preprocessing}, went "
        "through "
        "{model} ({parameters} parameters, {outputs}, {head}), by reportgen {version}{libraries}.",
        len(report.cases),
        size=_size(model.input_shape[:2]),
        scaled=scaled,
        preprocessing=model.preprocessing,
        model=model.name,
        parameters=grouped(model.total_parameters),
        outputs=say_count("{count} output", "{count} outputs", outputs, count=grouped(outputs)),
        head=model.head,
        version=report.versions["reportgen"],
        libraries=f" {say('with {libraries}', libraries=libraries)}" if libraries else "",
    )


def _scan(first: OcclusionMap, maps: list[OcclusionMap], cite: _Cited) -> str:
    sizes = list(dict.fromkeys((one.patch, one.stride) for one in first.scans))
    patches = ", ".join(
        say("{size} pixels in steps of {step}", size=_size(patch), step=_size(stride)) for patch, stride in sizes
    )
    fills = say(" and ").join(dict.fromkeys(_fill(one.fill) for one in first.scans))
    positions = _positions(sum(one.count for one in first.scans))
    told = {"works": cite("zeiler2014"), "patches": patches, "fills": fills, "positions": positions}
    said = [
        say(
            "Where the model looked was found by occlusion {works}: a patch ({patches}) was moved over each image, "
            "filled "
            "with {fills}; {positions} an image and class.",
            **told,
        )
        if first.unit == BITS
        else say(
            "Where the model looked was found by occlusion {works}: a patch ({patches}) was moved over each image, "
            "filled "
            "with {fills}; {positions} an image.",
            **told,
        )
    ]
    if first.unit == BITS:
        works = cite("good1950", "robnik2008", "zintgraf2017")
        said.append(
            say("Importance is by how much a patch lowers the log-odds of the class, in bits {works}.", works=works)
        )
    else:
        said.append(say("Importance is by how much a patch lowers the model's output."))
    said.append(say("A pixel has the mean over the patches that cover it."))
    if len(first.scans) > 1:
        kinds = ", ".join(dict.fromkeys(one.combination for one in maps))
        said.append(
            say(
                "The map is the weighted mean of the maps of {count} scans; of several sets of weights the one was "
                "taken "
                "(here: {kinds}) that best foretold what random coverings cost which no patch had tried.",
                count=len(first.scans),
                kinds=kinds,
            )
        )
        found = [readable(one.agreement) for one in maps if one.agreement is not None]
        if found:
            said.append(say("Its rank correlation with them was {values} (case by case).", values=", ".join(found)))
    if first.engine == "incremental":
        said.append(
            say(
                "For each position only what the patch can change was computed again {works}.",
                works=cite("nakandala2019"),
            )
        )
    if first.largest_difference is not None:
        said.append(
            say(
                "At {positions} chosen at random the largest difference of an output from a pass over the whole "
                "image was "
                "{value}.",
                positions=_positions(first.checked_positions),
                value=f"{first.largest_difference:.2g}",
            )
        )
    return " ".join(said)


def _command(report: Report, *, with_file: bool) -> str:
    """Return the command that makes the report again, with files by their names alone."""
    table = report.settings.get("model")
    model = table.get("path") if isinstance(table, dict) else None
    words = ["reportgen", "build"]
    words += [f"{case.label}={case.name}" if case.label is not None else case.name for case in report.cases]
    words += ["-m", str(model)] if model else []
    words += ["-c", "report.toml"] if with_file else []
    return shlex.join(words)


def _is_demo(report: Report) -> bool:
    table = report.settings.get("model")
    builtin = isinstance(table, dict) and table.get("path") is None
    return builtin and all(case.kind.startswith("phantom") for case in report.cases)


def _settings_file(report: Report) -> str:
    """Return the settings that aren't the defaults, as TOML; the model stands in the command."""
    changed = _changed(report.settings, _defaults())
    if _is_demo(report):
        changed.pop("title", None)
    model = changed.get("model")
    if isinstance(model, dict):
        model.pop("path", None)
    found = {key: value for key, value in changed.items() if value not in ({}, "")}
    try:
        return tomli_w.dumps(found)
    except (TypeError, ValueError):
        return ""  # of a saved report they can be anything


def _changed(given: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in to_plain(dict(given)).items():
        if isinstance(value, dict) and isinstance(usual.get(key), dict):
            found[key] = _changed(value, usual[key])
        elif key in usual and value is not None and value != usual[key]:
            found[key] = value
    return found


@functools.cache
def _defaults() -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(public_settings(DEFAULTS))
    return plain


def _size(sides: tuple[int, ...]) -> str:
    return " × ".join(map(str, sides))


def _positions(number: int) -> str:
    return say_count("{count} position", "{count} positions", number, count=grouped(number))


def _fill(fill: object) -> str:
    if isinstance(fill, str):
        known = {"mean": say("the mean colour of the image"), "blur": say("a blurred copy of the image")}
        return known.get(fill, fill)
    if isinstance(fill, tuple):
        return say("the colour {colour}", colour=", ".join(f"{value:g}" for value in fill))
    return str(fill)
