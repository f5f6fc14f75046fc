"""Where a key stands in a settings file: by hand, and for whatever is written by a writer of TOML."""

from __future__ import annotations

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from reportgen.settings.file import read_settings
from reportgen.settings.lines import find_line, line_at
from reportgen.system.errors import SettingsError

TEXT = '''# a comment
title = "a"

[commentary.sections]
summary = """
[occlusion]
patch = 1
"""

[[cases]]
image = "a.png"

[[cases]]
image = "b.png"  # [[cases]]
boxes = { lungs = [1, 2, 3, 4] }

[cases.masks]
lungs = "lungs.png"

[occlusion]
patch = [
  # of two kinds
  [15, 20],

  [30, 0],
]
fill = "mean"
"quoted.key" = 1
email.to = ["a"]
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("title",), 2),
        (("commentary", "sections"), 4),
        (("commentary", "sections", "summary"), 5),
        (("cases", 0), 10),
        (("cases", 0, "image"), 11),
        (("cases", 1), 13),
        (("cases", 1, "image"), 14),
        (("cases", 1, "label"), 13),
        (("cases", 1, "boxes", "lungs", 2), 15),
        (("cases", 1, "masks", "lungs"), 18),
        (("occlusion", "patch"), 21),
        (("occlusion", "patch", 0), 23),
        (("occlusion", "patch", 1, 1), 25),
        (("occlusion", "fill"), 27),
        (("occlusion", "quoted.key"), 28),
        (("occlusion", "email", "to", 0), 29),
        (("nothing", "of", "this"), None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_where_a_key_stands(key, line, end):
    assert find_line(TEXT.replace("\n", end), key) == line


def test_tables_in_arrays_of_tables():
    text = "[[a]]\n[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[[a]]\n[[a.b]]\nx = 3\n[a.c]\ny = 4\n"
    places = {("a", 0, "b", 0, "x"): 3, ("a", 0, "b", 1, "x"): 5, ("a", 1, "b", 0, "x"): 8, ("a", 1, "c", "y"): 10}
    assert {key: find_line(text, key) for key in places} == places


def test_an_array_of_inline_tables():
    text = 'cases = [\n  { image = "a" }, { image = "b" },\n  { image = 3 },\n]\n'
    assert [find_line(text, ("cases", number, "image")) for number in range(3)] == [2, 2, 3]


NAMES = st.text("ab.\"' =[]#", min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers(0, 9) | st.text("a\n\"'[]#=", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def leaves(value, key=()):
    """Every key with a plain value."""
    if isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*key, part))
    else:
        yield key, value


@given(tables=st.dictionaries(NAMES, VALUES, max_size=4))
def test_the_line_of_any_key_is_the_one_that_changes_with_its_value(tables):
    """Reference: the first line that differs once the value is another number of one digit."""
    numbers = [key for key, value in leaves(tables) if isinstance(value, int)]
    text = tomli_w.dumps(tables)
    for key in numbers:
        holder = tables
        for part in key[:-1]:
            holder = holder[part]
        before = holder[key[-1]]
        holder[key[-1]] = 9 - before
        changed = tomli_w.dumps(tables).split("\n")
        holder[key[-1]] = before
        lines = enumerate(zip(text.split("\n"), changed, strict=True), 1)
        assert find_line(text, key) == next(number for number, (one, other) in lines if one != other)


def test_what_takes_too_long_is_left_out():
    text = "a = [\n" + "1,\n" * 20_000 + "]\nb = 1\n"
    assert find_line(text, ("b",)) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[[cases]]\nimage = 'a'\n[[cases]]\nlabel = 'x'\n", "line 3 ([[cases]]): 'cases.1.image' is missing"),
        ("\n[occlusion]\nptach = 3", "line 3 (ptach = 3): unknown key 'ptach' in [occlusion]; did you mean 'patch'?"),
        ("[ocl]\n", "line 1 ([ocl]): unknown key 'ocl'"),
        ("title = 1 # \x7f", "not valid TOML"),
        ("a = 1\nb = = 2\n", "(at line 2, column 5): b = = 2; mend the line it names"),
        (f"title = ['{'x' * 500}']", "line 1 (title = ['xxx"),
    ],
)
def test_a_message_has_the_line(tmp_path, content, told):
    path = tmp_path / "report.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert told in str(caught.value)
    assert len(str(caught.value).replace(str(path), "")) < 400


def test_a_line_is_shown_without_what_acts():
    assert line_at("a\n  \x1b[31mb\u202e  \n", 2) == "\ufffd[31mb\ufffd"
    assert line_at("a", 5) == ""
