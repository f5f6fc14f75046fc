"""``python -m reference`` in ``docs/``: write the pages that changed, and say which."""

from __future__ import annotations

from reportgen.settings.schema import schema_place

from . import FOLDER, pages
from .schema import schemas


def main() -> None:
    """Write what isn't as it should be."""
    for name, text in pages().items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    for what, text in schemas().items():
        path = schema_place(what)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
