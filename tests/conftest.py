"""Shared by all tests: small models, images that are not square, and a quiet TensorFlow."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("SOURCE_DATE_EPOCH", "1750000000")

# what a shell starts in the background has Ctrl-C ignored, and so has all that it starts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import hypothesis
import numpy as np
import pytest
from PIL import Image

from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array

# no test measures time: a machine that is busy fails none
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")

HEIGHT, WIDTH = 24, 36
XRAYS = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def picture(random) -> np.ndarray:
    """A colour image (H, W, 3) uint8, not square, with structure: blobs and an edge."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red = 120 + 100 * np.sin(x / 5)
    green = np.where(x > WIDTH // 2, 200, 40) + 10 * np.cos(y / 3)
    blue = 255 * y / HEIGHT
    noise = random.normal(0, 6, (HEIGHT, WIDTH, 3))
    return np.clip(np.stack([red, green, blue], axis=-1) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def cases(picture) -> tuple[Case, Case]:
    """Two labelled cases of different size, neither square."""
    other = np.flip(picture, axis=1)[: HEIGHT - 4].copy()
    return (
        Case("NORMAL", image_from_array(picture), "first.png"),
        Case("PNEUMONIA", image_from_array(other), "second.png"),
    )


@pytest.fixture(scope="session")
def small_model():
    """Sequential, (24, 36, 3) -> one sigmoid; 5 channels (no full row), one channel, and dead channels."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3)),
            layers.Conv2D(5, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(1, 3, padding="same", name="one"),
            layers.Dropout(0.5, name="drop"),
            layers.Flatten(name="flat"),
            layers.Dense(1, activation="sigmoid", name="score"),
        ],
        name="small",
    )
    kernel, bias = model.get_layer("first").get_weights()
    kernel[..., 2], bias[2] = 0, -1  # never responds
    model.get_layer("first").set_weights([kernel, bias])
    return model


@pytest.fixture(scope="session")
def nested_model():
    """A transfer-learning shape: a functional base with a branch, inside a Sequential, inside a functional model."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    entry = layers.Input((HEIGHT, WIDTH, 3))
    left = layers.Conv2D(4, 3, padding="same", activation="relu", name="left")(entry)
    right = layers.Conv2D(4, 5, padding="same", name="right")(entry)
    base = keras.Model(entry, layers.Add(name="sum")([left, right]), name="base")
    head = keras.Sequential(
        [layers.Input((HEIGHT, WIDTH, 3)), base, layers.GlobalAveragePooling2D(name="average")], name="head"
    )
    outer = layers.Input((HEIGHT, WIDTH, 3))
    scaled = layers.Rescaling(1 / 255, name="scaling")(outer)
    return keras.Model(outer, layers.Dense(3, activation="softmax", name="classes")(head(scaled)), name="nested")


@pytest.fixture
def save_image(tmp_path, picture) -> Callable[..., Path]:
    """Write the picture (or another array) to a file and return its path."""

    def save(name: str = "image.png", pixels: np.ndarray | None = None, **options: object) -> Path:
        path = tmp_path / name
        Image.fromarray(picture if pixels is None else pixels).save(path, **options)
        return path

    return save


@pytest.fixture(scope="session")
def xrays() -> Path:
    """Folder of real radiographs, where it is present."""
    if not XRAYS.is_dir():
        pytest.skip("the folder of real radiographs is not here")
    return XRAYS


@pytest.fixture(scope="session")
def object_server():
    """Start an S3 server on loopback."""
    pytest.importorskip("moto", reason="moto[server] isn't installed")
    pytest.importorskip("s3fs", reason="s3fs isn't installed")
    from object_store import ObjectStore

    server = ObjectStore()
    yield server
    server.stop()


@pytest.fixture
def store(object_server, monkeypatch):
    """Give an empty bucket, and the credentials that its server takes."""
    settings = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "hidden-secret", "DEFAULT_REGION": "us-east-1"}
    for name, value in (settings | {"ENDPOINT_URL": object_server.endpoint}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return object_server.fresh()
