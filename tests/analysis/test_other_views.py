"""Other views in a report: each under the test of the scan's map, and what is said in each situation."""

from __future__ import annotations

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from reportgen import build_report, read_report
from reportgen.analysis.other_views import average, view_remarks
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.integrity import flaw
from reportgen.report.maptest import MapTest, TestCurves
from reportgen.report.views import View

NAMES = ("grad-cam", "integrated-gradients", "smoothgrad", "rise")
SETTINGS = {"occlusion": {"patch": [8, 12], "stride": [8, 12], "views": list(NAMES), "rise_masks": 40}}


@pytest.fixture(scope="module")
def report(small_model, cases):
    return build_report(small_model, cases, SETTINGS)


def test_each_view_stands_its_test_beside_the_scan(report):
    for case in report.cases:
        assert [view.name for view in case.views] == list(NAMES)
        blur = case.map_test.curves[0]
        own, *others = case.map_standings
        assert (own.title, own.deletion, own.insertion) == ("Occlusion", blur.deletion_mean, blur.insertion_mean)
        assert [one.title for one in others] == ["Grad-CAM", "Integrated gradients", "SmoothGrad", "RISE"]
        for view in case.views:
            assert view.orders == blur.orders
            assert view.beaten_by_deletion == sum(
                other - view.deletion > blur.rounding for other in blur.random_deletion_means
            )
    assert [view.passes for view in report.cases[0].views] == [1, 66, 32, 40]


def test_the_page_has_pictures_and_a_table(report):
    page = render_html(report)
    assert "Other views, under the same test" in page
    assert page.count('<table class="views">') == 2
    for kind in ("grad_cam", "integrated_gradients", "smoothgrad", "rise"):
        assert f"case1-occlusion-{kind}" in page
        picture = report.picture(f"case2-occlusion-{kind}")
        assert "strongest at row" in picture.alt
    assert "layer one, 11 × 17" in report.picture("case1-occlusion-grad_cam").caption


def test_what_is_saved_is_read_again(report, tmp_path):
    report.save_html(tmp_path / "report.html")
    assert read_report(tmp_path / "report.html").cases[0].views == report.cases[0].views
    assert "values" not in json.dumps([vars(view) for view in report.cases[0].views])


def test_without_being_asked_for_there_are_none(small_model, cases):
    case = build_report(small_model, cases[:1], {"occlusion": SETTINGS["occlusion"] | {"views": []}}).cases[0]
    assert case.views == ()
    assert case.map_standings == ()


def test_what_has_no_gradient_is_said_once_and_the_rest_goes_on(cases):
    keras.utils.set_random_seed(1)
    entry = layers.Input((24, 36, 3))
    maps = layers.Conv2D(3, 5, name="maps")(keras.ops.cast(keras.ops.cast(255 * entry, "int32"), "float32") / 255)
    score = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(maps))
    report = build_report(keras.Model(entry, score), cases, SETTINGS)
    cam, integrated, smooth, rise = report.cases[0].views
    assert not cam.missing
    assert not rise.missing
    assert integrated.missing == smooth.missing == "no gradient leads from the model's output back to the image"
    said = [remark.text for remark in report.remarks if remark.kind == "views_missing"]
    assert said == [
        "Integrated gradients and SmoothGrad could not be made: no gradient leads from the model's output back to the "
        "image."
    ]
    assert report.picture("case1-occlusion-smoothgrad") is None


