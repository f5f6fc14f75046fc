"""``reportgen check``: expectations against the report's numbers, JUnit XML, exit codes; docs/ci.md as it stands."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tomli_w

from reportgen import build_report
from reportgen.analysis.expectations import check_evaluation, check_report, count_dead
from reportgen.cli.main import main
from reportgen.outputs.junit import render_junit
from reportgen.report.check import Checked
from reportgen.report.decision import Decision, Turn
from reportgen.report.estimates import Estimate
from reportgen.report.evaluation import SEVERAL_CLASSES, Average
from reportgen.settings.expectations import (
    CaseExpectation,
    DataExpectation,
    Expectations,
    LayerExpectation,
    read_expectations,
)
from reportgen.settings.file import convert
from reportgen.system.errors import SettingsError

ROOT = Path(__file__).parents[2]
JUST = 1e-9
TURN = Turn(share=0.2, score=0.4, evidence=-0.1)
DECISION = Decision(followed="A", blurred_score=0.4, blurred_evidence=0.0, blurred_agrees=False)


@pytest.fixture(scope="module")
def report(small_model, cases):
    import numpy as np

    lungs = np.zeros((24, 36))
    lungs[4:20, 5:30] = 1
    given = (dataclasses.replace(cases[0], masks={"Lungs": lungs}), cases[1])
    return build_report(small_model, given, {"occlusion": {"patch": 12, "fill": "mean"}, "layers": {"deciding": False}})


def checked(report, **expected):
    """Whether each expectation holds, by what is expected."""
    return [one.holds for one in check_report(report, convert(expected, Expectations, "x"))]


def of_case(report, **expected):
    return checked(report, cases=[{"case": 1, **expected}])


def test_what_is_said_and_its_score(report):
    case = report.cases[0]
    says, other = (one.class_name for one in case.predictions)
    score = case.predictions[0].score
    assert of_case(report, predicted=says.lower()) == [True]
    assert of_case(report, predicted=other) == [False]
    assert of_case(report, score_at_least={says: score}) == of_case(report, score_at_most={says: score}) == [True]
    assert of_case(report, score_at_least={says: score + JUST}) == [False]
    assert of_case(report, score_at_most={says: score - JUST}) == [False]


def test_the_map(report):
    case = report.cases[0]
    outcome = case.map_test.outcome
    assert of_case(report, beats_chance=True) == [outcome == "both"]
    assert of_case(report, beats_chance=False) == [outcome in ("one", "none")]
    (region,) = case.known_regions.regions
    share, border = region.inside.evidence, case.known_regions.border.evidence
    assert of_case(report, inside_at_least={"lungs": share}) == [True]
    assert of_case(report, inside_at_least={"lungs": min(1.0, share + 0.001)}) == [share + 0.001 > 1]
    assert of_case(report, border_at_most=border) == [True]
    assert of_case(report, border_at_most=max(border - 0.001, 0)) == [border == 0]


def with_decision(report, flip):
    """The report with another share that flips its first case."""
    case = report.cases[0]
    turn = None if flip is None else dataclasses.replace(TURN, share=flip)
    return dataclasses.replace(
        report, cases=(dataclasses.replace(case, decision=dataclasses.replace(DECISION, flip=turn)), *report.cases[1:])
    )


@pytest.mark.parametrize(
    ("flip", "least", "most", "holds"),
    [
        (0.2, 0.2, 0.2, [True, True]), (0.2, 0.21, 0.19, [False, False]), (None, 1.0, 1.0, [True, False]),
        (math.nan, 0.0, 1.0, [False, False]),
    ],
)  # fmt: skip
def test_the_share_that_flips(report, flip, least, most, holds):
    found = with_decision(report, flip)
    assert of_case(found, flip_at_least=least, flip_at_most=most) == holds


def test_what_was_not_measured_does_not_hold(report):
    bare = dataclasses.replace(report.cases[0], map_test=None, decision=None, known_regions=None)
    without = dataclasses.replace(report, cases=(bare, *report.cases[1:]))
    wanted = {"beats_chance": False, "border_at_most": 1.0, "flip_at_least": 0.0, "flip_at_most": 1.0}
    assert of_case(without, **wanted) == [False] * 4
    scoreless = tuple(dataclasses.replace(one, score=math.nan) for one in bare.predictions)
    lost = dataclasses.replace(report, cases=(dataclasses.replace(bare, predictions=scoreless), *report.cases[1:]))
    assert of_case(lost, predicted=scoreless[0].class_name) == [False]
    # of a model that gives no numbers nobody can say which regions its images have
    assert of_case(without, inside_at_least={"lungs": 0.0}) == [False]


def test_channels_dead_in_every_case(report):
    """The model of the tests has one in its first layer; see conftest."""
    dead = [set(case.layers[0].dead_channels) for case in report.cases]
    assert 2 in dead[0] & dead[1]
    assert count_dead(report, "first") == (len(dead[0] & dead[1]), 5)
    many = len(dead[0] & dead[1])
    assert checked(report, layers=[{"layer": "first", "dead_at_most": many}]) == [True]
    assert checked(report, layers=[{"layer": "fir*", "dead_at_most": many - 1}]) == [False]
    assert len(checked(report, layers=[{"layer": "*", "dead_at_most": 0}])) == len(report.model.shown_layers)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"cases": [{"case": 3, "predicted": "x"}]}, "there is no case 3; the report has 2, from 1 on"),
        ({"cases": [{"case": "no", "predicted": "x"}]}, "no case is called 'no'; give a number from 1, or"),
        ({"cases": [{"case": 1, "predicted": "x"}]}, "the model has no class 'x'; it has "),
        ({"cases": [{"case": 1, "score_at_least": {"x": 1}}]}, "the model has no class 'x'"),
        ({"cases": [{"case": 1, "inside_at_least": {"x": 1}}]}, "has no region 'x'; its masks and boxes are: Lungs"),
        ({"layers": [{"layer": "x*", "dead_at_most": 1}]}, "no layer of the report is called 'x*'; there are first"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(report, expected, told):
    with pytest.raises(SettingsError) as caught:
        checked(report, **expected)
    assert told in str(caught.value)


@pytest.mark.parametrize("named", ["normal", "first.png", 1])
def test_a_case_by_label_file_or_number(report, named):
    assert checked(report, cases=[{"case": named, "predicted": report.cases[0].predictions[0].class_name}]) == [True]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "nothing is expected; give it a limit"),
        ("[[cases]]\ncase = 'a'", "nothing is expected of 'a'"),
        ("[[data]]\npath = 'a'\nsplit = 'test'", "nothing is expected of 'a'"),
        ("\n[[cases]]\npredictde = 'a'", "line 3 (predictde = 'a'): unknown key 'predictde' in [cases]; did you mean"),
        ("[[layers]]\nlayer = 'a'\ndead_at_most = -1", "line 3 (dead_at_most = -1): 'layers.0.dead_at_most' must be"),
    ],
)
def test_a_wrong_file_of_expectations(tmp_path, content, told):
    (tmp_path / "e.toml").write_text(content)
    with pytest.raises(SettingsError) as caught:
        read_expectations(tmp_path / "e.toml")
    assert told in str(caught.value)


# --- data


def test_auc_and_accuracy(evaluation):
    macro = Average(name="macro", auc=Estimate(value=0.7, low=0.6, high=0.8), average_precision=evaluation.accuracy)
    several = dataclasses.replace(evaluation, task=SEVERAL_CLASSES, averages=(macro,))
    for found, auc in ((evaluation, evaluation.classes[0].auc), (several, macro.auc)):
        keys = {"auc_at_least": auc.value, "auc_low_at_least": auc.low, "accuracy_at_least": found.accuracy.value}
        for key, value in keys.items():
            for limit, holds in ((value, True), (value + JUST, False)):
                (one,) = check_evaluation(found, DataExpectation(path="x", **{key: limit}), "x")
                assert one.holds == holds, key
        name = found.classes[-1].class_name
        wanted = DataExpectation(path="x", class_name=name, auc_at_least=found.classes[-1].auc.value)
        assert check_evaluation(found, wanted, "x")[0].holds
        with pytest.raises(SettingsError, match="no AUC of 'nobody' is measured"):
            check_evaluation(found, DataExpectation(path="x", class_name="nobody", auc_at_least=0), "x")


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory, small_model):
    """Of ten images of each of two classes."""
    import numpy as np
    from PIL import Image

    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(3)
    small_model.save(folder / "net.keras")
    for name in ("NORMAL", "PNEUMONIA"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(0, 255, (24, 36, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    arguments = ["evaluate", folder / "images", "-m", folder / "net.keras", "-o", folder / "e.html"]
    assert main([str(one) for one in (*arguments, "--json", folder / "e.json", "--mistakes", 0)]) == 0
    from reportgen.outputs.saved.evaluation_json import read_evaluation

    return read_evaluation(folder / "e.json")


# --- JUnit


def test_junit_is_what_viewers_read():
    hostile = "<b>\"&'\x00\x1b[31m\u202e\ud800]]>\n"
    several = (
        Checked(group="case A", expected="predicted A", measured="A (A 0.9)", holds=True),
        Checked(group=hostile, expected=hostile, measured=hostile, holds=False),
    )
    data = render_junit(several, created="2026-01-02T03:04:05Z", seconds=1.25)
    whole = ElementTree.fromstring(data)
    (suite,) = whole
    assert (whole.tag, suite.tag) == ("testsuites", "testsuite")
    for one in (whole, suite):
        assert {name: one.get(name) for name in ("tests", "failures", "errors", "time")} == {
            "tests": "2", "failures": "1", "errors": "0", "time": "1.250",
        }  # fmt: skip
    assert suite.get("timestamp") == "2026-01-02T03:04:05"
    right, wrong = suite
    assert (right.get("classname"), right.get("name"), right.find("failure")) == ("case A", "predicted A", None)
    assert wrong.find("failure").get("message").startswith("measured: <b>\"&'")
    assert "\x1b" not in data.decode()
    assert "hostname" not in data.decode()


# --- the command


def test_exit_codes_and_files(report, tmp_path, capsys):
    """A saved report is checked without its model."""
    report.save_html(tmp_path / "report.html")
    says = report.cases[0].predictions[0].class_name
    wrong = report.cases[0].predictions[1].class_name

    def run(expected, *more):
        (tmp_path / "e.toml").write_text(tomli_w.dumps(expected))
        return main(["check", str(tmp_path / "report.html"), "--expect", str(tmp_path / "e.toml"), *map(str, more)])

    junit = tmp_path / "check.xml"
    assert run({"cases": [{"case": 1, "predicted": says}]}, "--junit", junit) == 0
    assert "1 of 1 expectations hold" in capsys.readouterr().out
    assert run({"cases": [{"case": 1, "predicted": wrong}]}, "--junit", junit) == 2  # it is there
    assert ElementTree.parse(junit).getroot().get("failures") == "0"
    assert run({"cases": [{"case": 1, "predicted": wrong}]}, "--junit", junit, "-f") == 4
    assert ElementTree.parse(junit).getroot().get("failures") == "1"
    assert f"FAILS  case NORMAL: predicted {wrong} (measured: {says} (" in capsys.readouterr().out
    junit.unlink()
    assert run({"cases": [{"case": 9, "predicted": says}]}, "--junit", junit) == 2
    assert run({"data": [{"path": "images", "auc_at_least": 0.5}]}, "--junit", junit) == 2
    assert "needs the model, which a saved report doesn't hold" in capsys.readouterr().err
    assert run({"cases": [{"case": 1, "predicted": says}]}, "-m", "other.keras") == 2
    assert not junit.exists()


def test_what_is_switched_off_is_refused_before_any_work(tmp_path, capsys):
    (tmp_path / "e.toml").write_text("[[cases]]\ncase = 1\nbeats_chance = true\n")
    for text, told in (
        ("[occlusion]\nenabled = false\n", "but there is no scan"),
        ("[occlusion]\ntest = false\n", "but it isn't tested"),
    ):
        (tmp_path / "report.toml").write_text(f"[[cases]]\nimage = 'none.png'\n{text}")
        assert main(["check", str(tmp_path / "report.toml"), "--expect", str(tmp_path / "e.toml")]) == 2
        assert told in capsys.readouterr().err


def test_the_worked_example_of_the_document(tmp_path, monkeypatch, capsys):
    """Its commands, its files, and what it says is printed."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for line in re.search(r"```sh\n(.*?)```", text, re.S)[1].splitlines():
        program, *arguments = shlex.split(line)
        if program == "mkdir":
            for folder in arguments[1:]:
                Path(folder).mkdir(parents=True)
        else:
            assert main(arguments) == 0
    settings, expectations = re.findall(r"```toml\n(.*?)```", text, re.S)
    Path("report.toml").write_text(settings)
    Path("expectations.toml").write_text(expectations)
    capsys.readouterr()
    command = re.search(r"^reportgen (check report.toml .+)$", text, re.M)[1]
    assert main(shlex.split(command)) == 0
    said = capsys.readouterr().out.splitlines()
    printed = re.search(r"It prints\n\n```\n(.*?)```", text, re.S)[1].splitlines()
    assert (said[0], said[-2]) == (printed[0], printed[-1])
    assert ElementTree.parse("check.xml").getroot().get("tests") == "14"


