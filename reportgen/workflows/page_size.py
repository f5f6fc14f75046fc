"""A report whose page has at most so many bytes: what is drawn smaller, and what is left out, in a fixed order.

A finished report is made smaller, since nobody knows beforehand how well its pictures compress. The order goes from
what a reader misses least: finer grains of large grids, maps that are shown again by the next layer, layers between
others, drawings that repeat a table. The first screen, the map, its regions, its tests, and all numbers of what is
shown stay in any case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from reportgen.figures.smaller import smaller_grid
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.page.theme import Theme
from reportgen.outputs.report_files import SavableReport
from reportgen.report.blocks import gather_blocks
from reportgen.report.channels import Differences, FeaturedChannels
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture, case_picture_name, channel_kind, layer_picture_name
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, Report
from reportgen.system.errors import OutputError
from reportgen.system.language import say
from reportgen.system.text import in_megabytes


@dataclass(frozen=True, kw_only=True)
class Form:
    """How small a report is made; as it is where nothing is said.

    Attributes
    ----------
    pixels
        How many the maps of one layer and case have at most, in all.
    without_inputs
        Whether the sheets of occluded inputs are left out.
    one_a_block
        Whether each block of layers shows the maps of its last layer only.
    layers
        How many layers are shown at most.
    without_details
        Whether drawings of what is also told in numbers or words are left out: scores at each position, what is left,
        further views, the model's shapes, filters, history and samples.
    """

    pixels: int | None = None
    without_inputs: bool = False
    one_a_block: bool = False
    layers: int | None = None
    without_details: bool = False


# each smaller than the one before; docs/page-size.md tells the order
FORMS = (
    Form(),
    Form(pixels=1_000_000),
    Form(pixels=1_000_000, without_inputs=True),
    Form(pixels=500_000, without_inputs=True),
    Form(pixels=500_000, without_inputs=True, one_a_block=True),
    Form(pixels=250_000, without_inputs=True, one_a_block=True),
    Form(pixels=125_000, without_inputs=True, one_a_block=True),
    Form(pixels=125_000, without_inputs=True, one_a_block=True, layers=12),
    Form(pixels=125_000, without_inputs=True, one_a_block=True, layers=6),
    Form(pixels=125_000, without_inputs=True, one_a_block=True, layers=6, without_details=True),
    Form(pixels=60_000, without_inputs=True, one_a_block=True, layers=6, without_details=True),
    Form(pixels=60_000, without_inputs=True, one_a_block=True, layers=3, without_details=True),
    Form(pixels=30_000, without_inputs=True, one_a_block=True, layers=1, without_details=True),
)
_INPUTS = re.compile(r"case\d+-occlusion\d*-inputs")
_DETAILS = re.compile(
    r"case\d+-occlusion\d*-(scores|left|grad-cam|integrated-gradients|smoothgrad|rise)|case\d+-occlusion\d+-strongest"
    r"|case\d+-(single-channels|through-layers)|model-(shapes|filters|history|samples)"
)


def fit_page(report: SavableReport, limit: int, theme: Theme | None = None) -> SavableReport:
    """Return a report whose page has at most ``limit`` bytes, and says what was done for it; itself if it's so small.

    Parameters
    ----------
    report
        Finished, with all that belongs into its page.
    limit
        In bytes.
    theme
        What the page will be rendered with.

    Raises
    ------
    OutputError
        When even the smallest form has more.
    """

    def formed(place: int) -> tuple[SavableReport, int]:
        made = shrink(report, FORMS[place], limit)
        return made, len(render_html(made, theme).encode())

    made, size = formed(0)
    if size <= limit:
        return made
    best, smallest = formed(len(FORMS) - 1)
    if smallest > limit:
        raise OutputError(
            f"the page has {in_megabytes(smallest)} in its smallest form, more than the {in_megabytes(limit)} allowed",
            f"allow --max-size {-(-smallest // 10_000) / 100:.2f}MB, or give fewer images",
        )
    too_large, fits = 0, len(FORMS) - 1
    while fits - too_large > 1:
        middle = (too_large + fits) // 2
        made, size = formed(middle)
        if size <= limit:
            best, fits = made, middle
        else:
            too_large = middle
    return best


def shrink(report: SavableReport, form: Form, limit: int) -> SavableReport:
    """Return a report in a smaller form, with a sentence that says what that changed, if it changed anything."""
    made, told = report, list[str]()
    kept = _kept_layers(report, form)
    if len(kept) < len(report.model.shown_layers):
        made = keep_layers(made, kept)
        told.append(say("{count} of {all} layers are shown", count=len(kept), all=len(report.model.shown_layers)))
    if form.pixels is not None:
        made, factor = _with_smaller_grids(made, form.pixels)
        if factor > 1:
            told.append(say("the largest feature maps are drawn at 1/{factor} of their resolution", factor=factor))
    left = [_INPUTS] * form.without_inputs + [_DETAILS] * form.without_details
    pictures = tuple(one for one in made.pictures if not any(kind.fullmatch(one.name) for kind in left))
    if len(pictures) < len(made.pictures):
        count = len(made.pictures) - len(pictures)
        what = say("the sheets of occluded inputs are left out")
        if form.without_details:
            what = say("{count} figures of details are left out", count=count)
        told.append(what)
        made = replace(made, pictures=pictures)
    if not told:
        return made
    listed = "; ".join(told)
    text = say("To keep this page below {size}, it was made smaller: {what}.", size=in_megabytes(limit), what=listed)
    return replace(made, remarks=(Remark(section="layers", kind="page_size", text=text), *made.remarks))


def keep_layers(report: SavableReport, kept: tuple[str, ...]) -> SavableReport:
    """Return a report that shows only these of its shown layers, with what is said of them and of no single one."""
    places = [place for place, name in enumerate(report.model.shown_layers) if name in kept]
    renamed: dict[str, str | None] = {}
    for case in range(len(report.cases)):
        for place, name in enumerate(report.model.shown_layers):
            new = layer_picture_name(case, places.index(place), name) if place in places else None
            renamed[layer_picture_name(case, place, name)] = new
    featured = _featured_of(report.featured, kept)
    for number, one in enumerate(report.featured.channels if report.featured else ()):
        new_number = featured.channels.index(one) if featured and one in featured.channels else None
        for case in range(len(report.cases)):
            new = None if new_number is None else case_picture_name(case, channel_kind(new_number))
            renamed[case_picture_name(case, channel_kind(number))] = new
    pictures = ((one, renamed.get(one.name, one.name)) for one in report.pictures)
    return replace(
        report,
        model=replace(report.model, shown_layers=kept),
        cases=tuple(_case_of(case, places, kept) for case in report.cases),
        remarks=tuple(one for one in report.remarks if one.layer is None or one.layer in kept),
        pictures=tuple(replace(one, name=name) for one, name in pictures if name is not None),
        differences=_differences_of(report.differences, kept),
        featured=featured,
    )


def _differences_of(found: Differences | None, kept: tuple[str, ...]) -> Differences | None:
    """Return how the channels of these layers differ; what is told of at a layer that isn't shown, at its own."""
    if found is None:
        return None
    layers = (one for one in found.layers if one.name in kept)
    return replace(found, layers=tuple(one if one.at in kept else replace(one, at="") for one in layers))


