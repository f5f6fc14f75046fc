from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.errors import SettingsError
from reportgen.inputs.class_names import read_class_names, resolve_class_names


@pytest.fixture
def names_file(tmp_path):
    def write(content: object, name: str = "names.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        ["tench", "shark"],
        {"0": ["n01440764", "tench"], "1": ["n01484850", "shark"]},
        {"1": "shark", "0": "tench"},
        {"shark": 1, "tench": 0},
    ],
    ids=["list", "ImageNet", "numbered", "indices"],
)
def test_every_form_of_json(names_file, content):
    assert read_class_names(names_file(content)) == ("tench", "shark")


def test_lines_of_text(names_file):
    assert read_class_names(names_file(b"NORMAL\r\n\n  VIRAL PNEUMONIA  \n", "names.txt")) == (
        "NORMAL",
        "VIRAL PNEUMONIA",
    )


def test_order_of_ten_and_more_is_by_number(names_file):
    numbered = {str(number): f"name {number}" for number in sorted(range(12), key=str)}
    assert read_class_names(names_file(numbered)) == tuple(f"name {number}" for number in range(12))


@pytest.mark.parametrize(("name", "content"), [("names.txt", b"a\nb\n"), ("names.json", b'["a", "b"]')])
def test_a_byte_order_mark_is_no_part_of_a_name(names_file, name, content):
    assert read_class_names(names_file(b"\xef\xbb\xbf" + content, name)) == ("a", "b")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        5,
        None,
        "name",
        {},
        [1, 2],
        ["a", None],
        {"1": "a", "2": "b"},
        {"a": 1, "b": 2},
        {"a": "b"},
        {"0": ["n01440764"]},
        {"0": []},
    ],
)
def test_what_holds_no_names_is_refused(names_file, content):
    path = names_file(content)
    with pytest.raises(SettingsError) as caught:
        read_class_names(path)
    assert f"{path} holds no class names" in str(caught.value)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["0", "1", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "2", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=JSON)
def test_any_json_gives_names_or_a_refusal(names_file, content):
    try:
        names = read_class_names(names_file(content))
    except SettingsError:
        return
    assert all(isinstance(name, str) for name in names)


def test_missing_file(tmp_path):
    with pytest.raises(SettingsError, match=r"class names file not found: .*none\.txt"):
        read_class_names(tmp_path / "none.txt")


def test_given_names_come_first():
    assert resolve_class_names(2, ["a", "b"], ["c", "d"], ["E", "F"], "m") == (("a", "b"), ())


def test_noted_names_come_next():
    assert resolve_class_names(2, None, ["c", "d"], ["E", "F"], "m") == (("c", "d"), ())


def test_a_path_is_read(names_file):
    assert resolve_class_names(2, str(names_file(["a", "b"])), None, [], "m")[0] == ("a", "b")


def test_assumed_from_labels_in_alphabetical_order():
    names, notes = resolve_class_names(2, None, None, ["PNEUMONIA", "NORMAL", None, "NORMAL"], "m")
    assert names == ("NORMAL", "PNEUMONIA")
    assert len(notes) == 1
    assert "Assumed from the labels" in notes[0]
    assert "NORMAL, PNEUMONIA" in notes[0]


@pytest.mark.parametrize("labels", [[], [None, None], ["NORMAL"], ["A", "B", "C"]])
def test_numbered_when_nothing_says_more(labels):
    assert resolve_class_names(2, None, None, labels, "m")[0] == ("class 0", "class 1")


@pytest.mark.parametrize(
    ("given_names", "noted"), [(["a"], None), (["a", "b", "c"], ["c", "d"]), (None, ["a"]), ([], None)]
)
def test_the_wrong_number_of_names(given_names, noted):
    with pytest.raises(SettingsError, match=r"class names for my\.keras, which has 2 classes"):
        resolve_class_names(2, given_names, noted, [], "my.keras")


@pytest.mark.parametrize("same", [("Normal", "NORMAL"), ("No Finding", "no_finding"), ("COVID-19", "covid19")])
def test_names_that_mean_the_same_are_refused(same):
    with pytest.raises(SettingsError, match=r"class names for my\.keras are not all different"):
        resolve_class_names(2, same, None, [], "my.keras")


def test_labels_that_mean_the_same_are_one_class():
    labels = ["No_Finding", "Pneumonia", "no finding"]
    assert resolve_class_names(2, None, None, labels, "m")[0] == ("No_Finding", "Pneumonia")
