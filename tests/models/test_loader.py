from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from reportgen.models.loader import load_model
from reportgen.settings.report import LimitSettings, ModelSettings, PreprocessingSettings
from reportgen.system.errors import ModelError, ReportgenError, SettingsError

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 13853665\n"


@pytest.fixture(scope="module")
def saved(small_model, tmp_path_factory):
    """The bytes of the small model, by ending."""
    folder = tmp_path_factory.mktemp("models")
    for ending in (".keras", ".h5"):
        small_model.save(folder / f"small{ending}")
    return {ending: (folder / f"small{ending}").read_bytes() for ending in (".keras", ".h5")}


@pytest.fixture
def model_file(tmp_path):
    def write(content: bytes | str, name: str = "model.keras"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def zipped(**entries: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


def functional(shape, outputs=None, name="odd"):
    import keras
    from keras import layers

    entry = layers.Input(shape)
    end = layers.Dense(2)(layers.Flatten()(entry)) if outputs is None else outputs(entry)
    return keras.Model(entry, end, name=name)


def refused(source, error: type[ReportgenError] = ModelError, **options) -> str:
    with pytest.raises(error) as caught:
        load_model(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def same_scores(model, loaded, random) -> bool:
    batch = random.uniform(0, 1, (2, 24, 36, 3)).astype(np.float32)
    return np.allclose(model.predict(batch, verbose=0), loaded.keras_model.predict(batch, verbose=0), atol=1e-6)


# --- files that can be read


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_round_trip_of_a_sequential_model(small_model, saved, model_file, random, ending):
    path = model_file(saved[ending], f"my model{ending}")
    loaded = load_model(path)
    assert loaded.name == f"my model{ending}"
    assert loaded.input_shape == (24, 36, 3)
    assert loaded.outputs == 1
    assert loaded.class_names == ("class 0", "class 1")
    assert loaded.threshold == 0.5
    assert loaded.sha256 == hashlib.sha256(saved[ending]).hexdigest()
    assert same_scores(small_model, loaded, random)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_round_trip_of_nested_models(nested_model, tmp_path, random, ending):
    path = tmp_path / f"nested{ending}"
    nested_model.save(path)
    loaded = load_model(path)
    assert (loaded.input_shape, loaded.outputs) == ((24, 36, 3), 3)
    assert loaded.preprocessing.name == "none"  # it scales by itself
    assert same_scores(nested_model, loaded, random)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (".h5", "model.keras"),
        (".keras", "model.h5"),
        (".h5", "model.hdf5"),
        (".h5", "model.H5"),
        (".keras", "MODEL.KERAS"),
        (".keras", "model"),
        (".h5", "model.bin"),
    ],
)
def test_the_content_counts_not_the_ending(small_model, saved, model_file, random, content, name):
    loaded = load_model(model_file(saved[content], name))
    assert loaded.name == name
    assert same_scores(small_model, loaded, random)


def test_a_relative_path_under_a_wrong_ending(saved, model_file, monkeypatch):
    monkeypatch.chdir(model_file(saved[".h5"], "model.keras").parent)
    assert load_model("model.keras").outputs == 1


def test_a_model_in_memory(small_model):
    loaded = load_model(small_model)
    assert loaded.keras_model is small_model
    assert loaded.name == "small"
    assert load_model(small_model, name="mine").name == "mine"


def test_the_digest_of_a_model_in_memory_follows_its_weights(small_model):
    import keras

    copy = keras.models.clone_model(small_model)
    copy.set_weights(small_model.get_weights())
    assert load_model(copy).sha256 == load_model(small_model).sha256
    weights = copy.get_weights()
    weights[-1] = weights[-1] + 1
    copy.set_weights(weights)
    assert load_model(copy).sha256 != load_model(small_model).sha256


# --- how to use it


def test_class_names_are_assumed_from_the_labels(small_model):
    loaded = load_model(small_model, labels=["PNEUMONIA", "NORMAL"])
    assert loaded.class_names == ("NORMAL", "PNEUMONIA")
    assert any("Assumed from the labels" in note for note in loaded.notes)


def test_settings_say_more_than_labels(small_model):
    settings = ModelSettings(class_names=("well", "ill"), threshold=0.25, head="sigmoid")
    loaded = load_model(small_model, settings, labels=["PNEUMONIA", "NORMAL"])
    assert loaded.class_names == ("well", "ill")
    assert (loaded.threshold, loaded.head) == (0.25, "sigmoid")
    assert not any("labels" in note for note in loaded.notes)


def test_a_threshold_of_zero_is_a_threshold(small_model):
    assert load_model(small_model, ModelSettings(threshold=0.0)).threshold == 0


def test_wrong_number_of_class_names(nested_model):
    assert "2 class names for nested, which has 3 classes" in refused(
        nested_model, SettingsError, settings=ModelSettings(class_names=("a", "b"))
    )


def test_preprocessing_that_does_not_fit():
    gray = functional((24, 36, 1))
    told = refused(gray, SettingsError, preprocessing=PreprocessingSettings(mode="vgg16"))
    assert "'vgg16' is for RGB" in told


NOTES = """
class_names = ["NORMAL", "PNEUMONIA"]
threshold = 0.3
[preprocessing]
mode = "scale"
factor = 0.5
[card]
title = "A title"
[[card.evaluations]]
data = "some"
images = 7
auc = 0.75
[history]
loss = [2, 1.5]
"""


@pytest.fixture
def noted(saved, model_file):
    """A model with notes beside it."""
    model_file(NOTES, "model.toml")
    return model_file(saved[".keras"])


LABELS = b"0 Normal\n1 Viral pneumonia\n"


def test_labels_beside_the_model(saved, model_file):
    path = model_file(saved[".keras"])
    path.with_name("labels.txt").write_bytes(LABELS)
    loaded = load_model(path, labels=["x", "y"])
    assert loaded.class_names == ("Normal", "Viral pneumonia")
    assert "Class names were taken from labels.txt beside the model." in loaded.notes
    assert not any("labels" in caution for caution in loaded.cautions)


def test_labels_beside_the_model_that_do_not_fit(saved, model_file):
    path = model_file(saved[".keras"])
    path.with_name("labels.txt").write_bytes(LABELS + b"2 Other\n")
    loaded = load_model(path, labels=["x", "y"])
    assert loaded.class_names == ("x", "y")
    assert any("labels.txt beside the model was left aside: it holds 3 names" in note for note in loaded.notes)
    assert any("Assumed from the labels" in caution for caution in loaded.cautions)


def test_notes_say_more_than_labels_beside_the_model(noted):
    noted.with_name("labels.txt").write_bytes(LABELS)
    loaded = load_model(noted)
    assert loaded.class_names == ("NORMAL", "PNEUMONIA")
    assert not any("labels.txt" in note for note in loaded.notes)


def test_notes_beside_the_model(noted):
    loaded = load_model(noted, labels=["x", "y"])
    assert loaded.class_names == ("NORMAL", "PNEUMONIA")
    assert loaded.threshold == 0.3
    assert loaded.preprocessing.factor == (0.5,)
    assert loaded.card.title == "A title"
    assert (loaded.card.evaluations[0].images, loaded.card.evaluations[0].auc) == (7, 0.75)
    assert loaded.history == {"loss": (2.0, 1.5)}


def test_settings_beat_notes(noted):
    loaded = load_model(
        noted, ModelSettings(class_names=("a", "b"), threshold=0.9), PreprocessingSettings(mode="scale", factor=2.0)
    )
    assert (loaded.class_names, loaded.threshold, loaded.preprocessing.factor) == (("a", "b"), 0.9, (2.0,))


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ("threshold = 2", "'threshold'"),
        ('clas_names = ["a", "b"]', "did you mean 'class_names'?"),
        ('[card]\ntitel = "x"', "unknown key 'titel' in [card]; did you mean 'title'?"),
        ('[preprocessing]\nmode = "vgg61"', "preprocessing.mode 'vgg61' is unknown"),
        ('class_names = ["a"]', "1 class names for model.keras"),
        ("threshold =", "model.toml is not valid TOML"),
    ],
)
def test_bad_notes(saved, model_file, notes, told):
    model_file(notes, "model.toml")
    assert told in refused(model_file(saved[".keras"]), SettingsError)


