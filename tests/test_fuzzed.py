"""10,000 generated inputs for each reader of settings, notes, names and commentary: nothing but a ReportgenError.

Inputs are made from the corpus by changing bytes and by putting pieces together, and for tables also from values of any
type. ``make fuzz`` looks deeper.
"""

from __future__ import annotations

import datetime
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.models.card import read_model_notes
from reportgen.models.class_name_files import MOST_BYTES as MOST_NAMES
from reportgen.models.class_name_files import parse_class_names, read_class_names
from reportgen.settings.commentary import MOST_BYTES as MOST_WORDS
from reportgen.settings.commentary import read_comments
from reportgen.settings.file import MOST_BYTES, parse_toml, read_settings, settings_from
from reportgen.settings.report import CommentarySettings
from reportgen.system.errors import ReportgenError, SettingsError

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))

from targets import TARGETS, Target

ROUNDS = 10_000
PIECES = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n", b"\r", b"[", b"]" * 9, b"[[" * 99, b"{" * 99, b'"',
    b'"""', b"'''", b"= ", b".", b"a." * 60, b"9" * 5000, b"0x" + b"f" * 2000, b"1e999", b"nan", b"-inf", b"true",
    b"1979-05-27", b"\\u0000", b"\\ud800", b"#", b",", b"[occlusion]\npatch = ", b"[[cases]]\n", b"<script>",
    b"](javascript:", b"&#x0;", b"|-|", b"```", b"> ", b"~~", b"\xe2\x80\xae", b"null", b"\x1b[31m", b": ",
)  # fmt: skip
HUGE = st.integers(4000, 5000).map(lambda digits: 16**digits * (-1) ** digits)


def changed(seeds: list[bytes], chance: random.Random, most: int) -> bytes:
    """One input: a part of a seed with a few bytes changed, left out, doubled, or a piece put in."""
    data = bytearray(chance.choice(seeds))
    if len(data) > most:
        start = chance.randrange(len(data) - most)
        data = data[start : start + most]
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 40)] * chance.randint(1, 4)
            case 4:
                other = chance.choice(seeds)
                start = chance.randrange(len(other) + 1)
                data[at:at] = other[start : start + chance.randint(1, 40)]
    return bytes(data)


def inputs(target: Target, most: int) -> Iterator[bytes]:
    seeds = [path.read_bytes() for path in sorted(target.corpus.iterdir())]
    chance = random.Random(target.name)  # the same inputs each time
    return (changed(seeds, chance, most) for _ in range(ROUNDS))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("settings", 1500),
        ("model_notes", 1500),
        ("class_names", 500),
        ("commentary", 120),
        ("saved", 9000),
        ("reference", 2000),
        ("addresses", 200),
    ],
)
def test_readers_survive(name, most):
    for data in inputs(TARGETS[name], most):
        try:
            TARGETS[name].survive(data)
        except Exception as fault:  # noqa: BLE001 - that is what is looked for
            pytest.fail(f"{name}: {type(fault).__name__}: {fault} from {data!r}")


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5)
    | st.datetimes() | st.dates() | st.times() | HUGE | st.just("x" * 10_000)
)  # fmt: skip
KEYS = st.text(max_size=5) | st.sampled_from([
    "title", "cases", "image", "label", "frame", "output", "html", "model", "path", "class_names", "head", "threshold",
    "input_size", "preprocessing", "mean", "std", "layers", "show", "feature_maps", "single_channels", "occlusion",
    "patch", "stride", "fill", "target", "commentary", "folder", "sections", "images", "limits", "pixels", "memory",
])  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=st.dictionaries(KEYS, VALUES, max_size=5) | VALUES)
def test_tables_of_anything(tables):
    try:
        settings_from(tables)
    except SettingsError as problem:
        assert len(str(problem)) < 1500
        assert len(str(problem).splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"title": 16**5000}, "'title' must be a text (it is a huge number)"),
        ({"occlusion": {"patch": 16**5000}}, "'occlusion.patch' must be a whole number from 1 or a list of two"),
        ({"occlusion": {"fill": [16**5000]}}, "'mean' or 'blur' or a list of numbers from 0 to 255"),
        ({"occlusion": {"fill": [0, 256, 0]}}, "(it is [0, 256, 0])"),
        (
            {"model": {"class_names": ["a", 5]}},
            "'model.class_names' must be a list of texts or a text (it is ['a', 5])",
        ),
        ({"model": {"class_names": [[]] * 1000}}, "[], [], [], ...])"),
        ({"cases": [{"label": "x"}]}, "'cases.0.image' is missing: a text"),
        ({"preprocessing": {"std": [1, 0]}}, "'preprocessing.std.1' must be a number above 0 (it is 0)"),
        ({"title": datetime.date(2020, 1, 2)}, "(it is datetime.date(2020, 1, 2))"),
        ({"x" * 100_000: 1}, "unknown key 'xxxx"),
        ({"commentary": {"layers": {"\x1b[31m\u202e": 5}}}, "'commentary.layers.\ufffd[31m\ufffd' must be a text"),
        ([], "not a table of settings"),
        (None, "not a table of settings"),
    ],
)
def test_what_was_found(value, told):
    with pytest.raises(SettingsError) as caught:
        settings_from(value)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 400


