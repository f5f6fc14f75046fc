"""``reportgen evaluate`` from files to files, with small models and images made here."""

import csv
import json

import numpy as np
import pytest
from evaluated import brightness_model, write_folders, write_table

from reportgen.cli.main import main
from reportgen.outputs.saved.evaluation_json import read_evaluation


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return brightness_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture
def data(tmp_path):
    return write_folders(tmp_path / "data")


def run(capsys, *arguments):
    code = main(["evaluate", *map(str, arguments), "--samples", "100"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_all_outputs(capsys, data, model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    code, said, _ = run(
        capsys, data, "-m", model, "-o", out / "page.html", "--json", out / "e.json", "--csv", out / "e.csv",
        "--reports", out / "reports", "--seed", 3,
    )  # fmt: skip
    assert code == 0
    assert "11 images of 3 patients" in said
    found = read_evaluation(out / "e.json")
    assert found.data.part == "test"
    assert found.resampling.seed == 3
    assert found.confusion == ((4, 1), (1, 5))
    # pairs won by 200 180 220 90 150 170 over 40 60 160 80 100
    assert found.classes[0].auc.value == pytest.approx((5 + 5 + 5 + 3 + 4 + 5) / 30, abs=1e-6)
    assert [found.images[one.image].name for one in found.mistakes] == [
        "person1_PNEUMONIA_3.png",
        "person1_NORMAL_2.png",
    ]
    assert [one.report for one in found.mistakes] == ["reports/mistake-01.html", "reports/mistake-02.html"]
    assert sorted(path.name for path in (out / "reports").iterdir()) == ["mistake-01.html", "mistake-02.html"]
    page = (out / "page.html").read_text()
    assert 'href="reports/mistake-01.html"' in page
    assert len(list(csv.reader((out / "e.csv").read_text().splitlines()))) == 12
    # nothing tells where the files lie
    for path in (out / "page.html", out / "e.json", out / "e.csv", out / "reports" / "mistake-01.html"):
        assert str(tmp_path) not in path.read_text()


def test_the_page_again_and_another_laid_over(capsys, data, model, tmp_path):
    saved, page = tmp_path / "e.json", tmp_path / "page.html"
    assert run(capsys, data, "-m", model, "-o", page, "--json", saved)[0] == 0
    first = page.read_text()
    assert run(capsys, saved, "-o", page, "-f")[0] == 0
    assert page.read_text() == first
    other = brightness_model(tmp_path / "other.keras")
    code, said, _ = run(capsys, data, "-m", other, "--threshold", "0.8", "-o", page, "--against", saved, "-f")
    assert code == 0
    assert "AUC, PNEUMONIA                 0.000 [0.000–0.000]" in said
    assert "Two models, same images" in page.read_text()
    code, _, told = run(capsys, data, "-m", model, "--split", "all", "-o", page, "--against", saved, "-f")
    assert code == 2
    assert "of 13 here, 11 are among its 11" in told


def test_parts(capsys, data, model, tmp_path):
    page = tmp_path / "page.html"
    code, said, _ = run(capsys, data, "-m", model, "--split", "all", "-o", page)
    assert (code, "13 images" in said) == (0, True)
    code, _, told = run(capsys, data, "-m", model, "--split", "validation", "-o", page, "-f")
    assert code == 2
    assert "no validation images: it has train and test" in told
    code, said, _ = run(capsys, data / "test", "-m", model, "-o", page, "-f")
    assert (code, "11 images" in said) == (0, True)


def test_patients_by_a_pattern(capsys, data, model, tmp_path):
    code, said, _ = run(capsys, data, "-m", model, "-o", tmp_path / "page.html", "--patient", r"(_\d+)\.png")
    assert code == 0
    assert "11 images of 6 patients" in said


def test_an_unreadable_image(capsys, data, model, tmp_path):
    broken = data / "test" / "NORMAL" / "person0_broken.png"
    broken.write_bytes(b"no image")
    page = tmp_path / "page.html"
    code, _, told = run(capsys, data, "-m", model, "-o", page)
    assert code == 2
    assert "person0_broken.png" in told
    assert "--skip-unreadable" in told
    assert not page.exists()
    saved = tmp_path / "e.json"
    code, said, _ = run(capsys, data, "-m", model, "-o", page, "--json", saved, "--skip-unreadable")
    assert code == 0
    assert "11 images" in said
    assert "Left out, since unreadable: 1 image (person0_broken.png)." in read_evaluation(saved).data.notes
    assert str(tmp_path) not in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--samples", "1"], "--samples is 1"),
        (["--seed", "-1"], "--seed is -1"),
        (["--mistakes", "1000"], "--mistakes is 1000"),
        (["--split", "half"], "--split is 'half'"),
        (["--class-names", "A,B"], "the data has classes that model.keras hasn't: NORMAL, PNEUMONIA"),
        (["--patient", "("], "no regular expression"),
        (["--against", "absent.json"], "evaluation not found"),
        (["--json", "page.html"], "two outputs would be written to the same file"),
    ],
)
def test_what_can_not_be_used(capsys, monkeypatch, data, model, tmp_path, arguments, told):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["evaluate", str(data), "-m", str(model), "-o", "page.html", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_regression_is_refused(capsys, data, tmp_path):
    model = brightness_model(tmp_path / "model.keras", names=("brightness",))
    code, _, told = run(capsys, data, "-m", model, "--head", "regression", "-o", tmp_path / "page.html")
    assert (code, "gives numbers, not classes (regression)" in told) == (2, True)


def test_an_input_is_not_written_over(capsys, data, model, tmp_path):
    saved = tmp_path / "e.json"
    assert run(capsys, data, "-m", model, "-o", tmp_path / "page.html", "--json", saved)[0] == 0
    code, _, told = run(capsys, saved, "-o", saved, "-f")
    assert (code, "is one of the inputs" in told) == (2, True)
    code, _, told = run(capsys, saved, "-o", tmp_path / "again.html", "--reports", tmp_path / "reports")
    assert (code, "needs the images and the model" in told) == (2, True)


def test_classes_that_the_data_lacks_are_told(capsys, data, tmp_path):
    names = ("NORMAL", "PNEUMONIA", "COVID")
    model = brightness_model(tmp_path / "three.keras", 3, names, "softmax")
    saved = tmp_path / "e.json"
    assert run(capsys, data, "-m", model, "-o", tmp_path / "page.html", "--json", saved)[0] == 0
    found = read_evaluation(saved)
    assert "No image shows COVID." in found.data.notes
    assert [one.positives for one in found.classes] == [5, 6, 0]
    assert len(found.averages) == 2


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path)


def test_findings_of_a_table_with_subgroups(capsys, table, tmp_path):
    model = brightness_model(
        tmp_path / "findings.keras", 2, ("Mass", "Nodule"), more="threshold = [0.5, 0.4]\nmulti_label = true\n"
    )
    saved = tmp_path / "e.json"
    assert run(capsys, table, "-m", model, "-o", tmp_path / "page.html", "--json", saved)[0] == 0
    found = read_evaluation(saved)
    assert found.task == "findings"
    assert found.data.part == "all"
    assert found.data.groups == 11
    assert [(one.column, one.value, one.images) for one in found.subgroups] == [("sex", "F", 12), ("sex", "M", 10)]
    assert [one.points[0].threshold for one in found.classes] == [0.5, 0.4]
    # what the table calls no finding is none of the model's
    assert sum(image.labels == () for image in found.images) == 4


def test_findings_for_a_model_of_one_class(capsys, table, tmp_path):
    model = brightness_model(tmp_path / "one.keras", 2, ("Mass", "Nodule"), "softmax")
    code, _, told = run(capsys, table, "-m", model, "-o", tmp_path / "page.html")
    assert (code, "--multi-label" in told) == (2, True)


def test_scores_that_are_not_numbers(capsys, data, tmp_path):
    import keras

    path = brightness_model(tmp_path / "model.keras")
    model = keras.models.load_model(path)
    model.set_weights([np.full((1, 1), np.nan, np.float32), np.zeros(1, np.float32)])
    model.save(path)
    code, _, told = run(capsys, data, "-m", path, "-o", tmp_path / "page.html")
    assert (code, "not numbers for 11 of 11 images" in told) == (2, True)


def test_a_report_says_where_its_scores_stand(capsys, data, model, tmp_path):
    saved, report = tmp_path / "e.json", tmp_path / "report.json"
    assert run(capsys, data, "-m", model, "-o", tmp_path / "page.html", "--json", saved)[0] == 0
    image = data / "test" / "PNEUMONIA" / "person2_PNEUMONIA_4.png"  # 150: above four of five, and one of six

    def build(model, *more):
        command = ["build", f"PNEUMONIA={image}", "-m", str(model), "--evaluation", str(saved), "--no-occlusion",
                   "-o", str(tmp_path / "report.html"), "--json", str(report), "-f", *more]  # fmt: skip
        return main(command), capsys.readouterr().err

    assert build(model)[0] == 0
    written = json.loads(report.read_text())
    (standing,) = [one for one in written["remarks"] if one["kind"] == "standing"]
    above = "is higher than 80 % of the 5 NORMAL images and lower than 75 % of the 6 PNEUMONIA images"
    assert above in standing["text"]
    assert "(test, 11 images)" in standing["text"]
    assert standing["numbers"] == {"PNEUMONIA, above NORMAL": 0.8, "PNEUMONIA, above PNEUMONIA": 1.5 / 6}
    assert "case1-standing" in [one["name"] for one in written["pictures"]]
    assert written["settings"]["model"]["evaluation"] == "e.json"
    assert not [one for one in written["remarks"] if one["kind"] == "caution"]
    assert main(["verify", str(tmp_path / "report.html")]) == 0
    other = brightness_model(tmp_path / "other.keras")
    import keras

    changed = keras.models.load_model(other)
    changed.set_weights([weight * 2 for weight in changed.get_weights()])
    changed.save(other)
    assert build(other)[0] == 0
    warned = [one for one in json.loads(report.read_text())["remarks"] if one["warning"]]
    assert any("is of another model" in one["text"] for one in warned)
    code, told = build(model, "--class-names", "A,B")
    assert (code, "other classes than model.keras" in told) == (2, True)


def test_real_radiographs(capsys, xrays, tmp_path):
    """What the model card says of these images is what evaluate measures."""
    saved = tmp_path / "e.json"
    assert run(capsys, xrays / "chest_xray_224", "-o", tmp_path / "page.html", "--json", saved)[0] == 0
    found = read_evaluation(saved)
    (card,) = [line for line in found.model.card.evaluations if line.images == 261]
    own = found.classes[0].points[0]
    assert found.classes[0].auc.value == pytest.approx(card.auc, abs=1e-4)
    assert own.sensitivity.value == pytest.approx(card.sensitivity, abs=1e-4)
    assert own.specificity.value == pytest.approx(card.specificity, abs=1e-4)
