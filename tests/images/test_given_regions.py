"""Known regions of an image: what is inside, what is refused, and that a mask goes where its image goes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.images.cases import Case, as_case, read_cases
from reportgen.images.fitting import fit_mask, prepare
from reportgen.images.reader import image_from_array
from reportgen.images.regions import read_regions, regions_of, with_masks
from reportgen.settings.job import CaseSettings
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import ImageError, ReportgenError, SettingsError

SIZE = (24, 36)


def block(size=SIZE, top=4, left=6, height=10, width=15, value=255, dtype=np.uint8):
    values = np.zeros(size, dtype)
    values[top : top + height, left : left + width] = value
    return values


def write(path, values):
    PillowImage.fromarray(values).save(path)
    return str(path)


@pytest.mark.parametrize("value", [1, 7, 255])
def test_inside_is_what_is_above_half_of_the_largest_value(tmp_path, value):
    values = block(value=value)
    path = write(tmp_path / "lungs.png", values)
    (found,) = read_regions(CaseSettings(image="a.png", mask=path), SIZE).items()
    assert found[0] == "lungs"
    assert np.array_equal(found[1], values > 0)


def test_soft_borders_colours_deep_values_and_palettes(tmp_path):
    soft = block(value=200)
    soft[4, 6:21], soft[5, 6:21] = 90, 110
    inside = soft > 100
    deep = soft.astype(np.uint16) * 300
    colour = np.stack([soft, 0 * soft, 0 * soft], axis=-1)
    palette = PillowImage.fromarray((soft > 100).astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, 255, 255, 0])
    palette.save(tmp_path / "p.png")
    for name, values in (("a.png", soft), ("b.png", deep), ("c.png", colour)):
        write(tmp_path / name, values)
    for name in ("a.png", "b.png", "c.png", "p.png"):
        assert np.array_equal(regions_of({"x": tmp_path / name}, SIZE)["x"], inside), name


def test_a_mask_of_the_same_aspect_is_scaled_and_turned_upright(tmp_path):
    small = block((12, 18), 2, 3, 5, 6)
    turned = PillowImage.fromarray(np.rot90(small))
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "t.png", exif=exif)
    for given in (small, tmp_path / "t.png"):
        found = regions_of({"x": given}, SIZE)["x"]
        assert np.array_equal(found, small.repeat(2, axis=0).repeat(2, axis=1) > 0)
    assert regions_of({"x": block((11, 17), 2, 3, 5, 6)}, (100, 154))["x"].shape == (100, 154)


def test_boxes():
    boxes = {"one": (2, 3, 4, 5), "two": ((0, 0, 1, 36), (23, 35, 1, 1))}
    found = read_regions(CaseSettings(image="a.png", boxes=boxes), SIZE)
    assert (found["one"].sum(), found["two"].sum()) == (20, 37)
    assert found["one"][2:6, 3:8].all()


REFUSED = {
    "size": (block((30, 36)), "has 30 x 36 pixels (height x width), its image 24 x 36"),
    "turned": (block((36, 24)), "has 36 x 24 pixels"),
    "empty": (np.zeros(SIZE), "is empty"),
    "all": (np.ones(SIZE, bool), "covers all of its image"),
    "not numbers": (np.full(SIZE, np.nan), "no numbers"),
    "three axes": (np.ones((*SIZE, 3)), "is not a table of numbers"),
    "nothing": (np.ones((0, 36)), "is not a table of numbers"),
    "texts": (np.full(SIZE, "a"), "is not a table of numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_mask_is_refused(name):
    values, said = REFUSED[name]
    with pytest.raises(ImageError) as problem:
        regions_of({"x": values}, SIZE)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"mask": "none.png"}, "mask not found"),
        ({"boxes": {"x": (20, 0, 5, 5)}}, "reaches beyond the image, which has 24 x 36"),
        ({"boxes": {"x": (0, 0, 24, 36)}}, "covers all"),
        ({"boxes": {"x": ()}}, "is empty"),
        ({"boxes": {" \n": (0, 0, 2, 2)}}, "has no name"),
        ({"boxes": {"a b": (0, 0, 2, 2), "a  b": (0, 0, 2, 2)}}, "same name"),
        ({"boxes": {str(number): (0, 0, 2, 2) for number in range(9)}}, "has 9 masks"),
    ],
)
def test_what_cannot_be_used_is_told(case, said):
    with pytest.raises(ReportgenError) as problem:
        read_regions(CaseSettings(image="a.png", **case), SIZE)
    assert said in str(problem.value)


def test_hostile_names_are_made_visible_and_short():
    found = read_regions(CaseSettings(image="a", boxes={"\x1b[31mred\u202e\n\tx" + 60 * "y": (0, 0, 2, 2)}), SIZE)
    (name,) = found
    assert name.startswith("\ufffd[31mred\ufffd x")
    assert (len(name), name[-1]) == (40, "…")


CASES = (
    CaseSettings(image="a", label="NORMAL"),
    CaseSettings(image="b", label="ILL"),
    CaseSettings(image="c", label="ILL"),
)


def test_masks_of_the_command_line():
    first, second, third = with_masks(CASES, ["NORMAL:lungs=x=1.png", "2:lungs=b.png", "3:a=c.png", "3:b=d.png"])
    assert (first.masks, second.masks) == ({"lungs": "x=1.png"}, {"lungs": "b.png"})
    assert third.masks == {"a": "c.png", "b": "d.png"}
    assert with_masks(CASES[:1], ["lungs=a.png"])[0].mask_files == ("a.png",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lungs", "is no mask"), ("=a.png", "is no mask"), ("1:lungs=", "is no mask"), ("1:=a", "is no mask"),
        ("lungs=a.png", "doesn't say of which case"), ("4:x=a", "there is none"), ("0:x=a", "there is none"),
        ("ILL:x=a", "several are called so"), ("²:x=a", "there is none"),
    ],
)  # fmt: skip
def test_masks_of_the_command_line_refused(text, said):
    with pytest.raises(SettingsError) as problem:
        with_masks(CASES, [text])
    assert said in str(problem.value)


@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
@pytest.mark.parametrize(("source", "size"), [((24, 36), (10, 9)), ((36, 24), (50, 70)), ((24, 36), (24, 36))])
def test_a_mask_goes_where_its_image_goes(aspect, source, size):
    """An image that is white inside, through the image's own path, is at least half white where the mask is."""
    values = block(source, 3, 5, 11, 13)
    settings = PreprocessingSettings(aspect=aspect, resampling="box")
    shown = prepare(image_from_array(values.astype(np.float32)), (*size, 1), settings)[..., 0]
    assert np.array_equal(fit_mask(values > 0, size, aspect), shown > 127)


def test_cases_bring_their_masks(tmp_path):
    write(tmp_path / "a.png", np.arange(24 * 36, dtype=np.uint8).reshape(SIZE))
    path = write(tmp_path / "m.png", block())
    (read,) = read_cases([CaseSettings(image=str(tmp_path / "a.png"), masks={"lungs": path})])
    given = as_case(Case(None, read.image, "a", {"lungs": path, "box": block() > 0}))
    assert np.array_equal(given.masks["lungs"], read.masks["lungs"])
    assert np.array_equal(given.masks["box"], read.masks["lungs"])
