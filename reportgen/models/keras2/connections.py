"""Connections of functional models of Keras 2: those that lead in circles or nowhere keep its reader busy for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reportgen.system.errors import ModelError

_CONSTANT = "_CONSTANT_VALUE"


@dataclass
class _Layer:
    """How a layer is connected: what each of its calls takes, and how many calls could be made so far."""

    calls: list[Any]
    first: int
    is_input: bool
    made: int = 0


def check_connections(config: Any, name: str) -> None:
    """Refuse a configuration in which a layer waits for what never comes.

    Parameters
    ----------
    config
        As in the file: any nested tables and lists.
    name
        For the message.

    Raises
    ------
    ModelError
        Naming a layer that waits.
    """
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            stuck = _stuck(value.get("layers"))
            if stuck is not None:
                raise ModelError(f"{name} has a layer whose input never comes ('{stuck:.80}')", "save the model again")


def _stuck(layers: Any) -> str | None:
    """Return the name of a layer with a call that can't be made, or None."""
    known = _known(layers)
    moved = True
    while moved:
        moved = False
        for layer in known.values():
            while layer.made < len(layer.calls) and all(
                _is_there(*one, known) for one in _taken(layer.calls[layer.made])
            ):
                layer.made += 1
                moved = True
    return next((name for name, layer in known.items() if layer.made < len(layer.calls)), None)


def _known(layers: Any) -> dict[str, _Layer]:
    known: dict[str, _Layer] = {}
    calls: dict[str, list[Any]] = defaultdict(list)
    for table in layers if isinstance(layers, list) else ():
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            nodes = table.get("inbound_nodes")
            calls[table["name"]] += nodes if isinstance(nodes, list) else []
            kind = table.get("class_name")
            # a model inside has been called once already: when it was made
            first = int(kind in ("Functional", "Model", "Sequential"))
            known[table["name"]] = _Layer(calls[table["name"]], first, kind == "InputLayer")
    return known


def _is_there(name: str, number: Any, known: dict[str, _Layer]) -> bool:
    layer = known.get(name)
    if layer is None or layer.is_input or isinstance(number, list | dict):
        return True  # the reader says what is wrong with it
    if not isinstance(number, int | float):
        return False
    return 0 <= number - layer.first < layer.made or (layer.first == 1 and 0 <= number < layer.made)


def _taken(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (layer, number of its call) for all that a call takes."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _taken(item)
    elif isinstance(value, list):
        if len(value) in (3, 4) and isinstance(value[0], str):
            if value[0] != _CONSTANT:
                yield value[0], value[1]
            yield from _taken(value[3:])
        else:
            for item in value:
                yield from _taken(item)
