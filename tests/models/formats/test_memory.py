from __future__ import annotations

import copy
from pathlib import Path

import keras
import pytest
from keras import layers as k

from reportgen.models.formats import memory as size
from reportgen.models.formats.identify import ModelFile
from reportgen.models.formats.memory import check_memory, check_model, machine_memory
from reportgen.system.errors import ModelError

MIB = 1 << 20


def file_of(*layers, shape=(24, 36, 3)) -> ModelFile:
    model = keras.Sequential([k.Input(shape), *layers])
    return ModelFile(Path("m.keras"), "keras", "", keras.saving.serialize_keras_object(model), None, "3.0.0")


def changed(file: ModelFile, layer: int, **settings) -> ModelFile:
    config = copy.deepcopy(file.config)
    for one in config["config"]["layers"]:
        one.pop("build_config", None)
    config["config"]["layers"][layer]["config"] |= settings
    return ModelFile(file.path, file.kind, "", config, None, file.version)


def told(file: ModelFile, memory: int = 64 * MIB) -> str:
    with pytest.raises(ModelError) as caught:
        check_memory(file, memory)
    return str(caught.value)


def test_this_machine_has_memory():
    assert machine_memory() > 64 * MIB


def test_weights_and_maps_to_the_byte():
    file = file_of(k.Conv2D(5, 3, padding="same"), k.Flatten(), k.Dense(2))
    weights = (3 * 3 * 3 * 5 + 5 + 24 * 36 * 5 * 2 + 2) * 4
    maps = 2 * 24 * 36 * 5 * 4
    check_memory(file, weights + maps)
    assert "weights and feature maps" in told(file, weights + maps - 1)
    assert "its weights alone" in told(file, weights - 1)


@pytest.mark.parametrize("units", [10**7, 10**9, 2**31 - 1])
def test_absurd_units(units):
    assert "its weights alone" in told(changed(file_of(k.Flatten(), k.Dense(2)), -1, units=units))


@pytest.mark.parametrize("side", [10**5, 10**7, 2**31 - 1])
def test_absurd_inputs(side):
    file = changed(file_of(k.Conv2D(4, 3), k.GlobalMaxPooling2D()), 0, batch_shape=[None, side, side, 3])
    assert "feature maps of one image" in told(file)


def test_enlarging_again_and_again():
    file = file_of(*(k.UpSampling2D(10) for _ in range(5)), k.GlobalMaxPooling2D())
    assert "feature maps of one image" in told(file)


@pytest.mark.parametrize("value", [-5, 0, 2.5, "many", None, [], 10**30])
def test_what_can_not_be_laid_out_is_left_to_the_reader(value):
    check_memory(changed(file_of(k.Flatten(), k.Dense(2)), -1, units=value), 64 * MIB)


def test_memory_that_runs_out_while_laying_out(monkeypatch):
    def full(file):
        raise MemoryError

    monkeypatch.setattr(size, "_dry_model", full)
    assert "the limit is 64 MiB" in told(file_of(k.Flatten(), k.Dense(2)))


def test_models_inside_count():
    inner = keras.Sequential([k.Input((24, 36, 3)), k.UpSampling2D(100), k.MaxPooling2D(100)])
    assert "feature maps of one image" in told(file_of(inner, k.GlobalMaxPooling2D()))


def test_what_stands_before_a_fault_counts():
    """A reader builds layer after layer, and meets the fault only when memory is taken."""
    file = changed(file_of(k.Conv2D(4, 3), k.Flatten(), k.Dense(2)), 1, filters=10**9)
    assert "its weights alone" in told(changed(file, -1, kernel_initializer="none of that name"))


def test_a_legacy_model_is_laid_out_by_the_legacy_reader(written):
    from reportgen.models.formats.identify import examine_model

    file = examine_model(written["old.h5"], memory=64 * MIB)
    check_memory(file, 64 * MIB)
    config = copy.deepcopy(file.config)
    config["config"]["layers"][1]["config"]["filters"] = 10**9
    assert "its weights alone" in told(ModelFile(file.path, "hdf5", "", config, None, file.version))


def test_an_older_way_of_configuring_hdf5_is_laid_out_too(written):
    """Keras reads an HDF5 file of Keras 2 as it can where the reader made for it is missing."""
    from reportgen.models.formats.identify import examine_model

    file = examine_model(written["old.h5"], memory=64 * MIB)
    config = copy.deepcopy(file.config)
    config["config"]["layers"][1]["config"]["filters"] = 10**9
    config["config"]["layers"][1]["config"]["batch_input_shape"] = [None, 24, 36, 3]
    assert "its weights alone" in told(ModelFile(file.path, "hdf5", "", config, None, "3.0.0"))


def test_a_model_that_is_built_is_looked_at_again():
    model = keras.Sequential([k.Input((24, 36, 3)), k.Conv2D(5, 3, padding="same")])
    needed = (3 * 3 * 3 * 5 + 5) * 4 + 24 * 36 * 5 * 4
    check_model(model, Path("m.keras"), needed)
    with pytest.raises(ModelError, match="weights and feature maps of one image"):
        check_model(model, Path("m.keras"), needed - 1)
