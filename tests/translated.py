"""What is to be read in a page, and what of it is no sentence of a catalogue."""

from __future__ import annotations

import gettext
import html
import re

import polib

from reportgen.system import language

# what stands in a page without being a sentence of the program: names and code of others, and what was set
ALIEN = re.compile(
    r"<(script|style|template|pre|code)\b.*?</\1>|<ol class=\"references\">.*?</ol>"
    r"|<section id=\"provenance\">.*?</section>"
    r"|<h3(?: id=\"card\")?>⟦?(?:Model card|Modellkarte).*?</section>"
    r"|<table class=\"summary\">.*?</table>|<svg\b.*?</svg>",
    re.S,
)
NAMES = re.compile(
    r"NORMAL|PNEUMONIA|reportgen|built-in chest X-ray model|phantom(?:, gray 8 bit| \d+)?|lungs|heart|opacities|sigmoid"
    r"|relu|leaky_relu|--[a-z-]+|(?:conv2d|max_pooling2d|flatten|dense|dropout|random_\w+)(?:_\d+)?|Conv2D|MaxPooling2D|SHA|AUC|AUPRC"
)


def words_of(page):
    """What is to be read in a page: its texts, and those of attributes."""
    page = ALIEN.sub(" ", page)
    attributes = re.findall(r"\s(?:alt|aria-label|title)=\"([^\"]*)\"", page)
    page = re.sub(r"</?(?:a|b|em|i|small|span|strong|sub|sup)\b[^>]*>", "", page)
    return [html.unescape(text) for text in (*re.sub(r"<[^>]+>", "\n", page).split("\n"), *attributes)]


def english_left(texts):
    """The English sentences of the catalogue that stand in texts."""
    whole, found = "\n".join(texts), []
    for entry in polib.pofile(str(language.FOLDER / "de.po")):
        for english in filter(None, (entry.msgid, entry.msgid_plural)):
            piece = max(re.split(r"\{\w*\}|<[^>]*>", english), key=len).strip()
            # of single words some are the same in both languages
            if len(piece.split()) > 2 and piece not in entry.msgstr and piece in whole:
                found.append(english)
    return found


class Bracketed(gettext.NullTranslations):
    """A language in which every sentence of the program stands in brackets: what doesn't is none of its sentences."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, one, many, count):
        return self.gettext(one if count == 1 else many)

    def pgettext(self, context, message):
        return message


def outside(text):
    """What stands in no bracket, without names."""
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = inner
    return NAMES.sub(" ", text)
