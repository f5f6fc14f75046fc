"""A model of independent findings, from the command to every output."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import json
import re

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from reportgen.cli.main import main
from reportgen.models.loader import load_model
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.reader import ReportError, read_saved
from reportgen.outputs.saved.report_json import render_json
from reportgen.outputs.site.build import build_site
from reportgen.outputs.site.confusion import finding_confusions
from reportgen.outputs.site.records import record_of
from reportgen.settings.job import EmailSettings
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import SettingsError
from reportgen.workflows.pipeline import build_report

NAMES = ["Effusion", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia"]
THRESHOLDS = [0.5, 0.2, 0.9, 0.5, 0.5]
SETTINGS = {
    "model": {"class_names": NAMES, "threshold": THRESHOLDS},
    "occlusion": {"patch": [8, 12], "stride": [8, 12], "target": ["Mass", "Pneumonia"]},
}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(9)
    return keras.Sequential(
        [
            layers.Input((24, 36, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dense(5, activation="sigmoid", name="findings"),
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def pictures(picture, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = folder / "a.png", folder / "b.png"
    for path, pixels in zip(paths, (picture, picture[:, ::-1]), strict=True):
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture(scope="module")
def report(model, pictures):
    cases = [("Mass+Pneumonia", pictures[0]), ("No Finding", pictures[1])]
    return build_report(model, cases, SETTINGS)


@pytest.fixture(scope="module")
def scores(model, pictures):
    """Of a direct prediction."""
    inputs = np.stack([np.asarray(Image.open(path), np.float32) / 255 for path in pictures])
    return np.asarray(model(inputs, training=False))


def test_scores_are_those_of_a_direct_prediction(report, scores):
    assert report.model.thresholds == tuple(THRESHOLDS)
    assert report.model.threshold is None
    for case, row, labelled in zip(report.cases, scores, ({1, 4}, set()), strict=True):
        assert [one.class_name for one in case.findings] == NAMES
        assert [one.score for one in case.findings] == pytest.approx(row.tolist(), abs=1e-6)
        assert [one.present for one in case.findings] == [a >= b for a, b in zip(row, THRESHOLDS, strict=True)]
        assert [one.correct for one in case.findings] == [
            (score >= least) == (number in labelled)
            for number, (score, least) in enumerate(zip(row, THRESHOLDS, strict=True))
        ]
        assert case.correct is all(one.correct for one in case.findings)
        assert len(case.predictions) == 5


def test_each_target_has_its_own_map_from_the_same_passes(report, model, pictures):
    for case in report.cases:
        first, second = case.occlusion_maps
        assert (case.target_class, first.target_class, second.target_class) == ("Mass", "Mass", "Pneumonia")
    alone = build_report(
        model, [("Mass", pictures[0])], {**SETTINGS, "occlusion": {**SETTINGS["occlusion"], "target": 4}}
    )
    assert alone.cases[0].occlusion.scans == report.cases[0].further_occlusion[0].scans
    names = {picture.name for picture in report.pictures}
    assert {"case1-occlusion-importance", "case1-occlusion2-importance", "case2-occlusion2-strongest"} <= names
    assert "case1-occlusion2-inputs" not in names


def test_the_page_shows_every_finding_and_tells_right_from_wrong(report):
    page = render_html(report)
    for name in NAMES:
        assert page.count(f'<th scope="row">{name}</th>') == 2
    wrong = sum(one.correct is False for case in report.cases for one in case.findings)
    table = re.findall(r'<td><span class="verdict (right|wrong)">', page)
    assert (table.count("wrong"), len(table)) == (wrong, 10)
    assert "case1-occlusion2-importance" in page
    assert f"{sum(one.correct for one in report.cases[0].findings)} of 5 findings as labelled" in page


def test_the_first_screen_speaks_of_each_target_and_leads_to_its_map(report):
    page = render_html(report)
    for number, case in enumerate(report.cases):
        said = [one for one in report.remarks if (one.section, one.kind, one.case) == ("headline", "decides", number)]
        assert [one.text.partition(":")[0] for one in said] == [found.target_class for found in case.occlusion_maps]
        assert said[1].proof == "map-2"
    assert page.count('id="map-2"') == 1
    assert 'href="#map-2"' in page[: page.index('<section id="occlusion"')]


def test_it_is_read_back_whole(report, tmp_path):
    for name, data in (("r.json", render_json(report)), ("r.html", render_html(report).encode())):
        path = tmp_path / name
        path.write_bytes(data)
        if name == "r.html":
            assert read_saved(path).report.cases[0].findings == report.cases[0].findings
    table = json.loads(render_json(report))
    assert table["cases"][0]["findings"][1]["class"] == "Mass"
    assert len(table["cases"][0]["further_occlusion"]) == 1


def test_findings_that_are_not_those_of_the_model_are_refused(report, tmp_path):
    case = dataclasses.replace(report.cases[0], findings=report.cases[0].findings[1:])
    path = tmp_path / "r.html"
    path.write_text(render_html(dataclasses.replace(report, cases=(case, *report.cases[1:]))), encoding="utf-8")
    with pytest.raises(ReportError, match="findings"):
        read_saved(path)


def test_a_site_counts_each_finding_by_itself(report, tmp_path):
    record = record_of(report, "0" * 64, {})
    assert record.cases[0].truth == "No Finding"
    tables = dict(finding_confusions([record], record.model.classes))
    assert list(tables) == NAMES
    for number, name in enumerate(NAMES):
        found = [case.findings[number] for case in report.cases]
        assert tables[name].total == 2
        assert tables[name].right == sum(one.correct for one in found)
        missed = sum(bool(one.labelled) and not one.present for one in found)
        assert tables[name].counts.get(("there", "not there"), 0) == missed
    (tmp_path / "r.html").write_text(render_html(report), encoding="utf-8")
    build_site([tmp_path / "r.html"], tmp_path / "site")
    (page,) = (tmp_path / "site" / "models").glob("*.html")
    assert page.read_text(encoding="utf-8").count('<table class="confusion">') == 5


def test_an_email_names_what_was_found(report, tmp_path):
    report.save_all(html=tmp_path / "r.html", email=tmp_path / "r.eml", message=EmailSettings(attach_pdf=False))
    message = email.message_from_bytes((tmp_path / "r.eml").read_bytes(), policy=email.policy.default)
    text = " ".join(message.get_body(("plain",)).get_content().split())
    for case in report.cases:
        for one in case.findings:
            assert (f"{one.class_name} {one.score:.3f}" in text) is one.present


def test_from_the_command_line(model, pictures, tmp_path, capsys):
    model.save(tmp_path / "m.keras")
    (tmp_path / "m.toml").write_text(f"class_names = {NAMES}\nthreshold = {THRESHOLDS}\n", encoding="utf-8")
    first = ["build", f"mass+pneumonia={pictures[0]}", f"no_finding={pictures[1]}", "-m", str(tmp_path / "m.keras")]
    rest = ["--patch", "8x12", "--stride", "8x12", "-o", str(tmp_path / "r.html"), "--json", str(tmp_path / "r.json")]
    assert main([*first, *rest, "--target", "label"]) == 0
    table = json.loads((tmp_path / "r.json").read_text())
    targets = [[case["occlusion"]["target_class"], *(m["target_class"] for m in case["further_occlusion"])]
               for case in table["cases"]]  # fmt: skip
    assert targets == [["Mass", "Pneumonia"], ["Mass"]]
    assert main([*first, *rest, "-f", "--one-label", "--threshold", "0.5"]) == 0
    table = json.loads((tmp_path / "r.json").read_text())
    assert table["model"]["thresholds"] == table["cases"][0]["findings"] == []
    assert main([*first, *rest, "-f", "--threshold", "0.5,0.1"]) == 2
    assert "2 thresholds for m.keras, which takes 5" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "m.keras")]) == 0
    assert "0.5, 0.2, 0.9, 0.5, 0.5" in capsys.readouterr().out


def test_names_are_not_guessed_from_labels(model):
    loaded = load_model(model, labels=["a", "b", "c", "d", "e"])
    assert loaded.class_names == tuple(f"class {number}" for number in range(5))
    assert loaded.thresholds == (0.5,) * 5


def test_one_threshold_serves_all_and_a_choice_takes_one(model, small_model):
    assert load_model(model, ModelSettings(threshold=0.3)).thresholds == (0.3,) * 5
    assert load_model(small_model, ModelSettings(threshold=(0.3,))).threshold == 0.3
    with pytest.raises(SettingsError, match=r"2 thresholds for .*, which takes 1"):
        load_model(small_model, ModelSettings(threshold=(0.3, 0.4)))