# --- keras:NAME


@pytest.fixture(scope="module")
def mobile():
    return load_model("keras:MobileNetV2@random", ModelSettings(class_names=tuple(f"c{i}" for i in range(1000))))


def test_a_family_with_random_weights(mobile, random):
    from keras.applications.mobilenet_v2 import preprocess_input

    assert mobile.name == "keras:MobileNetV2@random"
    assert (mobile.input_shape, mobile.outputs) == ((224, 224, 3), 1000)
    assert any("random" in note for note in mobile.cautions)
    pixels = random.uniform(0, 255, (5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(mobile.preprocessing(pixels), preprocess_input(pixels.copy()), atol=1e-5)


def test_random_weights_are_the_same_each_time(mobile):
    again = load_model("keras:MobileNetV2@random", ModelSettings(class_names=mobile.class_names))
    assert again.sha256 == mobile.sha256


def test_every_architecture_of_keras_is_known():
    import keras

    wanted = {name for name in dir(keras.applications) if name[0].isupper()}
    known = set(refused("keras:Nothing").partition("known: ")[2].split(", "))
    assert known == wanted


@pytest.mark.parametrize("seed", ["0", "3"])
def test_an_architecture_without_a_module_has_the_longest_family_that_fits(seed):
    # in a process of its own: the order of a set of texts changes with the seed, a family must not
    program = (
        "import keras; from reportgen.models.applications import _builders; "
        "print(_builders(keras.applications)['MobileNetV3Small'][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"mobilenet_v3"]


@pytest.mark.parametrize("name", ["Nothing", "", "vgg16", "preprocess_input", "../VGG16"])
def test_an_unknown_architecture(name):
    told = refused(f"keras:{name}@random")
    assert f"there is no architecture '{name}'" in told
    assert "VGG16" in told


def test_weights_that_are_missing(tmp_path):
    assert "not found" in refused(f"keras:MobileNetV2@{tmp_path / 'none.h5'}")


def test_weights_of_another_model(saved, model_file):
    path = model_file(saved[".h5"], "other.h5")
    told = refused(f"keras:MobileNetV2@{path}")
    assert f"{path} is a whole model, which needs no --architecture" in told


@pytest.mark.parametrize(("name", "refusal"), [("MobileNetV2", None), ("MobileNet", "don't fit MobileNet:")])
def test_weights_for_other_classes_than_those_of_imagenet(tmp_path, name, refusal):
    import keras

    path = tmp_path / "four.weights.h5"
    keras.applications.MobileNetV2(weights=None, classes=4).save_weights(path)
    if refusal is not None:
        assert refusal in refused(f"keras:{name}@{path}")
        return
    loaded = load_model(f"keras:{name}@{path}", labels=())
    assert (loaded.name, loaded.outputs, loaded.class_names[-1]) == ("keras:MobileNetV2", 4, "class 3")
    assert loaded.preprocessing.name == "mobilenet_v2"
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


# --- files that are no models


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LFS, "git lfs pull"),
        ("These are words.\n", "is a text file"),
        ("<html><body>404</body></html>", "is a web page"),
        (bytes(range(200, 256)) * 9, "is not a Keras model"),
        (b"", "is empty (0 bytes), not a model"),
        (b"PK\x03\x04", "is a damaged .keras file"),
        (zipped(readme_txt="x"), "zip file without a Keras model"),
        (zipped(config_json="no JSON"), "a configuration that is no JSON"),
        (zipped(config_json="[]"), "a configuration that is no table"),
        (
            zipped(config_json=json.dumps({"class_name": "Nonsense", "config": {}})),
            "that Keras does not have: Nonsense",
        ),
        (b"\x89HDF\r\n\x1a\n" + bytes(range(99)), "a damaged HDF5 file"),
    ],
    ids=["lfs", "text", "page", "bytes", "empty", "cut zip", "zip", "no json", "list", "nonsense", "hdf5"],
)
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_what_is_no_model(model_file, content, told, name):
    path = model_file(content, name)
    message = refused(path)
    assert told in message
    assert str(path) in message


