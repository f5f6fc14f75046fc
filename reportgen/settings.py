"""Everything that can be set, its defaults and limits, and the TOML file it's read from.

``Settings()`` is a complete set of defaults. :func:`read_settings` reads a file, :func:`merge` lays flags over it, and
:func:`settings_from` checks the result; each message names the key and what is allowed.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from reportgen.errors import SettingsError

Count = Annotated[int, Field(ge=1, strict=True)]
CountOrNone = Annotated[int, Field(ge=0, strict=True)]
Pair = tuple[Count, Count]
Colour = tuple[Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)], ...]
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

HEADS = ("auto", "sigmoid", "softmax", "logits")


@dataclass(frozen=True, kw_only=True)
class CaseSettings:
    """One image: ``[[cases]]`` in the file, ``[LABEL=]IMAGE`` on the command line."""

    image: str
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where results go; paths are relative to the settings file."""

    html: str | None = None
    json: str | None = None
    figures: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and how to read its output.

    Attributes
    ----------
    path
        A ``.keras`` or ``.h5`` file, ``keras:NAME``, ``keras:NAME@FILE``, ``keras:NAME@random``, or None: the
        built-in one.
    class_names
        A list, or a ``.txt``/``.json`` file; None: from the model's TOML, else from the labels.
    head
        What the last layer gives; ``auto`` reads it from its activation.
    threshold
        For one sigmoid: from which score on the second class is said. None: from the model's TOML, else 0.5.
    """

    path: str | None = None
    class_names: tuple[str, ...] | str | None = None
    head: Literal["auto", "sigmoid", "softmax", "logits"] = "auto"
    threshold: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class PreprocessingSettings:
    """How an image becomes what the model wants.

    Attributes
    ----------
    mode
        ``auto``, ``scale``, ``mean_std``, ``none``, or a family of keras.applications such as ``vgg16``.
    factor, offset
        For ``scale``: x * factor + offset.
    mean, std
        For ``mean_std``: (x - mean) / std, a value each channel, in raw-image units 0 to 255.
    resampling
        Filter for resizing.
    """

    mode: str = "auto"
    factor: Number | None = None
    offset: Number | None = None
    mean: tuple[Number, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] | None = None
    resampling: Literal["nearest", "box", "bilinear", "bicubic", "lanczos"] = "bilinear"


@dataclass(frozen=True, kw_only=True)
class LayerSettings:
    """Which layers' feature maps are shown.

    Attributes
    ----------
    show
        Names or globs (``block1_*``); empty: every layer with a spatial output that does something at inference.
    types
        Only these layer types (``Conv2D``); empty: all.
    first
        Only the first so many; 0: all.
    maximum
        At most so many, evenly spread; 0: no limit.
    """

    show: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    first: CountOrNone = 0
    maximum: CountOrNone = 24


@dataclass(frozen=True, kw_only=True)
class FeatureMapSettings:
    """How feature maps are drawn.

    Attributes
    ----------
    scale
        ``channel``: each channel by its own minimum and maximum; ``standardized``: (x - mean) / std * 64 + 128,
        clipped to 0..255; ``shared``: one range for all channels of a layer.
    range
        ``cases``: ranges taken over all cases, so that a channel can be compared between them; ``case``: each on its
        own.
    colours
        A matplotlib colour map.
    columns
        Tiles a row; 0: as square as it gets.
    first_channels
        Only the first so many channels in the grids; 0: all.
    single_channels
        Channels of the first shown layer to draw large.
    through_channel
        A channel to show through all layers; None: not shown.
    maximum_pixels
        A grid with more is drawn at half, a third, ... of its resolution; 0: no limit.
    """

    scale: Literal["channel", "standardized", "shared"] = "channel"
    range: Literal["cases", "case"] = "cases"
    colours: str = "viridis"
    columns: CountOrNone = 0
    first_channels: CountOrNone = 0
    single_channels: tuple[CountOrNone, ...] = ()
    through_channel: CountOrNone | None = None
    maximum_pixels: CountOrNone = 2_000_000


@dataclass(frozen=True, kw_only=True)
class OcclusionSettings:
    """The occlusion scan.

    Attributes
    ----------
    enabled
        Whether to scan at all.
    patch
        Side in pixels of the model's input, or [height, width]; None: a tenth of each side.
    stride
        Step in pixels, or [down, across]; None: a third of the patch.
    fill
        ``mean``, ``blur``, or a colour [r, g, b] or [gray] from 0 to 255.
    target
        The class to follow, by name or number; ``predicted``, ``label``, or ``auto``: the positive class where there
        are two, else the predicted one.
    score_colours, importance_colours
        matplotlib colour maps for scores, and for signed importance (diverging).
    memory
        Bytes that the occluded images and the activations of one batch may take.
    """

    enabled: bool = True
    patch: Count | Pair | None = None
    stride: Count | Pair | None = None
    fill: Literal["mean", "blur"] | Colour = "mean"
    target: str | int = "auto"
    score_colours: str = "viridis"
    importance_colours: str = "RdBu_r"
    memory: Annotated[int, Field(ge=1 << 20, strict=True)] = 512 << 20


@dataclass(frozen=True, kw_only=True)
class CommentarySettings:
    """The user's own commentary: a folder of Markdown files, or texts here, by section and by layer."""

    folder: str | None = None
    sections: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a report; every field has a default."""

    title: str = ""
    cases: tuple[CaseSettings, ...] = ()
    output: OutputSettings = OutputSettings()
    model: ModelSettings = ModelSettings()
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    layers: LayerSettings = LayerSettings()
    feature_maps: FeatureMapSettings = FeatureMapSettings()
    occlusion: OcclusionSettings = OcclusionSettings()
    commentary: CommentarySettings = CommentarySettings()


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file as nested tables, its paths made relative to the file's folder.

    Raises
    ------
    SettingsError
        When it can't be read, is no TOML, or has an unknown key or a wrong value.
    """
    tables = read_toml(path, "settings file")
    settings_from(tables, str(path))
    return _resolved(tables, path.parent)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    SettingsError
        When it's missing, a folder, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{what} not found: {path}", "check the path") from None
    except OSError as problem:
        raise SettingsError(f"{what} can't be read: {path} ({problem.strerror})") from None
    except (ValueError, RecursionError) as problem:
        raise SettingsError(f"{path} is not valid TOML: {problem}", "mend the line it names") from None


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one set of nested tables over another: what stands above wins, tables are merged key by key."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def settings_from(tables: Mapping[str, Any], source: str = "settings") -> Settings:
    """Check nested tables and return them as settings.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    return convert(tables, Settings, source)


S = typing.TypeVar("S")


def convert(tables: Mapping[str, Any], kind: type[S], source: str) -> S:
    """Check nested tables against a dataclass of settings and return an instance of it.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    _refuse_unknown_keys(tables, kind, source, ())
    try:
        return pydantic.TypeAdapter(kind).validate_python(tables)
    except pydantic.ValidationError as problem:
        raise SettingsError(f"{source}: {_reason(problem.errors(include_url=False), tables)}") from None


