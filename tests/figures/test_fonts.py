"""Texts in charts: letters that matplotlib's own font lacks are taken from the machine's, where it has them."""

from __future__ import annotations

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from reportgen.figures import fonts
from reportgen.figures.fonts import choose_fonts


def families(text: str) -> list[str]:
    figure = Figure()
    drawn = figure.text(0.5, 0.5, text)
    choose_fonts(figure)
    return drawn.get_fontfamily()


@pytest.mark.parametrize("text", ["score of PNEUMONIA", "Größe × 2 − 1 …", "пневмония", "\n", ""])
def test_its_own_font_stays_where_it_has_all_letters(text):
    assert families(text) == Figure().text(0, 0, "a").get_fontfamily()


def test_letters_that_it_lacks_are_taken_from_a_font_that_has_them(monkeypatch):
    other = font_manager.findfont("cmmi10")  # comes with matplotlib: mathematical letters at places of its own
    letters = {other: [0x80BA], font_manager.findfont("DejaVu Sans"): range(0x20, 0x250)}
    monkeypatch.setattr(fonts, "_letters", lambda path: fonts.np.array(letters.get(path, [])))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [other])
    for cached in (fonts._own_letters, fonts._family_with):
        cached.cache_clear()
    try:
        assert families("score of 肺") == ["DejaVu Sans", "cmmi10"]
        assert families("폐") == ["DejaVu Sans"]
    finally:
        for cached in (fonts._own_letters, fonts._family_with):
            cached.cache_clear()


def test_a_letter_that_no_font_has_is_no_error():
    assert families("\U0010fff0")[0] == "DejaVu Sans"


def test_what_is_no_font_has_no_letters(tmp_path):
    path = tmp_path / "font.ttf"
    path.write_bytes(b"no font")
    assert not fonts._letters(str(path)).size
