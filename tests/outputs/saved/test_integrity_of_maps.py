"""What was found of channels and maps is checked when a report is read back, and shown with every character escaped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.integrity import flaw
from reportgen.report.deciding import DecidingChannels, RemovedChannel
from reportgen.report.measures import Measure
from reportgen.report.sanity import SanityTest

HOSTILE = "<script>alert(1)</script>"
CHANNELS = tuple(RemovedChannel(channel=number, effect=0.5 - number, activity=0.25) for number in range(2))
FOUND = DecidingChannels(
    target_class=HOSTILE, unit="bits", base_evidence=1.0, strongest=CHANNELS, active=CHANNELS[::-1], removed=2,
    screened="gradient", set_to="zero",
)  # fmt: skip
MEASURE = Measure(kind="axioms", name=HOSTILE, value=1.0, unit=HOSTILE, good=HOSTILE, meaning=HOSTILE, note=HOSTILE)
SANITY = SanityTest(layers=((HOSTILE,),), correlation=(0.5,), absolute=(float("nan"),))


def with_found(report, deciding=FOUND, measure=MEASURE, sanity=SANITY, at=""):
    cases = tuple(
        replace(
            case, measures=(measure,), sanity=sanity,
            layers=tuple(replace(layer, deciding=deciding, deciding_at=at) for layer in case.layers),
        )
        for case in report.cases
    )  # fmt: skip
    return replace(report, cases=cases)


def test_what_a_report_says_is_sound_and_escaped(make_report):
    report = with_found(make_report())
    assert flaw(report) is None
    text = render_html(report)
    assert "<script>alert" not in text
    assert text.count("decides most") == len(report.cases) * 2 + 1  # and in the table of the layers
    assert "each was set to 0" in text
    assert "2 of 2 channels were removed" in text


def test_each_number_of_channels_stands_in_its_row(make_report):
    text = render_html(with_found(make_report()))
    assert '<td>0</td><td class="number">0.500</td><td class="number">0.250</td><td>1</td>' in text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"at": "no such layer"}, "told of no layer"),
        ({"deciding": replace(FOUND, strongest=())}, "don't fit together"),
        ({"deciding": replace(FOUND, removed=3)}, "don't fit together"),
        ({"deciding": replace(FOUND, active=(CHANNELS[0], replace(CHANNELS[0], channel=2)))}, "none of its layer"),
        ({"deciding": replace(FOUND, active=(CHANNELS[0], replace(CHANNELS[0], channel=-1)))}, "none of its layer"),
        ({"measure": replace(MEASURE, kind=HOSTILE)}, "of no class"),
        ({"sanity": replace(SANITY, absolute=())}, "doesn't fit its layers"),
        ({"sanity": replace(SANITY, layers=((),))}, "doesn't fit its layers"),
    ],
)
def test_what_cannot_be_is_refused(make_report, changed, told):
    assert told in flaw(with_found(make_report(), **changed))
