"""Libraries that may be missing: what this system calls them, and the command that installs them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import platform
import re
from collections.abc import Callable, Iterator

_PANGO = {
    "debian": "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    "fedora": "dnf install pango",
    "rhel": "dnf install pango",
    "suse": "zypper install libpango-1_0-0",
    "arch": "pacman -S pango",
    "alpine": "apk add pango",
    "gentoo": "emerge x11-libs/pango",
    "darwin": "brew install pango",
    "windows": "install MSYS2 and run: pacman -S mingw-w64-x86_64-pango",
}


def pango_install(
    system: str | None = None, release: Callable[[], dict[str, str]] = platform.freedesktop_os_release
) -> str:
    """Return the command that installs Pango on this system, as far as it's known.

    Parameters
    ----------
    system
        As :func:`platform.system` calls it; default: this one.
    release
        Gives ``ID`` and ``ID_LIKE`` of a Linux system.
    """
    known = next((_PANGO[one] for one in system_families(system, release) if one in _PANGO), None)
    return known or "install Pango with the packages of your system"


def system_families(
    system: str | None = None, release: Callable[[], dict[str, str]] = platform.freedesktop_os_release
) -> list[str]:
    """Return what this system is, and what it's like, the closest first: ``debian``, ``fedora``, ``darwin``, ...

    Parameters
    ----------
    system, release
        As :func:`pango_install` takes them.
    """
    name = (system or platform.system()).lower()
    if name != "linux":
        return [name]
    families = [name]
    with contextlib.suppress(OSError):
        found = release()
        families = [found.get("ID", ""), *found.get("ID_LIKE", "").split()]
    return ["debian" if one == "ubuntu" else "suse" if "suse" in one else one for one in families]


def install_extra(extra: str) -> str:
    """Return the command that installs what an extra holds.

    It names the libraries: what an index calls by this program's name may be another program.
    """
    wanted = [text.partition(";")[0].strip() for one, text in list_requirements() if one == extra]
    return f"pip install {' '.join(repr(text) for text in wanted)}"


def list_requirements() -> Iterator[tuple[str, str]]:
    """Give (extra, requirement) of all that reportgen asks for."""
    for text in importlib.metadata.requires("reportgen") or ():
        extra = re.search(r"extra == ['\"](\w+)['\"]", text)
        yield extra[1] if extra else "", text


def library_version(name: str) -> str | None:
    """Return the version of a library that is installed; None where it isn't."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