def test_every_key_is_in_the_document():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    for kind in Expectations.__dataclass_fields__:
        assert f"`[[{kind}]]`" in text
    kinds = (CaseExpectation, LayerExpectation, DataExpectation)
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert all(f"`{name}`" in text for name in names)


def test_the_numbers_are_those_of_the_saved_report(report, tmp_path):
    report.save_json(tmp_path / "report.json")
    share = json.loads((tmp_path / "report.json").read_text())["cases"][0]["known_regions"]["regions"][0]["inside"]
    (one,) = check_report(report, convert({"cases": [{"case": 1, "inside_at_least": {"Lungs": 0}}]}, Expectations, "x"))
    assert one.measured.startswith(f"{share['evidence']:.3f}, with {share['area']:.3f} of the area")


def test_a_saved_report_has_its_pictures_elsewhere(report, tmp_path, capsys):
    report.save_all(html=tmp_path / "r.html", json=tmp_path / "report.json", figures=tmp_path / "pictures")
    expected = tmp_path / "e.toml"
    expected.write_text("[[cases]]\ncase = 1\ninside_at_least = { lungs = 0 }\n")
    told = ["check", str(tmp_path / "report.json"), "--expect", str(expected)]
    assert main(told) == 2
    assert "say with --figures" in capsys.readouterr().err
    assert main([*told, "--figures", str(tmp_path / "pictures")]) == 0


def test_an_unreadable_image_of_a_data_set_names_no_flag_that_check_has_not(small_model, tmp_path, capsys):
    for folder in ("NORMAL", "PNEUMONIA"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        (tmp_path / "data" / folder / "bad.png").write_bytes(b"no image")
    small_model.save(tmp_path / "m.keras")
    (tmp_path / "report.toml").write_text('[[cases]]\nimage = "a.png"\n[model]\npath = "m.keras"\n')
    (tmp_path / "e.toml").write_text(
        f"[[data]]\npath = {json.dumps(str(tmp_path / 'data'))}\naccuracy_at_least = 0.5\n"
    )
    assert main(["check", str(tmp_path / "report.toml"), "--expect", str(tmp_path / "e.toml")]) == 2
    error = capsys.readouterr().err
    assert "bad.png" in error
    assert "--skip-unreadable" not in error
