"""The user's own classes against what a file holds for them; each remedy that is named is tried."""

from __future__ import annotations

import types

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models.code.own_arguments import check_own_classes
from reportgen.models.loader import load_model
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import ModelError

SHAPE = (12, 20, 3)
BODY = "    def call(self, x):\n        return x * self.factor\n"
SAVED = f"""
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

{BODY}
    def get_config(self):
        return {{**super().get_config(), "factor": self.factor}}
"""
BARE = f"""
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

{BODY}"""
NEEDS = f"""
    def __init__(self, factor, power, **options):
        super().__init__(**options)
        self.factor = factor

{BODY}"""
ANOTHER = f"""
    def __init__(self, gain=2.0, name=None, trainable=True, dtype=None):
        super().__init__(name=name)
        self.factor = gain

{BODY}"""


def class_of(body, package="keras"):
    scope: dict = {}
    exec(f"import {package}\n\n\nclass Scale({package}.layers.Layer):{body}", scope)
    return scope["Scale"]


@pytest.fixture
def given(monkeypatch):
    """Give a class as a module of the user's; return the settings that name it."""

    def give(kind):
        import sys

        module = types.ModuleType("own_of_arguments")
        module.Scale = kind
        monkeypatch.setitem(sys.modules, "own_of_arguments", module)
        return ModelSettings(custom_objects=("own_of_arguments:Scale",))

    return give


@pytest.fixture(scope="module", params=["keras .keras", "keras .h5", "tf_keras .keras", "tf_keras .h5"])
def saved(request, tmp_path_factory):
    """A model with a layer of the user's own, by whichever Keras: package, path and model."""
    package, ending = request.param.split()
    made = pytest.importorskip(package)
    k = made.layers
    model = made.Sequential(
        [
            k.Input(SHAPE), class_of(SAVED, package)(2.0, name="mine"), k.Conv2D(4, 3), k.GlobalMaxPooling2D(),
            k.Dense(2, "softmax"),
        ]
    )  # fmt: skip
    path = tmp_path_factory.mktemp("own") / f"model{ending}"
    model.save(path)
    return package, path, model


def works(path, settings, model, random):
    images = random.uniform(0, 1, (2, *SHAPE)).astype(np.float32)
    loaded = load_model(path, settings)
    np.testing.assert_allclose(np.asarray(loaded.keras_model(images)), np.asarray(model(images)), atol=1e-6)


def refused(path, settings):
    with pytest.raises(ModelError) as caught:
        load_model(path, settings)
    assert str(caught.value).count(str(path)) == 1
    return str(caught.value)


def test_the_class_that_it_was_saved_with(saved, given, random):
    package, path, model = saved
    works(path, given(class_of(SAVED, package)), model, random)


@pytest.mark.parametrize(
    ("body", "told", "mended"),
    [
        (
            BARE,
            "class 'Scale' takes no 'dtype', 'name' or 'trainable', which",
            BARE.replace("factor):", "factor, **kwargs):").replace("__init__()", "__init__(**kwargs)"),
        ),
        (NEEDS, "doesn't hold 'power', which class 'Scale' needs; give it a default in its __init__",
         NEEDS.replace("power,", "power=1,")),
        (ANOTHER, "class 'Scale' takes no 'factor', which", ANOTHER.replace("gain=2.0", "factor=1, gain=2.0")),
    ],
    ids=["no kwargs", "needs more", "another class"],
)  # fmt: skip
def test_what_a_class_can_not_take_is_named_and_the_remedy_works(saved, given, random, body, told, mended):
    package, path, model = saved
    message = refused(path, given(class_of(body, package)))
    assert told in message
    if body is BARE:
        assert "let its __init__ end in **kwargs, and pass them on: super().__init__(**kwargs)" in message
    works(path, given(class_of(mended, package)), model, random)


def test_a_class_that_passes_too_much_on(saved, given):
    package, path, _ = saved
    message = refused(path, given(class_of(f"\n    factor = 2.0\n\n{BODY}", package)))
    assert "factor" in message
    assert "check the code that was given with --custom-objects" in message


def test_a_class_that_fails_is_told_in_its_own_words(saved, given):
    package, path, _ = saved
    message = refused(path, given(class_of(SAVED.replace("x * self.factor", "x * self.factr"), package)))
    assert "has no attribute 'factr'" in message
    assert "check the code that was given with --custom-objects" in message


def test_a_class_of_the_other_keras(saved, given, random):
    package, path, model = saved
    other = class_of(SAVED, "keras" if package == "tf_keras" else "tf_keras")
    if package == "tf_keras":
        works(path, given(other), model, random)
        return
    message = refused(path, given(other))
    assert "was saved by Keras 3, and 'Scale' is a class of Keras 2 (tf_keras)" in message


def test_what_is_no_class_of_keras(saved, given):
    _, path, _ = saved
    message = refused(path, given(type("Scale", (), {})))
    assert "has no from_config; derive it from keras.layers.Layer" in message


class MadeByItself(layers.Layer):
    """A layer that makes itself of whatever it's given."""

    def __init__(self, settings):
        super().__init__()
        self.settings = settings

    @classmethod
    def from_config(cls, config):
        return cls(config)


class Net(keras.Model):
    """A model of a user's own, made of layers by Keras's own way."""

    def __init__(self, inputs, outputs, extra=None):
        super().__init__(inputs, outputs)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ({"class_name": "MadeByItself", "config": {"name": "a", "size": 4}}, MadeByItself),
        ({"class_name": "Net", "config": {"name": "a", "layers": [], "input_layers": []}}, Net),
        ({"class_name": "Net", "config": None}, Net),
        ({"class_name": "step", "config": {"name": "a"}}, lambda x: x),
        ({"class_name": "Other", "config": {"name": "a"}}, MadeByItself),
    ],
)
def test_what_is_left_to_keras(table, kind):
    check_own_classes({"config": [table]}, {table["class_name"].replace("Other", "Else"): kind}, "a", is_legacy=False)


def test_a_class_under_its_registered_name():
    table = {"class_name": "Inner", "registered_name": "Mine>Scale", "config": {"name": "one", "factor": 2}}
    with pytest.raises(ModelError, match="takes no 'name', which a file gives"):
        check_own_classes(table, {"Scale": class_of(BARE)}, "a file", is_legacy=False)
