"""Architectures: those that come with the program, and the user's own from any file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from reportgen.models.architectures import ARCHITECTURES, find_architecture
from reportgen.system.errors import ReportgenError

OWN = """
import keras
from keras import layers
import beside

NUMBER = 5

class Odd(layers.Layer):
    def __init__(self, slope):
        super().__init__()

    def call(self, values):
        return values

def stack(*inner, classes=1, shape=(20, 28, 3)):
    return keras.Sequential([layers.Input(shape), *inner, layers.Flatten(), layers.Dense(classes)])

def build(classes):
    return stack(layers.Rescaling(1 / 255), layers.Conv2D(2, 3), classes=classes)

def unit(classes):
    return stack(layers.Conv2D(2, 3), classes=classes)

def gray(classes):
    return stack(shape=(20, 28, 1))

def fails(classes):
    raise ValueError("boom")

def ends(classes):
    raise SystemExit(3)

def no_model(classes):
    return 7

def open_size(classes):
    return keras.Sequential([layers.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])

def five_channels(classes):
    return stack(shape=(20, 28, 5))

def unsaved(classes):
    return stack(Odd(lambda: 1))
"""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("chest_xray", 3_453_121),
        ("cifar10", 896 + 18_496 + (6 * 6 * 64 * 64 + 64) + 65),
        ("chest_xray_gray", 160 + 2320 + 3480 + 5208 + 6944 + 9248 + 13_872 + 20_784 + 8 * 8 * 48 * 32 + 32 + 33),
    ],
)
def test_those_that_come_with_the_program(name, parameters):
    architecture = find_architecture(name, 2)
    model = architecture.build(2)
    assert architecture is ARCHITECTURES[name]
    assert model.input_shape == (None, *architecture.input_shape)
    assert model.output_shape == (None, 1)
    assert model.layers[-1].activation.__name__ == "sigmoid"
    assert model.count_params() == parameters
    height, width, channels = architecture.input_shape
    assert architecture.title.startswith(f"{height} x {width} {'gray' if channels == 1 else 'RGB'}, ")
    thousands = f"{parameters / 1e3:.0f} thousand parameters"
    assert architecture.title.endswith((thousands, f"{parameters / 1e6:.1f} million parameters"))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(
    ("classes", "findings", "outputs", "activation"),
    [(10, False, 10, "softmax"), (2, True, 2, "sigmoid"), (1, True, 1, "sigmoid"), (14, True, 14, "sigmoid")],
)
def test_what_they_end_in(name, classes, findings, outputs, activation):
    model = ARCHITECTURES[name].build(classes, findings=findings)
    assert model.output_shape == (None, outputs)
    assert model.layers[-1].activation.__name__ == activation


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """Architectures in a folder below the working folder, which import what lies beside them."""
    monkeypatch.chdir(tmp_path)
    Path("nets").mkdir()
    Path("nets/beside.py").write_text("")
    Path("nets/random.py").write_text(OWN)
    return tmp_path


def test_an_own_one_in_a_folder(own):
    before = list(sys.path)
    architecture = find_architecture("nets/random.py:build", 4)
    assert architecture.name == "build"
    assert architecture.title == f"20 x 28 RGB, {architecture.build(4).count_params():,} parameters"
    assert architecture.input_shape == (20, 28, 3)
    assert architecture.build(4).output_shape == (None, 4)
    # a module of Python has the same name: it is neither taken for it nor replaced
    assert hasattr(sys.modules["random"], "Random")
    assert sys.path == before


def test_an_absolute_path_and_a_module(own, monkeypatch):
    assert find_architecture(f"{own}/nets/random.py:gray", 2).input_shape == (20, 28, 1)
    Path("nets/net_of_mine.py").write_text(OWN)
    monkeypatch.chdir("nets")
    assert find_architecture("net_of_mine:gray", 2).input_shape == (20, 28, 1)
    assert find_architecture("net_of_mine.py:gray", 2).input_shape == (20, 28, 1)


def test_units_are_those_that_the_network_wants(own):
    assert find_architecture("nets/random.py:build", 2).factor == 1
    assert find_architecture("nets/random.py:unit", 2).factor == pytest.approx(1 / 255)


def test_layers_are_called_the_same_however_often_they_are_built(own):
    architecture = find_architecture("nets/random.py:build", 2)
    names = [[layer.name for layer in architecture.build(2).layers] for _ in range(2)]
    assert names == [["rescaling", "conv2d", "flatten", "dense"]] * 2


def test_a_digest_changes_with_the_code(own):
    first = find_architecture("nets/random.py:build", 2).digest
    assert first == find_architecture("nets/random.py:build", 2).digest
    Path("nets/random.py").write_text(OWN.replace("Conv2D(2, 3)", "Conv2D(2, 5)"))
    assert find_architecture("nets/random.py:build", 2).digest != first
    assert np.prod(find_architecture("nets/random.py:build", 2).build(2).layers[1].kernel.shape) == 150


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet", "unknown architecture 'resnet'; choose one of chest_xray, chest_xray_gray, cifar10, or your own"),
        ("mine.py", "unknown architecture 'mine.py'"),
        ("mine.py:build", "file not found: mine.py; check the path"),
        ("nets/random.py:", "'nets/random.py:' names no function; write FILE.py:FUNCTION"),
        (":build", "':build' names no function"),
        ("nets/random.py:nope", "nets/random.py has no 'nope'"),
        ("no_such_module:build", "module 'no_such_module' can't be imported"),
        ("nets/random.py:NUMBER", "nets/random.py:NUMBER failed for 2 classes ('int' object is not callable)"),
        ("nets/random.py:fails", "nets/random.py:fails failed for 2 classes (boom); check its code"),
        ("nets/random.py:ends", "nets/random.py:ends failed for 2 classes (3); check its code"),
        ("nets/random.py:no_model", "gives no Keras model with one image input of a fixed size"),
        ("nets/random.py:open_size", "gives no Keras model with one image input of a fixed size"),
        ("nets/random.py:five_channels", "takes 5 channels; images have 1 (gray) or 3 (RGB)"),
        ("nets/random.py:unsaved", "nets/random.py:unsaved can't be saved"),
        ("math:sqrt", "math:sqrt gives no Keras model"),
    ],
)
def test_what_is_no_architecture_is_refused_in_one_line(own, name, message):
    with pytest.raises(ReportgenError) as refused:
        find_architecture(name, 2)
    assert message in str(refused.value)


@pytest.mark.parametrize("code", ["def build(classes)\n", "raise SystemExit(1)\n", "import no_such_module\n"])
def test_code_that_fails_is_refused_in_one_line(own, code):
    Path("nets/bad.py").write_text(code)
    with pytest.raises(ReportgenError, match=r"nets/bad\.py can't be imported"):
        find_architecture("nets/bad.py:build", 2)
