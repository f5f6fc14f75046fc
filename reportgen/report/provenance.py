"""When, with what and how fast a report was made; nothing that tells by whom or where."""

from __future__ import annotations

import functools
import os
import platform
from datetime import UTC, datetime

from reportgen.system.errors import SettingsError
from reportgen.system.libraries import library_version

_LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "matplotlib", "jinja2")


def creation_time() -> str:
    """Return the time in UTC, from SOURCE_DATE_EPOCH where it is set.

    Raises
    ------
    SettingsError
        When SOURCE_DATE_EPOCH is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError):
        raise SettingsError(f"SOURCE_DATE_EPOCH is '{epoch}'", "set it to seconds since 1970, or unset it") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def versions() -> dict[str, str]:
    """Return the versions of reportgen, Python, and the libraries that shape the result."""
    return dict(_versions())


@functools.cache
def _versions() -> dict[str, str]:
    """Look them up once: what is loaded doesn't change, and reading the metadata of seven packages takes a while."""
    found = {"reportgen": library_version("reportgen") or "unknown", "python": platform.python_version()}
    return found | {name: library_version(name) or "unknown" for name in _LIBRARIES}
