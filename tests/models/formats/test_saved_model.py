from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from kinds import model_saved
from kinds.registry import stirred

from reportgen.models.formats import saved_model
from reportgen.models.formats.identify import examine_model
from reportgen.models.formats.saved_model import load_saved_model
from reportgen.models.loader import load_model
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import ModelError


def read(path, **options):
    options = {"trust_code": False, "memory": 1 << 30, **options}
    return load_saved_model(examine_model(path, memory=1 << 30), custom_objects={}, **options)


def described_anew(folder, change):
    """Let a function change Keras's own description of a SavedModel's parts, by their place in the model."""
    from tf_keras.protobuf import saved_metadata_pb2

    path = folder / "keras_metadata.pb"
    metadata = saved_metadata_pb2.SavedMetadata()
    metadata.ParseFromString(path.read_bytes())
    for node in metadata.nodes:
        table = json.loads(node.metadata)
        change(node.node_path, table)
        node.metadata = json.dumps(table)
    path.write_bytes(metadata.SerializeToString())


@pytest.mark.parametrize("items", [2**31, [None, 2**31], [None, 100_000, 100_000, 3]])
def test_a_layer_to_be_built_for_an_absurd_shape_is_refused(tmp_path, items):
    built = model_saved.saved_sequential(tmp_path)

    def change(place, table):
        if place == "root.layer_with_weights-0":
            table["build_input_shape"]["items"] = items

    described_anew(Path(built.source), change)
    with pytest.raises(ModelError, match=r"keras_metadata\.pb is damaged: it has a layer of absurd size"):
        read(built.source)


@pytest.mark.parametrize("changed", ["root", "root.layer_with_weights-0"])
def test_a_description_of_absurd_size_is_refused_before_it_is_built(tmp_path, changed):
    built = model_saved.saved_sequential(tmp_path)

    def change(place, table):
        inner = table["config"].get("layers", [table]) if place == changed else []
        for layer in inner:
            if layer["class_name"] == "Conv2D":
                layer["config"]["filters"] = 10**8

    described_anew(Path(built.source), change)
    with pytest.raises(ModelError, match=r"needs .* GiB"):
        read(built.source)


def test_layers_are_restored_where_keras_described_them(tmp_path):
    program = read(model_saved.saved_sequential(tmp_path).source)
    assert program.has_layers
    assert program.difference <= 1e-5
    assert type(program.model.layers[0]).__name__ == "Conv2D"


def test_without_the_reader_the_program_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "have_legacy_reader", lambda: False)
    built = model_saved.saved_sequential(tmp_path)
    assert not read(built.source).has_layers


def test_code_only_hides_the_layers(tmp_path):
    built = model_saved.saved_lambda(tmp_path)
    program = read(built.source)
    assert [code.kind for code in program.unread] == ["Lambda"]
    assert program.trusted == ()


def test_trusted_code_shows_them(tmp_path):
    built = model_saved.saved_lambda(tmp_path)
    program = read(built.source, trust_code=True)
    assert program.has_layers
    assert any("Lambda" in what for what in program.trusted)
    loaded = load_model(built.source, ModelSettings(trust_code=True))
    assert any("Code that came with the model was run" in caution for caution in loaded.cautions)


@pytest.mark.parametrize("operation", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "PrintV2", "SaveDataset"])
def test_operations_with_effects_are_found_wherever_they_stand(tmp_path, operation):
    from tensorflow.core.protobuf import saved_model_pb2

    for place in ("graph", "function"):
        program = saved_model_pb2.SavedModel()
        graph = program.meta_graphs.add().graph_def
        node = graph.node.add() if place == "graph" else graph.library.function.add().node_def.add()
        node.op = operation
        (tmp_path / "saved_model.pb").write_bytes(program.SerializeToString())
        with pytest.raises(ModelError, match=rf"act outside of the model \({operation}\).*--trust-model-code"):
            read(tmp_path)


def test_the_chosen_signature(tmp_path):
    built = model_saved.module_with_signatures(tmp_path)
    program = read(built.source)
    images = np.random.default_rng(1).random((2, 24, 36, 3), np.float32)
    found = program.model(images)
    np.testing.assert_allclose(np.asarray(found["scores"]), built.original(images), atol=1e-6)


def test_damaged_descriptions(tmp_path):
    path = model_saved.saved_sequential(tmp_path).source
    (path / "keras_metadata.pb").write_bytes(b"\xff\xffnothing")
    with pytest.raises(ModelError, match="is damaged; copy or export the model again"):
        read(path)


def test_stirred_weights_are_not_those_it_began_with():
    import keras

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    assert stirred(model).get_weights()[1].all()