# ---- size and time


def test_files_are_refused_by_size(tmp_path):
    """Before they are parsed, which would take minutes and gigabytes."""
    large = tmp_path / "model.toml"
    large.write_bytes(b"a = [" + b"[]," * (MOST_BYTES // 3 + 1))
    for read in (read_settings, lambda path: read_model_notes(path.with_suffix(".keras"))):
        with pytest.raises(SettingsError, match="is larger than 4 MiB"):
            read(large)
    names = tmp_path / "names.txt"
    names.write_bytes(b"name\n" * (MOST_NAMES // 5 + 1))
    with pytest.raises(SettingsError, match=r"names\.txt has more than 16,777,216 bytes; a list of class names"):
        read_class_names(names)
    (tmp_path / "summary.md").write_bytes(b"word " * (MOST_WORDS // 5 + 1))
    with pytest.raises(SettingsError, match=r"summary\.md has more than 1,048,576 bytes; shorten"):
        read_comments(CommentarySettings(folder=str(tmp_path)), ())


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 100_000) + " = 1",
        "[" + ".".join(["a"] * 100_000) + "]",
        "[[" + " . ".join(['"a"'] * 100_000) + "]]",
        "'a'\t.\t" * 100_000 + "b = 1",
        "a = {" + ".".join(["b"] * 100_000) + " = 1}",
    ],
)
def test_long_keys_do_not_hang(text):
    """The parser takes minutes for them."""
    with pytest.raises(SettingsError, match="more than 50 parts"):
        parse_toml(text.encode(), "x.toml")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4_000_000, "a " * 2_000_000, '"' * 4_000_000, "a" + " " * 4_000_000, "a.\n" * 1_000_000,
        "'a'" * 1_000_000, "a=" + "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_toml_is_told_at_once(text):
    with pytest.raises(SettingsError, match="is not valid TOML"):
        parse_toml(text.encode(), "x.toml")


def test_many_dots_in_a_text_are_no_key():
    text = "title = " + repr("version 1.2.3. See a. b. c. " * 50) + "\n"
    assert parse_toml(text.encode(), "x.toml")["title"].startswith("version")


def test_the_line_that_is_not_utf8_is_told():
    with pytest.raises(SettingsError, match="line 3 is not UTF-8"):
        parse_toml(b"a = 1\n\nb = 'caf\xe9'", "x.toml")


def test_names_may_be_anything_that_is_a_text():
    assert parse_class_names(b'["\\ud800", "\\u0000"]', Path("x.json")) == ("\ud800", "\0")
    with pytest.raises(ReportgenError):
        parse_class_names(b"[1]", Path("x.json"))
