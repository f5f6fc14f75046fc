"""``python -m tests.kinds.image_table``: write the table of kinds of images into docs/images.md."""

from __future__ import annotations

from pathlib import Path

from .images import IMAGE_KINDS
from .table import BEGIN, END, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "images.md"


def with_table(document: str) -> str:
    """Return the document with the table of today between its marks."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(IMAGE_KINDS)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
