"""Which layers are shown, and that each feature map is what the model computes there."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis import layer_graph as graph_module
from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.layer_graph import trace
from reportgen.models.formats.steady import make_steady
from reportgen.settings.report import LayerSettings
from reportgen.system.errors import SettingsError

SHAPE = (24, 36, 3)


@pytest.fixture(scope="module")
def images(random):
    return random.uniform(0, 1, (2, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def deep():
    """Ten convolutions named c0 to c9, then no spatial output."""
    stack = [layers.Conv2D(2, 1, name=f"c{number}") for number in range(10)]
    return trace(keras.Sequential([layers.Input(SHAPE), *stack, layers.GlobalAveragePooling2D(name="mean")]))


def maps_of(model, images, **chosen):
    graph = trace(model)
    calls, _ = choose_layers(graph, LayerSettings(**chosen))
    return {maps.layer: maps.values for maps in feature_maps(graph, calls, images)}


def chosen_names(graph, **chosen):
    calls, _ = choose_layers(graph, LayerSettings(**chosen))
    return [call.path for call in calls]


# ---- values


def test_sequential_maps_are_the_layers_own(small_model, images):
    found = maps_of(small_model, images)
    assert list(found) == ["first", "pool", "one"]
    for name, values in found.items():
        direct = keras.Model(small_model.inputs[0], small_model.get_layer(name).output)
        np.testing.assert_allclose(values, direct(images, training=False), atol=1e-6)
    assert found["first"].shape == (2, 22, 34, 5)
    assert found["first"].dtype == np.float32


def test_nested_maps_are_those_of_the_inner_model(nested_model, images):
    found = maps_of(nested_model, images * 255)
    assert list(found) == ["scaling", "head/base/left", "head/base/right", "head/base/sum"]
    base = nested_model.get_layer("head").get_layer("base")
    np.testing.assert_allclose(found["scaling"], images, atol=1e-6)
    for name in ("left", "right", "sum"):
        direct = keras.Model(base.inputs[0], base.get_layer(name).output)
        np.testing.assert_allclose(found[f"head/base/{name}"], direct(images, training=False), atol=1e-5)
    np.testing.assert_allclose(found["head/base/sum"], found["head/base/left"] + found["head/base/right"], atol=1e-5)


def test_the_second_call_of_a_layer_has_maps_of_its_own(images):
    keras.utils.set_random_seed(2)
    entry = layers.Input(SHAPE)
    shared = layers.Conv2D(3, 3, padding="same", activation="tanh", name="shared")
    model = keras.Model(entry, layers.GlobalAveragePooling2D()(shared(shared(entry))))
    found = maps_of(model, images)
    once = shared(images)
    np.testing.assert_allclose(found["shared"], once, atol=1e-6)
    np.testing.assert_allclose(found["shared (2)"], shared(once), atol=1e-6)
    assert np.abs(found["shared"] - found["shared (2)"]).max() > 0.01


def test_the_second_call_of_a_nested_model_has_maps_of_its_own(images):
    keras.utils.set_random_seed(2)
    conv = layers.Conv2D(2, 3, activation="relu", name="conv")
    inner = keras.Sequential([layers.Input(SHAPE), conv], name="eye")
    entry = layers.Input(SHAPE)
    seen = inner(entry)
    negative = inner(layers.Rescaling(-1.0, name="negative")(entry))
    model = keras.Model(entry, layers.GlobalAveragePooling2D()(layers.Add(name="both")([seen, negative])))
    found = maps_of(model, images)
    expected = [np.asarray(conv(images)), np.asarray(conv(-images))]
    calls = [found["eye/conv"], found["eye/conv (2)"]]
    np.testing.assert_allclose(found["both"], expected[0] + expected[1], atol=1e-5)
    assert min(np.abs(calls[0] - one).max() for one in expected) < 1e-6
    assert min(np.abs(calls[1] - one).max() for one in expected) < 1e-6
    assert np.abs(calls[0] - calls[1]).max() > 0.01


def test_maps_of_a_mobile_net_inside_a_sequential(random):
    keras.utils.set_random_seed(2)
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 64, 3))
    model = keras.Sequential([layers.Input((32, 64, 3)), base, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    batch = random.uniform(-1, 1, (2, 32, 64, 3)).astype(np.float32)
    found = maps_of(model, batch, maximum=0)
    inner = [layer for layer in base.layers if f"{base.name}/{layer.name}" in found]
    assert len(found) == len(inner) > 100
    direct = keras.Model(base.inputs[0], [layer.output for layer in inner])(batch, training=False)
    for layer, expected in zip(inner, direct, strict=True):
        np.testing.assert_allclose(found[f"{base.name}/{layer.name}"], expected, rtol=1e-4, atol=1e-5)


def test_one_pass_gives_all_maps_and_holds_no_more_than_it_needs(small_model, images, monkeypatch):
    graph = trace(small_model)
    calls, _ = choose_layers(graph, LayerSettings())
    run, held = [], []
    real = graph_module.call_layer

    def counted(call, values):
        run.append(call.path)
        held.append(len(values))
        return real(call, values)

    monkeypatch.setattr(graph_module, "call_layer", counted)
    found = [maps.layer for maps in feature_maps(graph, calls, images)]
    assert found == [call.path for call in calls]
    # a model that is a chain: each layer once, up to the last that is shown, with nothing but its input at hand
    paths = [call.path for call in graph.calls]
    assert run == paths[: paths.index(found[-1]) + 1]
    assert set(held) == {1}


def test_no_layers_no_maps(small_model, images):
    assert list(feature_maps(trace(small_model), (), images)) == []


# ---- choice


def test_layers_that_do_nothing_at_inference_are_left_out(small_model):
    stack = [
        layers.RandomFlip(name="flip"), layers.GaussianNoise(0.1, name="noise"), layers.Conv2D(2, 3, name="conv"),
        layers.SpatialDropout2D(0.1, name="drop2"), layers.Dropout(0.5, name="drop"), layers.ReLU(name="relu"),
    ]  # fmt: skip
    graph = trace(keras.Sequential([layers.Input(SHAPE), *stack, layers.Flatten(name="flat")]))
    assert chosen_names(graph) == ["conv", "relu"]
    assert chosen_names(trace(small_model)) == ["first", "pool", "one"]


def test_a_layer_that_does_nothing_can_be_asked_for(small_model):
    assert chosen_names(trace(small_model), show=("drop",)) == ["drop"]


def test_a_single_position_is_no_feature_map():
    stack = [layers.Conv2D(2, (24, 36), name="whole"), layers.Flatten()]
    assert chosen_names(trace(keras.Sequential([layers.Input(SHAPE), *stack]))) == []
    column = [layers.Conv2D(2, (24, 1), name="row"), layers.Flatten()]
    assert chosen_names(trace(keras.Sequential([layers.Input(SHAPE), *column]))) == ["row"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"show": ("one", "first")}, ["first", "one"]),
        ({"show": ("*o*",)}, ["pool", "one", "drop"]),
        ({"show": ("first", "po*")}, ["first", "pool"]),
        ({"show": ("flat", "first")}, ["first"]),
        ({"types": ("Conv2D",)}, ["first", "one"]),
        ({"types": ("maxpooling2d", "conv2d")}, ["first", "pool", "one"]),
        ({"show": ("first", "pool"), "types": ("Conv2D",)}, ["first"]),
        ({"first": 2}, ["first", "pool"]),
        ({"types": ("Conv2D",), "first": 1}, ["first"]),
        ({"first": 99}, ["first", "pool", "one"]),
    ],
)
def test_choice_by_name_glob_type_and_number(small_model, chosen, expected):
    assert chosen_names(trace(small_model), **chosen) == expected


def test_choice_inside_nested_models(nested_model):
    graph = trace(nested_model)
    assert chosen_names(graph, show=("head/base/left",)) == ["head/base/left"]
    assert chosen_names(graph, show=("head/*",)) == ["head/base/left", "head/base/right", "head/base/sum"]
    assert chosen_names(graph, types=("Add",)) == ["head/base/sum"]


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (1, ["c0"]),
        (2, ["c0", "c9"]),
        (4, ["c0", "c3", "c6", "c9"]),
        (9, ["c0", "c1", "c2", "c3", "c4", "c6", "c7", "c8", "c9"]),
    ],
)
def test_at_most_so_many_evenly_spread_with_a_note(deep, maximum, expected):
    calls, notes = choose_layers(deep, LayerSettings(maximum=maximum))
    assert [call.path for call in calls] == expected
    assert len(notes) == 1
    assert notes[0].startswith(f"{maximum} of 10 layers")


@pytest.mark.parametrize("maximum", [10, 11, 0])
def test_no_note_where_nothing_is_left_out(deep, maximum):
    calls, notes = choose_layers(deep, LayerSettings(maximum=maximum))
    assert len(calls) == 10
    assert notes == ()


def test_unknown_name_is_refused_with_the_nearest(small_model):
    with pytest.raises(SettingsError, match=r"no layer is named 'frist'; for example 'first'"):
        choose_layers(trace(small_model), LayerSettings(show=("frist",)))


def test_a_name_among_good_ones_that_matches_nothing_is_refused(small_model):
    with pytest.raises(SettingsError, match=r"no layer is named 'block9_\*'"):
        choose_layers(trace(small_model), LayerSettings(show=("first", "block9_*")))


def test_a_dense_layer_alone_is_refused(small_model):
    with pytest.raises(SettingsError, match="'score' has no feature maps"):
        choose_layers(trace(small_model), LayerSettings(show=("score",)))


def test_unknown_type_is_refused_with_those_present(small_model):
    with pytest.raises(SettingsError, match="type 'Conv3D'; there are Conv2D, MaxPooling2D"):
        choose_layers(trace(small_model), LayerSettings(types=("Conv3D",)))


def test_a_model_without_feature_maps_has_no_layers_to_show():
    graph = trace(keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)]))
    assert choose_layers(graph, LayerSettings()) == ((), ())


def test_each_output_of_a_layer_has_maps(images):
    keras.backend.clear_session()  # operations are named by counting
    keras.utils.set_random_seed(2)
    entry = layers.Input(SHAPE)
    left, right = keras.ops.split(layers.Conv2D(5, 3, name="conv")(entry), [2], axis=-1)
    model = keras.Model(entry, layers.Dense(2)(layers.Concatenate()([layers.Flatten()(left), layers.Flatten()(right)])))
    found = maps_of(model, images)
    assert list(found) == ["conv", "split", "split [2]"]
    np.testing.assert_array_equal(np.concatenate([found["split"], found["split [2]"]], axis=-1), found["conv"])
    assert list(maps_of(model, images, show=("split [2]",))) == ["split [2]"]
    assert list(maps_of(model, images, show=("split*",))) == ["split", "split [2]"]


def test_dropout_that_is_kept_on_does_something(images):
    entry, dropped = layers.Input(SHAPE), layers.Dropout(0.5, name="drop")
    make_steady(dropped, "drop")
    model = keras.Model(entry, layers.Flatten()(dropped(entry, in_training=True)))
    (values,) = maps_of(model, images).values()
    kept = values != 0
    np.testing.assert_allclose(values[kept], 2 * images[kept], atol=1e-6)
    np.testing.assert_array_equal(kept[0], kept[1])
