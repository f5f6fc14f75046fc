"""The documents say what the program does: those made from it are up to date, and every link leads somewhere."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import reportgen
from reportgen import build_report
from reportgen.outputs.notebook import layers, views
from reportgen.outputs.saved.report_json import render_json
from reportgen.settings.file import job_from, settings_from
from reportgen.settings.job import CaseSettings, Job
from reportgen.settings.report import Settings
from reportgen.settings.schema import FILES, read_schema

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

from reference import FOLDER, pages
from reference.api_page import GROUPS, REACHED, groups
from reference.cli_page import commands, written_flags
from reference.docstrings import as_markdown, parse
from reference.pages import anchor
from reference.report_page import LEFT_OUT, tables
from reference.schema import schemas
from reference.settings_page import OTHER_FLAGS, as_toml, sections

ROOT = Path(__file__).parents[1]
INNER = [value for whole in (Settings(), Job()) for value in vars(whole).values() if dataclasses.is_dataclass(value)]
KINDS = (Settings, Job, CaseSettings, *map(type, INNER))
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "tests/*/README.md") for path in ROOT.glob(pattern)
)


# --- references


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_reference_is_up_to_date(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], f"docs/{name} is stale: make docs"


@pytest.mark.parametrize("what", FILES)
def test_a_schema_is_up_to_date(what):
    assert read_schema(what) == schemas()[what], f"{FILES[what]} is stale: make docs"


def test_every_public_name_is_in_the_reference():
    public = {*reportgen.__all__, *(f"keras.{name}" for name in reportgen.keras.__all__)}
    named = [name for names in GROUPS.values() for name in names]
    assert set(named) - REACHED.keys() == public
    assert len(named) == len(set(named))


def test_everything_that_shows_itself_in_a_notebook_is_in_the_reference():
    named = {name for names in GROUPS.values() for name in names}
    shown = {
        name
        for module in (layers, views)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and "_repr_html_" in vars(kind) and kind.__module__ == module.__name__
    }
    # what show() gives has nothing but its looks
    assert shown - {"FramedPage"} <= named
    assert len(shown) > 4


def test_what_a_base_has_is_told_once():
    entries = {one.name: one for group in groups().values() for one in group}
    assert [one.name for one in entries["class ExplainedReport"].members] == ["layers", "table", "show"]
    assert entries["class ExplainedReport"].base == "Report"
    assert entries["class CaseView"].base == "CaseReport"
    # what Keras calls is no way to use it
    assert entries["class ReportCallback"].members == ()


def test_every_command_tells_what_it_does():
    assert {"build", "demo", "inspect", "pdf", "site", "verify", "train", "doctor"} <= {one.name for one in commands()}
    for command in commands():
        assert command.examples.startswith(f"reportgen {command.name}")
        assert all(row.what for group in command.groups for row in group.rows)


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.places[0] or "report")
def test_every_field_of_a_report_is_described(table):
    assert all(field.meaning for field in table.fields)


def test_the_fields_described_are_those_in_the_file(small_model, cases):
    """Each table that a real report.json has holds just the fields that its description names."""
    scans = {"patch": 12, "target": [0, 1], "sanity": True, "views": ["grad-cam"]}
    few = {"occlusion": scans, "preprocessing": {"mode": "try"}, "layers": {"first": 1}}
    masks = {"part": np.arange(24 * 36).reshape(24, 36)}
    cases = (dataclasses.replace(cases[0], masks=masks), *cases[1:])
    own = {"commentary": {"sections": {"summary": "Words"}}, "theme": {"title": "Ours"}}
    report = build_report(small_model, cases, few | own).add_section("Ours", markdown="x")
    document = json.loads(render_json(report))
    met = set()
    for table in tables():
        for place in table.places:
            for found in at(document, place):
                assert set(found) == {field.name for field in table.fields}, place
                met.add(place)
    # a card comes with a file, findings with a model of several sigmoids, and nothing flips what this model says
    assert {place for table in tables() for place in table.places} - met == {
        "model.card", "model.card.evaluations[]", "cases[].findings[]",
        "cases[].decision.flip", "cases[].decision.restore",
    }  # fmt: skip


def at(value, place):
    """Every table that stands at a place such as ``cases[].occlusion``."""
    if not place:
        return [value]
    head, _, rest = place.partition(".")
    inner = value.get(head.removesuffix("[]")) if value else None
    return [found for one in (inner or [] if head.endswith("[]") else [inner]) if one for found in at(one, rest)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_setting_is_described_where_it_is_defined(kind):
    assert set(parse(kind).sections["Attributes"]) == {field.name for field in dataclasses.fields(kind)}


def test_pictures_keep_their_bytes_out_of_the_file():
    assert [(kind.__name__, names) for kind, names in LEFT_OUT.items()] == [("Picture", ("data",))]


# --- the example of all settings


def example() -> str:
    return re.search(r"```toml\n(title = .*?)```", (FOLDER / "settings.md").read_text(), re.S).group(1)


def test_the_example_of_settings_is_valid():
    settings_from(tomllib.loads(example()))
    assert job_from(tomllib.loads(example())).cases[0].label == "NORMAL"


def test_every_setting_is_in_the_example():
    for section in sections():
        text = example().partition(section.head)[2] if section.head else example()
        text = re.split(r"^\[", text, maxsplit=1, flags=re.M)[0]
        for key in section.keys:
            assert re.search(rf"^#? ?{key.name} = ", text, re.M), f"{section.head} {key.name}"


def test_the_example_has_the_defaults():
    """Where there is none, or an empty one, it has an example instead."""
    given = tomllib.loads(example())
    for whole in (Job(), Settings()):
        for section in dataclasses.fields(whole):
            value = getattr(whole, section.name)
            for field in dataclasses.fields(value) if dataclasses.is_dataclass(value) else ():
                default = getattr(value, field.name)
                if default not in (None, "", (), {}):
                    # TOML has lists alone
                    wanted = list(default) if isinstance(default, tuple) else default
                    assert given[section.name][field.name] == wanted, f"{section.name}.{field.name}"


def test_flags_named_beside_settings_are_there():
    assert set(OTHER_FLAGS.values()) <= written_flags()
    assert {".".join(key) for key in OTHER_FLAGS} <= {
        f"{section.head.strip('[]')}.{key.name}".lstrip(".") for section in sections() for key in section.keys
    }


# --- how docstrings are read


def test_a_docstring_in_parts():
    def documented() -> None:
        """Do it,
        in two lines.

        More of ``it``.

        Parameters
        ----------
        one, two
            What they are,
            both.
        three
            Another; see ``docs/faults.md``.

        Raises
        ------
        ValueError
            Never.
        """

    doc = parse(documented)
    assert doc.summary == "Do it, in two lines."
    assert doc.text == ("More of ``it``.",)
    assert doc.sections["Parameters"]["one"] == doc.sections["Parameters"]["two"] == "What they are, both."
    assert doc.sections["Raises"] == {"ValueError": "Never."}
    assert as_markdown(doc.sections["Parameters"]["three"]) == "Another; see [faults.md](faults.md)."
    assert as_markdown("A :class:`~reportgen.report.report.Report`, ``x``") == "A `Report`, `x`"


def test_what_has_no_docstring_is_told():
    with pytest.raises(ValueError, match="no docstring"):
        parse(lambda: None)


@pytest.mark.parametrize(
    ("value", "toml"), [(True, "true"), (25_000_000, "25_000_000"), (("a", 1), '["a", 1]'), (0.5, "0.5"), ({}, "{}")]
)
def test_defaults_as_toml(value, toml):
    assert as_toml(value) == toml


# --- all documents


def headings(path: Path) -> set[str]:
    """The fragments under which a document's headings are linked to."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {anchor(title.replace("`", "")) for title in re.findall(r"^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target, fragment in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", path.read_text(encoding="utf-8")):
        place = path.parent / target if target else path
        assert place.exists(), target
        assert not fragment or fragment in headings(place), f"{target}#{fragment}"


@pytest.mark.parametrize(
    ("path", "root", "pattern"),
    [
        (ROOT / "CONTRIBUTING.md", ROOT, r"`((?:reportgen|templates|tests|docs)/[\w./-]+)`"),
        (
            FOLDER / "architecture.md",
            ROOT / "reportgen",
            r"\b((?:images|models|analysis|outputs|system|settings)/\w[\w/]*)",
        ),
    ],
    ids=["CONTRIBUTING.md", "architecture.md"],
)
def test_paths_named_in_the_text_are_there(path, root, pattern):
    named = set(re.findall(pattern, path.read_text(encoding="utf-8")))
    assert len(named) > 5
    named = {place for place in named if "NAME" not in place}
    assert not [place for place in named if not (root / place).exists() and not (root / f"{place}.py").exists()]


def test_the_index_names_every_document():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.md")} - {"README.md"} <= set(re.findall(r"\]\(([\w-]+\.md)\)", index))
