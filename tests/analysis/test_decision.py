"""What decides: the search for shares against a loop, and the sentence of each situation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report, image_from_array
from reportgen.analysis.decision import decision_remarks, first_turn, turn_masks
from reportgen.analysis.predictions import Head
from reportgen.report.decision import Decision, Turn
from reportgen.report.report import readable
from reportgen.settings.file import settings_from


@pytest.mark.parametrize("limit", [0.001, 0.1, 0.1001, 0.3, 0.77, 1.0])
def test_the_first_share_is_found_to_a_160th(limit):
    found = first_turn(lambda shares: shares >= limit)
    assert found == pytest.approx(next(share / 160 for share in range(1, 161) if share / 160 >= limit - 1e-12))


def test_what_never_turns_has_no_share():
    assert first_turn(lambda shares: np.zeros(len(shares), bool)) is None


def test_what_turns_back_is_found_at_its_first_turn():
    assert first_turn(lambda shares: (shares > 0.2) & (shares < 0.5)) == pytest.approx(33 / 160)


def test_against_a_class_the_order_is_read_from_its_other_end():
    importance = np.array([[5.0, 1.0, -2.0], [0.0, -7.0, 3.0]])
    assert np.flatnonzero(turn_masks(importance, 1, 1 / 3)).tolist() == [0, 5]
    assert np.flatnonzero(turn_masks(importance, -1, 1 / 3)).tolist() == [2, 4]


HEAD = Head("sigmoid", ("NORMAL", "PNEUMONIA"), 0.5)
HALF = Turn(share=0.25, score=0.49, evidence=-0.06)
FLIPS, AGREES, RESTORES = "flips the decision CAT", "The blurred image alone still says CAT", "restores CAT"
SITUATIONS = {
    "flips and is restored": ({"flip": HALF, "restore": HALF}, {FLIPS, RESTORES, "25.0 %"}),
    "random pixels restore it, too": (
        {"restore": HALF, "random_restores": 7, "random_orders": 8},
        {RESTORES, "; but so do random pixels, 7 of 8 choices of as many"},
    ),
    "random pixels seldom restore it": (
        {"restore": HALF, "random_restores": 1, "random_orders": 8},
        {RESTORES, "restores CAT (so do 1 of 8 random choices of as many pixels)"},
    ),
    "the blurred image says the same": ({"blurred_agrees": True}, {AGREES, "no share blurred in the map's order"}),
    "it flips on the way": ({"blurred_agrees": True, "flip": HALF}, {AGREES, FLIPS, "blurring all of it doesn't"}),
    "no patch flips": ({"flip": HALF, "flipping_patches": 0}, {FLIPS, "No single patch flips it (6 positions)"}),
    "all patches flip": (
        {"flip": HALF, "flipping_patches": 6, "smallest_flipping": (2, 3)}, {FLIPS, "Every single patch flips it"},
    ),
    "some patches flip": (
        {"flip": HALF, "flipping_patches": 2, "smallest_flipping": (2, 3)}, {FLIPS, "has 2 x 3 pixels; 2 of 6"},
    ),
}  # fmt: skip
ALL = {FLIPS, AGREES, RESTORES, "No single patch flips it", "Every single patch flips it", "so do random pixels"}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_sentences(situation, make_case):
    fields, sentences = SITUATIONS[situation]
    decision = Decision(
        **{"followed": "CAT", "blurred_score": 0.2, "blurred_evidence": -2.0, "blurred_agrees": False, **fields}
    )
    (remark,) = decision_remarks([replace(make_case("CAT"), decision=decision)], HEAD)
    for sentence in sentences:
        assert sentence in remark.text
    for other in ALL - sentences:
        assert other not in remark.text or any(other in sentence for sentence in sentences)


def test_without_a_decision_nothing_is_said(make_case):
    assert decision_remarks([make_case("CAT")], HEAD) == ()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HEAD, ""),
        (replace(HEAD, threshold=0.6678), "; PNEUMONIA is said from 0.668"),
        (Head("sigmoid", ("COLD", "PNEUMONIA"), 0.5, 2, (0.5, 0.3)), "; PNEUMONIA is said from 0.300"),
        (Head("softmax", ("NORMAL", "PNEUMONIA"), 0.5, 2), ""),
    ],
)
def test_a_score_says_little_without_the_threshold(head, said, make_case):
    decision = Decision(followed="CAT", blurred_score=0.2, blurred_evidence=-2.0, blurred_agrees=True, flip=HALF)
    (remark,) = decision_remarks([replace(make_case("CAT"), decision=decision)], head)
    assert f"to {readable(HALF.score)}{said})." in remark.text
    assert remark.text.count("is said from") == bool(said)


def test_a_map_without_an_order_flips_nothing(make_case):
    """Its scans cancel out: what is first in it is what rounding puts there."""
    case = make_case("CAT")
    found = replace(case.occlusion, importance_minimum=-1e-7, importance_maximum=2e-7)
    assert case.occlusion.has_order
    assert not found.has_order
    # one that is even at a height of its own has no order, either
    assert not replace(found, importance_minimum=1.0, importance_maximum=1.0 + 1e-7).has_order
    decision = Decision(
        followed="CAT", blurred_score=0.2, blurred_evidence=-2.0, blurred_agrees=False, flipping_patches=0
    )
    for agrees, sentence in ((False, "wholly blurred image no longer says CAT"), (True, "image alone still says CAT")):
        shown = replace(case, occlusion=found, decision=replace(decision, blurred_agrees=agrees))
        (remark,) = decision_remarks([shown], HEAD)
        assert sentence in remark.text
        assert "in the map's order" not in remark.text


@pytest.fixture(scope="module")
def center_model():
    """Scores how bright the upper left quarter of a 16 x 24 image is: 1 / (1 + exp(-(mean / 10 - 8)))."""
    import keras

    inputs = keras.Input((16, 24, 1))
    part = keras.layers.Cropping2D(((0, 8), (0, 12)))(inputs)
    mean = keras.layers.GlobalAveragePooling2D()(part)
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(mean))
    dense.set_weights([np.array([[0.1]], np.float32), np.array([-8.0], np.float32)])
    return model


@pytest.fixture(scope="module")
def edge_model():
    """Says YES where the brightness varies anywhere: the largest step to the right of more than 60."""
    import keras

    inputs = keras.Input((16, 24, 1))
    conv = keras.layers.Conv2D(1, (1, 2), use_bias=False)
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(keras.layers.GlobalMaxPooling2D()(conv(inputs))))
    conv.set_weights([np.array([[[[-1.0]], [[1.0]]]], np.float32)])
    dense.set_weights([np.array([[0.1]], np.float32), np.array([-6.0], np.float32)])
    return model


def test_a_known_model_flips_when_its_region_is_blurred(center_model):
    pixels = np.zeros((16, 24, 1), np.uint8)
    pixels[:8, :12] = 84
    tables = {"preprocessing": {"mode": "none"}, "model": {"class_names": ["NO", "YES"]}}
    case = ("YES", image_from_array(pixels))
    (found,) = build_report(center_model, [case], settings_from(tables)).cases
    assert found.map_test.outcome == "both"
    assert found.map_test.curves[0].deletion[0] == pytest.approx((8.4 - 8) / np.log(2), rel=1e-4)
    assert found.decision.followed == "YES"
    assert not found.decision.blurred_agrees
    assert 0 < found.decision.flip.share <= 0.3
    # half of the bright part brings it back, which blocks at random seldom hit
    assert found.decision.random_orders == 8
    assert found.decision.random_restores < 4
    assert found.decision.flip.score < 0.5 <= found.decision.restore.score
    off = settings_from({**tables, "occlusion": {"test": False}})
    (without,) = build_report(center_model, [case], off).cases
    assert without.map_test is None
    assert without.decision is None


def test_a_choice_among_classes_tells_which_single_patches_flip_it():
    """Three classes score how bright the left, the right third and nothing is: only the left decides."""
    import keras

    inputs = keras.Input((12, 18, 1))
    thirds = [keras.layers.Cropping2D(((0, 0), crop))(inputs) for crop in ((0, 12), (12, 0))]
    means = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(third) for third in thirds])
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(inputs, dense(means))
    dense.set_weights([np.array([[0.1, 0, 0], [0, 0.1, 0]], np.float32), np.array([0, 0, -5], np.float32)])
    pixels = np.zeros((12, 18, 1), np.uint8)
    pixels[:, :6], pixels[:, 12:] = 90, 60
    tables = {
        "preprocessing": {"mode": "none"},
        "model": {"class_names": ["LEFT", "RIGHT", "NONE"]},
        "occlusion": {"patch": [12, 6], "stride": [12, 6], "fill": [0]},
    }
    (found,) = build_report(model, [("LEFT", image_from_array(pixels))], settings_from(tables)).cases
    assert [scan.flipping for scan in found.occlusion.scans] == [(0,)]
    assert (found.decision.flipping_patches, found.decision.smallest_flipping) == (1, (12, 6))


def test_where_any_sharp_pixels_restore_a_decision_random_ones_do(edge_model):
    pixels = np.random.default_rng(2).integers(0, 255, (16, 24, 1), np.uint8)
    tables = {"preprocessing": {"mode": "none"}, "model": {"class_names": ["NO", "YES"]}}
    (found,) = build_report(edge_model, [("YES", image_from_array(pixels))], settings_from(tables)).cases
    assert found.decision.followed == "YES"
    assert not found.decision.blurred_agrees
    assert found.decision.random_restores >= 4
