"""What stands around every page: style, script and policy, all inside."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from reportgen.outputs.page.assets import Asset
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.report.picture import Picture


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the frame of a page sees that stands alone: style, script and policy.

    Attributes
    ----------
    generator
        The version that writes it.
    """

    style: Asset
    script: Asset
    generator: str = ""

    @property
    def site(self) -> None:
        """The site that the page is part of: it stands alone."""
        return

    @property
    def sealed(self) -> SafeHtml:
        """The page's digest of itself, where it has one."""
        return SafeHtml("")

    def address(self, picture: Picture) -> str:
        """Where a picture is: here, inside the page."""
        return data_address(picture)

    @property
    def policy(self) -> str:
        """Content-Security-Policy of the page."""
        return (
            f"default-src 'none'; img-src data:; style-src {self.style.source}; script-src {self.script.source}; "
            "base-uri 'none'; form-action 'none'"
        )


def data_address(picture: Picture) -> str:
    """Return a picture as a data URI."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
