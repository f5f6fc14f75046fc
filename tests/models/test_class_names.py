from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.models.class_name_files import FROM_ONE, read_class_names, read_names_file
from reportgen.models.class_names import resolve_class_names
from reportgen.system.errors import SettingsError


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
        {"classes": ["tench", "shark"]},
        {"model": "m", "Class Names": ["tench", "shark"], "size": [224, 224]},
        {"labels": {"0": "tench", "1": "shark"}},
        {"id2label": {"0": "tench", "1": "shark"}, "label2id": {"tench": 0, "shark": 1}},
        {"data": 3, "class_indices": {"tench": 0, "shark": 1}},
    ],
    ids=["list", "ImageNet", "numbered", "indices", "classes", "class names", "labels", "id2label", "class indices"],
)
def test_every_form_of_json(names_file, content):
    assert read_class_names(names_file(content)) == ("tench", "shark")


@pytest.mark.parametrize("content", [{"1": "tench", "2": "shark"}, {"tench": 1, "shark": 2}])
def test_json_numbered_from_one_is_noted(names_file, content):
    found = read_names_file(names_file(content))
    assert (found.names, found.notes) == (("tench", "shark"), (FROM_ONE,))


def test_classes_that_are_called_like_a_key(names_file):
    assert read_class_names(names_file({"labels": 0, "names": 1})) == ("labels", "names")


def test_imagenets_two_cranes_are_told_apart(names_file):
    index = {"0": ["n02012849", "crane"], "1": ["n01440764", "tench"], "2": ["n03126707", "crane"]}
    names = read_class_names(names_file(index))
    assert names == ("crane (n02012849)", "tench", "crane (n03126707)")
    assert resolve_class_names(3, None, names, [], "m")[0] == names


TEACHABLE_MACHINE = b"0 Normal\n1 Pneumonia viral\n2 Pneumonia bacterial\n"


@pytest.mark.parametrize("mark", [b" ", b"\t", b": ", b",", b"=", b". ", b".", b") ", b" - "])
@pytest.mark.parametrize("first", [0, 1])
def test_numbers_before_names(names_file, mark, first):
    lines = [b"%d%s%s" % (first + at, mark, name) for at, name in enumerate([b"Normal", b"Pneumonia viral", b"TB"])]
    found = read_names_file(names_file(b"\r\n".join(lines), "labels.txt"))
    assert found.names == ("Normal", "Pneumonia viral", "TB")
    assert found.notes == ((FROM_ONE,) if first else ())


def test_more_than_ten_numbers(names_file):
    lines = "\n".join(f"{number} name {chr(97 + number)}" for number in range(12))
    assert read_class_names(names_file(lines.encode(), "labels.txt"))[10:] == ("name k", "name l")


@pytest.mark.parametrize(
    "lines",
    [
        ("0 Normal", "2 Pneumonia"),  # not complete
        ("1 Normal", "0 Pneumonia"),  # not in order
        ("0 Normal", "Pneumonia"),  # not all
        ("0 fingers", "1 finger", "2 fingers"),  # nothing else tells them apart
        ("2 mild", "3 severe"),
        ("0", "1", "2"),
        ("0.5", "1.5", "2.5"),
        ("0-1", "1-2", "2-3"),
    ],
)
def test_numbers_that_are_part_of_the_names(names_file, lines):
    found = read_names_file(names_file("\n".join(lines).encode(), "labels.txt"))
    assert (found.names, found.notes) == (lines, ())


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"NORMAL,PNEUMONIA", ("NORMAL", "PNEUMONIA")),
        (b"  NORMAL , VIRAL PNEUMONIA,\n\n", ("NORMAL", "VIRAL PNEUMONIA")),
        (b'"Effusion, left", "Effusion, right"', ("Effusion, left", "Effusion, right")),
        (b"NORMAL;PNEUMONIA", ("NORMAL", "PNEUMONIA")),
        (b"0 NORMAL, 1 PNEUMONIA", ("NORMAL", "PNEUMONIA")),
        (b"PNEUMONIA", ("PNEUMONIA",)),
        (b'["NORMAL", "PNEUMONIA"]', ("NORMAL", "PNEUMONIA")),
        (b'{"classes": ["NORMAL", "PNEUMONIA"]}', ("NORMAL", "PNEUMONIA")),
        (b"tench, Tinca tinca\ngoldfish, Carassius auratus", ("tench, Tinca tinca", "goldfish, Carassius auratus")),
    ],
)
def test_one_line(names_file, line, names):
    assert read_class_names(names_file(line, "names.txt")) == names


# --- a file beside the model


def beside(tmp_path, content: bytes | None, count: int = 3, labels: tuple[str, ...] = (), **told):
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    return resolve_class_names(count, told.get("given"), told.get("noted"), labels, "m", path)


def test_a_file_beside_the_model_is_used_before_labels(tmp_path):
    names, notes = beside(tmp_path, TEACHABLE_MACHINE, labels=("A", "B", "C"))
    assert names == ("Normal", "Pneumonia viral", "Pneumonia bacterial")
    assert notes == ("Class names were taken from labels.txt beside the model.",)


def test_what_is_given_or_noted_comes_before_it(tmp_path):
    assert beside(tmp_path, TEACHABLE_MACHINE, given=("a", "b", "c")) == (("a", "b", "c"), ())
    assert beside(tmp_path, TEACHABLE_MACHINE, noted=("a", "b", "c")) == (("a", "b", "c"), ())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (TEACHABLE_MACHINE[:9], "it holds 1 names, and the model has 3 classes"),
        (b"a\nA\nb\n", "its names are not all different"),
        (b"x" * 10, "it holds 1 names"),
    ],
)
def test_a_file_beside_the_model_that_doesnt_fit_is_left_aside(tmp_path, content, why):
    names, notes = beside(tmp_path, content, labels=("A", "B", "C"))
    assert names == ("A", "B", "C")
    assert why in notes[0]
    assert notes[0].startswith("labels.txt beside the model was left aside")
    assert "Assumed from the labels" in notes[1]


def test_no_file_beside_the_model(tmp_path):
    assert beside(tmp_path, None)[1] == ("Class names were not given: classes are numbered.",)
    (tmp_path / "labels.txt").mkdir()
    assert beside(tmp_path, None)[1] == ("Class names were not given: classes are numbered.",)


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
        [],
        {"1": "a", "3": "b"},
        {"2": "a", "3": "b"},
        {"a": 1, "b": 3},
        {"classes": "a"},
        {"classes": []},
        {"classes": [1, 2]},
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
