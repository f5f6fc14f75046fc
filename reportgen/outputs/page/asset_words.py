"""Words that stand in style sheets and in the script, in the language of the report.

English ones stand in the files themselves, so that an English page has not a byte more. For another language rules that
say it follow the sheets, and in the script each text is replaced where it stands.
"""

from __future__ import annotations

import re

from reportgen.outputs.page.assets import Asset, read_assets
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.system.language import ENGLISH, mark, say, speaking, spoken

# the rule, as its sheet has it, and what it says
ON_SCREEN = (
    (
        "#layers:has(.by-effect:checked) [data-place] ~ figcaption::before {{ content: {words}; }}",
        mark("Sorted by difference, the largest first. "),
    ),
    (
        "#layers:has(.by-range:checked) [data-place] ~ figcaption::after {{ content: {words}; }}",
        mark(" Now each case by its own."),
    ),
)
ON_PAPER = (("@page {{ @bottom-left {{ content: {words}; }} }}", mark("Explains a model. Not a diagnosis.")),)

# what is said, between what stands before and behind it in the script, and by its fields what they are there
IN_SCRIPT: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ('"', mark("not a number"), '"', {}),
    ('"', mark("each minimum"), '"', {}),
    ('"', mark("each maximum"), '"', {}),
    ('"', mark("not in numbers"), '"', {}),
    ('?"', mark("dead"), '"', {}),
    (':"', mark("yes"), '"', {}),
    ('"', mark("Copy"), '"', {}),
    ('"', mark("Copied"), '"', {}),
    ('"', mark("Selected"), '"', {}),
    ("`", mark("Copy: {what}"), "`", {"what": "${text.ariaLabel}"}),
    ("`, ", mark("difference {number}"), "`", {"number": "${number(effect)}"}),
    ("`", mark("channel {channel}"), "`", {"channel": "${channelAt(tile)}"}),
    ("${layer.name}, ", mark("channel {channel}"), "`", {"channel": "${channel}"}),
    ("`: ", mark("{low} to {high}"), "`", {"low": "${number(real[i][0])}", "high": "${number(real[i][1])}"}),
    (
        "`", mark("channel {channel} of {count} (0 to {last})"), ", ",
        {"channel": "${channel}", "count": "${layer.count}", "last": "${layer.count - 1}"},
    ),
    (
        "`", mark("row {row}, column {column}: about {value}"), "`",
        {"row": "${y}", "column": "${x}", "value": "${number(Number(value.toPrecision(3)))}"},
    ),
    (
        "`", mark("row {row}, column {column}: {value}"), "`",
        {"row": "${row}", "column": "${column}", "value": "${told}"},
    ),
    ('?"', mark(" bits"), '"', {}),
)  # fmt: skip
_ENDING = re.compile(r"[\"'`\\<]|\$\{")


def translated_rules(rules: tuple[tuple[str, str], ...], language: str) -> str:
    """Return rules that say their words in a language; nothing in English.

    Parameters
    ----------
    rules
        :data:`ON_SCREEN` or :data:`ON_PAPER`.
    language
        Its code.
    """
    with speaking(language):
        if spoken() == ENGLISH:
            return ""
        return "\n".join(rule.format(words=f'"{_harmless(say(words))}"') for rule, words in rules) + "\n"


def translated_script(script: str, language: str) -> str:
    """Return a script, as a page has it, that says its words in a language; itself in English."""
    with speaking(language):
        if spoken() == ENGLISH:
            return script
        for before, words, behind, fields in IN_SCRIPT:
            told = _harmless(say(words)).format(**fields) if fields else _harmless(say(words))
            script = script.replace(piece(before, words, behind, fields), f"{before}{told}{behind}")
    return script


def script_in(language: str, *names: str) -> Asset:
    """Return scripts, by their names as assets, that say their words in a language."""
    return Asset(SafeHtml(translated_script(read_assets(*names).text.text, language)))


def piece(before: str, words: str, behind: str, fields: dict[str, str]) -> str:
    """Return what stands in the script for one of :data:`IN_SCRIPT`, in English."""
    return f"{before}{words.format(**fields) if fields else words}{behind}"


def _harmless(text: str) -> str:
    """Return a text without what would end it, or the element that it stands in."""
    return _ENDING.sub("", text)