def _featured_of(found: FeaturedChannels | None, kept: tuple[str, ...]) -> FeaturedChannels | None:
    return found and replace(found, channels=tuple(one for one in found.channels if one.layer in kept))


def _case_of(case: CaseReport, places: list[int], kept: tuple[str, ...]) -> CaseReport:
    def alone(layer: LayerReport) -> LayerReport:
        return layer if layer.deciding_at in kept else replace(layer, deciding_at="")

    return replace(case, layers=tuple(alone(case.layers[place]) for place in places))


def _kept_layers(report: Report, form: Form) -> tuple[str, ...]:
    """Return the layers that a form shows: those that someone's own words or the first screen are about in any case."""
    shown = report.model.shown_layers
    needed = {one.layer for one in report.comments} | {one.layer for one in report.remarks if one.section == "headline"}
    left = list(_last_of_blocks(report)) if form.one_a_block else list(shown)
    if form.layers is not None and len(left) > form.layers:
        # evenly spread, the last one among them
        left = [left[len(left) - 1 - step * len(left) // form.layers] for step in range(form.layers)]
    return tuple(name for name in shown if name in left or name in needed)


def _last_of_blocks(report: Report) -> tuple[str, ...]:
    """Return the last shown layer of each block; all, where they were asked for by name."""
    shown = report.model.shown_layers
    asked = report.settings.get("layers")
    if isinstance(asked, dict) and asked.get("show"):
        return shown
    rows = report.model.layers
    block_of = {rows[place].name: at for at, one in enumerate(gather_blocks(rows)) for place in one.layers}
    return tuple({block_of[name]: name for name in shown}.values())


def _with_smaller_grids(report: SavableReport, pixels: int) -> tuple[SavableReport, int]:
    """Return a report whose grids have no more pixels, and by how much the coarsest was reduced; 1: none was."""
    layers = {
        layer_picture_name(number, place, layer.name): layer
        for number, case in enumerate(report.cases)
        for place, layer in enumerate(case.layers)
    }
    factor, pictures = 1, list[Picture]()
    for picture in report.pictures:
        layer = layers.get(picture.name)
        made = smaller_grid(picture, layer, pixels) if layer else picture
        if layer and made is not picture and made.tiles:
            factor = max(factor, round(layer.height / made.tiles.height))
        pictures.append(made)
    return replace(report, pictures=tuple(pictures)), factor
