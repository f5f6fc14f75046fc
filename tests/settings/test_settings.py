from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.settings.file import job_from, merge, read_settings, settings_from
from reportgen.settings.job import CaseSettings
from reportgen.settings.report import Settings
from reportgen.system.errors import SettingsError


@pytest.fixture
def settings_file(tmp_path):
    def write(content: str | bytes):
        folder = tmp_path / "sub"
        folder.mkdir(exist_ok=True)
        path = folder / "report.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(tables: dict) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_from(tables, "report.toml")
    message = str(caught.value)
    assert message.startswith("report.toml: ")
    assert "\n" not in message
    return message


def test_nothing_gives_the_defaults():
    assert settings_from({}) == Settings()


def test_everything_at_once(settings_file):
    tables = read_settings(
        settings_file("""
title = "A title"
[[cases]]
image = "a.png"
label = "NORMAL"
[[cases]]
image = "/abs/b.png"
[output]
html = "out.html"
[model]
path = "keras:VGG16@random"
class_names = ["a", "b"]
head = "softmax"
threshold = 0
[preprocessing]
mode = "mean_std"
mean = [1, 2.5, 3]
std = [1]
resampling = "lanczos"
[layers]
show = ["conv*"]
types = ["Conv2D"]
first = 3
maximum = 0
[feature_maps]
scale = "standardized"
range = "case"
columns = 8
single_channels = [0, 4]
through_channel = 0
[occlusion]
enabled = false
patch = [8, 12]
stride = 4
fill = [250, 128, 127.5]
target = 3
memory = 1048576
[commentary.sections]
summary = "words"
""")
    )
    chosen, job = settings_from(tables), job_from(tables)
    assert chosen.title == "A title"
    assert [case.label for case in job.cases] == ["NORMAL", None]
    assert chosen.model.class_names == ("a", "b")
    assert (chosen.model.head, chosen.model.threshold) == ("softmax", 0)
    assert (chosen.preprocessing.mean, chosen.preprocessing.std) == ((1, 2.5, 3), (1,))
    assert (chosen.layers.show, chosen.layers.types) == (("conv*",), ("Conv2D",))
    assert (chosen.layers.first, chosen.layers.maximum) == (3, 0)
    assert (chosen.feature_maps.single_channels, chosen.feature_maps.through_channel) == ((0, 4), 0)
    assert (chosen.occlusion.patch, chosen.occlusion.stride) == ((8, 12), 4)
    assert (chosen.occlusion.fill, chosen.occlusion.target) == ((250, 128, 127.5), 3)
    assert not chosen.occlusion.enabled
    assert chosen.commentary.sections == {"summary": "words"}


# --- unknown keys


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"titel": "x"}, "unknown key 'titel'; did you mean 'title'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known: cases, output, email"),
        ({"cases": [{"image": "a"}, {"image": "a", "lable": "x"}]}, "'lable' in [cases]; did you mean 'label'?"),
        ({"output": {"htlm": "x"}}, "'htlm' in [output]; did you mean 'html'?"),
        ({"model": {"pth": "x"}}, "'pth' in [model]; did you mean 'path'?"),
        ({"preprocessing": {"facter": 1}}, "'facter' in [preprocessing]; did you mean 'factor'?"),
        ({"layers": {"shown": []}}, "'shown' in [layers]; did you mean 'show'?"),
        ({"feature_maps": {"colors": "gray"}}, "'colors' in [feature_maps]; did you mean 'colours'?"),
        ({"occlusion": {"strides": 3}}, "'strides' in [occlusion]; did you mean 'stride'?"),
        ({"commentary": {"section": {}}}, "'section' in [commentary]; did you mean 'sections'?"),
        ({"occlusion": {"zzz": 3}}, "'zzz' in [occlusion]; known: enabled, patch, stride"),
    ],
)
def test_unknown_keys_at_every_level(tables, told):
    assert told in refused(tables)


def test_sections_and_layers_of_commentary_are_free_names():
    chosen = settings_from({"commentary": {"sections": {"zzz": "a"}, "layers": {"block1/conv": "b"}}})
    assert chosen.commentary.layers == {"block1/conv": "b"}


