"""Several scans as one map."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.occlusion.combine import (
    Tried,
    candidates,
    choose_combinations,
    random_coverings,
    rank_correlation,
)
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.patches import count_positions, plan_scans
from reportgen.analysis.occlusion.scan import scan
from reportgen.analysis.predictions import Head
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.system.errors import SettingsError

SIZE = (20, 30)
HEAD = Head("sigmoid", ("no", "yes"), 0.5)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            layers.Input((*SIZE, 3)), layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(2).integers(0, 256, (*SIZE, 3)).astype(np.uint8)


def run(model, image, **options):
    settings = OcclusionSettings(**options)
    scaled = lambda pixels: np.asarray(pixels, np.float32) / 255  # noqa: E731
    return scan(model, [image], prepare=scaled, head=HEAD, targets=[(1,)], settings=settings)[0][0]


def test_the_usual_patches_and_strides():
    found = plan_scans((150, 200), OcclusionSettings())
    assert [one.patch for one in found] == [(15, 20), (30, 40), (45, 60), (60, 80)]
    assert [one.stride for one in found] == [(5, 7), (10, 13), (15, 20), (20, 27)]
    assert count_positions((150, 200), OcclusionSettings()) == 2 * sum(one.count for one in found)
    assert [one.patch for one in plan_scans((4, 6), OcclusionSettings())] == [(1, 1), (1, 2), (2, 2)]  # each once


@pytest.mark.parametrize(
    ("patch", "patches"),
    [
        (5, [(5, 5)]), ((4, 6), [(4, 6)]), ((4, 6, 8), [(4, 4), (6, 6), (8, 8)]), (((4, 6), 8), [(4, 6), (8, 8)]),
        (((4, 4), (6, 6)), [(4, 4), (6, 6)]),
    ],
)  # fmt: skip
def test_one_patch_or_several(patch, patches):
    assert [one.patch for one in plan_scans(SIZE, OcclusionSettings(patch=patch))] == patches


def test_a_stride_for_each_patch_or_one_for_all():
    several = {"patch": (4, 6, 9)}
    assert [one.stride for one in plan_scans(SIZE, OcclusionSettings(**several, stride=2))] == [(2, 2)] * 3
    given = plan_scans(SIZE, OcclusionSettings(**several, stride=(1, 2, (3, 4))))
    assert [one.stride for one in given] == [(1, 1), (2, 2), (3, 4)]
    with pytest.raises(SettingsError, match="2 values for 3 patches"):
        plan_scans(SIZE, OcclusionSettings(**several, stride=((1, 1), (2, 2))))


@pytest.mark.parametrize(
    ("fill", "fills"),
    [
        ("blur", ("blur",)), ((250, 128, 64), ((250, 128, 64),)), ((90,), ((90,),)),
        (("mean", "blur"), ("mean", "blur")),
        (("mean", (0, 0, 0)), ("mean", (0, 0, 0))), (((0,), (255,)), ((0,), (255,))),
    ],
)  # fmt: skip
def test_one_fill_or_several(fill, fills):
    assert OcclusionSettings(fill=fill).fills == fills


def slow_map(found):
    """The weighted mean over the scans of the mean importance of the patches that cover a pixel."""
    summary, total = found.summary, np.zeros(SIZE)
    for one, weight in zip(summary.scans, summary.weights, strict=True):
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                covering = [
                    summary.base_evidence - one.evidence[row][column]
                    for row, top in enumerate(one.row_starts)
                    for column, left in enumerate(one.column_starts)
                    if top <= y < top + one.patch[0] and left <= x < left + one.patch[1]
                ]
                total[y, x] += weight * sum(covering) / len(covering)
    return total


@pytest.mark.parametrize("engine", ["full", "incremental"])
def test_the_map_as_by_the_slow_way(model, image, engine):
    found = run(model, image, patch=((4, 6), (9, 7)), stride=((3, 4), (5, 7)), engine=engine)
    assert found.summary.engine == engine
    assert [(one.patch, one.fill) for one in found.summary.scans] == [
        ((4, 6), "mean"), ((4, 6), "blur"), ((9, 7), "mean"), ((9, 7), "blur"),
    ]  # fmt: skip
    assert sum(found.summary.weights) == pytest.approx(1)
    assert min(found.summary.weights) >= 0
    np.testing.assert_allclose(found.importance, slow_map(found), atol=1e-9)
    # evidence is that of the score with the patch there
    for one in found.summary.scans:
        scores = np.array(one.scores)
        np.testing.assert_allclose(np.log2(scores) - np.log2(1 - scores), one.evidence, atol=1e-5)


def test_each_scan_of_several_is_what_it_is_alone(model, image):
    several = run(model, image, patch=((4, 6), (9, 7)), engine="incremental").summary
    for one in several.scans:
        alone = run(model, image, patch=one.patch, fill=one.fill, engine="incremental").summary
        assert alone.combination == "single"
        np.testing.assert_allclose(alone.scans[0].scores, one.scores, atol=1e-6)


def test_a_second_scan_traces_nothing(model, image):
    first = run(model, image, engine="incremental")
    known = known_model(model)
    traced = {key: one.traced for key, one in known._programs.items()}
    again = run(model, 255 - image, engine="incremental")
    assert known_model(model) is known
    assert {key: one.traced for key, one in known._programs.items()} == traced
    assert first.summary.base_evidence != again.summary.base_evidence


def test_weights_that_change_are_those_that_are_scanned(image):
    model = keras.Sequential([layers.Input((*SIZE, 3)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    before = run(model, image, patch=10, fill="mean").summary.base_evidence
    model.layers[-1].bias.assign_add([np.log(2)])
    assert run(model, image, patch=10, fill="mean").summary.base_evidence == pytest.approx(before + 1, abs=1e-4)


def test_the_way_that_foretells_the_coverings_is_taken():
    masks = random_coverings(SIZE)
    truth = np.random.default_rng(1).normal(size=SIZE)
    noise = np.random.default_rng(5).normal(size=(3, *SIZE))
    geometries = [one for one in plan_scans(SIZE, OcclusionSettings(patch=((4, 4), (8, 8)))) for _ in range(2)]
    costs = (masks * truth).sum(axis=(1, 2))
    (found,) = choose_combinations(
        [Tried([noise[0], truth, noise[1], noise[2]], costs)], geometries, ["mean", "blur"] * 2, masks
    )
    assert (found.name, found.weights) == ("smallest", (0.0, 1.0, 0.0, 0.0))
    assert found.agreement == pytest.approx(1)


def test_a_small_lead_is_taken_for_chance_unless_many_cases_have_it():
    masks = random_coverings(SIZE)
    maps = list(np.random.default_rng(9).normal(size=(2, *SIZE)))
    geometries = plan_scans(SIZE, OcclusionSettings(patch=((4, 4), (8, 8))))
    ways = candidates(maps, geometries, ["blur"] * 2)
    sums = {name: (masks * np.tensordot(own, maps, 1)).sum(axis=(1, 2)) for name, own in ways.items()}
    seen = set()
    for share in np.linspace(0, 1, 101):  # from what the smaller patch foretells to what both do
        costs = share * sums["two"] + (1 - share) * sums["smallest"]
        agreed = {name: rank_correlation(one, costs) for name, one in sums.items()}
        best = max(agreed, key=agreed.get)
        for cases in (1, 9):
            found = choose_combinations([Tried(maps, costs)] * cases, geometries, ["blur"] * 2, masks)
            lead = agreed[best] - agreed["two"]
            assert {one.name for one in found} == {best if lead >= 0.01 / np.sqrt(cases) else "two"}
            seen.add((cases, lead > 0, found[0].name == "two"))
    # what is a small lead of one case is none of nine
    assert {(1, True, True), (9, True, False)} <= seen


def test_coverings_are_the_same_in_every_run_and_of_many_sizes():
    masks = random_coverings(SIZE)
    np.testing.assert_array_equal(masks, random_coverings(SIZE))
    assert masks.shape[1:] == SIZE
    shares = masks.mean(axis=(1, 2))
    assert shares.min() < 0.2
    assert shares.max() > 0.45


def test_rank_correlation_by_hand():
    assert rank_correlation(np.array([1.0, 5, 3]), np.array([10.0, 500, 30])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    # ranks 0.5, 0.5, 2 against 0, 1, 2
    assert rank_correlation(np.array([1.0, 1, 3]), np.array([0.0, 1, 2])) == pytest.approx(np.sqrt(3) / 2)
    assert rank_correlation(np.array([1.0, 1, 1]), np.array([0.0, 1, 2])) is None


def test_a_score_without_logits_says_so(image):
    entry = layers.Input((*SIZE, 3))
    hidden = layers.Dense(1)(layers.Flatten()(entry))
    model = keras.Model(entry, keras.ops.exp(-keras.ops.softplus(hidden) * 0.7))
    found = run(model, image, patch=10, fill="mean").summary
    assert "logits can't be reached" in found.notes[0]
    assert found.base_evidence == pytest.approx(np.log2(found.base_score / (1 - found.base_score)), abs=1e-5)


def test_a_fill_far_from_the_image_is_warned_of(model):
    bright = np.full((*SIZE, 3), 150, np.uint8)
    (note,) = run(model, bright, patch=10, fill=(0, 0, 0)).summary.notes
    assert "The fill, 0, 0, 0, is far from the image's mean, 150, 150, 150" in note
    assert run(model, bright, patch=10, fill=(100, 100, 100)).summary.notes == ()
    assert run(model, bright).summary.notes == ()
