"""The JSON schemas of files that users write, from the dataclasses that check them, docstrings as descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pydantic

from reportgen.settings.expectations import NAMING, CaseExpectation, DataExpectation, Expectations
from reportgen.settings.job import Job
from reportgen.settings.report import Settings
from reportgen.settings.schema import EXPECTATIONS, SETTINGS
from reportgen.settings.values import LARGEST

from .docstrings import parse
from .settings_page import without_none


def schemas() -> dict[str, str]:
    """Return each schema as JSON, by the kind of file."""
    return {SETTINGS: settings_schema(), EXPECTATIONS: expectations_schema()}


def settings_schema() -> str:
    """Return the schema of the settings file as JSON: draft 7, which editors of TOML know."""
    return _written(_schema("Settings of a report (reportgen)", Job, Settings))


def expectations_schema() -> str:
    """Return the schema of the file of ``reportgen check --expect``, which must expect something."""
    whole = _schema("What is expected of a model (reportgen check)", Expectations)
    for kind in (CaseExpectation, DataExpectation):
        table = whole["definitions"][kind.__name__]
        limits = [name for name in table["properties"] if name not in NAMING]
        table["anyOf"] = [_present(name, table["properties"][name]) for name in limits]
    whole["anyOf"] = [_present(name, told) for name, told in whole["properties"].items()]
    return _written(whole)


def _present(name: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return what asks for a key, and that a list or a table that stands there isn't empty."""
    least = {"array": "minItems", "object": "minProperties"}.get(told.get("type", ""))
    return {"required": [name]} | ({"properties": {name: {least: 1}}} if least else {})


def _schema(title: str, *kinds: type) -> dict[str, Any]:
    """Return the schema of a file whose keys are the fields of these dataclasses, side by side."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for kind in kinds:
        adapter = pydantic.TypeAdapter(tuple[kind], config=pydantic.ConfigDict(extra="forbid"))  # type: ignore[valid-type]
        made = adapter.json_schema(ref_template="#/definitions/{model}")
        inner = made["$defs"]
        properties |= inner.pop(kind.__name__)["properties"]
        definitions |= inner
    for kind in kinds:
        _describe(properties, kind)
    for table in _tables(*kinds):
        _describe(definitions[table.__name__]["properties"], table)
        definitions[table.__name__]["description"] = parse(table).summary
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": dict(sorted(definitions.items())),
    }


def _written(schema: dict[str, Any]) -> str:
    return json.dumps(_older(schema), indent=1, ensure_ascii=False) + "\n"


def _tables(*kinds: type) -> Iterator[type]:
    for kind in kinds:
        for table in get_type_hints(kind).values():
            yield from (one for one in (table, *get_args(table)) if is_dataclass(one) and isinstance(one, type))


def _describe(properties: dict[str, Any], kind: Any) -> None:
    meanings = parse(kind).sections["Attributes"]
    for item in fields(kind):
        told = properties[item.name]
        text = without_none(meanings[item.name])
        if "$ref" in told:
            # of what stands beside a reference editors see nothing
            properties[item.name] = {"allOf": [{"$ref": told["$ref"]}], "description": text}
        else:
            told["description"] = text


def _older(node: Any) -> Any:
    """Return a schema in the words of draft 7, without titles that only repeat names, and without null, as TOML is."""
    if isinstance(node, list):
        return [_older(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        chosen = [one for one in node["anyOf"] if one != {"type": "null"}]
        rest = {name: value for name, value in node.items() if name != "anyOf"}
        node = {**chosen[0], **rest} if len(chosen) == 1 and "$ref" not in chosen[0] else {"anyOf": chosen, **rest}
    kept: dict[str, Any] = {}
    for name, value in node.items():
        if name == "properties":
            kept[name] = {key: _older(one) for key, one in value.items()}
        elif (name, value) != ("maximum", LARGEST) and (name != "title" or "$schema" in node):
            kept["items" if name == "prefixItems" else name] = _older(value)
    return kept
