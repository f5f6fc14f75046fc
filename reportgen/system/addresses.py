"""Addresses of files that lie elsewhere than on this machine, and what may be shown of them; none is reached here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reportgen.system.errors import OutputError

READ_ONLY = ("https", "http")
EXTRAS = {
    "s3": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure", "https": "https",
    "http": "https",
}  # fmt: skip
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET = re.compile(r"(?<=://)[^/@?#]*:[^/@?#]*@")
_LONGEST_NAME = 200


class RemoteError(OutputError):
    """A place elsewhere can't be reached or used; it was tried again where that could help."""

    is_final = True


def is_remote(text: str) -> bool:
    """Return whether a text is an address that this program knows: not a path of this machine."""
    found = _ADDRESS.match(text)
    return found is not None and found[1].lower() in EXTRAS


def shown(address: str) -> str:
    """Return an address as it may be shown: without a user, a password, or what a signature may be in."""
    plain = _SECRET.sub("", address)
    return re.split(r"[?#]", plain, maxsplit=1)[0] if plain.lower().startswith(READ_ONLY) else plain


def place_of(text: str) -> Path | RemotePath:
    """Return what a text names: an address elsewhere, or a path of this machine.

    Raises
    ------
    RemoteError
        When it is an address with a password in it.
    """
    return RemotePath.of(text) if is_remote(text) else Path(text)


@dataclass(frozen=True, slots=True)
class RemotePath:
    """An address; its text is what may be shown of it."""

    address: str

    @classmethod
    def of(cls, text: str) -> RemotePath:
        """Return the place that an address names.

        Raises
        ------
        RemoteError
            When there is a password in it, or nothing after the scheme.
        """
        if _SECRET.search(text):
            raise RemoteError(
                f"{shown(text)} was given with a password", "leave it out: credentials are found by themselves"
            )
        scheme, rest = text.split("://", 1)
        if not rest.strip("/"):
            raise RemoteError(f"{shown(text)} names no place", f"give {scheme}://BUCKET/FOLDER")
        return cls(f"{scheme.lower()}://{rest.rstrip('/')}")

    def __truediv__(self, name: str) -> RemotePath:
        """Return a place below."""
        return RemotePath(f"{self.address}/{name}")

    def __str__(self) -> str:
        return shown(self.address)

    @property
    def scheme(self) -> str:
        """What the address begins with."""
        return self.address.split("://", 1)[0]

    @property
    def name(self) -> str:
        """The last part, without what comes after a question mark."""
        return PurePosixPath(shown(self.address).split("://", 1)[1]).name[-_LONGEST_NAME:]

    @property
    def parent(self) -> RemotePath:
        """The place above."""
        return RemotePath(shown(self.address).rsplit("/", 1)[0])

    def is_below(self, other: RemotePath) -> bool:
        """Return whether it is another place, or lies below."""
        return f"{self.address}/".startswith(f"{other.address}/")
