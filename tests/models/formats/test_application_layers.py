"""Layers that the applications have for themselves: these are data, and others of their names are not."""

from __future__ import annotations

import json
import zipfile

import keras
import pytest
from keras import layers
from keras.src.applications.convnext import LayerScale

from reportgen.models.code.embedded_code import find_code
from reportgen.models.formats.application_layers import application_layers, is_application_layer
from reportgen.models.loader import load_model

SETTINGS = {"name": "scale", "trainable": True, "dtype": "float32", "init_values": 0.5, "projection_dim": 4}


def table(name="LayerScale", config=SETTINGS, **more):
    return {"class_name": name, "config": config, **more}


def found(*tables):
    return [str(code) for code in find_code({"layers": list(tables)})]


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_all_are_known(package):
    assert set(application_layers(package)) == {"LayerScale", "StochasticDepth", "CustomScaleLayer"}
    assert all(
        kind.__module__.startswith(f"{package}.src.applications.") for kind in application_layers(package).values()
    )


@pytest.mark.parametrize(
    "config",
    [
        table(), table(module="keras.src.applications.convnext", registered_name="LayerScale"),
        table(module="tf_keras.src.applications.convnext", registered_name=None),
        table("CustomScaleLayer", {"name": "x", "scale": 0.2}, registered_name="Custom>CustomScaleLayer",
              module="tf_keras.src.applications.inception_resnet_v2"),
        table("Custom>CustomScaleLayer", {"name": "x", "scale": 0.2}),
    ],
)  # fmt: skip
def test_they_need_no_trust(config):
    assert is_application_layer(config)
    assert found(config) == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (table(config={"name": "scale", "gamma": 1}), "'scale' (LayerScale)"),
        (table(module="mine"), "'scale' (mine.LayerScale)"),
        (table(module="kerasx.src.applications.convnext"), "'scale' (kerasx.src.applications.convnext.LayerScale)"),
        (table(module="keras.src.applications.convnext", registered_name="theirs>LayerScale"), "'scale' (LayerScale)"),
        (
            table("Dense", {"name": "scale"}, module="keras.layers", registered_name="theirs>Dense"),
            "'scale' (theirs>Dense)",
        ),
        (table("theirs>LayerScale"), "'scale' (theirs>LayerScale)"),
    ],
)
def test_what_others_have_under_these_names_does(config, said):
    assert found(config) == [said]


def test_what_another_package_registered_is_not_opened(tmp_path, refused):
    """Keras would make it: it looks for what is registered before it looks at the module."""
    made = []

    @keras.saving.register_keras_serializable(package="theirs")
    class Opened(layers.Layer):
        def __init__(self, **options):
            made.append(options)
            super().__init__(name="scale")

    model = keras.Sequential(
        [layers.Input((8, 12, 3)), LayerScale(0.5, 3, name="scale"), layers.Flatten(), layers.Dense(2)]
    )
    model.save(tmp_path / "plain.keras")
    load_model(tmp_path / "plain.keras")
    with zipfile.ZipFile(tmp_path / "plain.keras") as source, zipfile.ZipFile(tmp_path / "odd.keras", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                scale = next(one for one in config["config"]["layers"] if one["class_name"] == "LayerScale")
                scale["registered_name"] = "theirs>Opened"
                content = json.dumps(config).encode()
            target.writestr(name, content)
    assert "needs code that Keras does not have: 'scale' (LayerScale)" in refused(tmp_path / "odd.keras")
    assert made == []
