"""Pictures of the occlusion scan: what was covered, the scores, the importance, and what is left of the image.

Where colours carry numbers the picture says which, for a colour bar beside it, and all cases share its range, so that
they can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.colours import colour_scale, colour_table
from reportgen.figures.encoding import jpeg, palette_png
from reportgen.figures.outlines import draw_outline
from reportgen.figures.tiling import arrange_tiles
from reportgen.report.evidence import ROUNDING, OcclusionMap, shows_evidence
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.system.language import mark, say

Raw = NDArray[np.generic]
Values = NDArray[np.float64]
_TILE = 112
_MOST_TILES = 32
_TILES_A_ROW = 8
_ENLARGED = 300
_LEVELS = 255  # colours of a map of positions; one more is for what is not a number


@dataclass(frozen=True)
class Ranges:
    """Colour ranges shared by all cases: of positions, of importance by magnitude, and of positive importance.

    ``evidence``: whether positions are shown by their evidence and not by their scores.
    """

    positions: tuple[float, float]
    importance: float
    positive: float
    evidence: bool = False


def shared_ranges(maps: Sequence[OcclusionMap]) -> Ranges:
    """Return ranges that hold all cases; what may be rounding is not stretched into a picture."""
    evidence = shows_evidence(maps)
    least = max((found.rounding for found in maps if math.isfinite(found.rounding)), default=ROUNDING)
    small = (
        least if evidence else max((one.score_rounding for one in maps if math.isfinite(one.base_score)), default=least)
    )
    ends = [one.smallest.evidence_range if evidence else one.smallest.score_range for one in maps]
    values = [end for pair in ends for end in pair if math.isfinite(end)] or [0.0]
    low, high = min(values), max(values)
    if high - low < small:
        low, high = low - small / 2, high + small / 2
    lowest, highest = (
        [end for end in ends if math.isfinite(end)]
        for ends in ([found.importance_minimum for found in maps], [found.importance_maximum for found in maps])
    )
    positive = max([*highest, least])
    return Ranges((low, high), max([positive, *(-end for end in lowest)]), positive, evidence)


def image_picture(name: str, title: str, pixels: Raw) -> Picture:
    """Show an image ``(H, W, C)``, 0 to 255, as the model gets it (before preprocessing), enlarged when small."""
    shown = _enlarged(_bytes(pixels), _ENLARGED)
    height, width = pixels.shape[:2]
    alt = say(
        "{case}: the image as the model gets it, {height} by {width} pixels.", case=title, height=height, width=width
    )
    return _jpeg_picture(name, shown, alt, say("At the model's input size, {size}.", size=f"{height} × {width}"))


def thumbnail(name: str, alt: str, pixels: Raw, side: int = 160) -> Picture:
    """Show an image ``(H, W, C)``, 0 to 255, small: small ones enlarged to about ``side``, large ones made to fit."""
    image = _bytes(pixels)
    factor = max(1, side // max(image.shape[:2]))
    return _jpeg_picture(name, _fitted(image.repeat(factor, axis=0).repeat(factor, axis=1), side), alt, "", quality=80)


def turned_picture(name: str, title: str, pixels: Raw, told: str) -> Picture:
    """Show an image ``(H, W, C)`` that is blurred in part, at which a decision turns; ``told`` says what it does."""
    return _jpeg_picture(name, _enlarged(_bytes(pixels), _ENLARGED), f"{title}: {told}", told)


def montage(name: str, title: str, images: Sequence[Raw], count: int) -> Picture:
    """Show occluded inputs, 8 to a row.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    images
        ``(H, W, C)`` each, 0 to 255, at most 32.
    count
        How many positions there are in all, for the caption.
    """
    tiles = [_fitted(_bytes(image), _TILE) for image in images]
    sheet = arrange_tiles(tiles, min(_TILES_A_ROW, len(tiles)), gap=3, blank=255)
    told = {"case": title, "shown": len(tiles), "count": count}
    alt = say("{case}: all {count} occluded inputs; the patch moves from left to right and downwards.", **told)
    caption = say("Occluded inputs: all {count} positions, row by row.", **told)
    if len(tiles) < count:
        alt = say(
            "{case}: {shown} of {count} occluded inputs; the patch moves from left to right and downwards.", **told
        )
        caption = say("Occluded inputs: {shown} of {count} positions, row by row.", **told)
    return _jpeg_picture(name, sheet, alt, caption, quality=70)


def montage_choice(count: int) -> list[int]:
    """Return which positions a montage shows: all up to 32, else 32 evenly spread."""
    if count <= _MOST_TILES:
        return list(range(count))
    return [int(index) for index in np.linspace(0, count - 1, _MOST_TILES).round()]


def score_map(name: str, title: str, found: OcclusionMap, ranges: Ranges, colours: str) -> Picture:
    """Show what the smallest patch makes of the target class at each position: its score, or its evidence."""
    scan = found.smallest
    values, untouched, unit = np.asarray(scan.scores), found.base_score, ""
    what = (
        say("score of {name}", name=found.target_class)
        if found.in_bits
        else say("value of {name}", name=found.target_class)
    )
    if ranges.evidence:
        values, untouched, unit = np.asarray(scan.evidence), found.base_evidence, _unit(found)
        what = say("evidence of {name}", name=found.target_class)
    known = np.isfinite(values)
    alt = say(
        "{case}: {what} for {rows} by {columns} patch positions", case=title, what=what, rows=scan.rows,
        columns=scan.columns,
    )  # fmt: skip
    if known.any():
        row, column = divmod(int(np.where(known, values, np.inf).argmin()), scan.columns)
        alt += say(
            ", {low} to {high}; lowest with the patch at row {row}, column {column}", low=readable(values[known].min()),
            high=f"{readable(values[known].max())}{unit}", row=scan.row_starts[row], column=scan.column_starts[column],
        )  # fmt: skip
    if not known.all():
        alt += say("; at {count} of them it is not a number, where nothing is drawn", count=np.count_nonzero(~known))
    alt += "."
    which = (
        say("the patch")
        if len(found.scans) == 1
        else say("the smallest patch ({filled})", filled=_fill_named(scan.fill))
    )
    caption = say(
        "{what} with {patch} at each position; untouched: {untouched}.", what=f"{what[0].upper()}{what[1:]}",
        patch=which, untouched=f"{readable(untouched)}{unit}",
    )  # fmt: skip
    bar = say("{what} (bits)", what=what) if unit else what
    low, high = ranges.positions
    share = (np.clip(np.where(known, values, low), low, high) - low) / (high - low)
    levels = np.where(known, np.rint(share * (_LEVELS - 1)), _LEVELS).astype(np.uint8)
    shown = _enlarged(levels, _ENLARGED)
    palette = np.concatenate([colour_table(colours, _LEVELS), np.zeros((1, 3), np.uint8)])
    return Picture(
        name=name, media_type="image/png", width=shown.shape[1], height=shown.shape[0], alt=alt, caption=caption,
        scale=colour_scale(colours, ranges.positions, bar), data=palette_png(shown, palette, transparent=_LEVELS),
    )  # fmt: skip


def importance_overlay(
    name: str, title: str, pixels: Raw, importance: Values, found: OcclusionMap, ranges: Ranges, colours: str
) -> Picture:
    """Lay signed importance ``(H, W)`` over the image: the stronger, the more opaque."""
    limit, unit = ranges.importance, _unit(found)
    row, column = _peak(importance)
    low, high = readable(found.importance_minimum), readable(found.importance_maximum)
    alt = say(
        "{case}: importance for {name}, {low} to {high}; strongest at row {row}, column {column} of {rows} by "
        "{columns}.",
        case=title, name=found.target_class, low=low, high=f"{high}{unit}", row=row, column=column,
        rows=importance.shape[0], columns=importance.shape[1],
    )  # fmt: skip
    caption = say(
        "Importance (fall of {what} when covered), from {low} to {high}; the same scale for all cases, opacity follows "
        "magnitude.",
        what=found.followed, low=low, high=f"{high}{unit}",
    )  # fmt: skip
    bar = say("importance (bits)") if unit else say("importance")
    return overlay(name, alt, caption, pixels, importance, limit, colours, bar)


def overlay(
    name: str, alt: str, caption: str, pixels: Raw, values: Values, limit: float, colours: str, bar: str
) -> Picture:  # fmt: skip
    """Lay values ``(H, W)`` from -limit to limit over an image ``(H, W, C)``; ``bar`` says what they are."""
    shown = _enlarged(lay_over(pixels, values, limit, colours), _ENLARGED)
    return replace(_jpeg_picture(name, shown, alt, caption), scale=colour_scale(colours, (-limit, limit), bar))


def _peak(importance: Values) -> tuple[int, int]:
    row, column = divmod(int(np.abs(np.nan_to_num(importance)).argmax()), importance.shape[1])
    return row, column


def _unit(found: OcclusionMap) -> str:
    return say(" bits") if found.in_bits else ""


def _fill_named(fill: str | Sequence[float]) -> str:
    if fill == "mean":
        return say("filled with the mean")
    return say("filled with blur") if fill == "blur" else say("filled with one colour")


def important_part(name: str, title: str, pixels: Raw, importance: Values, ranges: Ranges) -> Picture:
    """Show the image times the square of its positive importance, which is 1 at the largest of all cases."""
    positive = np.clip(np.nan_to_num(importance), 0, None)
    weight = np.nan_to_num(np.square(positive / ranges.positive))
    shown = _bytes(pixels.astype(np.float64) * weight[..., None])
    share = float((weight > 0.25).mean())
    alt = say(
        "{case}: the image with only its important part left, {share} of its area.", case=title, share=f"{share:.0%}"
    )
    caption = say(
        "The image times the square of its positive importance, where 1 stands for the largest of all cases, {value}.",
        value=readable(ranges.positive),
    )
    return _jpeg_picture(name, _enlarged(shown, _ENLARGED), alt, caption)


def strongest_patch(name: str, title: str, pixels: Raw, found: OcclusionMap) -> Picture:
    """Outline on the image the patch whose occlusion changed the score most."""
    image = _bytes(pixels)
    factor = max(1, math.ceil(_ENLARGED / min(image.shape[:2])))
    shown = np.ascontiguousarray(_enlarged(_coloured(image), _ENLARGED))
    top, left = found.strongest.top * factor, found.strongest.left * factor
    patch = found.strongest_scan.patch
    bottom, right = top + patch[0] * factor, left + patch[1] * factor
    outline = ((0, (0, 0, 0)), (1, (255, 200, 0)), (2, (255, 200, 0)), (3, (0, 0, 0)))
    for inset, colour in outline if found.strongest.importance else ():
        _frame(shown, top + inset, left + inset, bottom - inset, right - inset, colour)
    alt, caption = _strongest_told(title, found)
    return _jpeg_picture(name, shown, alt, caption)


def _strongest_told(title: str, found: OcclusionMap) -> tuple[str, str]:
    """Return what is to be seen of the strongest patch, and its caption."""
    best = found.strongest
    if best.importance == 0:
        if not math.isfinite(found.strongest_scan.score_range[0]):
            alt, caption = (
                mark("{case}: no patch leaves a number."),
                mark("No patch leaves a number, so none is outlined."),
            )
        elif found.in_bits:
            alt = mark("{case}: no patch changes the score.")
            caption = mark("No patch changes the score, so none is outlined.")
        else:
            alt = mark("{case}: no patch changes the output.")
            caption = mark("No patch changes the output, so none is outlined.")
        return say(alt, case=title), say(caption)
    score = ""
    if found.in_bits:
        score = " " + say("(score {before} to {after})", before=readable(found.base_score), after=readable(best.score))
    told = {
        "case": title, "row": best.top, "column": best.left, "what": found.followed,
        "amount": f"{readable(abs(best.importance))}{_unit(found)}{score}",
        "output": say("the evidence") if found.in_bits else say("the output"),
    }  # fmt: skip
    if best.importance > 0:
        return (
            say(
                "{case}: covering the outlined patch at row {row}, column {column} lowers {what} most, by {amount}.",
                **told,
            ),
            say("Strongest patch: covering it lowers {output} by {amount}.", **told),
        )
    return (
        say(
            "{case}: covering the outlined patch at row {row}, column {column} raises {what} most, by {amount}.", **told
        ),
        say("Strongest patch: covering it raises {output} by {amount}.", **told),
    )


def agreed_region(name: str, title: str, pixels: Raw, mask: NDArray[np.bool_], told: str, caption: str) -> Picture:
    """Outline on an image the pixels ``(H, W)`` that all scans agree on; ``told`` says where they lie."""
    factor = max(1, math.ceil(_ENLARGED / min(pixels.shape[:2])))
    shown = _enlarged(_coloured(_bytes(pixels)), _ENLARGED)
    large = mask.repeat(factor, axis=0).repeat(factor, axis=1)
    return _jpeg_picture(name, draw_outline(shown, large), f"{title}: {told}", caption)


def _coloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def lay_over(pixels: Raw, values: Values, limit: float, colours: str) -> NDArray[np.uint8]:
    """Lay values ``(H, W)`` from -limit to limit over an image; opacity follows magnitude, zero shows the image."""
    table = colour_table(colours, 256)
    share = np.nan_to_num(np.clip(values / limit, -1, 1))
    coloured = table[np.rint((share + 1) / 2 * 255).astype(int)]
    opacity = 0.8 * np.abs(share)[..., None]
    base = _coloured(_bytes(pixels))
    return np.asarray(np.rint(coloured * opacity + base * (1 - opacity)), np.uint8)


def _frame(
    image: NDArray[np.uint8], top: int, left: int, bottom: int, right: int, colour: tuple[int, int, int]
) -> None:
    if bottom - top < 2 or right - left < 2:
        return
    for rows, columns in (
        (slice(top, top + 1), slice(left, right)), (slice(bottom - 1, bottom), slice(left, right)),
        (slice(top, bottom), slice(left, left + 1)), (slice(top, bottom), slice(right - 1, right)),
    ):  # fmt: skip
        image[rows, columns] = colour


def _jpeg_picture(name: str, pixels: NDArray[np.uint8], alt: str, caption: str, quality: int = 85) -> Picture:
    return Picture(
        name=name, media_type="image/jpeg", width=pixels.shape[1], height=pixels.shape[0], alt=alt, caption=caption,
        data=jpeg(pixels, quality=quality),
    )  # fmt: skip


def _bytes(pixels: Raw) -> NDArray[np.uint8]:
    """Return ``(H, W)`` or ``(H, W, 3)`` uint8."""
    rounded = np.rint(np.clip(pixels.astype(np.float32), 0, 255)).astype(np.uint8)
    return rounded[..., 0] if rounded.ndim == 3 and rounded.shape[-1] == 1 else rounded


def _enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    factor = max(1, math.ceil(side / min(pixels.shape[:2])))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _fitted(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    return np.asarray(picture)
