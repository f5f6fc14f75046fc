"""Letters that no font of this machine has: which they are, of which script, and what to install for them."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

from reportgen.system.libraries import system_families
from reportgen.system.silence import load_weasyprint
from reportgen.system.text import visible

# one of each of the scripts that are most likely to be needed
SAMPLES = {"Chinese": "肺", "Japanese": "の", "Korean": "폐", "Arabic": "ع", "Hebrew": "ש", "Hindi": "न", "Thai": "ไ",
           "emoji": "🫁"}  # fmt: skip
_EAST_ASIAN = {
    "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "BOPOMOFO": "Chinese",
    "HANGUL": "Korean", "HALFWIDTH": "East Asian", "FULLWIDTH": "East Asian", "IDEOGRAPHIC": "East Asian",
}  # fmt: skip
_EMOJI, _SYMBOLS, _UNKNOWN = "emoji", "symbols", "of no known script"
# Debian's packages
_CJK_FONTS, _EMOJI_FONTS, _OTHER_FONTS = "fonts-noto-cjk", "fonts-noto-color-emoji", "fonts-noto-core"
_MOST_SHOWN = 8
_CODE = re.compile(r"U\+([0-9A-F]{4,6})")
_LOCK = threading.RLock()


@contextlib.contextmanager
def lacking_letters() -> Iterator[list[str]]:
    """Collect the letters that WeasyPrint draws as boxes meanwhile: it tells of each in its log, and of nothing else.

    They stand in the list in the order in which they are met, each once.
    """
    found: dict[str, None] = {}
    thread = threading.get_ident()

    class Listener(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.thread == thread and "glyph" in str(record.msg):
                found.update(dict.fromkeys(chr(int(code, 16)) for code in _CODE.findall(record.getMessage())))
            return False

    letters: list[str] = []
    logger, listener = logging.getLogger("weasyprint"), Listener()
    with _LOCK:
        level = logger.level
        logger.addFilter(listener)
        logger.setLevel(logging.WARNING)
        try:
            yield letters
        finally:
            logger.removeFilter(listener)
            logger.setLevel(level)
            letters += found


def tell_lacking(letters: Collection[str], families: Collection[str] | None = None) -> str:
    """Return a line about letters that are drawn as boxes: which, and what to install.

    Parameters
    ----------
    letters
        The letters; at least one.
    families
        As :func:`reportgen.system.libraries.system_families` gives them; default: of this system.
    """
    by_script: dict[str, list[str]] = {}
    for letter in letters:
        by_script.setdefault(script_of(letter), []).append(letter)
    told = ", ".join(f"{_shown(found)} ({script})" for script, found in by_script.items())
    return f"the PDF shows boxes for letters that no font here has: {told}; {_advice(by_script, families)}"


def script_of(letter: str) -> str:
    """Return in words which script a letter belongs to."""
    if 0x1F000 <= ord(letter) <= 0x1FAFF or 0x2600 <= ord(letter) <= 0x27BF:
        return _EMOJI
    first = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
    if not first:
        return _UNKNOWN
    if unicodedata.category(letter)[0] not in "LMN" and first not in _EAST_ASIAN:
        return _SYMBOLS
    return _EAST_ASIAN.get(first, first.capitalize())


def find_lacking() -> tuple[list[str], list[str]]:
    """Return of which scripts this machine's fonts have letters, and of which they don't.

    Raises
    ------
    ImportError, OSError
        When WeasyPrint, or Pango, is missing.
    """
    weasyprint: Any = load_weasyprint()
    with lacking_letters() as lacking:
        weasyprint.HTML(string=" ".join(SAMPLES.values())).write_pdf()
    there = [script for script, letter in SAMPLES.items() if letter not in lacking]
    return there, [script for script in SAMPLES if script not in there]


def advise_fonts(scripts: Collection[str], families: Collection[str] | None = None) -> str:
    """Return what to install for scripts that are among :data:`SAMPLES`."""
    return _advice([script_of(SAMPLES[script]) for script in scripts], families)


def _advice(scripts: Collection[str], families: Collection[str] | None) -> str:
    packages = sorted({_package(script) for script in scripts} - {""})
    if not packages:
        return "they belong to no script, so no package of fonts has them"
    if "debian" in (system_families() if families is None else families):
        return f"apt-get install {' '.join(packages)}"
    return "install fonts that have them, such as Noto's"


def _package(script: str) -> str:
    if script in _EAST_ASIAN.values():
        return _CJK_FONTS
    return {_EMOJI: _EMOJI_FONTS, _UNKNOWN: ""}.get(script, _OTHER_FONTS)


def _shown(letters: list[str]) -> str:
    """Return some letters; those that can't stand alone by their numbers."""
    few = [
        visible(letter) if unicodedata.category(letter)[0] in "LNPS" else f"U+{ord(letter):04X}"
        for letter in letters[:_MOST_SHOWN]
    ]
    return " ".join(few) + (f" and {len(letters) - _MOST_SHOWN} more" if len(letters) > _MOST_SHOWN else "")
