"""The JSON schema of the settings file, from the dataclasses that check it, with their docstrings as descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pydantic

from reportgen.settings import schema
from reportgen.settings.job import Job
from reportgen.settings.report import Settings
from reportgen.settings.values import LARGEST

from .docstrings import parse
from .settings_page import without_none

PLACE = Path(schema.__file__).with_name(schema.NAME)


def settings_schema() -> str:
    """Return the schema as JSON: draft 7, which editors of TOML know."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for kind in (Job, Settings):
        adapter = pydantic.TypeAdapter(tuple[kind], config=pydantic.ConfigDict(extra="forbid"))  # type: ignore[valid-type]
        made = adapter.json_schema(ref_template="#/definitions/{model}")
        inner = made["$defs"]
        properties |= inner.pop(kind.__name__)["properties"]
        definitions |= inner
    for kind in (Job, Settings):
        _describe(properties, kind)
    for table in _tables():
        _describe(definitions[table.__name__]["properties"], table)
        definitions[table.__name__]["description"] = parse(table).summary
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of a report (reportgen)",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": dict(sorted(definitions.items())),
    }
    return json.dumps(_older(whole), indent=1, ensure_ascii=False) + "\n"


def _tables() -> Iterator[type]:
    for kind in (Job, Settings):
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
