"""Settings of a look -> what goes with the report, with colours that can be read."""

from __future__ import annotations

import re
from pathlib import Path

from reportgen.report.brand import LARGEST_LOGO, LOGO_TYPES, Brand, logo_flaw
from reportgen.settings.page import ThemeSettings
from reportgen.system.errors import SettingsError
from reportgen.system.files import read_bytes

READABLE = 4.5  # contrast of text, WCAG 2.2 level AA (success criterion 1.4.3)
GROUNDS = ("paper", "raised", "note-paper")
_TOKEN = re.compile(r"--([a-z-]+):\s*(#[0-9a-fA-F]{6})\b")
_STEPS = 40


def read_brand(settings: ThemeSettings, tokens: str) -> Brand | None:
    """Return the look that settings ask for; None where they ask for none.

    Parameters
    ----------
    settings
        Of which all but the folder count.
    tokens
        The style sheet of colours, against whose backgrounds the accent has to be read.

    Raises
    ------
    SettingsError
        When the logo can't be used, or an accent can't be read on a background.
    """
    if settings.accent_dark and not settings.accent:
        raise SettingsError("theme.accent_dark without theme.accent", "give that, too")
    logo, kind = _logo(Path(settings.logo)) if settings.logo else (b"", "image/png")
    accent, accent_dark = _accents(settings, tokens) if settings.accent else ("", "")
    brand = Brand(
        title=settings.title, footer=settings.footer, accent=accent, accent_dark=accent_dark, logo=logo, logo_type=kind
    )
    return None if brand == Brand() else brand


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours ``#rrggbb``, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def accent_style(brand: Brand) -> str:
    """Return the style that gives a page the accent of a look, for light, dark and paper."""
    if not brand.accent:
        return ""
    light, dark = (f":root {{ --accent: {colour}; }}" for colour in (brand.accent, brand.accent_dark))
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n@media print {{ {light} }}\n"


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _logo(path: Path) -> tuple[bytes, str]:
    data = read_bytes(path, SettingsError, "logo", limit=LARGEST_LOGO, when_larger="make the logo smaller")
    kind = "image/png" if data.startswith(LOGO_TYPES["image/png"]) else "image/svg+xml"
    flaw = logo_flaw(data, kind)
    if flaw:
        raise SettingsError(f"{path} can't be used: {flaw}", "give a plain PNG or SVG")
    return data, kind


def _accents(settings: ThemeSettings, tokens: str) -> tuple[str, str]:
    light, dark = (_grounds(part) for part in (tokens.partition("@media")[0], tokens.partition("@media")[2]))
    accent = settings.accent or ""
    _refuse_faint("theme.accent", accent, light, "#000000")
    if settings.accent_dark:
        _refuse_faint("theme.accent_dark", settings.accent_dark, dark, "#ffffff")
        return accent, settings.accent_dark
    return accent, _nearest(accent, dark, "#ffffff")


def _grounds(tokens: str) -> list[str]:
    found = dict(_TOKEN.findall(tokens))
    return [found[name] for name in GROUNDS if name in found]


def _refuse_faint(name: str, colour: str, grounds: list[str], towards: str) -> None:
    for ground in grounds:
        found = contrast(colour, ground)
        if found < READABLE:
            raise SettingsError(
                f"{name} {colour} is hard to read on {ground}: contrast {found:.1f}, WCAG AA asks for {READABLE}",
                f"{_nearest(colour, grounds, towards)} can be read",
            )


def _nearest(colour: str, grounds: list[str], towards: str) -> str:
    """Return the colour that is nearest on the way to black or white and can be read on all grounds."""
    pairs = [(int(colour[place : place + 2], 16), int(towards[place : place + 2], 16)) for place in (1, 3, 5)]
    for step in range(_STEPS + 1):
        mixed = "#" + "".join(f"{round(own + (end - own) * step / _STEPS):02x}" for own, end in pairs)
        if all(contrast(mixed, ground) >= READABLE for ground in grounds):
            return mixed
    return towards
