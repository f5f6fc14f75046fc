"""Letters that no font has: which they are, and which fonts have them."""

from __future__ import annotations

import logging

import pytest

from reportgen.outputs.documents.letters import advise_fonts, find_lacking, lacking_letters, script_of, tell_lacking

LOG = '\'.notdef glyph rendered for Unicode string unsupported by fonts: "%s" (U+%04X)'


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("肺", "Chinese or Japanese"), ("𠀀", "Chinese or Japanese"), ("の", "Japanese"), ("カ", "Japanese"),
        ("ー", "Japanese"), ("폐", "Korean"), ("ㄅ", "Chinese"), ("ع", "Arabic"), ("ש", "Hebrew"), ("ไ", "Thai"),
        ("न", "Devanagari"), ("\N{DEVANAGARI VOWEL SIGN E}", "Devanagari"), ("😀", "emoji"), ("🇩", "emoji"),
        ("☢", "emoji"), ("∮", "symbols"), ("\ue000", "of no known script"), ("\U0010fff0", "of no known script"),
    ],
)  # fmt: skip
def test_scripts(letter, script):
    assert script_of(letter) == script


@pytest.mark.parametrize(
    ("letters", "packages"),
    [
        ("肺炎", "fonts-noto-cjk"), ("폐렴", "fonts-noto-cjk"), ("の", "fonts-noto-cjk"),
        ("🫁", "fonts-noto-color-emoji"),
        ("عربي", "fonts-noto-core"), ("∮", "fonts-noto-core"),
        ("폐🫁ع", "fonts-noto-cjk fonts-noto-color-emoji fonts-noto-core"),
    ],
)  # fmt: skip
def test_debian_has_packages(letters, packages):
    assert tell_lacking(letters, ["debian"]).endswith(f"; apt-get install {packages}")
    assert tell_lacking(letters, ["arch"]).endswith("; install fonts that have them, such as Noto's")


def test_the_line_by_hand():
    assert tell_lacking("폐렴🫁", ["debian"]) == (
        "the PDF shows boxes for letters that no font here has: 폐 렴 (Korean), 🫁 (emoji); "
        "apt-get install fonts-noto-cjk fonts-noto-color-emoji"
    )


def test_letters_of_no_script_are_told_by_number_and_have_no_package():
    assert tell_lacking(["\ue000", "\U0010fff0"], ["debian"]) == (
        "the PDF shows boxes for letters that no font here has: U+E000 U+10FFF0 (of no known script); "
        "they belong to no script, so no package of fonts has them"
    )


def test_many_letters_are_cut_short():
    told = tell_lacking([chr(0xAC00 + number) for number in range(2000)], ["debian"])
    assert "and 1992 more (Korean)" in told
    assert len(told) < 300


def test_what_weasyprint_tells_is_collected_and_goes_no_further(caplog):
    logger = logging.getLogger("weasyprint")
    level, filters = logger.level, list(logger.filters)
    with lacking_letters() as letters:
        for letter in "폐렴폐":
            logger.warning(LOG, letter, ord(letter))
        logger.warning('.notdef glyph rendered for Unicode string unsupported by fonts: "肺" (U+80BA)')
        logger.warning("Ignored `x: 1` at U+1234, unknown property")
    assert letters == ["폐", "렴", "肺"]
    assert not caplog.records
    assert (logger.level, list(logger.filters)) == (level, filters)


def test_this_machine():
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    there, lacking = find_lacking()
    assert sorted([*there, *lacking]) == sorted(
        ["Chinese", "Japanese", "Korean", "Arabic", "Hebrew", "Hindi", "Thai", "emoji"]
    )
    assert "Arabic" in there or "fonts-noto-core" in advise_fonts(lacking, ["debian"])
