"""Report -> one self-contained HTML page.

The page asks nobody for anything: pictures are data URIs, style and script stand inside and are named by their digests
in a strict Content-Security-Policy. Everything is escaped; the exceptions are
:class:`~reportgen.outputs.page.markdown.SafeHtml`. Characters that would act instead of being seen are replaced on the
way.
"""

from __future__ import annotations

from reportgen.outputs.page.asset_words import ON_SCREEN, script_in, translated_rules
from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.brand import accent_style
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.page import Page
from reportgen.outputs.page.theme import Theme, check_page
from reportgen.outputs.saved.seal import BLANK_SEAL, DATA_START, SEAL, page_digest
from reportgen.report.report import Report
from reportgen.system.language import speaking

# what the page of a report is styled and moved by, in this order: the channel viewer first, it lets through what is
# none of its tiles
STYLES = (
    "assets/tokens.css",
    "assets/report.css",
    "assets/first.css",
    "assets/map.css",
    "assets/network.css",
    "assets/channels.css",
    "assets/differs.css",
)
SCRIPTS = ("assets/channels.js", "assets/report.js")
EMBEDDED = "assets/embedded.js"  # tells what a page is embedded in how high it is


def render_html(report: Report, theme: Theme | None = None, *, embedded: bool = False) -> str:
    """Return the page. The same report gives the same text.

    Parameters
    ----------
    report
        What it shows.
    theme
        Templates and styles that come before the program's own.
    embedded
        Whether it will stand in a frame of another page, which it tells its height.

    Raises
    ------
    OutputError
        When the theme's templates have a fault, or make a page that isn't safe.
    """
    further = accent_style(report.brand) if report.brand else ""
    further += translated_rules(ON_SCREEN, report.language)
    style = read_assets(*STYLES, *(["assets/theme.css"] if theme else []), theme=theme, further=further)
    script = script_in(report.language, *SCRIPTS, *([EMBEDDED] if embedded else []))
    page = Page(
        report=report, style=style, script=script, generator=report.versions["reportgen"], seal=BLANK_SEAL
    )  # fmt: skip
    text = render("report.html.j2", page, theme) + "\n"
    if theme is not None:
        check_page(text, page.policy, theme)
    text = _with_all_pictures(text, page)
    return text.replace(SEAL.format(BLANK_SEAL), SEAL.format(page_digest(text)), 1)


def _with_all_pictures(text: str, page: Page) -> str:
    """Add to a page the pictures that its sections don't show: the report is read back whole from it.

    In a ``<template>`` a browser neither shows nor decodes them.
    """
    addresses = dict.fromkeys(f'="{page.address(one)}"' for one in page.report.pictures)
    left = "".join(f'<img alt="" src{address}>' for address in addresses if address not in text)
    return text.replace(DATA_START, f"<template>{left}</template>\n{DATA_START}", 1) if left else text


def render(template: str, page: Page, theme: Theme | None) -> str:
    """Return what a template makes of a page, with the program's own look or a theme's.

    Raises
    ------
    OutputError
        When the theme's templates have a fault.
    """
    with speaking(page.report.language):
        if theme is not None:
            return theme.render(template, page=page, report=page.report)
        return environment().get_template(template).render(page=page, report=page.report)
