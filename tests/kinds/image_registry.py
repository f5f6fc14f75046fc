"""The list of kinds of images: what each is called, what is in its file, and what is to come of it.

The files are made by the helpers of the other tests, in memory; nothing is downloaded.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

IMAGES = Path(__file__).parents[1] / "images"
HELPING = (IMAGES, IMAGES / "dicom", IMAGES / "formats", Path(__file__).parents[1])
MODEL = (24, 36)  # what an image is made to fit, where its aspect is what matters

Array = NDArray[np.generic]


@dataclass(frozen=True)
class ImageKind:
    """A kind of image file.

    Attributes
    ----------
    title, group
        For the table.
    content
        Gives the bytes of the file; None: nothing is there; "folder": a folder is.
    like
        Gives the pixels that must come out; None where it is refused.
    tolerance
        How far a pixel may be from them, of 255.
    rows
        Which rows are compared: of a file that was cut off, those that are left.
    fitted
        Whether ``like`` is the image made to fit ``MODEL``, as the settings say.
    file
        The name of the file.
    settings
        What the user has to say about it, as nested tables.
    note
        A part of what the report must say about it.
    refused
        A part of the message it is refused with; empty: it works.
    """

    title: str
    group: str
    content: Callable[[], bytes | str | None]
    like: Callable[[], Any] | None = None
    tolerance: float = 0.01
    rows: slice = field(default_factory=lambda: slice(None))
    fitted: bool = False
    file: str = "picture"
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    refused: str = ""
    maps: ClassVar[bool] = True  # the table of models tells where there are none

    @property
    def name(self) -> str:
        """Group and title in letters and digits."""
        return "-".join("".join(c if c.isalnum() else " " for c in f"{self.group} {self.title}").lower().split())

    def build(self, folder: Path) -> Path:
        """Write it into a folder."""
        path, content = folder / self.file, self.content()
        if content == "folder":
            path.mkdir()
        elif isinstance(content, bytes):
            path.write_bytes(content)
        return path


IMAGE_KINDS: list[ImageKind] = []


def group(name: str) -> Callable[..., None]:
    """Return a function that notes a kind of one group."""

    def noted(
        title: str, content: Callable[[], bytes | str | None], *, frame: int | None = None, **options: Any
    ) -> None:
        if frame is not None:
            options["settings"] = {"images": {"frame": frame}}
        IMAGE_KINDS.append(ImageKind(title, name, content, **options))

    return noted


def helpers(module: str) -> ModuleType:
    """Return a module of the tests of images, or one beside this."""
    for folder in HELPING:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return importlib.import_module(module)
