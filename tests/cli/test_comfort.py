"""What makes the command line easy: a first settings file, a pair of a folder, completion, the schema, --open."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
import webbrowser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tomli_w
from PIL import Image

from reportgen import read_report
from reportgen.cli.main import main, make_parser
from reportgen.datasets.pairs import choose_pair
from reportgen.settings.expectations import read_expectations
from reportgen.settings.file import read_settings
from reportgen.settings.schema import EXPECTATIONS, read_schema
from reportgen.system.browser import open_first
from reportgen.system.errors import ReportgenError, SettingsError

QUICK = ["--no-occlusion", "--first-layers", "1"]
ROOT = Path(__file__).parents[2]


def draw(path, height, width):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.indices((height, width)).sum(axis=0) % 256).astype(np.uint8)).save(path)


@pytest.fixture
def classes(tmp_path):
    """A folder of two classes whose second and third images are of the same size."""
    folder = tmp_path / "data"
    for name, size in {"a.png": (20, 30), "b.png": (40, 30), "c.png": (40, 30)}.items():
        draw(folder / "Opacity" / name, *size)
    for name, size in {"d.png": (90, 30), "e.png": (90, 60), "f.png": (40, 30), "g.png": (40, 30)}.items():
        draw(folder / "normal" / name, *size)
    return folder


@pytest.fixture
def opened(monkeypatch):
    found = []
    monkeypatch.setattr(webbrowser, "open", lambda address: found.append(address) or True)
    return found


# --- a pair of a folder


def test_the_two_closest_in_size_the_normal_one_first(classes):
    pair = choose_pair(classes)
    assert pair.labels == ("normal", "Opacity")
    assert [path.name for path in pair.paths] == ["f.png", "b.png"]


def test_test_images_before_others_and_unreadable_ones_passed_over(tmp_path, classes):
    whole = tmp_path / "whole"
    whole.mkdir()
    classes.rename(whole / "train")
    for name in ("normal", "Opacity"):
        (whole / "test" / name).mkdir(parents=True)
        (whole / "test" / name / "0.png").write_bytes(b"broken")
        draw(whole / "test" / name / "1.png", 24, 36)
    pair = choose_pair(whole)
    assert pair.part == "test"
    assert [path.name for path in pair.paths] == ["1.png", "1.png"]


def test_another_number_of_classes_is_refused(classes):
    draw(classes / "third" / "x.png", 20, 30)
    with pytest.raises(ReportgenError, match=r"holds 3 classes \(Opacity, normal, third\), not two; name the images"):
        choose_pair(classes)


def test_build_takes_a_folder_and_says_what_it_took(classes, tmp_path, small_model, capsys, monkeypatch, opened):
    small_model.save(tmp_path / "net.keras")
    monkeypatch.chdir(tmp_path)
    assert main(["build", "data", "-m", "net.keras", *QUICK, "--open"]) == 0
    assert capsys.readouterr().out.startswith(
        "taken from data: normal=normal/f.png and Opacity=Opacity/b.png; "
        "of the first 12 by name of each class, the two closest in size\n"
    )
    report = read_report(tmp_path / "report.html")
    assert [(case.label, case.name) for case in report.cases] == [("normal", "f.png"), ("Opacity", "b.png")]
    assert opened == [(tmp_path / "report.html").as_uri()]


# --- --open


def test_a_pdf_and_a_site_are_opened_and_none_without_a_browser(
    classes, tmp_path, small_model, capsys, monkeypatch, opened
):
    small_model.save(tmp_path / "net.keras")
    monkeypatch.chdir(tmp_path)
    assert main(["build", "data", "-m", "net.keras", *QUICK]) == 0
    assert not opened
    assert main(["site", "report.html", "-o", "site", "--open"]) == 0
    assert opened == [(tmp_path / "site" / "index.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _address: False)
    assert main(["site", "report.html", "-o", "site", "--open"]) == 0
    assert "no browser can be opened here; open site/index.html" in capsys.readouterr().err.replace(os.sep, "/")


def test_what_a_browser_shows_can_be_opened():
    (commands,) = (one for one in make_parser()._actions if isinstance(one, argparse._SubParsersAction))
    without = {name for name, parser in commands.choices.items() if "--open" not in parser.format_help()}
    # these print, or write what other programs read: TOML, XML, mail, DICOM, templates with gaps
    assert without == {
        "check", "completion", "dicom", "doctor", "email", "init", "inspect", "schema", "theme", "verify",
    }  # fmt: skip


def test_a_phantom_is_opened_not_its_masks(tmp_path, opened, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["phantom", "thorax.png", "--masks", "--open"]) == 0
    assert opened == [(tmp_path / "thorax.png").as_uri()]


def test_of_several_outputs_the_page_is_opened(tmp_path, opened):
    written = [tmp_path / name for name in ("figure.png", "report.pdf", "report.json", "report.HTML", "gone.html")]
    for path in written[:-1]:
        path.write_bytes(b"x")
    for shown in ("report.HTML", "report.pdf", "figure.png"):
        assert open_first(written) == ""
        assert opened.pop() == (tmp_path / shown).as_uri()
        written.remove(tmp_path / shown)
    assert "nothing that a browser shows" in open_first(written)


# --- init


def test_a_folder_of_classes_becomes_a_settings_file(classes, small_model, capsys):
    small_model.save(classes / "net.keras")
    (classes / "older.h5").write_bytes(b"x")
    assert main(["init", str(classes)]) == 0
    text = (classes / "report.toml").read_text()
    assert text.startswith("#:schema report.schema.json\n")
    tables = tomllib.loads(text)
    assert tables["cases"] == [
        {"label": "normal", "image": "normal/f.png"}, {"label": "Opacity", "image": "Opacity/b.png"},
    ]  # fmt: skip
    assert tables["model"] == {"path": "net.keras"}
    assert '# path = "older.h5"' in text
    assert "the two closest in size" in text
    assert "model: net.keras" in capsys.readouterr().out
    assert main(["build", "-c", str(classes / "report.toml"), *QUICK]) == 0
    assert len(read_report(classes / "report.html").cases) == 2


def test_images_alone_and_nothing_at_all(tmp_path, capsys):
    assert main(["init", str(tmp_path)]) == 0
    assert "cases" not in read_settings(tmp_path / "report.toml")
    for number in range(14):
        draw(tmp_path / f"{number:02d}.png", 20, 30)
    draw(tmp_path / '0 "it\'s".png', 20, 30)
    assert main(["init", str(tmp_path), "--force"]) == 0
    cases = tomllib.loads((tmp_path / "report.toml").read_text())["cases"]
    assert [case["image"] for case in cases] == ['0 "it\'s".png', *(f"{number:02d}.png" for number in range(11))]
    assert "12 images; 3 more are left out" in capsys.readouterr().out


def test_nothing_is_written_over(tmp_path, capsys):
    (tmp_path / "report.toml").write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert (tmp_path / "report.toml").read_text() == "mine"
    assert not (tmp_path / "report.schema.json").exists()
    assert main(["init", str(tmp_path / "none")]) == 2
    assert "is not a folder; name one" in capsys.readouterr().err


def test_each_line_that_is_switched_off_can_be_switched_on(tmp_path):
    """Every commented setting is valid as it stands."""
    assert main(["init", str(tmp_path)]) == 0
    lines = (tmp_path / "report.toml").read_text().splitlines()
    switched = [re.sub(r"^# (?=\[|[a-z_]+ = )", "", line) for line in lines]
    (tmp_path / "report.toml").write_text("\n".join(switched))
    assert len(read_settings(tmp_path / "report.toml")) > 6


# --- schema


def test_the_schema_is_printed_and_judges_as_the_program_does(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft7Validator.check_schema(schema)
    judge = jsonschema.Draft7Validator(schema)
    example = re.search(r"```toml\n(title = .*?)```", (ROOT / "docs" / "settings.md").read_text(), re.S).group(1)
    assert not list(judge.iter_errors(tomllib.loads(example)))
    for path in ROOT.glob("examples/*/report.toml"):
        assert not list(judge.iter_errors(tomllib.loads(path.read_text())))
    for wrong in (
        {"ocl": {}}, {"occlusion": {"ptach": 1}}, {"occlusion": {"patch": 0}}, {"occlusion": {"patch": [1, "a"]}},
        {"cases": [{}]}, {"images": {"window": 3}}, {"page": {"max_size": "many"}}, {"language": "xx"},
    ):  # fmt: skip
        assert list(judge.iter_errors(wrong)), wrong
    for right in (
        {"occlusion": {"patch": [[15, 20], 30]}}, {"images": {"window": "-600/1500"}}, {"page": {"max_size": "10MB"}},
    ):  # fmt: skip
        assert not list(judge.iter_errors(right)), right


CASE, DATA = {"case": "NORMAL", "predicted": "NORMAL"}, {"path": "data", "auc_at_least": 0.8}


@pytest.mark.parametrize(
    ("tables", "is_right"),
    [
        ({"cases": [CASE]}, True),
        ({"cases": [{"case": 2, "score_at_least": {"A": 0.5, "B": 0}}, CASE]}, True),
        ({"cases": [{"case": 1, "beats_chance": False, "inside_at_least": {"lungs": 1}, "flip_at_most": 0.25}]}, True),
        ({"layers": [{"layer": "conv*", "dead_at_most": 0}]}, True),
        ({"data": [DATA, {"path": "e.json", "class_name": "A", "accuracy_at_least": 0}]}, True),
        ({}, False),
        ({"cases": []}, False),
        ({"cases": CASE}, False),
        ({"cases": [{"case": "NORMAL"}]}, False),
        ({"cases": [{"predicted": "NORMAL"}]}, False),
        ({"cases": [{"case": 0, "predicted": "A"}]}, False),
        ({"cases": [{"case": 1.5, "predicted": "A"}]}, False),
        ({"cases": [{"case": 1, "score_at_least": {}}]}, False),
        ({"cases": [{"case": 1, "score_at_least": 0.5}]}, False),
        ({"cases": [{"case": 1, "score_at_least": {"A": "high"}}]}, False),
        ({"cases": [{"case": 1, "border_at_most": 1.1}]}, False),
        ({"cases": [{"case": 1, "beats_chance": "often"}]}, False),
        ({"cases": [CASE | {"predcited": "A"}]}, False),
        ({"layers": [{"layer": "conv*"}]}, False),
        ({"layers": [{"layer": "conv*", "dead_at_most": -1}]}, False),
        ({"data": [{"path": "data", "split": "test"}]}, False),
        ({"data": [{"auc_at_least": 0.8}]}, False),
        ({"data": [DATA | {"auc_at_least": -0.1}]}, False),
        ({"cases": [CASE], "images": {}}, False),
    ],
)
def test_the_schema_of_expectations_judges_as_the_program_does(tables, is_right, tmp_path):
    judge = jsonschema.Draft7Validator(json.loads(read_schema(EXPECTATIONS)))
    assert judge.is_valid(tables) is is_right
    path = tmp_path / "expectations.toml"
    path.write_text(tomli_w.dumps(tables))
    if is_right:
        read_expectations(path)
        return
    with pytest.raises(SettingsError):
        read_expectations(path)


def test_the_schema_of_expectations_is_printed_and_takes_the_example(capsys):
    assert main(["schema", "expectations"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft7Validator.check_schema(schema)
    text = (ROOT / "docs" / "ci.md").read_text()
    example = re.search(r"`expectations.toml`:\n\n```toml\n(.*?)```", text, re.S).group(1)
    assert example.startswith("#:schema expectations.schema.json\n")
    assert not list(jsonschema.Draft7Validator(schema).iter_errors(tomllib.loads(example)))
    with pytest.raises(SystemExit) as stopped:
        main(["schema", "report"])
    assert stopped.value.code == 2
    assert "choose from settings, expectations" in capsys.readouterr().err.replace("'", "")


# --- completion


def completed(line):
    """What a shell is offered after a line."""
    environment = os.environ | {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_STDOUT_FILENAME": os.devnull, "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
    }  # fmt: skip
    read, write = os.pipe()
    environment["_ARGCOMPLETE_STDOUT_FILENAME"] = f"/proc/self/fd/{write}"
    subprocess.run([sys.executable, "-m", "reportgen"], env=environment, pass_fds=[write], check=False, timeout=60)
    os.close(write)
    with os.fdopen(read) as file:
        return file.read().split("\n")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("reportgen ev", {"evaluate"}),
        ("reportgen build --sco", set()),
        ("reportgen build --no-occ", {"--no-occlusion"}),
        ("reportgen build --scale ", {"channel", "standardized", "shared"}),
        ("reportgen build --language ", {"en", "de"}),
        ("reportgen build --view grad", {"grad-cam"}),
        ("reportgen completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_a_shell_is_told_how_a_line_may_go_on(line, offered):
    assert {word.strip() for word in completed(line)} - {"", "--help", "-h", "--debug"} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_reads(shell, capsys):
    assert main(["completion", shell]) == 0
    code = capsys.readouterr().out
    assert f"# completion of reportgen for {shell}; its place: " in code
    assert shell != "zsh" or code.startswith("#compdef reportgen\n")


def test_without_argcomplete(monkeypatch, capsys):
    for name in ("argcomplete", "argcomplete.shell_integration"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["completion", "bash"]) == 2
    assert "completion needs argcomplete; pip install" in capsys.readouterr().err


def test_help_loads_none_of_it():
    code = "import sys; from reportgen.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += (
        "sys.exit(sorted({'tensorflow', 'pydantic', 'numpy', 'argcomplete', 'webbrowser'} & set(sys.modules)) != [])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
