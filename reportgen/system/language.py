"""The language that a report speaks: English as it stands in the code, others from one folder of gettext catalogues.

A sentence is a template with named fields, in English, where it is needed: ``say("{count} cases", count=3)``. The
language is that of the report which is being made or shown (:func:`speaking`), and English everywhere else: in messages
of the command line, for example. Fields are put in as they are; what a user has written is never translated.
"""

from __future__ import annotations

import contextlib
import functools
import gettext
import io
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

ENGLISH = "en"
FOLDER = Path(__file__).parents[1] / "languages"

_ENGLISH = gettext.NullTranslations()
_spoken: ContextVar[tuple[str, gettext.NullTranslations]] = ContextVar("language", default=(ENGLISH, _ENGLISH))


@functools.cache
def languages() -> tuple[str, ...]:
    """Return the codes of all languages that there are: English, and those that have a catalogue."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return the sentences of a language; of one that there is no catalogue of, the English ones."""
    if language == ENGLISH or language not in languages():
        return _ENGLISH
    import polib

    return gettext.GNUTranslations(io.BytesIO(polib.pofile(str(FOLDER / f"{language}.po")).to_binary()))


@contextlib.contextmanager
def speaking(language: str, sentences: gettext.NullTranslations | None = None) -> Iterator[None]:
    """Form sentences in a language.

    Parameters
    ----------
    language
        Its code, such as ``de``.
    sentences
        Instead of the catalogue of that language.
    """
    token = _spoken.set((language, sentences or catalogue(language)))
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Return the code of the language that sentences are formed in."""
    return _spoken.get()[0]


def say(message: str, /, **fields: object) -> str:
    """Return a sentence in the language of the report, with its named fields put in.

    Parameters
    ----------
    message
        In English, as a literal: it is looked up in the catalogue as it stands in the code.
    **fields
        What stands in place of ``{name}``. A sentence without any is returned as it is.
    """
    told = _spoken.get()[1].gettext(message)
    return told.format(**fields) if fields else told


def say_count(one: str, many: str, count: int, /, **fields: object) -> str:
    """Return the sentence for a count, in the form that the language has for it; ``{count}`` is the count itself.

    Parameters
    ----------
    one, many
        The English sentences for 1 and for any other number, as literals.
    count
        A whole number.
    **fields
        As in :func:`say`; ``count`` among them says how the number is written.
    """
    return _spoken.get()[1].ngettext(one, many, count).format(**{"count": count, **fields})


def say_as(context: str, message: str, /, **fields: object) -> str:
    """Return a word that English has for several things, told apart by a word for which of them is meant."""
    told = _spoken.get()[1].pgettext(context, message)
    return told.format(**fields) if fields else told


def mark(message: str) -> str:
    """Return a sentence as it is: it stands in a table and is said later, by :func:`say`."""
    return message


def mark_count(one: str, many: str) -> tuple[str, str]:
    """Return both forms of a sentence as they are: said later, by :func:`say_count`."""
    return one, many
