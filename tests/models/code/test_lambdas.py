"""Lambda layers with code of another Python, and the user's own functions in place of what they carry."""

from __future__ import annotations

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models.code.embedded_code import find_code
from reportgen.models.code.lambdas import function_name, own_function, with_own_functions
from reportgen.models.loader import load_model
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import ModelError

# lambda x: x * 2, marshalled by Python 3.9
OF_3_9 = (
    "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwApAk7pAgAAAKkAKQHaAXhyAgAA"
    "AHICAAAA2gFt2gg8bGFtYmRhPgEAAADzAAAAAA=="
)
SHAPE = (12, 20, 3)
FORMATS = ["keras 3 .keras", "keras 3 .h5", "keras 2 .keras", "keras 2 .h5"]


def built(kind, name, folder):
    """Write a model that doubles its input, and return its path and the model."""
    if kind.startswith("keras 2"):
        tf_keras = pytest.importorskip("tf_keras")
        made, k = tf_keras, tf_keras.layers
    else:
        made, k = keras, layers
    doubled = k.Lambda(lambda x: x * 2, output_shape=SHAPE, name=name)
    model = made.Sequential([k.Input(SHAPE), doubled, k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")])
    path = folder / f"model{kind.split()[-1]}"
    model.save(path)
    return path, model


def spoil(value):
    """Put code of another Python in the place of each function in a configuration."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "code":
                value[key] = OF_3_9
            elif key == "function" and isinstance(item, list):
                item[0] = OF_3_9
            elif key == "function" and "items" in item:
                item["items"][0] = OF_3_9
            else:
                spoil(item)
    elif isinstance(value, list):
        for item in value:
            spoil(item)


def of_another_python(path):
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            spoil(config)
            file.attrs["model_config"] = json.dumps(config)
        return path
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    spoil(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (parts | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's in the working folder."""

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return name

    return write


def refused(path, **settings):
    with pytest.raises(ModelError) as caught:
        load_model(path, ModelSettings(**settings))
    message = str(caught.value)
    assert message.count(str(path)) == 1
    return message


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("trust", [False, True])
def test_code_of_another_python_is_refused_trusted_or_not(kind, trust, tmp_path):
    path, _ = built(kind, "doubled", tmp_path)
    told = refused(of_another_python(path), trust_code=trust)
    assert "Python code in 'doubled' (Lambda) that was saved by Python 3.8, 3.9 or 3.10; this is Python 3.1" in told
    assert "give it with --custom-objects MODULE:doubled" in told
    assert "--trust-model-code" not in told


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("spoilt", [False, True])
def test_a_function_of_ones_own_takes_its_place(kind, spoilt, tmp_path, own_module, random):
    path, model = built(kind, "doubled", tmp_path)
    if spoilt:
        of_another_python(path)
    name = own_module("own_doubled", "def doubled(x):\n    return x * 2\n")
    before = path.read_bytes()
    loaded = load_model(path, ModelSettings(custom_objects=(f"{name}:doubled",)))
    images = random.uniform(0, 1, (2, *SHAPE)).astype(np.float32)
    expected = np.asarray(model(images))
    np.testing.assert_allclose(np.asarray(loaded.keras_model(images)), expected, atol=1e-6)
    assert path.read_bytes() == before
    assert any("given code from outside Keras: doubled" in caution for caution in loaded.cautions)


def test_the_function_that_is_given_is_the_one_that_is_used(tmp_path, own_module, random):
    path, model = built("keras 3 .keras", "doubled", tmp_path)
    name = own_module("own_tripled", "def doubled(x):\n    return x * 3\n")
    loaded = load_model(path, ModelSettings(custom_objects=(f"{name}:doubled",)))
    images = random.uniform(0, 1, (2, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(loaded.keras_model(images)), np.asarray(model(images * 1.5)), atol=1e-5)


@pytest.mark.parametrize(("layer", "function"), [("lambda", "lambda_"), ("my-scale", "my_scale"), ("2x", "_2x")])
def test_a_layer_whose_name_no_function_can_have(layer, function, tmp_path, own_module):
    path, _ = built("keras 3 .keras", layer, tmp_path)
    assert f"--custom-objects MODULE:{function}" in refused(path)
    name = own_module(f"own_{function}", f"def {function}(x):\n    return x * 2\n")
    assert load_model(path, ModelSettings(custom_objects=(f"{name}:{function}",))).outputs == 2


def test_code_that_is_trusted_and_fails_is_refused_with_what_helps(tmp_path, own_module):
    helper = own_module("own_helper", "def twice(x):\n    return x * 2\n\n\ntwiced = twice\n")
    own_helper = __import__(helper)
    k = layers
    scope = {"own_helper": own_helper}
    function = eval("lambda x: own_helper.twice(x)", scope)
    model = keras.Sequential([k.Input(SHAPE), k.Lambda(function, output_shape=SHAPE, name="twiced"), k.Conv2D(4, 3),
                              k.GlobalMaxPooling2D(), k.Dense(2, "softmax")])  # fmt: skip
    path = tmp_path / "named.keras"
    model.save(path)
    told = refused_by_name(path, trust_code=True)
    assert "has code of its own that fails here (in Lambda.call(): name 'own_helper' is not defined)" in told
    assert "--custom-objects MODULE:NAME" in told
    assert load_model(path, ModelSettings(custom_objects=(f"{helper}:twiced",))).outputs == 2


def refused_by_name(path, **settings):
    with pytest.raises(ModelError) as caught:
        load_model(path, ModelSettings(**settings))
    assert str(caught.value).count(path.name) == 1
    return str(caught.value)


def test_a_named_function_in_a_file_of_keras_2(tmp_path, own_module, random):
    """Where its name alone stands, Keras 2 puts the function too early."""
    path, model = built("keras 2 .h5", "scale", tmp_path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "Lambda":
                layer["config"] |= {"function": "twofold", "function_type": "function"}
        file.attrs["model_config"] = json.dumps(config)
    assert "needs code that Keras does not have: 'scale' (twofold)" in refused(path)
    name = own_module("own_twofold", "def twofold(x):\n    return x * 2\n")
    loaded = load_model(path, ModelSettings(custom_objects=(f"{name}:twofold",)))
    images = random.uniform(0, 1, (2, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(loaded.keras_model(images)), np.asarray(model(images)), atol=1e-6)


# ---- configurations


def table(**config):
    return {"class_name": "Lambda", "config": {"name": "scale", **config}}


CODE = {"class_name": "__lambda__", "config": {"code": OF_3_9, "defaults": None, "closure": None}}
NAMED = {"module": "mine", "class_name": "function", "config": "twofold", "registered_name": "function"}


@pytest.mark.parametrize(
    ("layer", "named", "own"),
    [
        (table(function=CODE), None, "scale"),
        (table(function=[OF_3_9, None, None], function_type="lambda"), None, "scale"),
        (table(function=NAMED), "twofold", ""),
        (table(function=NAMED, output_shape=[4, 6, 3]), "twofold", ""),
        (table(function=NAMED, output_shape=CODE), None, "scale"),
        (table(function="twofold", function_type="function", output_shape=[None, 4]), "twofold", ""),
        (table(function="twofold", function_type="function", output_shape=[OF_3_9, None]), None, "scale"),
        ({"class_name": "Lambda", "config": {"function": CODE}}, None, ""),
        ({"class_name": "Lambda", "config": None}, None, ""),
        ({"class_name": "Dense", "config": {"name": "scale"}}, None, ""),
    ],
)
def test_what_a_lambda_layer_names(layer, named, own):
    assert function_name(layer) == named
    assert own_function(layer) == own


def test_a_configuration_is_changed_only_where_a_function_is_given():
    config = {"class_name": "Sequential", "config": {"layers": [table(function=CODE, output_shape=CODE, mask=CODE)]}}
    kept = json.dumps(config)
    assert with_own_functions(config, ("other",)) is config
    changed = with_own_functions(config, ("scale",))
    assert json.dumps(config) == kept
    assert find_code(changed, ("scale",)) == ()
    assert function_name(changed["config"]["layers"][0]) == "scale"


def test_code_that_is_no_layer_has_no_function_in_its_place():
    dense = {"class_name": "Dense", "config": {"name": "scale", "activation": CODE}}
    (found,) = find_code(dense)
    assert (found.function, found.is_lambda) == ("", True)
    assert with_own_functions(dense, ("scale",)) is dense


def test_a_folder_with_code_of_another_python_is_run_without_it(tmp_path):
    _, model = built("keras 2 .h5", "doubled", tmp_path)
    from tf_keras.protobuf import saved_metadata_pb2

    folder = tmp_path / "saved"
    model.save(folder, save_format="tf")
    assert load_model(folder, ModelSettings(trust_code=True)).keras_model.get_layer("doubled")
    metadata = saved_metadata_pb2.SavedMetadata()
    metadata.ParseFromString((folder / "keras_metadata.pb").read_bytes())
    for node in metadata.nodes:
        content = json.loads(node.metadata)
        spoil(content)
        node.metadata = json.dumps(content)
    (folder / "keras_metadata.pb").write_bytes(metadata.SerializeToString())
    loaded = load_model(folder, ModelSettings(trust_code=True))
    assert any("only the outside of the model can be seen" in note for note in loaded.notes)