# --- wrong values


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"title": 5}, "title"),
        ({"cases": ["a.png"]}, "cases.0"),
        ({"cases": {"image": "a.png"}}, "cases"),
        ({"cases": [{"image": "a"}, {"label": "x"}]}, "cases.1.image"),
        ({"cases": [{"image": 5}]}, "cases.0.image"),
        ({"output": {"html": True}}, "output.html"),
        ({"model": "a.keras"}, "model"),
        ({"model": {"path": 5}}, "model.path"),
        ({"model": {"class_names": ["a", 1]}}, "model.class_names"),
        ({"model": {"head": "relu"}}, "model.head"),
        ({"model": {"threshold": 1.5}}, "model.threshold"),
        ({"model": {"threshold": -0.1}}, "model.threshold"),
        ({"model": {"threshold": float("nan")}}, "model.threshold"),
        ({"preprocessing": {"factor": "x"}}, "preprocessing.factor"),
        ({"preprocessing": {"mean": 5}}, "preprocessing.mean"),
        ({"preprocessing": {"std": [1, 0, 1]}}, "preprocessing.std.1"),
        ({"preprocessing": {"std": [-1]}}, "preprocessing.std.0"),
        ({"preprocessing": {"resampling": "cubic"}}, "preprocessing.resampling"),
        ({"layers": {"show": "conv1"}}, "layers.show"),
        ({"layers": {"first": -1}}, "layers.first"),
        ({"layers": {"first": 1.5}}, "layers.first"),
        ({"layers": {"maximum": "many"}}, "layers.maximum"),
        ({"feature_maps": {"scale": "log"}}, "feature_maps.scale"),
        ({"feature_maps": {"range": "all"}}, "feature_maps.range"),
        ({"feature_maps": {"columns": -1}}, "feature_maps.columns"),
        ({"feature_maps": {"single_channels": [0, -1]}}, "feature_maps.single_channels.1"),
        ({"feature_maps": {"through_channel": -1}}, "feature_maps.through_channel"),
        ({"occlusion": {"enabled": "perhaps"}}, "occlusion.enabled"),
        ({"occlusion": {"patch": 0}}, "occlusion.patch"),
        ({"occlusion": {"patch": [[8, 8, 8]]}}, "occlusion.patch"),
        ({"occlusion": {"patch": [8, "large"]}}, "occlusion.patch"),
        ({"occlusion": {"stride": [0, 8]}}, "occlusion.stride"),
        ({"occlusion": {"fill": "red"}}, "occlusion.fill"),
        ({"occlusion": {"fill": [0, 256, 0]}}, "occlusion.fill"),
        ({"occlusion": {"fill": [-1]}}, "occlusion.fill"),
        ({"occlusion": {"target": 1.5}}, "occlusion.target"),
        ({"occlusion": {"memory": 5}}, "occlusion.memory"),
        ({"commentary": {"sections": {"summary": 1}}}, "commentary.sections.summary"),
        ({"commentary": []}, "commentary"),
    ],
)
def test_wrong_types_and_ranges_name_the_key(tables, key):
    assert f"'{key}" in refused(tables)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("key", ["factor", "offset", "mean", "std"])
def test_numbers_of_preprocessing_are_finite(key, value):
    assert f"'preprocessing.{key}" in refused(
        {"preprocessing": {key: value if key in ("factor", "offset") else [value]}}
    )


@pytest.mark.parametrize(
    ("section", "key"),
    [("occlusion", "patch"), ("occlusion", "stride"), ("layers", "first"), ("feature_maps", "columns")],
)
def test_true_is_no_number(section, key):
    assert f"'{section}.{key}" in refused({section: {key: True}})


def test_what_is_allowed_is_told():
    told = refused({"feature_maps": {"scale": "log"}})
    assert "'channel', 'standardized' or 'shared'" in told
    assert "(it is 'log')" in told


# --- merging


def test_a_flag_beats_the_file():
    file = {"title": "file", "occlusion": {"patch": 8, "stride": 4}}
    flags = {"occlusion": {"patch": 16}}
    assert merge(file, flags) == {"title": "file", "occlusion": {"patch": 16, "stride": 4}}
    assert file == {"title": "file", "occlusion": {"patch": 8, "stride": 4}}


def test_lists_are_replaced_not_joined():
    assert merge({"cases": [{"image": "a"}]}, {"cases": [{"image": "b"}]}) == {"cases": [{"image": "b"}]}


