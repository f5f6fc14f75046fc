"""A model seen flat: the paths, and that the flat graph computes what the model computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.layer_graph import compute_outputs, is_nested, trace
from reportgen.models.formats.layer_names import call_as_in_file

SHAPE = (24, 36, 3)


def paths(model):
    return [call.path for call in trace(model).calls]


def branched():
    entry = layers.Input(SHAPE)
    left = layers.Conv2D(2, 3, padding="same", name="left")(entry)
    right = layers.Conv2D(2, 1, name="right")(entry)
    both = layers.Concatenate(name="both")([left, right])
    return keras.Model(entry, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D(name="mean")(both)))


def used_twice():
    """One layer, called on the input and on its own output."""
    entry = layers.Input(SHAPE)
    shared = layers.Conv2D(3, 3, padding="same", activation="tanh", name="shared")
    return keras.Model(entry, layers.GlobalAveragePooling2D(name="mean")(shared(shared(entry))))


def twin():
    """One model, called on the input and on its negative."""
    inner = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(2, 3, activation="relu", name="conv")], name="eye")
    entry = layers.Input(SHAPE)
    negative = layers.Rescaling(-1.0, name="negative")(entry)
    merged = layers.Subtract(name="minus")([inner(entry), inner(negative)])
    return keras.Model(entry, layers.GlobalAveragePooling2D(name="mean")(merged))


def frozen_base():
    """As transfer learning is taught: the base is called with ``training=False``."""
    entry = layers.Input(SHAPE)
    hidden = layers.Conv2D(4, 3, name="conv")(entry)
    base = keras.Model(entry, layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(hidden)), name="base")
    outer = layers.Input(SHAPE)
    return keras.Model(outer, layers.Flatten(name="flat")(base(outer, training=False)))


def with_operations():
    """As in Keras's own transfer-learning guide: preprocessing by operations on tensors, which are no layers."""
    entry = layers.Input(SHAPE)
    hidden = layers.Conv2D(2, 3, name="conv")(entry / 127.5 - 1.0)
    return keras.Model(entry, layers.GlobalAveragePooling2D(name="mean")(keras.ops.relu(hidden)))


def in_mobile_net():
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 64, 3))
    return keras.Sequential([layers.Input((32, 64, 3)), base, layers.GlobalAveragePooling2D(), layers.Dense(2)])


def test_sequential(small_model):
    graph = trace(small_model)
    assert [call.path for call in graph.calls] == ["first", "pool", "one", "drop", "flat", "score"]
    assert [call.output_shape for call in graph.calls] == [
        (None, 22, 34, 5), (None, 11, 17, 5), (None, 11, 17, 1), (None, 11, 17, 1), (None, 187), (None, 1),
    ]  # fmt: skip
    assert graph.input.shape == (None, 24, 36, 3)
    assert graph.output is graph["score"].output


def test_nested(nested_model):
    assert paths(nested_model) == [
        "scaling", "head/base/left", "head/base/right", "head/base/sum", "head/average", "classes"
    ]  # fmt: skip


def test_layers_are_those_of_the_model(nested_model):
    base = nested_model.get_layer("head").get_layer("base")
    assert trace(nested_model)["head/base/left"].layer is base.get_layer("left")


def test_inputs_are_the_outputs_of_what_came_before(nested_model):
    graph = trace(nested_model)
    merged = graph["head/base/sum"]
    assert [id(tensor) for tensor in merged.inputs] == [
        id(graph["head/base/left"].output),
        id(graph["head/base/right"].output),
    ]
    assert graph["head/base/left"].inputs[0] is graph["scaling"].output
    assert graph["scaling"].inputs[0] is graph.input
    assert graph["head/average"].inputs[0] is merged.output


def test_a_layer_called_twice_is_two_calls():
    calls = trace(used_twice()).calls
    assert [(call.path, call.first) for call in calls] == [("shared", True), ("shared (2)", False), ("mean", True)]
    assert calls[0].layer is calls[1].layer
    assert calls[1].inputs[0] is calls[0].output


def test_a_model_called_twice_is_stepped_into_twice():
    assert sorted(paths(twin())) == sorted(["eye/conv", "negative", "eye/conv (2)", "minus", "mean"])
    assert [call.first for call in trace(twin()).calls if call.path.startswith("eye")] == [True, False]


def test_tracing_again_gives_the_same(nested_model):
    assert paths(nested_model) == paths(nested_model)


def test_mobile_net_inside_a_sequential():
    model = in_mobile_net()
    base = model.layers[0]
    found = paths(model)
    inner = [f"{base.name}/{layer.name}" for layer in base.layers if not isinstance(layer, layers.InputLayer)]
    assert found == [*inner, model.layers[1].name, model.layers[2].name]


def test_operations_on_tensors_are_calls():
    assert len(paths(with_operations())) == 5  # divide, subtract, conv, relu, mean


def test_a_subclassed_model_is_one_call():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.inner = layers.Conv2D(2, 3, name="hidden")

        def call(self, inputs):
            return self.inner(inputs)

    own = Own()
    model = keras.Sequential([layers.Input(SHAPE), own, layers.Flatten(name="flat")])
    assert not is_nested(own)
    assert paths(model) == ["own", "flat"]


