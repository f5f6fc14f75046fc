"""Whole outputs as they were when somebody last looked at them: ``make snapshots`` makes them anew, for review."""

from __future__ import annotations

import email
import email.policy
import json
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from scrubbing import Scrubbed, differ, scrub_json, scrub_text
from sentences import sentences_of, shape_of

from reportgen.cli.main import main

ROOT = Path(__file__).parents[2]
OUTPUTS = ("report.html", "report.json", "report.eml")


@pytest.fixture
def snapshot(snapshot):
    return snapshot.use_extension(Scrubbed)


def build(folder: Path, *command: str) -> Path:
    """Run a command with every output that is text."""
    assert main([*command, "-f", "-o", str(folder / "report.html"), "--json", str(folder / "report.json"),
                 "--email", str(folder / "report.eml"), "--no-attach-pdf"]) == 0  # fmt: skip
    return folder


def findings(folder: Path) -> list[str]:
    """Write a model of findings that may occur together, and images, not square; return the command to build it."""
    rng = np.random.default_rng(17)
    model = keras.Sequential(
        [
            layers.Input((24, 36, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flat"),
            layers.Dense(5, activation="sigmoid", name="findings"),
        ],
        name="findings",
    )  # fmt: skip
    model.set_weights([rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    model.save(folder / "findings.keras")
    names = "class_names = ['Effusion', 'Mass', 'Nodule', 'Pleural_Thickening', 'Pneumonia']"
    (folder / "findings.toml").write_text(f"{names}\nthreshold = [0.5, 0.2, 0.9, 0.5, 0.5]\n", encoding="utf-8")
    y, x = np.mgrid[:40, :60]
    for name, row in (("a.png", 12), ("b.png", 30)):
        spot = 160 * np.exp(-((x - 2 * row) ** 2 + (y - row) ** 2) / 60)
        Image.fromarray(np.uint8(40 + x + spot)).save(folder / name)
    cases = [f"Mass+Pneumonia={folder / 'a.png'}", f"No Finding={folder / 'b.png'}", str(folder / "a.png")]
    return ["build", *cases, "-m", str(folder / "findings.keras"), "--target", "Mass,Pneumonia", "--patch", "6x9"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """Folders of the three reports, each with HTML, JSON and e-mail."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("demo", "two-xrays", "findings")}
    commands = (
        ["demo"],
        ["build", "-c", str(ROOT / "examples" / "w2-two-xrays" / "report.toml")],
        findings(folders["findings"]),
    )
    for day, (folder, command) in enumerate(zip(folders.values(), commands, strict=True)):
        with pytest.MonkeyPatch.context() as patch:
            # a site shows the newest first
            patch.setenv("SOURCE_DATE_EPOCH", str(1_750_000_000 + 86_400 * day))
            build(folder, *command)
    return folders


def read(path: Path) -> str:
    """Return an output as it is compared."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".eml":
        message = email.message_from_string(text, policy=email.policy.default)
        bodies = [message.get_body((kind,)).get_content() for kind in ("plain", "html")]
        text = "\n".join([f"Subject: {message['Subject']}", *bodies])
    return scrub_json(text) if path.suffix == ".json" else scrub_text(text)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", ["demo", "two-xrays", "findings"])
def test_a_report_is_what_it_was(name, output, made, snapshot):
    assert read(made[name] / output) == snapshot


@pytest.mark.parametrize("name", ["demo", "two-xrays"])
def test_no_sentence_stands_twice(name, made):
    """None of ours: word for word, or more than three times with other numbers or layers."""
    data = json.loads((made[name] / "report.json").read_text(encoding="utf-8"))
    page = (made[name] / "report.html").read_text(encoding="utf-8")
    found = sentences_of(page, [case["label"] or case["name"] for case in data["cases"]])
    names = [layer["name"] for layer in data["model"]["layers"]]
    assert len(found) > 50
    assert [one for one, count in Counter(found).items() if count > 1] == []
    assert [one for one, count in Counter(shape_of(one, names) for one in found).items() if count > 3] == []


def test_sentences_are_found_wherever_they_stand():
    page = (
        "<head><title>Not one of these here.</title></head><p>A: The map is <b>what</b> it is. It is 0.5 bits more.</p>"
        "<details><summary>Folded up</summary><ul><li>The map is what it is.</ul></details><table><td>No such sentence "
        "as this.</table><p>Too short, this.</p>"
    )
    found = sentences_of(page, ["A"])
    assert found == ["The map is what it is.", "It is 0.5 bits more.", "The map is what it is."]
    assert shape_of("In conv_1 and conv_12, 3 of 4.", ["conv_1", "conv_12"]) == "In LAYER and LAYER, # of #"


def test_a_site_is_what_it_was(made, tmp_path, snapshot):
    site = tmp_path / "site"
    reports = [str(folder / "report.html") for folder in made.values()]
    assert main(["site", *reports, "-o", str(site)]) == 0
    files = sorted({scrub_text(str(path.relative_to(site))) for path in site.rglob("*") if path.is_file()})
    pages = [site / "index.html", site / "feed.xml", *sorted((site / "models").glob("*.html"), key=read)]
    texts = [f"<!-- {scrub_text(page.name)} -->\n{read(page)}" for page in pages if page.exists()]
    assert "\n".join([*files, "", *texts]) == snapshot


def test_the_comparison_sees_words_and_numbers():
    assert differ("a 0.500 b", "a 0.5004 b") is None
    assert differ("a 1,000 b", "a 1,001 b") is None
    for other in ("a 0.510 b", "a 0.500 c", "a 0.500", "a 0.500 b\nmore"):
        assert differ("a 0.500 b", other) is not None
    brief = json.loads(scrub_json(json.dumps({"versions": {"x": "1"}, "timings": {}, "n": list(range(10))})))
    assert brief["n"] == "10 from 0 to 9, mean 4.5"
