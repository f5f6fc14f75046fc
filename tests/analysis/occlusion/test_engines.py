"""Which engine scans, and what is said about it."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.occlusion import engines
from reportgen.analysis.occlusion.engines import Work, run_engine
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.known_models import KnownModel
from reportgen.analysis.occlusion.patches import plan_scan, plan_scans
from reportgen.analysis.occlusion.scan import make_fill, scan
from reportgen.analysis.predictions import Head
from reportgen.analysis.weight_of_evidence import Readout
from reportgen.models.formats.steady import make_steady
from reportgen.settings.occlusion import OcclusionSettings

SHAPE = (48, 64, 3)


@pytest.fixture(scope="module")
def model():
    """Large enough that windows pay, however small the machine."""
    keras.utils.set_random_seed(1)
    stack = [layers.Input(SHAPE)]
    for filters in (32, 64, 64):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.Conv2D(filters, 3)]
    return keras.Sequential([*stack, layers.MaxPooling2D(4), layers.Flatten(), layers.Dense(2, activation="softmax")])


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, SHAPE).astype(np.uint8) for _ in range(2)]


AS_GIVEN = Readout(Head("regression", ("a", "b"), 0.5, 2))


def run(model, images, outputs=None, known=None, **options):
    settings = OcclusionSettings(patch=(6, 8), stride=(4, 5), fill="mean", **options)
    geometry = plan_scan(SHAPE[:2], settings)
    told = []
    known = known or KnownModel(trace(model))
    work = Work(
        images, [[make_fill(image, "mean")[0]] for image in images],
        [(geometry.rows, geometry.columns, geometry.patch)],
        lambda image: np.asarray(image, np.float32) / 255,
    )  # fmt: skip
    outcome = run_engine(
        model, known, known.graph, work, readout=AS_GIVEN, settings=settings, on_progress=told.append, outputs=outputs
    )
    assert sum(told) in (0, len(images) * (1 + geometry.count))  # nothing is counted twice
    # one fill: one table for each image
    return replace(outcome, tables=[table for (table,) in outcome.tables])


def test_windows_are_used_where_they_pay_and_give_the_same(model, images):
    found, expected = run(model, images), run(model, images, engine="full")
    assert (found.engine, expected.engine) == ("incremental", "full")
    for one, other in zip(found.tables, expected.tables, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.ptp(other))
    assert found.estimated_speedup > 1.1
    assert found.arithmetic_bound > 1.1
    assert found.checked == 2 * engines.CHECKED
    assert 0 <= found.largest_difference < 1e-5
    assert (expected.estimated_speedup, expected.checked, expected.largest_difference) == (None, 0, None)


def test_a_small_scan_is_not_worth_planning(small_model, picture):
    settings = OcclusionSettings(patch=(2, 4), fill="mean")
    found = scan(
        small_model, [picture], prepare=lambda image: np.asarray(image, np.float32) / 255,
        head=Head("sigmoid", ("a", "b"), 0.5), targets=[(1,)], settings=settings,
    )[0][0].summary  # fmt: skip
    assert found.engine == "full"
    assert found.estimated_speedup is not None


def test_windows_can_be_asked_for(small_model, picture):
    settings = OcclusionSettings(patch=(2, 4), fill="mean", engine="incremental")
    found = scan(
        small_model, [picture], prepare=lambda image: np.asarray(image, np.float32) / 255,
        head=Head("sigmoid", ("a", "b"), 0.5), targets=[(1,)], settings=settings,
    )[0][0].summary  # fmt: skip
    assert found.engine == "incremental"
    assert found.checked_positions == engines.CHECKED


def test_a_model_without_rules_is_run_whole(images):
    keras.utils.set_random_seed(1)
    flat = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)])
    found = run(flat, images, engine="incremental")
    assert (found.engine, found.estimated_speedup) == ("full", None)


def test_what_differs_from_the_whole_model_is_not_used(model, images, monkeypatch):
    right = IncrementalEngine.scores

    def wrong(self, *given):
        return [table + np.float32(0.01) for table in right(self, *given)]

    monkeypatch.setattr(IncrementalEngine, "scores", wrong)
    found, expected = run(model, images), run(model, images, engine="full")
    assert found.engine == "full"
    assert found.largest_difference == pytest.approx(0.01, rel=1e-3)
    np.testing.assert_array_equal(found.tables, expected.tables)


def test_outputs_that_are_no_numbers_are_so_in_both(images):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    model.layers[-1].bias.assign([np.nan, 0.0])
    found = run(model, images, engine="incremental")
    assert found.engine == "incremental"
    assert np.isnan(found.tables[0][:, 0]).all()


def test_one_compiled_function_serves_all_cases_batches_and_patches(model, images):
    known = KnownModel(trace(model))
    run(model, images, known=known)
    (program,) = known._programs.values()
    assert program.traced == 1
    settings = OcclusionSettings()
    geometries = plan_scans(SHAPE[:2], settings)
    fills = [[make_fill(image, fill)[0] for fill in settings.fills] for image in images]
    positions = [(one.rows, one.columns, one.patch) for one in geometries]
    work = Work(images, fills, positions, lambda image: np.asarray(image, np.float32) / 255)
    given = {"readout": AS_GIVEN, "settings": settings, "on_progress": lambda _: None}
    found = run_engine(model, known, known.graph, work, **given)
    assert found.engine == "incremental"
    traced = sum(one.traced for one in known._programs.values())
    assert traced == len(known._programs)  # once for a plan, whatever sizes its windows have
    run_engine(model, known, known.graph, work, **given)
    assert sum(one.traced for one in known._programs.values()) == traced
    expected = run_engine(model, known, known.graph, work, **given | {"settings": OcclusionSettings(engine="full")})
    for of_image, right in zip(found.tables, expected.tables, strict=True):
        for one, other in zip(of_image, right, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5 * np.ptp(other))


# ---- what can't be cut into windows is run whole


@pytest.mark.parametrize("fault", [ValueError("not connected"), AttributeError("no value")])
def test_a_model_that_windows_can_not_be_cut_out_of(model, images, monkeypatch, fault):
    expected = run(model, images, engine="full")

    def fails(*given):
        raise fault

    monkeypatch.setattr(engines, "IncrementalEngine", fails)
    found = run(model, images)
    assert (found.engine, found.checked, found.largest_difference) == ("full", 0, None)
    for one, other in zip(found.tables, expected.tables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_outputs_that_the_whole_model_gave_are_compared_with(model, images):
    whole = np.asarray(model(np.stack(images).astype(np.float32) / 255, training=False))
    assert run(model, images, outputs=whole).engine == "incremental"
    found = run(model, images, outputs=whole[::-1])
    assert found.engine == "full"
    assert found.largest_difference > engines.TOLERATED


def _turned():
    """One layer at both ends of the windows: looked at once more, mirrored."""
    image, layer = layers.Input(SHAPE), layers.Conv2D(3, 3, padding="same")
    return image, layers.Add()([layer(image), keras.ops.flip(layer(keras.ops.flip(image, 2)), 2)])


def _mean_image():
    image = layers.Input(SHAPE)
    return image, layers.Conv2D(3, 3)(layers.Rescaling(1.0, offset=-np.random.default_rng(1).random(SHAPE))(image))


def _less_its_mean():
    image = layers.Input(SHAPE)
    own = layers.Activation(lambda x: x - keras.ops.mean(x, axis=(1, 2), keepdims=True))
    return image, layers.Conv2D(3, 3)(own(layers.Conv2D(3, 3)(image)))


def _pool_of_one():
    image = layers.Input(SHAPE)
    return image, layers.MaxPooling2D(1)(layers.Conv2DTranspose(3, 3, strides=2)(image))


def _limits_by_place():
    image = layers.Input(SHAPE)
    return image, layers.Conv2D(3, 3)(keras.ops.clip(image, 0.0, np.linspace(0, 1, SHAPE[1])[None, :, None]))


@pytest.mark.parametrize("build", [_turned, _mean_image, _less_its_mean, _pool_of_one, _limits_by_place])
def test_odd_models_give_the_same_by_both_engines(build, images):
    keras.utils.set_random_seed(6)
    image, end = build()
    odd = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(end)))
    found, expected = run(odd, images, engine="incremental"), run(odd, images, engine="full")
    for one, other in zip(found.tables, expected.tables, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.ptp(other) + 1e-6)


def test_random_numbers_that_are_fixed_are_the_same_in_both_engines(images):
    """Each covered image meets the numbers that the image itself met, whichever engine runs it."""
    keras.utils.set_random_seed(1)
    entry, dropped = layers.Input(SHAPE), layers.Dropout(0.4)
    make_steady(dropped, "dropped")
    hidden = layers.Conv2D(32, 3, activation="relu")(layers.Conv2D(32, 3, activation="relu")(entry))
    pooled = layers.MaxPooling2D(4)(dropped(hidden, in_training=True))
    model = keras.Model(entry, layers.Dense(2, activation="softmax")(layers.Flatten()(pooled)))
    found, expected = run(model, images, engine="incremental"), run(model, images, engine="full")
    assert (found.engine, expected.engine) == ("incremental", "full")
    for one, other in zip(found.tables, expected.tables, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    prepared = np.stack(images).astype(np.float32) / 255
    for table, alone in zip(expected.tables, prepared, strict=True):
        np.testing.assert_allclose(table[0], np.asarray(model(alone[None], training=False))[0], atol=1e-6)
