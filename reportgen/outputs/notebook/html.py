"""What stands in a notebook's cell: a whole page in a frame, or a small view of one part."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.frame import data_address
from reportgen.report.picture import Picture
from reportgen.system.text import visible

HEIGHT = 720  # CSS pixels, until the page has told its own, and where scripts don't run


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """A picture in a small view.

    Attributes
    ----------
    picture
        What is shown.
    caption
        Stands below.
    backdrop
        What lies under it, at the same size; None: nothing.
    side
        To how many CSS pixels its longer side is brought; None: the size it has on a page.
    """

    picture: Picture
    caption: str
    backdrop: Picture | None = None
    side: int | None = None

    @property
    def address(self) -> str:
        """The picture as a data URI."""
        return data_address(self.picture)

    @property
    def under(self) -> str:
        """What lies under it, as a data URI; empty: nothing."""
        return data_address(self.backdrop) if self.backdrop else ""

    @property
    def width(self) -> int:
        """In CSS pixels."""
        return self._sides[0]

    @property
    def height(self) -> int:
        """In CSS pixels."""
        return self._sides[1]

    @property
    def _sides(self) -> tuple[int, int]:
        width, height = self.picture.page_width, self.picture.page_height
        if self.side is None:
            return width, height
        return round(width * self.side / max(width, height)), round(height * self.side / max(width, height))


@dataclass(frozen=True, kw_only=True)
class SmallView:
    """What a small view shows: a title, lines, pictures, and a table of words and numbers."""

    title: str
    lines: tuple[str, ...] = ()
    pictures: tuple[ShownPicture, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def render_view(view: SmallView) -> str:
    """Return a small view as HTML; all that it shows is escaped."""
    return environment().get_template("notebook/view.html.j2").render(view=view)


def embed_page(page: str, title: str, height: int | None = None) -> str:
    """Return a page in a sandboxed frame.

    The frame is of another origin, so that nothing in it reaches the notebook. Its height is what the page tells, up to
    most of a screen: a page of many screens keeps its contents and its viewer in sight by scrolling inside.

    Parameters
    ----------
    page
        A whole page that was rendered to be embedded.
    title
        What the frame is called to those who can't see it.
    height
        In CSS pixels; None: as the page tells, 720 where scripts don't run.
    """
    template = environment().get_template("notebook/frame.html.j2")
    # the page has passed through all filters: only its quotes are still to be escaped
    return template.render(page=_Whole(page), title=visible(title), height=height or HEIGHT, measured=height is None)


class _Whole(str):
    """A finished page: its characters stay as they are, and are escaped as those of an attribute."""

    __slots__ = ()

    def __html__(self) -> str:
        return self.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