TABLES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
DICTIONARIES = st.dictionaries(st.sampled_from("abc"), TABLES, max_size=3)


@given(under=DICTIONARIES, over=DICTIONARIES)
def test_merging_keeps_what_stands_above(under, over):
    assert merge(under, {}) == under
    assert merge({}, over) == over
    merged = merge(under, over)
    assert merge(merged, over) == merged
    assert set(merged) == set(under) | set(over)
    for key, value in over.items():
        if not isinstance(value, dict):
            assert merged[key] == value


# --- files


def test_paths_are_relative_to_the_file(settings_file):
    path = settings_file("""
[[cases]]
image = "a.png"
[[cases]]
image = "/abs/b.png"
label = "relative.png"
[output]
html = "out/report.html"
json = "../report.json"
figures = "figures"
[model]
path = "models/a.keras"
class_names = "names.txt"
[commentary]
folder = "words"
""")
    chosen, job = settings_from(read_settings(path)), job_from(read_settings(path))
    folder = path.parent
    assert job.cases == (
        CaseSettings(image=str(folder / "a.png")),
        CaseSettings(image="/abs/b.png", label="relative.png"),
    )
    assert job.output.html == str(folder / "out/report.html")
    assert job.output.json == str(folder / "../report.json")
    assert job.output.figures == str(folder / "figures")
    assert chosen.model.path == str(folder / "models/a.keras")
    assert chosen.model.class_names == str(folder / "names.txt")
    assert chosen.commentary.folder == str(folder / "words")


@pytest.mark.parametrize("spec", ["keras:VGG16", "keras:VGG16@random"])
def test_named_models_are_no_paths(settings_file, spec):
    assert read_settings(settings_file(f'[model]\npath = "{spec}"'))["model"]["path"] == spec


def test_weights_of_a_named_model_are_relative_to_the_file(settings_file):
    path = settings_file('[model]\npath = "keras:VGG16@w.h5"')
    assert read_settings(path)["model"]["path"] == f"keras:VGG16@{path.parent / 'w.h5'}"


def test_a_list_of_names_is_no_path(settings_file):
    assert read_settings(settings_file('[model]\nclass_names = ["a", "b"]'))["model"] == {"class_names": ["a", "b"]}


def test_an_empty_file_sets_nothing(settings_file):
    assert read_settings(settings_file("")) == {}


@pytest.mark.parametrize(
    "content",
    [
        "title =",
        "title = 'a'\ntitle = 'b'",
        "<html>",
        b"\xff\xfe\x00",
        "title = 'a'\x00",
        "a = " + "[" * 5000,
        "a = 2020-99-99",
        "a = " + "1" * 5000,
    ],
    ids=["cut", "twice", "page", "bytes", "nul", "deep", "date", "long"],
)
def test_what_is_no_toml(settings_file, content):
    path = settings_file(content)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert f"{path} is not valid TOML" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_value_names_the_file(settings_file):
    path = settings_file("[occlusion]\npatch = 0")
    with pytest.raises(SettingsError, match=r"report\.toml, line 2 \(patch = 0\): 'occlusion\.patch'"):
        read_settings(path)


def test_missing_and_folder(tmp_path):
    with pytest.raises(SettingsError, match=r"settings file not found: .*none\.toml"):
        read_settings(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="can't be read"):
        read_settings(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.sampled_from("abct=[]{}'\"#\n .,1-:") | st.characters(exclude_categories=("Cs",)), max_size=40))
def test_any_text_gives_settings_or_a_refusal(settings_file, text):
    try:
        settings_from(read_settings(settings_file(text)))
    except SettingsError as refusal:
        assert "\n" not in str(refusal)


SECTIONS = st.sampled_from(
    ["title", "cases", "output", "model", "preprocessing", "layers", "feature_maps", "occlusion"]
)
KEYS = st.sampled_from(["image", "path", "class_names", "mean", "show", "patch", "fill", "target", "threshold", "html"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=6,
)


@given(tables=st.dictionaries(SECTIONS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3), max_size=3))
def test_any_tables_give_settings_or_a_refusal(tables):
    try:
        assert isinstance(settings_from(tables), Settings)
    except SettingsError as refusal:
        assert "\n" not in str(refusal)