@pytest.mark.parametrize("build", [branched, used_twice, twin, frozen_base, with_operations, in_mobile_net])
def test_the_flat_graph_computes_what_the_model_computes(build, random):
    keras.utils.set_random_seed(6)
    model = build()
    images = random.uniform(0, 255, (2, *model.input_shape[1:])).astype(np.float32)
    graph = trace(model)
    flat = keras.Model(graph.input, graph.output)
    expected = np.asarray(model(images, training=False))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(np.asarray(flat(images, training=False)), expected, rtol=1e-5, atol=1e-6)


def test_the_flat_graph_of_the_nested_model(nested_model, random):
    images = random.uniform(0, 255, (2, *SHAPE)).astype(np.float32)
    graph = trace(nested_model)
    flat = keras.Model(graph.input, graph.output)
    np.testing.assert_allclose(flat(images, training=False), nested_model(images, training=False), atol=1e-6)


# ---- models inside that do more than call their layers


class Scaled(keras.Sequential):
    """A Sequential whose own call scales first."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs / 255.0, training=training, mask=mask)


def _with_table():
    first, second = layers.Input((8, 12, 3), name="b"), layers.Input((8, 12, 3), name="a")
    two = keras.Model([first, second], layers.Conv2D(2, 3)(first) - 2 * layers.Conv2D(2, 3)(second))
    image = layers.Input((8, 12, 3))
    return keras.Model(image, two({"a": image * 2, "b": image}))


def _with_whole_numbers():
    entry = layers.Input((8, 12, 3), dtype="int32")
    inner = keras.Model(entry, layers.Conv2D(2, 3)(keras.ops.cast(entry, "float32")))
    image = layers.Input((8, 12, 3))
    return keras.Model(image, inner(image * 5))


def _by_keyword():
    image = layers.Input((8, 12, 3))
    base = keras.Sequential([layers.Input((8, 12, 3)), layers.Conv2D(2, 3, name="inside")])
    return keras.Model(image, base(inputs=image))


def _own_call():
    return Scaled([layers.Input((8, 12, 3)), layers.Conv2D(2, 3)])


@pytest.mark.parametrize("build", [_with_table, _with_whole_numbers, _by_keyword, _own_call])
def test_the_walk_gives_what_the_model_gives(build):
    keras.utils.set_random_seed(4)
    model = build()
    images = np.random.default_rng(2).uniform(0, 9, (2, 8, 12, 3)).astype(np.float32)
    graph = trace(model)
    ((_, found),) = compute_outputs(graph, images, [graph.output])
    np.testing.assert_allclose(np.asarray(found), np.asarray(model(images, training=False)), rtol=1e-4, atol=1e-4)


def test_a_model_called_by_keyword_is_stepped_into():
    assert any(call.path.endswith("/inside") for call in trace(_by_keyword()).calls)


# ---- several outputs, and names


def of_three_parts():
    keras.backend.clear_session()  # operations are named by counting
    entry = layers.Input(SHAPE)
    parts = keras.ops.split(layers.Conv2D(6, 3, name="conv")(entry), [1, 3], axis=-1)
    joined = layers.Concatenate(name="joined")([parts[2], parts[0]])
    return keras.Model(entry, layers.GlobalAveragePooling2D(name="mean")(joined))


def test_a_call_with_several_outputs_is_seen_once_for_each():
    graph = trace(of_three_parts())
    assert [call.path for call in graph.calls] == ["conv", "split", "joined", "mean"]
    assert [call.path for call in graph.outputs] == ["conv", "split", "split [2]", "split [3]", "joined", "mean"]
    assert [graph[path].map_shape for path in ("split", "split [2]", "split [3]")] == [
        (22, 34, 1), (22, 34, 2), (22, 34, 3),
    ]  # fmt: skip
    assert graph["split [2]"].inputs == graph["split"].inputs


def test_each_output_has_the_values_of_its_own():
    graph, images = trace(of_three_parts()), np.random.default_rng(0).random((2, *SHAPE), np.float32)
    wanted = [graph[path].output for path in ("conv", "split [2]", "split [3]", "joined")]
    conv, second, third, joined = (np.asarray(value) for _, value in compute_outputs(graph, images, wanted))
    np.testing.assert_array_equal(second, conv[..., 1:3])
    np.testing.assert_array_equal(third, conv[..., 3:])
    np.testing.assert_array_equal(joined, conv[..., [3, 4, 5, 0]])


def test_a_layer_that_was_renamed_has_the_path_of_the_file():
    model = branched()
    call_as_in_file(model.get_layer("left"), "eye/left")
    graph = trace(model)
    assert graph["eye/left"].layer is model.get_layer("left")
    assert graph["eye/left"].also == "left"
    assert graph["right"].also == ""


def test_two_layers_never_have_one_path():
    """The name of one looks like the path of another, and its new name is another's own."""
    entry = layers.Input(SHAPE)
    inner = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 1, name="conv")], name="eye")
    hidden = layers.Conv2D(3, 1, name="renamed")(inner(entry))
    model = keras.Model(entry, layers.Conv2D(3, 1, name="eye_conv")(hidden))
    call_as_in_file(model.get_layer("renamed"), "eye/conv")
    assert paths(model) == ["eye/conv", "renamed", "eye_conv"]