def test_without_feature_maps_only_grad_cam_is_missing(cases):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Input((24, 36, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    report = build_report(model, [("0", cases[0].image)], SETTINGS)
    missing = {view.name: view.missing for view in report.cases[0].views}
    assert missing["grad-cam"] == "the model has no layer with feature maps before its head"
    assert not any(missing[name] for name in NAMES[1:])


def test_a_regression_has_views_of_its_output(cases):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Input((24, 36, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    report = build_report(model, [("x", cases[0].image)], SETTINGS | {"model": {"head": "regression"}})
    integrated = report.cases[0].views[1]
    assert not integrated.missing
    assert "bits" not in integrated.how


@pytest.mark.parametrize("baseline", ["blur", "black"])
def test_integrated_gradients_begin_where_they_are_told(cases, baseline):
    """Of a linear model the sum is what the evidence differs by from that of the baseline, put in by hand."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([layers.Input((24, 36, 3)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    how = {"views": ["integrated-gradients"], "view_baseline": baseline}
    case = build_report(model, [("0", cases[0].image)], {"occlusion": SETTINGS["occlusion"] | how}).cases[0]
    told = case.views[0].how
    assert ("a black image" if baseline == "black" else "the blurred image") in told
    said, differs = (float(part.split()[0].rstrip(".")) for part in (told.split("sum to ")[1], told.split("by ")[1]))
    assert said == pytest.approx(differs, abs=2e-3)


def test_the_average_is_over_windows_of_the_patch():
    values = np.zeros((9, 11))
    values[4, 5] = 15.0
    found = average(values, (3, 5))
    assert found[3:6, 3:8] == pytest.approx(np.ones((3, 5)))
    assert found.sum() == pytest.approx(15)


def case_with(make_case, *views):
    flat = tuple((value,) * 4 for value in (4.0, 5.0, 6.0))
    curves = TestCurves(
        baseline="blur", deletion=(2.0,) * 4, insertion=(8.0,) * 4, random_deletion=flat, random_insertion=flat
    )
    test = MapTest(
        followed="CAT", supports_target=True, unit="bits", shares=(0.0, 0.333333, 0.666667, 1.0), block=(2, 3),
        curves=(curves,),
    )  # fmt: skip
    return replace(make_case("CAT"), map_test=test, views=views)


def view(name, deletion, insertion, better):
    return View(
        name=name, deletion=deletion, insertion=insertion, beaten_by_deletion=better, beaten_by_insertion=better,
        orders=3, passes=1,
    )  # fmt: skip


def test_the_sentence_names_the_one_to_believe(make_case):
    (remark,) = view_remarks([case_with(make_case, view("rise", 1.0, 9.0, 3), view("grad-cam", 5.0, 5.5, 0))])
    assert "Of 3 maps, RISE is the one to believe" in remark.text
    assert "leaves 8.000 bits more evidence than taking them away (Occlusion 6.000)" in remark.text
    assert "No better than chance here: Grad-CAM." in remark.text


def test_a_map_without_an_order_is_none_to_believe(make_case):
    case = case_with(make_case, view("rise", 3.0, 9.0, 3), view("grad-cam", 5.0, 5.5, 0))
    (remark,) = view_remarks([replace(case, map_test=replace(case.map_test, ordered=False))])
    assert "Of 2 maps, RISE is the one to believe" in remark.text
    assert "Occlusion" not in remark.text


def test_only_the_scan_has_positions(make_case):
    case = case_with(make_case, view("rise", 3.0, 9.0, 3), view("grad-cam", 5.0, 5.5, 0))
    assert [one.is_scan for one in case.map_standings] == [True, False, False]
    case = replace(case, map_test=replace(case.map_test, ordered=False))
    assert [one.is_scan for one in case.map_standings] == [False, False]


def test_where_blurring_changes_nothing_no_map_is_poor(make_case):
    case = case_with(make_case, view("rise", 4.0, 4.0, 0), view("grad-cam", 4.0, 4.0, 0))
    flat = ((4.0,) * 4,) * 3
    same = replace(
        case.map_test.curves[0], deletion=flat[0], insertion=flat[0], random_deletion=flat, random_insertion=flat
    )
    case = replace(case, map_test=replace(case.map_test, curves=(same,), ordered=False))
    assert case.map_standings == ()
    assert view_remarks([case]) == ()


def test_one_map_alone_is_not_compared(make_case):
    missing = View(
        name="grad-cam", deletion=0.0, insertion=0.0, beaten_by_deletion=0, beaten_by_insertion=0, orders=0, passes=0,
        missing="no gradient leads through it",
    )  # fmt: skip
    (remark,) = view_remarks([case_with(make_case, missing)])
    assert remark.kind == "views_missing"


def test_where_none_is_better_it_says_so(make_case):
    case = case_with(make_case, view("grad-cam", 5.0, 5.0, 1))
    worse = replace(case.map_test.curves[0], deletion=(6.0,) * 4, insertion=(4.0,) * 4)
    (remark,) = view_remarks([replace(case, map_test=replace(case.map_test, curves=(worse,)))])
    assert "None of the 2 maps is better than chance; believe none of them" in remark.text


@pytest.mark.parametrize(
    "change", [{"name": "other"}, {"orders": -1}, {"beaten_by_deletion": 99}, {"beaten_by_insertion": -1}]
)
def test_what_cannot_be_is_refused(report, change):
    case = report.cases[0]
    false = replace(case, views=(replace(case.views[0], **change), *case.views[1:]))
    assert "view" in flaw(replace(report, cases=(false, *report.cases[1:])))
