"""What the README shows is what the program takes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path

from reportgen.job import Job
from reportgen.settings import Settings
from reportgen.settings_file import job_from, settings_from

ROOT = Path(__file__).parents[1]


def toml_block() -> str:
    return re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)


def test_the_settings_are_valid():
    settings_from(tomllib.loads(toml_block()))
    assert job_from(tomllib.loads(toml_block())).cases[0].label == "NORMAL"


def test_every_setting_is_there():
    text = toml_block()
    for section, value in [(one, getattr(whole, one.name)) for whole in (Settings(), Job()) for one in fields(whole)]:
        names = [field.name for field in fields(value)] if is_dataclass(value) else [section.name]
        for name in names:
            assert re.search(rf"^#? ?{name} = |^\[\[{name}\]\]", text, re.M), name


def test_links_lead_to_files():
    text = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
