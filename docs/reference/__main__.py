"""``python -m reference`` in ``docs/``: write the pages that changed, and say which."""

from __future__ import annotations

from . import FOLDER, pages
from .schema import PLACE, settings_schema


def main() -> None:
    """Write what isn't as it should be."""
    for name, text in pages().items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    if not PLACE.is_file() or PLACE.read_text(encoding="utf-8") != settings_schema():
        PLACE.write_text(settings_schema(), encoding="utf-8")
        print(f"wrote {PLACE.name}")


if __name__ == "__main__":
    main()
