"""Showing a file in the browser of whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_SHOWN = (".html", ".pdf")


def open_first(written: Sequence[object]) -> str:
    """Open the first page or PDF of those written; what lies elsewhere than on this machine isn't shown.

    Returns
    -------
    str
        Why nothing was opened; empty where it was.
    """
    import webbrowser

    page = next(
        (path for path in written if isinstance(path, Path) and path.suffix.lower() in _SHOWN and path.is_file()), None
    )
    if page is None:
        return "nothing that a browser shows was written"
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    return "" if opened else f"no browser can be opened here; open {page}"
