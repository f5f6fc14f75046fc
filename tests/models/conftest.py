"""Small model files, and a settings-free way through the reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds.registry import SHAPE, stirred

from reportgen.models.formats.reader import read_model
from reportgen.settings.report import LimitSettings, ModelSettings
from reportgen.system.errors import ModelError


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> dict[str, Path]:
    """A small model of Keras 3 and one of Keras 2 by ending; never changed."""
    import keras
    import tf_keras

    folder = tmp_path_factory.mktemp("written")
    for name, kind in (("new", keras), ("old", tf_keras)):
        k = kind.layers
        layers = [k.Conv2D(3, 3, activation="relu"), k.GlobalMaxPooling2D(), k.Dense(2, activation="softmax")]
        model = stirred(kind.Sequential([k.Input(SHAPE), *layers]))
        for ending in ("keras", "h5"):
            model.save(folder / f"{name}.{ending}")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def refused() -> Callable[..., str]:
    """Read a file that must be refused; return the message."""

    def message(path: Path, settings: ModelSettings | None = None, memory: int | None = None, **options: Any) -> str:
        with pytest.raises(ModelError) as caught:
            read_model(path, settings or ModelSettings(**options), LimitSettings(memory=memory))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message
