from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reportgen.images.cases import Case, as_case, find_distinct, parse_case, read_cases
from reportgen.images.reader import image_from_array
from reportgen.settings.job import CaseSettings
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError, ReportgenError, SettingsError

WORD = st.text(st.characters(exclude_characters="=\0/", exclude_categories=("Cs",)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "label", "image"),
    [
        ("a.png", None, "a.png"),
        ("NORMAL=a.png", "NORMAL", "a.png"),
        (" no finding =a b.png", "no finding", "a b.png"),
        ("A=b=c.png", "A", "b=c.png"),
        ("A=/x/y.png", "A", "/x/y.png"),
    ],
)
def test_label_and_image(text, label, image):
    assert parse_case(text) == CaseSettings(label=label, image=image)


@pytest.mark.parametrize("text", ["=a.png", "A=", "=", "  =a.png", ""])
def test_an_empty_label_or_image_is_refused(text):
    with pytest.raises(SettingsError, match="write LABEL=IMAGE"):
        parse_case(text)


def test_a_file_with_an_equals_sign_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.png").touch()
    assert parse_case("a=b.png") == CaseSettings(image="a=b.png")


def test_a_text_too_long_for_a_file_name():
    assert parse_case("A=" + "x" * 5000).label == "A"


@given(label=WORD.filter(str.strip), image=WORD)
def test_any_label_and_image(label, image):
    parsed = parse_case(f"{label}={image}")
    assert (parsed.label, parsed.image) == (label.strip(), image)


def test_cases_are_read_in_order(save_image, picture):
    paths = [save_image("first.png"), save_image("second.png", picture[:20])]
    read = read_cases([CaseSettings(label="A", image=str(paths[0])), CaseSettings(image=str(paths[1]))])
    assert [(case.label, case.name, case.image.size) for case in read] == [
        ("A", "first.png", (24, 36)),
        (None, "second.png", (20, 36)),
    ]
    np.testing.assert_array_equal(read[1].image.pixels, picture[:20])


@pytest.mark.parametrize("count", [0, 13])
def test_no_case_and_too_many(count):
    with pytest.raises(SettingsError, match=f"{count} cases given"):
        read_cases([CaseSettings(image="a.png")] * count)


def test_twelve_are_taken(save_image):
    assert len(read_cases([CaseSettings(image=str(save_image("a.png")))] * 12)) == 12


def test_an_image_that_is_missing_is_named(save_image, tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.png"):
        read_cases([CaseSettings(image=str(save_image("a.png"))), CaseSettings(image=str(tmp_path / "nowhere.png"))])


def test_a_file_name_that_is_no_unicode_can_still_be_written_down(save_image, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"lung\xff.png")  # noqa: PTH118 - bytes
    try:
        os.rename(save_image("a.png"), path)  # noqa: PTH104 - bytes
    except OSError:
        pytest.skip("this file system takes only unicode")
    (case,) = read_cases([CaseSettings(image=os.fsdecode(path))])
    assert case.name.startswith("lung")
    assert case.name.encode("utf-8")


def test_whatever_names_a_case(save_image, cases, monkeypatch):
    path = save_image("a=b.png")
    monkeypatch.chdir(path.parent)
    assert as_case(cases[0]) is cases[0]
    for given_case, label in ((path, None), ("a=b.png", None), (("X", path), "X"), ((None, str(path)), None)):
        case = as_case(given_case)
        assert (case.label, case.name, case.image.size) == (label, "a=b.png", (24, 36))
    plain = save_image("plain.png")
    assert as_case(f"NORMAL={plain}").label == "NORMAL"


def test_what_names_no_case(tmp_path):
    with pytest.raises(ReportgenError):
        as_case(5)
    pixels = np.zeros((8, 12), np.uint8)
    with pytest.raises(SettingsError, match="image of a Case is a ndarray; image_from_array"):
        as_case(Case("A", pixels, "a", masks={"left": pixels}))
    with pytest.raises(ImageError, match="not found"):
        as_case(tmp_path / "nowhere.png")


def test_settings_limits_and_a_frame_of_its_own(tmp_path):
    first, second = Image.new("L", (9, 6), 10), Image.new("L", (9, 6), 200)
    path = tmp_path / "two.tiff"
    first.save(path, save_all=True, append_images=[second])
    cases = [CaseSettings(image=str(path)), CaseSettings(image=str(path), frame=1)]
    read = read_cases(cases, ImageSettings(frame=2), LimitSettings(frames=2))
    assert [int(case.image.pixels[0, 0]) for case in read] == [200, 10]
    assert as_case(path, ImageSettings(frame=2)).image.pixels[0, 0] == 200
    with pytest.raises(ImageError, match="more than 1 frames"):
        read_cases(cases, limits=LimitSettings(frames=1))
    with pytest.raises(ImageError, match="larger than 50 pixels"):
        as_case((None, path), limits=LimitSettings(pixels=50))


def test_cases_of_one_image_count_once():
    one, other = image_from_array(np.zeros((4, 6, 3), np.uint8)), image_from_array(np.ones((4, 6, 3), np.uint8))
    cases = [Case("a", one, "1"), Case("b", other, "2"), Case("c", one, "3"), Case("d", other, "4")]
    assert find_distinct(cases) == [0, 1]
    assert find_distinct(cases[::-1]) == [0, 1]
    assert find_distinct([cases[0], cases[2], cases[1]]) == [0, 2]
