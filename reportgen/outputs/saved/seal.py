"""What a page is read back by: the digest that it carries of itself, by which an edited one is known, and its data."""

from __future__ import annotations

import hashlib
import re

SEAL = '<meta name="reportgen-sha256" content="{}">'
DATA_START = '<script type="application/json" id="report-data">'
BLANK_SEAL = "0" * 64
_SEALED = re.compile(SEAL.format("([0-9a-f]{64})"))


def page_digest(text: str) -> str:
    """Return the SHA-256 digest of a page, as it would be with a blank one in its place.

    What line ends it has and what blank lines stand around it doesn't matter: mail and file transfers change those.
    """
    plain = _SEALED.sub(SEAL.format(BLANK_SEAL), text.strip().replace("\r\n", "\n"), count=1)
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


def seal_of(text: str) -> str | None:
    """Return the digest that a page carries of itself; None where it has none."""
    found = _SEALED.search(text)
    return found[1] if found else None
