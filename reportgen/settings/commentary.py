"""The user's own commentary: Markdown by section and by layer, from the settings or from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from reportgen.report.remark import Comment
from reportgen.settings.report import CommentarySettings
from reportgen.system.errors import SettingsError
from reportgen.system.files import read_bytes

MOST_BYTES = 1 << 20  # of a file; with more, a page takes minutes to make and to open
SECTIONS = ("summary", "model", "cases", "predictions", "occlusion", "differs", "layers", "provenance")


def read_comments(settings: CommentarySettings, layers: Sequence[str]) -> tuple[Comment, ...]:
    """Read all commentary.

    Parameters
    ----------
    settings
        Texts, and a folder that holds ``<section>.md`` and ``layers/<layer>.md`` (``layers/outer/inner.md`` for a layer
        inside another model). A text in the settings stands before the same from the folder.
    layers
        Names of the shown layers.

    Raises
    ------
    SettingsError
        When a section or layer is unknown, or the folder can't be read.
    """
    sections, by_layer = dict(settings.sections), dict(settings.layers)
    if settings.folder is not None:
        for kind, name, text in _files(Path(settings.folder)):
            place = by_layer if kind == "layers" else sections
            place[name] = f"{place[name]}\n\n{text}" if name in place else text
    for name in sections:
        if name not in SECTIONS:
            raise SettingsError(f"commentary for unknown section '{name}'", f"sections: {', '.join(SECTIONS)}")
    for name in by_layer:
        if name not in layers:
            shown = f"shown: {', '.join(layers[:8])}" if layers else "the report shows no layers"
            raise SettingsError(f"commentary for layer '{name}', which is not shown", shown)
    author = settings.author.strip()
    return (
        *(Comment(section=name, markdown=text, author=author) for name, text in sections.items()),
        *(Comment(section="layers", layer=name, markdown=text, author=author) for name, text in by_layer.items()),
    )


def _files(folder: Path) -> Iterator[tuple[str, str, str]]:
    if not folder.is_dir():
        raise SettingsError(f"commentary folder not found: {folder}", "give a folder of Markdown files")
    for path in sorted(folder.rglob("*.md")):
        relative = path.relative_to(folder).with_suffix("").as_posix()
        kind = "layers" if relative.startswith("layers/") else "sections"
        data = read_bytes(path, SettingsError, "commentary", limit=MOST_BYTES, when_larger="shorten the commentary")
        yield kind, relative.removeprefix("layers/"), decode_comment(data)


def decode_comment(data: bytes) -> str:
    """Return the content of a Markdown file as text; bytes that are no UTF-8 become U+FFFD."""
    return data.decode("utf-8-sig", errors="replace")
