from __future__ import annotations

import re

import pytest

from reportgen.models.code.embedded_code import ForeignCode, find_code, read_custom_objects, refuse_code
from reportgen.system.errors import ModelError


def layer(kind: str, name: str = "inner", **more: object) -> dict:
    return {"class_name": kind, "config": {"name": name, **more}}


def around(inner: object, depth: int) -> dict:
    for _ in range(depth):
        inner = {"module": "keras", "class_name": "Sequential", "config": {"layers": [inner]}}
    return inner


def found(config: object, *custom: str) -> list[str]:
    return [str(code) for code in find_code(config, custom)]


def test_layers_of_keras_are_data():
    layers = [layer("Conv2D", activation="relu"), layer("BatchNormalization"), layer("TFOpLambda")]
    assert found(around({"class_name": "Functional", "config": {"layers": layers}}, 3)) == []


@pytest.mark.parametrize("depth", [0, 1, 5, 60])
@pytest.mark.parametrize(
    "code",
    [
        layer("Lambda"),
        {"class_name": "__lambda__", "config": {"value": "4wEAAA=="}},
        layer("TimeDistributed", layer={"class_name": "Lambda", "config": {"name": "inner"}}),
        layer("Dense", activation={"class_name": "__lambda__", "config": {}}),
        layer("Dense", kernel_initializer={"class_name": "__lambda__", "config": {}}),
    ],
    ids=["layer", "function", "wrapped", "activation", "initializer"],
)
def test_lambdas_are_found_at_any_depth(code, depth):
    (one,) = find_code(around(code, depth))
    assert one.is_lambda


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"),
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"), ("keras.models", "load_model"), ("keras.saving", "load_model"),
        ("tensorflow", "py_function"), ("numpy", "load"), ("importlib", "import_module"), ("kerass.layers", "Dense"),
        ("keras_evil", "Dense"), ("", "Own"), ("__main__", "Net"), ("posix", "system"), ("keras.layers", "Nothing"),
        ("keras.utils", "set_random_seed"), ("keras.config", "enable_unsafe_deserialization"),
    ],
)  # fmt: skip
def test_whatever_is_no_part_of_a_model_is_found(module, name):
    for config in (
        {"module": module, "class_name": name, "config": {}, "registered_name": None},
        layer("Dense", activation={"module": module, "class_name": "function", "config": name}),
        layer("Conv2D", kernel_regularizer={"module": module, "class_name": name, "config": {"x": 1}}),
    ):
        assert len(find_code(around(config, 2))) == 1


@pytest.mark.parametrize(
    "config",
    [
        layer("TFSMLayer", filepath="/elsewhere"), layer("TorchModuleWrapper", module="gAN9cQAu"), layer("JaxLayer"),
        layer("StringLookup", vocabulary="/etc/passwd"), layer("IntegerLookup", vocabulary="http://inside"),
        layer("Dense", activation={"module": "mine", "class_name": "function", "config": "relu"}),
    ],
)  # fmt: skip
def test_layers_that_open_what_a_file_names(config):
    assert len(find_code(around(config, 2))) == 1


@pytest.mark.parametrize("registered", ["Mine>Scale", "Scale", "a>b>Scale"])
def test_a_registered_name_is_known_when_its_class_is_given(registered):
    config = {"module": None, "class_name": "Inner", "config": {"name": "one"}, "registered_name": registered}
    assert found(config) == ["'one' (Inner)"]
    assert found(config, "Scale") == []
    assert found(config, "Skale") == ["'one' (Inner)"]


def test_own_functions_and_classes_that_are_given():
    config = layer("Own", activation={"module": "mine", "class_name": "function", "config": "step"})
    assert len(find_code(config)) == 2
    assert found(config, "Own", "step") == []


def test_a_lambda_is_code_whatever_is_given():
    assert len(find_code(layer("Lambda"), ("Lambda",))) == 1


def test_activations_of_old_names_are_known():
    assert found(layer("Dense", activation={"class_name": "function", "config": "softmax_v2"})) == []


def test_what_shapes_training_is_not_looked_at():
    assert found({**layer("Dense"), "compile_config": layer("Own"), "training_config": layer("Own")}) == []


def test_the_same_code_is_named_once():
    assert found([layer("Own"), layer("Own"), layer("Own", "other")]) == ["'inner' (Own)", "'other' (Own)"]


def test_no_depth_ends_in_anything_but_an_answer():
    with pytest.raises(ModelError, match="nested too deeply"):
        find_code(around(layer("Own"), 100_000))


@pytest.mark.parametrize("odd", [None, 5, [], "x", {"class_name": 5}, {"class_name": ["a"]}, {"config": 3}, [[{}]]])
def test_what_is_no_configuration_has_no_code(odd):
    assert found(odd) == []


def test_the_message_names_the_layers_and_the_switch(tmp_path):
    lambdas = [ForeignCode(f"layer {number}", "Lambda", is_lambda=True) for number in range(5)]
    with pytest.raises(ModelError, match=r"'layer 0' \(Lambda\), .* and 2 more, .*--trust-model-code"):
        refuse_code(lambdas, tmp_path)
    with pytest.raises(ModelError, match=re.escape("--custom-objects MODULE:Scale")):
        refuse_code([ForeignCode("a", "Mine>Scale", is_lambda=False)], tmp_path)
    refuse_code([], tmp_path)


def test_a_message_does_not_carry_the_file(tmp_path):
    with pytest.raises(ModelError) as caught:
        refuse_code([ForeignCode("a" * 9000, "b" * 9000, is_lambda=False)], tmp_path)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("given", ["", ":", "module", "module:", ":Name", "module:two words", "module:a.b"])
def test_what_names_no_object(given):
    with pytest.raises(ModelError, match="names no object"):
        read_custom_objects([given])


def test_objects_come_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "mine_of_code.py").write_text("class Scale: pass\n")
    (tmp_path / "broken_of_code.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    assert read_custom_objects(["mine_of_code:Scale"])["Scale"].__name__ == "Scale"
    assert set(read_custom_objects(["mine_of_code.py:Scale"])) == {"Scale"}
    with pytest.raises(ModelError, match="'mine_of_code' has no 'Skale'"):
        read_custom_objects(["mine_of_code:Skale"])
    with pytest.raises(ModelError, match="'broken_of_code' can't be imported"):
        read_custom_objects(["broken_of_code:Scale"])