def test_missing_and_folder(tmp_path):
    assert "model not found" in refused(tmp_path / "none.keras")
    assert "is a folder without a saved_model.pb, not a model" in refused(tmp_path)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_truncated(saved, model_file, ending, share):
    path = model_file(saved[ending][: int(len(saved[ending]) * share)], f"cut{ending}")
    assert str(path) in refused(path)


def test_a_damaged_weight_inside_the_archive(saved, model_file):
    damaged = bytearray(saved[".keras"])
    weights = zipfile.ZipFile(io.BytesIO(saved[".keras"])).getinfo("model.weights.h5")
    start = weights.header_offset + 200
    damaged[start : start + 400] = bytes(400)
    assert refused(model_file(bytes(damaged)))


def test_weights_alone(small_model, tmp_path):
    path = tmp_path / "small.weights.h5"
    small_model.save_weights(path)
    assert "save the whole model" in refused(path)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_code_in_a_file_is_never_run(tmp_path, ending):
    from keras import layers

    model = functional(
        (24, 36, 3), lambda entry: layers.Lambda(lambda x: x * 2, name="twice")(layers.GlobalMaxPooling2D()(entry))
    )
    path = tmp_path / f"lambda{ending}"
    model.save(path)
    told = refused(path)
    assert "Python code in 'twice' (Lambda), which is not run" in told
    assert "--trust-model-code" in told


