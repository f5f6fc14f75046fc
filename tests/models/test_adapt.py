from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as k

from reportgen.models.adapt import adapt, output_names
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import ModelError

SHAPE = (4, 6, 3)


def pooled(shape, **options):
    return keras.Sequential([k.Input(shape, **options), k.Conv2D(2, 1), k.GlobalMaxPooling2D()], name="m")


def flat(count):
    return keras.Sequential([k.Input((count,)), k.Dense(2)], name="m")


def images(shape, count=2):
    return np.random.default_rng(0).random((count, *shape), np.float32)


def told(model, **settings) -> str:
    with pytest.raises(ModelError) as caught:
        adapt(model, "m", ModelSettings(**settings))
    return str(caught.value)


def test_nothing_is_done_where_nothing_is_to_be_done():
    model = pooled(SHAPE)
    adapted = adapt(model, "m", ModelSettings())
    assert adapted.model is model
    assert (adapted.input_shape, adapted.output, adapted.notes) == (SHAPE, 0, ())


@pytest.mark.parametrize("open_shape", [(None, None, 3), (4, None, 3), (None, 6, 3), (None, None, None)])
def test_an_open_size_is_filled(open_shape):
    entry = k.Input(open_shape)
    layer = k.Conv2D(2, 1)
    layer.build((None, *SHAPE))
    model = keras.Model(entry, k.GlobalMaxPooling2D()(layer(entry)))
    adapted = adapt(model, "m", ModelSettings(input_size=(4, 6)))
    assert adapted.model.input_shape == (None, *SHAPE)
    np.testing.assert_allclose(adapted.model(images(SHAPE)), model(images(SHAPE)), atol=1e-6)


@pytest.mark.parametrize(("size", "shape"), [(5, (5, 5, 3)), ((5, 7), (5, 7, 3)), ((5, 7, 3), (5, 7, 3))])
def test_a_size_may_be_said_in_three_ways(size, shape):
    assert adapt(pooled((None, None, 3)), "m", ModelSettings(input_size=size)).input_shape == shape


def test_a_size_that_differs():
    assert "m takes 4 x 6 pixels, not 6 x 4; leave --input-size out" in told(pooled(SHAPE), input_size=(6, 4))
    assert adapt(pooled(SHAPE), "m", ModelSettings(input_size=(4, 6))).input_shape == SHAPE


@pytest.mark.parametrize(
    ("count", "shape"), [(784, (28, 28, 1)), (3072, (32, 32, 3)), (16, (4, 4, 1)), (12288, (64, 64, 3))]
)
def test_a_flat_input_of_a_square(count, shape):
    adapted = adapt(flat(count), "m", ModelSettings())
    assert adapted.input_shape == shape
    assert "assumed" in adapted.notes[0]


@pytest.mark.parametrize(("size", "shape"), [((4, 6), (4, 6, 1)), ((2, 4), (2, 4, 3))])
def test_a_flat_input_of_said_sides_is_fed_by_rows(size, shape):
    model = flat(24)
    adapted = adapt(model, "m", ModelSettings(input_size=size))
    assert adapted.input_shape == shape
    given = images(shape)
    np.testing.assert_allclose(adapted.model(given), model(given.reshape(2, -1)), atol=1e-6)


def test_flat_inputs_that_fit_no_image():
    assert "m takes 24 numbers, which are no square image" in told(flat(24))
    assert "m takes 24 numbers, not 5 x 5 pixels" in told(flat(24), input_size=5)


def test_channels_first_are_turned():
    layers = [k.Conv2D(2, 1, data_format="channels_first"), k.GlobalMaxPooling2D(data_format="channels_first")]
    model = keras.Sequential([k.Input((3, 4, 6)), *layers])
    adapted = adapt(model, "m", ModelSettings())
    assert adapted.input_shape == SHAPE
    given = images(SHAPE)
    np.testing.assert_allclose(adapted.model(given), model(np.moveaxis(given, -1, 1)), atol=1e-6)


def test_a_batch_of_one_becomes_any_batch():
    entry = k.Input(batch_shape=(1, *SHAPE))
    model = keras.Model(entry, k.Dense(2)(k.Flatten()(k.Conv2D(2, 1)(entry))))
    adapted = adapt(model, "m", ModelSettings())
    given = images(SHAPE, 3)
    expected = np.concatenate([model(one[None]) for one in given])
    np.testing.assert_allclose(adapted.model(given), expected, atol=1e-6)


