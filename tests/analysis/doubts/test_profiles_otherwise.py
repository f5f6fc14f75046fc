from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.analysis.doubts.profiles import profile_remarks
from reportgen.analysis.predictions import Head
from reportgen.workflows.pipeline import build_report

sys.path.append(str(Path(__file__).parents[2] / "images"))
from test_profiles import profile

TWO = Head("sigmoid", ("NORMAL", "PNEUMONIA"), 0.5)
QUICK = {"occlusion": {"enabled": False}}


def texts(head: Head, scores: list[list[float]], otherwise: dict[int, list[float]], treated: str = "ignore"):
    runs = [SimpleNamespace(number=at, title="ab"[at], scores=np.array(row)) for at, row in enumerate(scores)]
    found = profile_remarks(runs, head, {number: np.array(row) for number, row in otherwise.items()}, treated)
    assert all((remark.section, remark.kind, remark.warning) == ("model", "caution", True) for remark in found)
    return [remark.text for remark in found]


def test_another_class_is_warned_of():
    scores = [[0.8, 0.2], [0.55, 0.45]]
    assert texts(TWO, scores, {0: [0.6, 0.4], 1: [0.45, 0.55]}) == [
        "b: its colour profile was not applied, and that decides what is predicted: NORMAL (0.55). "
        "Applied, it is PNEUMONIA (0.55) (--colour-profiles chooses)."
    ]
    assert texts(TWO, scores, {1: [0.45, 0.55]}, "apply") == [
        "b: its colour profile was applied, and that decides what is predicted: NORMAL (0.55). Left alone, as Keras's "
        "and Pillow's loaders leave it, it is PNEUMONIA (0.55) (--colour-profiles chooses)."
    ]


def test_the_threshold_says_what_is_another_class():
    strict = Head("sigmoid", ("NORMAL", "PNEUMONIA"), 0.9)
    assert texts(strict, [[0.45, 0.55]], {0: [0.2, 0.8]}) == []
    assert len(texts(strict, [[0.45, 0.55]], {0: [0.05, 0.95]})) == 1


def test_independent_findings_each_by_its_threshold():
    head = Head("sigmoid", ("Edema", "Mass", "Nodule"), 0.5, 3, (0.5, 0.3, 0.5))
    assert texts(head, [[0.6, 0.2, 0.1]], {0: [0.9, 0.25, 0.4]}) == []
    (text,) = texts(head, [[0.6, 0.2, 0.1]], {0: [0.4, 0.2, 0.1]})
    assert "predicted: Edema (0.6). Applied, it is no finding" in text
    (text,) = texts(head, [[0.6, 0.2, 0.1]], {0: [0.6, 0.35, 0.1]})
    assert "Applied, it is Edema (0.6), Mass (0.35) (" in text


def test_a_number_that_is_another():
    head = Head("regression", ("age",), 0.5)
    assert texts(head, [[30.0]], {0: [30.2]}) == []
    (text,) = texts(head, [[30.0]], {0: [33.0]})
    assert "age (30). Applied, it is age (33)" in text


# --- in a report


@pytest.fixture(scope="module")
def brightness_model():
    """Says PNEUMONIA of what is brighter than 100 of 255 on average."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            layers.Input((24, 36, 3)),
            layers.Conv2D(2, 1, name="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.layers[0].set_weights([np.full((1, 1, 3, 2), 1 / 3), np.zeros(2)])
    model.layers[2].set_weights([np.full((2, 1), 10.0), np.array([-20 * 100 / 255])])
    return model


def scanned(folder: Path, name: str, brightness: int) -> str:
    """A gray image with a linear profile, which makes it much brighter when it's applied."""
    pixels = np.full((48, 80), brightness, np.uint8)
    pixels[10:20, 30:50] += 20
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "PNG", icc_profile=profile(b"GRAY"))
    (folder / name).write_bytes(buffer.getvalue())
    return str(folder / name)


def cautions(report) -> list[str]:
    return [remark.text for remark in report.remarks if remark.kind == "caution" and "profile" in remark.text]


def test_a_report_warns_of_a_profile_that_decides(brightness_model, tmp_path):
    names = {"NORMAL": "NORMAL", "PNEUMONIA": "PNEUMONIA"}
    cases = [("NORMAL", scanned(tmp_path, "dim.png", 60)), ("PNEUMONIA", scanned(tmp_path, "bright.png", 150))]
    settings = {**QUICK, "model": {"class_names": list(names)}}
    report = build_report(brightness_model, cases, settings)
    assert [case.predictions[0].class_name for case in report.cases] == ["NORMAL", "PNEUMONIA"]
    (text,) = cautions(report)
    assert text.startswith("NORMAL: its colour profile was not applied, and that decides what is predicted: NORMAL (")
    assert "Applied, it is PNEUMONIA (" in text
    assert report.remarks[0].text == text

    applied = build_report(brightness_model, cases, {**settings, "images": {"colour_profiles": "apply"}})
    assert [case.predictions[0].class_name for case in applied.cases] == ["PNEUMONIA", "PNEUMONIA"]
    (text,) = cautions(applied)
    assert "Left alone, as Keras's and Pillow's loaders leave it, it is NORMAL (" in text
    assert applied.settings["images"]["colour_profiles"] == "apply"


def test_files_are_read_again_only_where_a_profile_changes_them(brightness_model, tmp_path, picture, save_image):
    plain = save_image("plain.png")
    report = build_report(brightness_model, [str(plain)], QUICK)
    assert cautions(report) == []
    assert "profile" not in " ".join(report.cases[0].notes)


def test_real_radiographs_with_and_without_their_profile(xrays):
    """The first carries a gray profile of its scanner, the second none."""
    files = [("NORMAL", xrays / "IM-0115-0001.jpeg"), ("PNEUMONIA", xrays / "person3_bacteria_11.jpeg")]
    scores = {}
    for how in ("ignore", "apply"):
        report = build_report(None, files, {**QUICK, "images": {"colour_profiles": how}, "layers": {"first": 1}})
        assert [case.correct for case in report.cases] == [True, True]
        assert cautions(report) == []
        scores[how] = [case.predictions[0].score for case in report.cases]
    assert scores["ignore"] == pytest.approx([0.9905, 0.9958], abs=0.001)
    assert scores["apply"] == pytest.approx([0.9840, 0.9958], abs=0.001)
