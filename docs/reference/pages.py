"""The pages as text: what each module gathers, laid out by the template of the page's name."""

from __future__ import annotations

from pathlib import Path

import jinja2

from . import api_page, cli_page, report_page, settings_page

FOLDER = Path(__file__).parents[1]
_TEMPLATES = Path(__file__).parent / "templates"


def pages() -> dict[str, str]:
    """Return the text of each page by its name in ``docs/``."""
    return {
        "api.md": _render("api.md", groups=api_page.groups()),
        "cli.md": _render("cli.md", commands=cli_page.commands()),
        "report-json.md": _render("report-json.md", tables=report_page.tables()),
        "settings.md": _render("settings.md", sections=settings_page.sections()),
    }


def anchor(heading: str) -> str:
    """Return the fragment under which a heading is linked to."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _render(name: str, **gathered: object) -> str:
    environment = jinja2.Environment(  # noqa: S701 - Markdown of the project's own texts, no page
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"anchor": anchor, "cell": _cell, "code": _code, "sentence": _sentence}
    return environment.get_template(f"{name}.j2").render(gathered)


def _cell(text: str) -> str:
    """Return a text that doesn't end the cell of a table that it stands in."""
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    """Return a text as code for the cell of a table; nothing for nothing."""
    return f"`{_cell(text)}`" if text else ""


def _sentence(text: str) -> str:
    """Return a text with a capital at its beginning, unless it begins with code or a name with one inside."""
    return text[:1].upper() + text[1:] if text[:2].islower() else text
