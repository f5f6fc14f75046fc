from __future__ import annotations

import pytest

from reportgen.models.keras2.connections import check_connections
from reportgen.system.errors import ModelError


def model(**layers: list) -> dict:
    """A functional model: an input, and layers by name with the calls they take part in."""
    tables = [{"name": "image", "class_name": "InputLayer", "inbound_nodes": []}]
    for name, nodes in layers.items():
        kind = "Functional" if name.startswith("model") else "Dense"
        tables.append({"name": name, "class_name": kind, "inbound_nodes": nodes})
    return {"class_name": "Functional", "config": {"layers": tables}}


def of(name: str, number: object = 0, **options: object) -> list:
    return [[name, number, 0, options]]


def stuck(config: object) -> str:
    with pytest.raises(ModelError, match="has a layer whose input never comes") as caught:
        check_connections(config, "file.h5")
    return str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        model(a=[of("image")], b=[of("a")]),
        model(b=[of("a")], a=[of("image")]),
        model(a=[of("image"), of("b")], b=[of("a")]),
        model(a=[of("image"), of("a", 0), of("a", 1)], b=[of("a", 2)]),
        model(model=[of("image")], b=[of("model", 1)]),
        model(model=[of("image"), of("image")], b=[of("model", 2)], c=[of("model", 1)]),
        model(a=[["image", 0, 0, {}]], b=[["a", 0, 0, {"y": ["a", 0, 0]}]]),
        model(a=[of("image")], b=[["_CONSTANT_VALUE", -1, 5.0, {"y": ["a", 0, 0]}]]),
        model(a=[of("of no layer", 7)]),
        model(a=[of("image", "odd")], b=[of("a", [1])]),
        {"layers": 5},
        {"layers": [5, {"name": 5}, {"name": "a", "inbound_nodes": 5}]},
        [],
    ],
)
def test_what_comes_to_an_end(config):
    check_connections(config, "file.h5")


@pytest.mark.parametrize(
    "config",
    [
        model(a=[of("a")]),
        model(a=[of("b")], b=[of("a")]),
        model(a=[of("image")], b=[of("a", 1)]),
        model(a=[of("image")], b=[of("a", -1)]),
        model(a=[of("image")], b=[of("a", "0")]),
        model(a=[of("image")], b=[of("a", None)]),
        model(a=[], b=[of("a")]),
        model(a=[of("image")], b=[["a", 0, 0, {"y": ["b", 0, 0]}]]),
        {"outer": [{"config": model(a=[of("a")])}]},
    ],
)
def test_what_never_does(config):
    assert stuck(config).startswith("file.h5 has")
    assert "save the model again" in stuck(config)


def test_many_layers_take_no_time_to_speak_of():
    """In the worst order, each layer before the one it takes."""
    names = [f"layer {number}" for number in range(300)]
    chain = {name: [of(before)] for name, before in zip(names, ["image", *names], strict=False)}
    check_connections(model(**dict(reversed(chain.items()))), "file.h5")
