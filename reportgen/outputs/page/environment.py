"""The Jinja2 environment of all templates: everything is escaped, and what would act is replaced."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from reportgen.outputs.page.markdown import clean_html, render_markdown
from reportgen.report.estimates import describe_estimate
from reportgen.report.numbers import grouped
from reportgen.report.places import without_picture
from reportgen.report.report import readable
from reportgen.report.words import format_p
from reportgen.system.language import say, say_as, say_count, spoken
from reportgen.system.text import visible


def templates_folder() -> Path:
    """Return where the templates are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def asset(name: str) -> str:
    """Return a file of the templates folder as text."""
    return (templates_folder() / name).read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Return where templates of reports are rendered: everything is escaped, what would act is replaced."""
    return make_environment(jinja2.FileSystemLoader(templates_folder()))


def make_environment(
    loader: jinja2.BaseLoader, kind: type[jinja2.Environment] = jinja2.Environment
) -> jinja2.Environment:
    """Return the same for templates from elsewhere."""
    environment = kind(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_seen,
    )
    environment.filters |= {
        "markdown": render_markdown, "clean": clean_html, "grouped": grouped, "shape": _shape, "short": _short,
        "scientific": _significant, "setting": _setting, "correlation": _correlation, "scored": format_score,
        "readable": readable, "sight": _sight, "keras_shape": _keras_shape, "fill": _fill,
        "bare_place": without_picture, "estimate": describe_estimate, "percent": _percent, "probability": format_p,
    }  # fmt: skip
    environment.tests["finite"] = math.isfinite
    environment.globals |= {"say": _said(say), "say_count": _said(say_count), "say_as": _said(say_as)}
    environment.globals["language"] = spoken
    return environment


def _said(form: Callable[..., str]) -> Callable[..., str]:
    """Return a way to say sentences in templates: they may hold tags, what is put into them is escaped."""

    @jinja2.pass_eval_context
    def in_page(context: jinja2.nodes.EvalContext, *messages: Any, **fields: object) -> str:
        if not context.autoescape:
            return form(*messages, **fields)
        shown = {name: escape(_seen(value)) for name, value in fields.items()}
        return Markup(form(*messages, **shown))  # noqa: S704 - of our own sentences; the fields are escaped

    return in_page


def _seen(value: object) -> object:
    """Pass every value that a template shows through :func:`visible`, but what is HTML already, whose parts have."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _shape(sides: tuple[int | None, ...]) -> str:
    return " × ".join(say("any") if side is None else str(side) for side in sides)


def _sight(field: tuple[int, int], input_shape: tuple[int, ...]) -> str:
    """Say how much of the input a value of a layer sees."""
    if field[0] >= input_shape[0] and field[1] >= input_shape[1]:
        return say("the whole input (receptive field {size})", size=_shape(field))
    return say("{size} pixels of the input", size=_shape(field))


def _short(digest: str) -> str:
    return digest[:12]


def _significant(number: float | None) -> str:
    if number is None or not math.isfinite(number):
        return "–" if number is None else say("not a number")
    return f"{number:.4g}".replace("-", "−")


def _fill(value: object) -> str:
    """Name what covers an image."""
    if isinstance(value, str):
        return say("the image's mean") if value == "mean" else say("a blurred image")
    return say("the colour {colour}", colour=_setting(value))


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def format_score(score: float | None) -> str:
    """Return a score as it stands behind a class; nothing where there is none."""
    return "" if score is None else f" {readable(score)}"


def _correlation(number: float | None) -> str:
    return "–" if number is None else f"{number:+.2f}".replace("-", "−")


def _keras_shape(sides: tuple[int | None, ...]) -> str:
    return f"({', '.join(map(str, sides))})"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if math.isfinite(share) else "–"