def _reason(errors: Sequence[Any], tables: Mapping[str, Any]) -> str:
    """Tell the first wrong key with all that would be right; a choice of types gives an error for each."""
    keys = [_key(error["loc"], tables) for error in errors]
    reasons = dict.fromkeys(
        error["msg"][0].lower() + error["msg"][1:] for error, key in zip(errors, keys, strict=True) if key == keys[0]
    )
    value: Any = tables
    for part in keys[0]:
        value = value[part] if not isinstance(value, Mapping) or part in value else None
    given = "" if isinstance(value, Mapping) or value is None else f" (it is {value!r:.60})"
    return f"'{'.'.join(map(str, keys[0]))}': {' or '.join(reasons)}{given}"


def _key(place: Sequence[Any], tables: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the part of an error's place that is a key of the tables; the rest names types."""
    key: list[Any] = []
    value: Any = tables
    for part in place:
        if isinstance(value, Mapping):
            key.append(part)
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            key.append(part)
            value = value[part]
        else:
            break
    return tuple(key)


def _refuse_unknown_keys(tables: Mapping[str, Any], kind: Any, source: str, place: tuple[str, ...]) -> None:
    known = typing.get_type_hints(kind)
    for key, value in tables.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            where = f" in [{'.'.join(place)}]" if place else ""
            advice = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise SettingsError(f"{source}: unknown key '{key}'{where}", advice)
        inner, many = _section_type(known[key])
        if inner is not None:
            for item in value if many and isinstance(value, list | tuple) else [value]:
                if isinstance(item, Mapping):
                    _refuse_unknown_keys(item, inner, source, (*place, key))


def _section_type(annotation: Any) -> tuple[type | None, bool]:
    """Return the dataclass in an annotation, if there is one, and whether it stands in a tuple."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return annotation, False
    many = typing.get_origin(annotation) is tuple
    if many or typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            found, _ = _section_type(part)
            if found is not None:
                return found, many
    return None, False


def _resolved(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths in a settings file relative to the folder it lies in."""

    def located(value: Any) -> Any:
        return str(folder / value) if isinstance(value, str) else value

    resolved = merge(tables, {})
    if "cases" in resolved:
        resolved["cases"] = [{**case, "image": located(case["image"])} for case in resolved["cases"]]
    if "output" in resolved:
        resolved["output"] = {key: located(value) for key, value in resolved["output"].items()}
    model = dict(resolved.get("model", {}))
    if "path" in model:
        model["path"] = _resolved_model(model["path"], folder)
    if isinstance(model.get("class_names"), str):
        model["class_names"] = located(model["class_names"])
    commentary = dict(resolved.get("commentary", {}))
    if "folder" in commentary:
        commentary["folder"] = located(commentary["folder"])
    return {**resolved, **({"model": model} if model else {}), **({"commentary": commentary} if commentary else {})}


def _resolved_model(path: str, folder: Path) -> str:
    if not path.startswith("keras:"):
        return str(folder / path)
    name, separator, weights = path.partition("@")
    return path if weights in ("", "random") else f"{name}{separator}{folder / weights}"
