"""A theme: a folder of the user's own templates and styles, which come before the program's.

It is run in Jinja2's sandbox, everything is escaped as ever, and the page that comes of it must still be one: with its
policy first, its data and its digest, and nothing that is fetched from elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reportgen.outputs.page.environment import asset, make_environment, templates_folder
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.files import read_bytes
from reportgen.system.text import visible

STYLES = ("assets/tokens.css", "assets/report.css", "assets/first.css", "assets/print.css", "assets/theme.css")
EXPORTED = (
    "base.html.j2", "report.html.j2", "macros.html.j2", "paper.html.j2", "print.html.j2", "sections/**/*.j2",
    *STYLES[:4],
)  # fmt: skip
_MOST_BYTES = 1 << 20
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FETCHES = re.compile(r"""@import|</style|url\(\s*["']?+(?!data:|#|font:)[^)]{0,80}""", re.IGNORECASE)
_SOURCES = {"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest", "ping"}


@dataclass(frozen=True)
class Theme:
    """A folder that was looked through, and the environment that its templates are rendered in."""

    folder: Path
    templates: jinja2.Environment

    def asset(self, name: str) -> str:
        """Return a style sheet: the theme's own, or else the program's; empty where neither has it."""
        return theme_asset(self.folder, name)

    def render(self, template: str, **values: Any) -> str:
        """Render a template.

        Raises
        ------
        OutputError
            When the theme's templates have a fault.
        """
        try:
            return self.templates.get_template(template).render(**values)
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as fault:
            raise OutputError(f"the theme {self.folder} can't be used: {fault}", "mend its templates") from None


def read_theme(folder: Path) -> Theme:
    """Look through a theme's folder.

    Raises
    ------
    SettingsError
        When it's none, holds nothing of use, a template that can't be read or switches escaping off, or a style that
        would fetch something.
    """
    if not folder.is_dir():
        raise SettingsError(f"theme not found: {folder}", "give a folder; reportgen theme export makes one")
    ours = jinja2.FileSystemLoader(templates_folder())
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), ours, jinja2.PrefixLoader({"reportgen": ours})])
    templates = make_environment(loader, ImmutableSandboxedEnvironment)
    for unsafe in ("safe", "xmlattr"):
        del templates.filters[unsafe]
    sheets, pages = sorted(folder.rglob("*.css")), sorted(folder.rglob("*.j2"))
    if not sheets and not pages:
        raise SettingsError(f"{folder} holds no theme", "it has templates (*.html.j2) or assets/tokens.css")
    for path in sheets:
        _check_style(path, path.relative_to(folder).as_posix())
    for path in pages:
        _check_template(path, templates)
    return Theme(folder, templates)


def theme_asset(folder: str | Path | None, name: str) -> str:
    """Return a style sheet of a theme, or else the program's; empty where neither has it."""
    if folder is not None and (Path(folder) / name).is_file():
        return _read(Path(folder) / name)
    return asset(name) if (templates_folder() / name).is_file() else ""


def _check_style(path: Path, name: str) -> None:
    if name not in STYLES:
        raise SettingsError(f"{path} is no style sheet of a theme", f"it may have {', '.join(STYLES)}")
    found = _FETCHES.search(_COMMENT.sub("", _read(path)))
    if found:
        raise SettingsError(f"{path} would fetch '{found[0]}'", "a page fetches nothing: leave it out, or embed it")


def _check_template(path: Path, templates: jinja2.Environment) -> None:
    try:
        parsed = templates.parse(_read(path))
    except jinja2.TemplateSyntaxError as fault:
        raise SettingsError(f"{path} is no template: line {fault.lineno}: {fault.message}", "mend it") from None
    if parsed.find(jinja2.nodes.ScopedEvalContextModifier) is not None:
        raise SettingsError(f"{path} switches escaping off", "leave out {% autoescape %}")


def _read(path: Path) -> str:
    data = read_bytes(path, SettingsError, "theme file", limit=_MOST_BYTES, when_larger="make it smaller")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8", "save it as UTF-8") from None


def check_page(text: str, policy: str, theme: Theme) -> None:
    """Refuse a themed page that wouldn't be safe, or couldn't be read back.

    Raises
    ------
    OutputError
        Naming what is amiss.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    amiss = reader.amiss(policy)
    if amiss:
        raise OutputError(f"the theme {theme.folder} can't be used: {amiss}", "start from reportgen theme export")


class _Reader(HTMLParser):
    """Looks for what a page must have, and for what it must not."""

    def __init__(self) -> None:
        super().__init__()
        self._policies: list[str] = []
        self._early = ""
        self._data = self._sealed = 0
        self._fetched = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kind = given.get("http-equiv", "").lower()
        if tag == "meta" and kind == "content-security-policy":
            self._policies.append(given.get("content", ""))
        elif not self._policies and (tag not in ("html", "head", "meta") or ("charset" not in given and tag == "meta")):
            self._early = self._early or tag
        if tag == "meta" and kind == "refresh":
            self._fetched = self._fetched or "a page that it would turn to"
        self._data += given.get("id") == "report-data"
        self._sealed += given.get("name") == "reportgen-sha256"
        for name, value in given.items():
            source = name in _SOURCES or (name in ("href", "xlink:href") and tag not in ("a", "area"))
            if source and not value.strip().startswith(("data:image/", "#")):
                self._fetched = self._fetched or f"{value:.80} of <{tag}>"

    def amiss(self, policy: str) -> str:
        """Return what is amiss, in words; empty when nothing is."""
        if self._policies[:1] != [policy] or self._early:
            return "the Content-Security-Policy must stand first in the head, as it is"
        if self._fetched:
            return f"the page would fetch {visible(self._fetched)}"
        if self._data != 1 or self._sealed != 1:
            return "the page must hold its data and its digest once ({{ page.sealed }}, the block scripts)"
        return ""


def exported_files() -> dict[str, bytes]:
    """Return what a theme can start from, by name: the program's own templates and style sheets."""
    folder = templates_folder()
    paths = sorted({path for pattern in EXPORTED for path in folder.glob(pattern)})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
