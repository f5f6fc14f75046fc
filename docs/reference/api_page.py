"""What docs/api.md tells: the public names, from their signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

import reportgen
import reportgen.keras
from reportgen.outputs.notebook import layers, views
from reportgen.report.report import CaseReport

from .docstrings import as_markdown, parse

# how a reader looks for them; a test sees that none is missing
GROUPS = {
    "Reports": ("build_report", "read_report", "Report", "CaseReport", "Section"),
    "Notebooks": ("explain", "ExplainedReport", "CaseView", "EvidenceView", "LayerViews", "LayerView", "ChannelView"),
    "Trainings": ("keras.ReportCallback",),
    "Cases and images": ("Case", "Image", "image_from_array", "read_image"),
    "Models": ("load_model", "LoadedModel"),
    "Settings": ("settings_from", "Settings"),
    "Phantoms": ("phantom", "Phantom"),
    "Errors": ("ReportgenError", "ImageError", "ModelError", "OutputError", "SettingsError"),
}
# what nobody makes, but gets: the class, and the expression that gives it
REACHED = {
    "CaseReport": (CaseReport, "report.cases[0]"),
    "CaseView": (views.CaseView, "report.cases[0]"),
    "EvidenceView": (views.EvidenceView, "report.cases[0].evidence"),
    "LayerViews": (layers.LayerViews, "report.layers"),
    "LayerView": (layers.LayerView, 'report.layers["conv2d_3"]'),
    "ChannelView": (layers.ChannelView, 'report.layers["conv2d_3"].channel(17)'),
}
_WIDEST, _LONGEST_DEFAULT = 100, 40


@dataclass(frozen=True)
class Row:
    """A parameter, attribute, result or error: its name, its type as it's written in the code, and what it is."""

    name: str
    kind: str
    what: str


@dataclass(frozen=True)
class Entry:
    """A function, class, method or property."""

    name: str
    signature: str
    text: tuple[str, ...]
    parameters: tuple[Row, ...] = ()
    attributes: tuple[Row, ...] = ()
    returns: str = ""
    raises: tuple[Row, ...] = ()
    base: str = ""
    members: tuple[Entry, ...] = ()


def groups() -> dict[str, tuple[Entry, ...]]:
    """Return all public names in groups."""
    return {title: tuple(map(_entry, names)) for title, names in GROUPS.items()}


def _entry(name: str) -> Entry:
    found: Any = REACHED[name][0] if name in REACHED else reportgen
    for part in name.split(".") if name not in REACHED else ():
        found = getattr(found, part)
    full, title = f"reportgen.{name}", f"class {name.rpartition('.')[2]}"
    if not inspect.isclass(found):
        return _function(full, found)
    if issubclass(found, Exception):
        base = found.__base__.__name__ if found.__base__ else ""
        return _described(found, title, f"class {full}({base})")
    if name in REACHED:
        signature = REACHED[name][1]
    else:
        signature = f"{full}{_arguments(inspect.signature(found).parameters.values(), typed=False)}"
    return _described(found, title, _wrapped(signature), members=tuple(_members(found)))


def _function(full: str, function: Any) -> Entry:
    signature = inspect.signature(function)
    shown = [one for one in signature.parameters.values() if one.name != "self"]
    result = "" if signature.return_annotation in (inspect.Signature.empty, "None") else signature.return_annotation
    written = f"{full}{_arguments(shown, typed=True)}" + (f" -> {_public(str(result))}" if result else "")
    return _described(function, full.rpartition(".")[2], _wrapped(written))


def _documented(kind: type) -> dict[type, str]:
    """Return the bases of a class that have an entry of their own, with its name."""
    known = {REACHED[name][0] if name in REACHED else getattr(reportgen, name, None): name
             for names in GROUPS.values() for name in names}  # fmt: skip
    return {base: known[base] for base in kind.__mro__[1:] if base in known}


def _members(kind: type) -> Iterator[Entry]:
    """Return the public properties, then the public methods, of a class and of its bases in this package.

    Not what a base with an entry of its own has, and no hooks: what another library calls, such as Keras.
    """
    told = {name for base in _documented(kind) for inner in base.__mro__ for name in vars(inner)}
    told |= {name for base in kind.__mro__ if not base.__module__.startswith("reportgen") for name in vars(base)}
    own = [base for base in reversed(kind.__mro__) if base.__module__.startswith("reportgen")]
    found = {name: value for base in own for name, value in vars(base).items() if not name.startswith("_")}
    found = {name: value for name, value in found.items() if name not in told}
    for name, value in found.items():
        if isinstance(value, property) and value.fget:
            result = str(inspect.signature(value.fget).return_annotation)
            yield _described(value.fget, name, f"{name}: {_public(result)}")
    for name, value in found.items():
        if inspect.isfunction(value):
            yield _function(name, value)


def _described(documented: Any, name: str, signature: str, members: tuple[Entry, ...] = ()) -> Entry:
    doc = parse(documented)
    known = _documented(documented) if inspect.isclass(documented) else {}
    bases = [base for base in getattr(documented, "__bases__", ()) if is_dataclass(base) and base not in known]
    sections = {title: part for base in bases for title, part in parse(base).sections.items()} | doc.sections
    parts = {title: {key: as_markdown(text) for key, text in part.items()} for title, part in sections.items()}
    types: dict[str, str] = {}
    if is_dataclass(documented):
        types = {item.name: _public(str(item.type)) for item in fields(documented)}
    return Entry(
        name=name,
        signature=signature,
        text=tuple(map(as_markdown, (doc.summary, *doc.text))),
        parameters=_rows(parts.get("Parameters", {}), {}),
        attributes=_rows(parts.get("Attributes", {}), types),
        returns=" ".join(f"`{kind}`. {text}" for kind, text in parts.get("Returns", {}).items()),
        raises=_rows(parts.get("Raises", {}), {}),
        base=next(iter(known.values()), ""),
        members=members,
    )


def _rows(texts: dict[str, str], types: dict[str, str]) -> tuple[Row, ...]:
    return tuple(Row(name, types.get(name, ""), text) for name, text in texts.items())


def _arguments(parameters: Any, *, typed: bool) -> str:
    """Return a signature's parameters; written here, since Python's own way differs between versions."""
    written, marked = [], False
    for one in parameters:
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not marked:
            written.append("*")
            marked = True
        name = f"*{one.name}" if one.kind is inspect.Parameter.VAR_POSITIONAL else one.name
        text = name + (f": {_public(str(one.annotation))}" if typed else "")
        if one.default is not inspect.Parameter.empty:
            text += f" = {_value(one.default)}" if typed else f"={_value(one.default)}"
        written.append(text)
    return f"({', '.join(written)})"


def _value(default: Any) -> str:
    if is_dataclass(default):
        return f"{type(default).__name__}()"
    # what a dataclass makes anew for each object has no value of its own
    text = "{}" if default is MISSING or "factory" in repr(default) else repr(default)
    return text if len(text) <= _LONGEST_DEFAULT else "..."


def _public(annotation: str) -> str:
    return annotation.replace("SavableReport", "Report")


def _wrapped(signature: str) -> str:
    """Return a signature with a line for each parameter where it's too long for one."""
    if len(signature) <= _WIDEST:
        return signature
    head, _, rest = signature.partition("(")
    arguments, end, tail = rest.rpartition(")")
    lines, depth, line = [], 0, ""
    for letter in arguments + ",":
        depth += (letter in "([{") - (letter in ")]}")
        line += letter
        if letter == "," and not depth:
            lines.append(f"    {line.strip()}")
            line = ""
    return "\n".join([f"{head}(", *lines, f"{end}{tail}"])