# --- models that can't be shown


def test_two_inputs():
    import keras
    from keras import layers

    entries = [layers.Input((24, 36, 3)), layers.Input((24, 36, 3))]
    model = keras.Model(entries, layers.Dense(2)(layers.Flatten()(layers.Add()(entries))), name="odd")
    assert "odd has 2 inputs" in refused(model)


def two_heads(entry):
    from keras import layers

    flat = layers.Flatten()(entry)
    return [layers.Dense(2)(flat), layers.Dense(3)(flat)]


def pooled(entry):
    from keras import layers

    return layers.Dense(2)(layers.GlobalAveragePooling2D()(entry))


@pytest.mark.parametrize(
    ("shape", "outputs", "told"),
    [
        ((10,), None, "odd takes 10 numbers, which are no square image"),
        ((5, 24, 36, 3), None, "odd takes no image"),
        ((None, None, 3), pooled, "odd leaves its input size open: (None, None); say it with --input-size"),
        ((24, None, 3), pooled, "odd leaves its input size open: (24, None)"),
        ((24, 36, 4), None, "odd takes 4 channels"),
        ((24, 36, 3), two_heads, "odd has 2 outputs"),
        ((24, 36, 3), lambda entry: entry, "odd gives no class scores: its output is (None, 24, 36, 3)"),
    ],
)
def test_what_a_model_must_be(shape, outputs, told):
    assert told in refused(functional(shape, outputs))


def test_a_gray_model_is_taken():
    assert load_model(functional((24, 36, 1))).input_shape == (24, 36, 1)


def test_not_built():
    import keras

    assert "has no defined input" in refused(keras.Sequential([keras.layers.Dense(2)], name="odd"))


@pytest.mark.parametrize("thing", [5, object()])
def test_no_model_at_all(thing):
    assert refused(thing)


def test_an_open_input_size_does_not_get_round_the_memory_limit():
    import keras

    model = functional((None, None, 3), lambda entry: pooled(keras.layers.Conv2D(8, 3)(entry)))
    settings = ModelSettings(input_size=(20_000, 20_000))
    told = refused(model, settings=settings, limits=LimitSettings(memory=1 << 30))
    assert "weights and feature maps of one image" in told
    assert "--max-memory" in told


def test_a_module_that_ends_the_program_is_refused(tmp_path, monkeypatch, saved, model_file):
    (tmp_path / "ends_the_program.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    settings = ModelSettings(custom_objects=("ends_the_program:Scale",))
    assert "can't be imported" in refused(model_file(saved[".keras"], "model.keras"), settings=settings)