@pytest.mark.parametrize("table", [True, False])
def test_outputs_are_found_by_name_and_number(table):
    entry = k.Input(SHAPE)
    ends = {name: k.Dense(width, name=name)(k.Flatten()(entry)) for name, width in (("kind", 3), ("age", 1))}
    model = keras.Model(entry, ends if table else list(ends.values()))
    assert sorted(output_names(model)) == ["age", "kind"]
    for wanted in ("age", str(output_names(model).index("age")), output_names(model).index("age")):
        adapted = adapt(model, "m", ModelSettings(output=wanted))
        assert adapted.model.output_shape == (None, 1)
        assert adapted.output_name == "age"
        assert "Output 'age' of 2" in adapted.notes[0]
    assert "choose one with --output" in told(model)
    for wrong in ("agee", 2, "-1", ""):
        assert "has no output" in told(model, output=wrong)
    assert "the report's file is named with -o" in told(model, output="out.html")


@pytest.mark.parametrize("as_table", [True, False])
def test_one_output_in_a_table_or_list_is_one_output(as_table):
    entry = k.Input(SHAPE)
    end = k.Dense(2, name="kind")(k.Flatten()(entry))
    model = keras.Model({"photo": entry}, {"kind": end} if as_table else [end])
    found = adapt(model, "m", ModelSettings()).model(images(SHAPE))
    assert np.asarray(found).shape == (2, 2)


class Plain(keras.Model):
    def __init__(self, *, opaque: bool = False, fails: bool = False):
        super().__init__(name="plain")
        self.dense, self.opaque, self.fails = k.Dense(2), opaque, fails

    def call(self, given, training=False):
        if self.fails:
            raise RuntimeError("no such thing")
        if self.opaque:
            import tensorflow as tf

            given = tf.raw_ops.Relu(features=given)
        return self.dense(k.Flatten()(given) if not self.opaque else keras.ops.reshape(given, (-1, 72)))


@pytest.mark.parametrize(("opaque", "said"), [(False, "found by calling it"), (True, "can't be seen one by one")])
def test_classes_of_ones_own(opaque, said):
    model = Plain(opaque=opaque)
    adapted = adapt(model, "m", ModelSettings(input_size=(4, 6)))
    assert said in adapted.notes[0]
    given = images(SHAPE)
    np.testing.assert_allclose(adapted.model(given), model(given), atol=1e-6)


def test_a_class_that_fails_on_images():
    assert "m has no defined input" in told(Plain())
    assert "can't be called on an image of (4, 6, 3) (" in told(Plain(fails=True), input_size=(4, 6))


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 6, 4), (5, 4, 6, 3)])
def test_what_is_no_image(shape):
    model = keras.Sequential([k.Input(shape), k.Flatten(), k.Dense(2)], name="m")
    assert told(model).startswith("m takes ")


def test_what_is_put_in_front_takes_no_name_of_the_model():
    entry = keras.Input((3, 8, 12), name="entry")
    hidden = k.Conv2D(2, 3, data_format="channels_first", name="image")(entry)
    hidden = k.Conv2D(2, 3, data_format="channels_first", name="channels_first")(hidden)
    model = keras.Model(entry, k.Dense(2, name="as_the_model_takes_it")(k.Flatten()(hidden)))
    adapted = adapt(model, "model", ModelSettings())
    given = np.random.default_rng(0).random((2, 8, 12, 3), np.float32)
    np.testing.assert_allclose(adapted.model(given), model(np.moveaxis(given, -1, 1)), atol=1e-6)


def test_a_sequential_that_ends_in_a_table():
    class Table(k.Layer):
        def call(self, values):
            return {"scores": keras.ops.mean(values, axis=(1, 2)), "largest": keras.ops.max(values, axis=(1, 2))}

    model = keras.Sequential([k.Input((8, 12, 3)), Table()])
    given = np.random.default_rng(0).random((2, 8, 12, 3), np.float32)
    adapted = adapt(model, "model", ModelSettings(output="scores"))
    assert adapted.output_name == "scores"
    np.testing.assert_allclose(adapted.model(given), given.mean(axis=(1, 2)), atol=1e-6)
