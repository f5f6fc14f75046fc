"""What a report that was read says of its channels must fit its layers, its cases and its images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.outputs.saved.integrity import flaw
from reportgen.report.channels import LayerEffects


def of_differences(report, **changes):
    return replace(report, differences=replace(report.differences, **changes))


def of_featured(report, **changes):
    (one,) = report.featured.channels
    return replace(report, featured=replace(report.featured, channels=(replace(one, **changes),)))


def of_peaks(report, *peak):
    case = report.cases[0]
    layer = replace(case.layers[0], statistics=replace(case.layers[0].statistics, peak=peak))
    return replace(report, cases=(replace(case, layers=(layer, *case.layers[1:])), *report.cases[1:]))


def first_layer(report, **changes):
    first, *others = report.differences.layers
    return of_differences(report, layers=(replace(first, **changes), *others))


def seen(report, *box):
    (one,) = report.featured.channels
    return of_featured(report, cases=(replace(one.cases[0], seen=box), *one.cases[1:]))


WRONG = {
    "another layer": (lambda report: first_layer(report, name="other"), "other layers"),
    "too few effects": (lambda report: first_layer(report, effects=(0.5,)), "other layers"),
    "a layer too many": (
        lambda r: of_differences(r, layers=(*r.differences.layers, LayerEffects(name="x", effects=()))), "other layers"
    ),
    "told of no layer": (lambda report: first_layer(report, at="none"), "told of no layer"),
    "an effect above 1": (lambda report: first_layer(report, effects=(1.5, 0.0)), "more than all"),
    "an effect that is no number": (lambda report: first_layer(report, effects=(float("nan"), 0.0)), "more than all"),
    "a limit above 1": (lambda report: first_layer(report, chance=float("nan")), "no limit of chance"),
    "a group without cases": (
        lambda r: of_differences(r, first=replace(r.differences.first, cases=())), "other cases"
    ),
    "a case that isn't there": (
        lambda r: of_differences(r, second=replace(r.differences.second, cases=(3,))), "other cases"
    ),
    "a channel of no layer": (lambda report: of_featured(report, layer="other"), "none of its layer"),
    "no such channel": (lambda report: of_featured(report, channel=2), "none of its layer"),
    "too few cases": (lambda report: of_featured(report, cases=()), "is of other cases"),
    "a place outside": (lambda report: seen(report, 0, 0, 25, 5), "outside the image"),
    "a place of no size": (lambda report: seen(report, 3, 0, 3, 5), "outside the image"),
    "a peak outside": (lambda report: of_peaks(report, 24, None), "outside its map"),
    "too few peaks": (lambda report: of_peaks(report, 3), "channels don't fit together"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused(make_report, what):
    change, words = WRONG[what]
    assert words in flaw(change(make_report()))


def test_what_can_be_is_not(make_report):
    report = make_report()
    assert flaw(report) is None
    assert flaw(replace(report, differences=None, featured=None)) is None
    assert flaw(of_peaks(report, 23, None)) is None
