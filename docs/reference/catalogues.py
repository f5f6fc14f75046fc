"""Every sentence of a report in one catalogue a language: brings ``reportgen/languages/*.po`` up to date.

Run as ``python -m reference.catalogues`` in this folder. What was translated stays; a new sentence comes in without a
translation, one that is gone goes.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from reportgen.system.language import FOLDER

ROOT = Path(__file__).parents[2]
SAYS = "from reportgen.system.language import"  # elsewhere these words stand for something else
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
KEYWORDS = {
    "say": None,
    "mark": None,
    "say_count": (1, 2),
    "mark_count": (1, 2),
    "say_as": ((1, "c"), 2),
}


def sentences() -> Catalog:
    """Return every sentence that the code and the templates mark, in the order of the files, with where it stands."""
    catalog = Catalog(project="reportgen", charset="utf-8")
    code = sorted(path for path in (ROOT / "reportgen").rglob("*.py") if SAYS in path.read_text("utf-8"))
    for path in (*code, *sorted((ROOT / "templates").rglob("*.j2"))):
        method = "python" if path.suffix == ".py" else "jinja2.ext.babel_extract"
        # fields of a sentence may be f-strings: Babel warns of each
        with path.open("rb") as file, contextlib.redirect_stderr(io.StringIO()):
            found = list(extract(method, file, keywords=KEYWORDS, comment_tags=()))
        for _, message, _, context in found:
            catalog.add(message, context=context, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    for one in catalog:
        one.flags.discard("python-format")  # a percent sign is one
    return catalog


def updated(text: str) -> str:
    """Return a catalogue that has all sentences and no other; translations stay as they are."""
    catalog = read_po(io.StringIO(text))
    catalog.update(sentences(), no_fuzzy_matching=True, update_creation_date=False)
    for one in catalog:
        one.locations = sorted({(place, 0) for place, _ in one.locations})
        one.flags.discard("python-format")
    catalog.obsolete.clear()
    written = io.BytesIO()
    write_po(written, catalog, width=0, include_lineno=False, omit_header=True)
    return f"{HEADER.format(language=catalog.locale, plural=catalog.plural_forms)}\n{written.getvalue().decode()}"


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.po")):
        path.write_text(updated(path.read_text("utf-8")), "utf-8")
        print(path.relative_to(ROOT))
