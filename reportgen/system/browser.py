"""Showing a file in the browser of whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_SHOWN = (".html", ".pdf", ".png")  # of several, the first kind that there is


def open_first(written: Sequence[object]) -> str:
    """Open the first page of those written, else the first PDF or picture; what lies on no disk of here isn't shown.

    Returns
    -------
    str
        Why nothing was opened; empty where it was.
    """
    import webbrowser

    shown = [path for path in written if isinstance(path, Path) and path.suffix.lower() in _SHOWN and path.is_file()]
    page = min(shown, key=lambda path: _SHOWN.index(path.suffix.lower()), default=None)
    if page is None:
        return "nothing that a browser shows was written"
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    return "" if opened else f"no browser can be opened here; open {page}"
