from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from xml.etree import ElementTree

import pytest

from reportgen.outputs.saved.report_json import figure_files, render_json, render_model_json, stale_figures
from reportgen.report.picture import ColourScale
from reportgen.report.report import SCHEMA_VERSION
from reportgen.system.atomic import make_folder
from reportgen.system.errors import OutputError


def strict(data: bytes) -> dict:
    """Read JSON, refusing NaN and Infinity, which are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(data.decode("utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def report(make_report):
    return make_report()


@pytest.fixture(scope="module")
def document(report):
    return strict(render_json(report))


def test_every_field_of_the_report_is_there(report, document):
    assert set(document) == {item.name for item in dataclasses.fields(report)} | {"content_sha256"}
    assert document["schema_version"] == SCHEMA_VERSION
    assert document["title"] == "Title plain"
    assert document["model"]["input_shape"] == [24, 36, 3]
    assert document["model"]["layers"][0]["output_shape"] == [None, 4, 6, 2]
    assert document["model"]["card"]["evaluations"][0]["auc"] is None
    assert document["model"]["history"] == {"loss": [2, 1]}
    assert document["settings"]["occlusion"]["patch"] == [3, 4]


def test_cases_in_the_order_given(document):
    assert [case["label"] for case in document["cases"]] == ["PNEUMONIA plain", None, "NORMAL"]
    assert document["cases"][0]["occlusion"]["scans"][0]["scores"] == [[0.25, 0.75]]
    assert document["cases"][0]["occlusion"]["strongest"]["left"] == 12


def test_a_class_is_called_class(document):
    assert document["cases"][0]["predictions"] == [
        {"class": "yes plain", "score": 0.75},
        {"class": "no plain", "score": 0.25},
    ]


def test_what_is_not_defined_is_null(document):
    statistics = document["cases"][0]["layers"][0]["statistics"]
    assert statistics["minimum"] == [0.25, None]  # not a number
    assert statistics["edge_correlation"] == [None, 0.5]
    assert document["remarks"][4]["numbers"] == {"share": 0.5, "none": None}  # infinite


@pytest.mark.parametrize("minimum", [float("nan"), float("inf"), float("-inf")])
def test_numbers_without_json_are_null(make_report, minimum):
    document = strict(render_json(make_report(minimum=minimum)))
    assert document["cases"][1]["tensors"][0]["minimum"] is None


@pytest.mark.parametrize("minimum", [0.1 + 0.2, 1e-300, -1.7976931348623157e308, 5e-324])
def test_numbers_come_back_exactly(make_report, minimum):
    assert strict(render_json(make_report(minimum=minimum)))["cases"][0]["tensors"][0]["minimum"] == minimum


@pytest.mark.parametrize("text", ["肺炎 é 😀", '"quoted" \\ / \n\t\0', "</script>", "\u2028"])
def test_any_text_comes_back(make_report, text):
    document = strict(render_json(make_report(text)))
    assert document["title"] == f"Title {text}"
    assert document["settings"]["title"] == text


def test_pictures_are_named_with_their_digests(report, document):
    assert len(document["pictures"]) == len(report.pictures)
    for picture, described in zip(report.pictures, document["pictures"], strict=True):
        assert described["sha256"] == hashlib.sha256(picture.data).hexdigest()
        assert described["file"] == picture.file_name
        assert (described["name"], described["alt"]) == (picture.name, picture.alt)
        assert "data" not in described


def test_the_same_report_gives_the_same_bytes(make_report):
    assert render_json(make_report()) == render_json(make_report())


def test_a_model_alone(report, document):
    assert strict(render_model_json(report.model)) == document["model"]


def test_figures_are_files_with_the_right_ending(report, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    files = figure_files(report, tmp_path / "a" / "b", overwrite=False)
    assert len(files) == len(report.pictures)
    for picture in report.pictures:
        ending = {"image/png": ".png", "image/jpeg": ".jpeg"}[picture.media_type]
        path = tmp_path / "a" / "b" / f"{picture.name}{ending}"
        assert files[path] == picture.data


@pytest.mark.parametrize("text", ["../../up", "/abs", "a/b", "..", "con:1", "x" * 300, "肺炎", "nul\0"])
def test_a_layers_name_never_leaves_the_folder(make_report, tmp_path, text):
    report = make_report(text)
    files = figure_files(report, tmp_path, overwrite=False)
    assert len(files) == len(report.pictures)
    for path, data in files.items():
        assert path.resolve().parent == tmp_path.resolve()
        path.write_bytes(data)


def test_colours_that_carry_numbers_have_a_bar_in_a_file_of_their_own(make_report, tmp_path):
    text = "<script>alert(1)</script>"
    report = make_report(text)
    scale = ColourScale(low=-1.5, high=1.5, label=f"importance {text}", colours=("#053061", "#f7f7f7", "#67001f"))
    first = report.picture("case1-occlusion-importance")
    pictures = tuple(dataclasses.replace(one, scale=scale) if one is first else one for one in report.pictures)
    dataclasses.replace(report, pictures=pictures).save_figures(tmp_path)
    (drawn,) = tmp_path.glob("*.svg")
    assert drawn.name == "case1-occlusion-importance_scale.svg"
    assert len(list(tmp_path.iterdir())) == len(pictures) + 1
    svg = ElementTree.fromstring(drawn.read_bytes())
    words = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["-1.500", f"0 · importance {text}", "1.500"]
    assert [one.get("fill") for one in svg.iter("{http://www.w3.org/2000/svg}path")] == list(scale.colours)
    assert stale_figures(tmp_path, keep=()) != []
    (image,) = svg.iter("{http://www.w3.org/2000/svg}image")
    assert base64.b64decode(image.get("href").partition(",")[2]) == first.data


def test_existing_figures_need_permission(report, tmp_path):
    (tmp_path / report.pictures[0].file_name).write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        figure_files(report, tmp_path, overwrite=False)
    assert figure_files(report, tmp_path, overwrite=True)


def test_a_file_where_the_folder_should_be(report, tmp_path):
    (tmp_path / "figures").touch()
    with pytest.raises(OutputError, match="can't be made a folder"), make_folder(tmp_path / "figures"):
        pass


def test_a_folder_made_in_vain_goes_again(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("new", "old"):
        with pytest.raises(ValueError, match="in vain"), make_folder(tmp_path / name):
            raise ValueError("in vain")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_only_pictures_of_an_earlier_report_are_removed(tmp_path):
    ours = ["case2-layer03-conv.png", "case12-occlusion-left.jpeg", "model-history.png", "case1-input.jpeg"]
    theirs = ["notes.txt", "case.png", "mine-case1-input.png", "case1-input.png.bak"]
    for name in (*ours, *theirs):
        (tmp_path / name).touch()
    (tmp_path / "model-shapes.png").symlink_to("notes.txt")
    stale = stale_figures(tmp_path, keep={tmp_path / "case1-input.jpeg"})
    assert {path.name for path in stale} == {*ours} - {"case1-input.jpeg"}


@pytest.mark.parametrize("name", ["../model-x", "/model-x", "a/../../model-x", "case1-\0", "..\\model-x"])
def test_no_picture_leaves_its_folder(report, tmp_path, name):
    odd = dataclasses.replace(report, pictures=(dataclasses.replace(report.pictures[0], name=name),))
    (tmp_path / "figures").mkdir()
    with pytest.raises(OutputError, match="has no name for a file"):
        odd.save_figures(tmp_path / "figures")
    assert [path.name for path in tmp_path.rglob("*")] == ["figures"]


def test_names_that_are_no_utf8_are_kept_in_json(make_report):
    report = make_report()
    odd = dataclasses.replace(report, title="caf\udce9 \u2028 </script>")
    assert strict(render_json(odd))["title"] == odd.title


def test_a_picture_that_is_a_link_is_not_written_through(report, tmp_path):
    outside, figures = tmp_path / "outside", tmp_path / "figures"
    outside.write_text("mine")
    figures.mkdir()
    (figures / report.pictures[3].file_name).symlink_to(outside)
    with pytest.raises(OutputError, match="is a symbolic link"):
        report.save_figures(figures, overwrite=True)
    assert outside.read_text() == "mine"
    assert len(list(figures.iterdir())) == 1


def test_a_folder_may_be_a_link(report, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    report.save_figures(tmp_path / "link")
    assert len(list((tmp_path / "real").iterdir())) == len(report.pictures)


# --- saving


def test_all_outputs_at_once(report, tmp_path):
    html, document, figures = tmp_path / "r.html", tmp_path / "r.json", tmp_path / "figures"
    report.save_all(html=html, json=document, figures=figures)
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert document.read_bytes() == render_json(report)
    assert {path.name: path.read_bytes() for path in figures.iterdir()} == {
        picture.file_name: picture.data for picture in report.pictures
    }


def test_each_output_on_its_own(report, tmp_path):
    report.save_html(str(tmp_path / "r.html"))
    report.save_json(tmp_path / "r.json")
    report.save_figures(tmp_path / "figures")
    assert strict((tmp_path / "r.json").read_bytes())["title"] == "Title plain"
    assert {path.name for path in tmp_path.iterdir()} == {"r.html", "r.json", "figures"}
    for save in (report.save_html, report.save_json):
        with pytest.raises(OutputError, match="exists already"):
            save(tmp_path / "r.html")
    report.save_html(tmp_path / "r.json", overwrite=True)
    assert (tmp_path / "r.json").read_bytes().startswith(b"<!doctype")


def test_none_is_written_when_one_is_in_the_way(report, tmp_path):
    (tmp_path / "r.json").write_text("mine")
    with pytest.raises(OutputError):
        report.save_all(html=tmp_path / "r.html", json=tmp_path / "r.json", figures=tmp_path / "figures")
    assert {path.name for path in tmp_path.rglob("*")} == {"r.json"}
    assert (tmp_path / "r.json").read_text() == "mine"


def test_none_is_written_when_a_figure_is_in_the_way(report, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / report.pictures[-1].file_name).write_bytes(b"mine")
    with pytest.raises(OutputError):
        report.save_all(html=tmp_path / "r.html", json=tmp_path / "r.json", figures=tmp_path / "figures")
    assert {path.name for path in tmp_path.rglob("*")} == {"figures", report.pictures[-1].file_name}
