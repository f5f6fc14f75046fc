"""Models that give numbers, or one output, through the commands: no word of what isn't there."""

from __future__ import annotations

import email
import email.policy
import html
import re

import numpy as np
import pytest
from PIL import Image

from reportgen.cli.main import main
from reportgen.outputs.documents.pdf import print_html
from reportgen.outputs.saved.reader import read_saved

# what no output of such a model may speak of: there is no class that is said, nothing that flips, no odds
FORBIDDEN = re.compile(
    r"decision|what decides|decides? most|channels that decide|flip|\bbits\b|\bodds\b|evidence|predicted|probabilit|"
    r"\bclass(es)?\b|\bscores?\b|threshold|as labelled",
    re.IGNORECASE,
)
DENIED = ("a number, not the score of a class",)  # says that it is none
QUICK = ["--patch", "8", "--fill", "mean", "--first-layers", "2"]


def code_of(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images, and models of 24 x 36 gray pixels whose names tell what they give."""
    import keras
    from keras import layers

    found = tmp_path_factory.mktemp("numbers")
    y, x = np.mgrid[0:48, 0:72]
    for number, name in enumerate(("one.png", "two.png")):
        spot = 90 * ((x - 50 + 25 * number) ** 2 + (y - 20) ** 2 < 120)
        Image.fromarray((80 + 60 * np.sin(x / 9 + number) + spot).clip(0, 255).astype(np.uint8)).save(found / name)
    Image.fromarray(((x > 40) * 255).astype(np.uint8)).save(found / "spot.png")
    keras.utils.set_random_seed(3)
    for name, outputs, activation, loss in (
        ("one_number", 1, None, "mse"), ("three_numbers", 3, None, "mse"), ("sigmoid", 1, "sigmoid", None),
        ("one_softmax", 1, "softmax", None),
    ):  # fmt: skip
        model = keras.Sequential(
            [
                layers.Input((24, 36, 1)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(3, 3, activation="relu"),
                layers.Flatten(),
                layers.Dense(outputs, activation=activation, name="end"),
            ]
        )
        if loss:
            model.compile(loss=loss)
        model.save(found / f"{name}.keras")
    return found


def plain(text):
    """Return what a reader of a page gets: its words, and what stands for its pictures; no names of settings."""
    shown = re.sub(r"<(script|style|template|pre|code)\b.*?</\1>", " ", text, flags=re.DOTALL)
    told = " ".join(re.findall(r'(?:alt|aria-label|title)="([^"]*)"', shown))
    words = html.unescape(f"{re.sub(r'<[^>]+>', ' ', shown)} {told}")
    return " ".join(re.sub(r"\b[a-z]+\.[a-z_]+\b", " ", words).split())  # names of settings, and of files


def forbidden(text):
    for denial in DENIED:
        text = text.replace(denial, "")
    return [text[max(0, found.start() - 60) : found.end() + 30] for found in FORBIDDEN.finditer(text)]


def message_text(path):
    parts = email.message_from_bytes(path.read_bytes(), policy=email.policy.default).walk()
    return " ".join(plain(one.get_content()) for one in parts if one.get_content_type() in ("text/plain", "text/html"))


def test_one_number_through_all_commands(folder, capsys):
    out = folder / "one.html"
    code = code_of(
        "build", f"A={folder / 'one.png'}", folder / "two.png", "-m", folder / "one_number.keras", "-o", out, "--pdf",
        "--email", "--to", "a@example.org", "--from", "b@example.org", "--mask", f"A:spot={folder / 'spot.png'}",
        "--sanity", "--robustness", "--view", "grad-cam", "--class-names", "age", "--patch", "8,12", "--first-layers",
        "2", "-f",
    )  # fmt: skip
    assert code == 0
    report = read_saved(out).report
    assert report.model.class_names == ("age",)
    assert all(case.decision is None and case.map_test for case in report.cases)
    assert report.cases[0].known_regions.regions
    for text in (out.read_text(encoding="utf-8"), print_html(report)):
        words = plain(text)
        assert forbidden(words) == []
        assert "Where the model looked" in words
        assert "The cases, from file to output" in words
        assert "covering this lowers age" in words
        assert 'href="#decides"' not in text
        assert "outputs age" in words or "Outputs: age" in words
    assert forbidden(message_text(folder / "one.eml")) == []
    assert code_of("pdf", out, "-o", folder / "again.pdf") == 0
    assert code_of("email", out, "-o", folder / "again.eml", "--to", "a@example.org", "--from", "b@example.org") == 0
    assert forbidden(message_text(folder / "again.eml")) == []
    assert code_of("site", out, "-o", folder / "site") == 0
    pages = [
        one for one in (folder / "site").rglob("*.html") if 'class="search"' not in one.read_text(encoding="utf-8")
    ]
    assert pages
    for page in pages:
        assert forbidden(plain(page.read_text(encoding="utf-8"))) == [], page
    capsys.readouterr()
    assert code_of("inspect", folder / "one_number.keras") == 0
    assert "outputs        output\n" in capsys.readouterr().out


def test_several_numbers(folder):
    out = folder / "three.html"
    code = code_of(
        "build", folder / "one.png", "-m", folder / "three_numbers.keras", "-o", out, "--target", "0,2", *QUICK
    )
    assert code == 0
    (case,) = read_saved(out).report.cases
    assert [one.found.target_class for one in case.evidence_by_class] == ["output 0", "output 2"]
    assert all(one.map_test for one in case.evidence_by_class)
    assert case.further_decisions == ()
    text = out.read_text(encoding="utf-8")
    assert forbidden(plain(text)) == []
    assert '<h3 id="map-2">output 2</h3>' in text


def test_outputs_that_do_not_react_are_no_scores(folder, capsys):
    Image.fromarray(np.full((48, 72), 90, np.uint8)).save(folder / "even.png")
    out = folder / "tried.html"
    code = code_of(
        "build", folder / "even.png", folder / "one.png", "-m", folder / "one_number.keras", "-o", out, "--preprocess",
        "try", *QUICK,
    )  # fmt: skip
    assert code == 0
    assert forbidden(capsys.readouterr().out.replace("speaks against", "")) == []
    assert forbidden(plain(out.read_text(encoding="utf-8"))) == []


def test_one_sigmoid_has_two_classes(folder, capsys):
    out = folder / "sigmoid.html"
    given = ["build", folder / "one.png", "-m", folder / "sigmoid.keras", "-o", out, *QUICK]
    assert code_of(*given, "--class-names", "opacity") == 2
    assert "1 class names for sigmoid.keras, which has 2 classes" in capsys.readouterr().err
    assert code_of(*given, "--class-names", "clear,opacity") == 0
    (case,) = read_saved(out).report.cases
    assert case.decision is not None
    assert "What decides" in plain(out.read_text(encoding="utf-8"))


def test_softmax_over_one_output_is_refused(folder, capsys):
    for command in (["build", folder / "one.png", "-m"], ["inspect"]):
        assert code_of(*command, folder / "one_softmax.keras") == 2
        assert "always 1, whatever the image" in capsys.readouterr().err
