"""Two models on the same cases, against counts and statistics taken plainly of all of them."""

import csv
import dataclasses
import json
import tracemalloc

import numpy as np
import pytest
from cohorts import CLASSES, a_case, two_groups
from PIL import Image
from scipy import stats

from reportgen.analysis.predictions import Head
from reportgen.analysis.streaming import Sample
from reportgen.analysis.two_models.answers import answer_from_numbers, match_classes, said_by
from reportgen.analysis.two_models.compare import (
    Compared,
    mcnemar,
    measure_labelled,
    paired_counts,
    rank_correlation,
)
from reportgen.cli.main import main
from reportgen.images.resizing import average_areas
from reportgen.report.estimates import Resampling
from reportgen.system.errors import SettingsError

HEAD = Head("sigmoid", CLASSES, 0.5, 1)
TURNED = Head("softmax", CLASSES[::-1], 0.5, 2)
RESAMPLING = Resampling(samples=200, seed=0)


def other_of(case, seed=1000, **fields):
    """Make what a second model says of the same case: scores pulled to and fro, and another map."""
    random = np.random.default_rng(seed + int(case.sha256, 16))
    score = np.clip(case.scores[1] + random.normal(0, 0.35), 0.01, 0.99)
    evidence = case.evidence.astype(float) + random.normal(0, 2, case.evidence.shape)
    given = {"scores": np.array([1 - score, score]), "evidence": evidence.astype(np.float16)}
    return a_case(int(case.sha256, 16), case.label, **(given | fields))


def compared_of(pairs, second=HEAD):
    found = Compared(match_classes(HEAD, second, ("A", "B")))
    for here, there in pairs:
        found.add(answer_from_numbers(here), answer_from_numbers(there))
    return found


def all_pairs(count=80):
    return [(case, other_of(case)) for case in two_groups(count)]


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1), (0, 5, 2 / 32), (1, 5, 2 * 7 / 64), (3, 3, 1), (10, 2, 2 * (1 + 12 + 66) / 4096)],
)
def test_mcnemar_is_a_toss_of_coins(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p)
    assert mcnemar(second, first) == pytest.approx(p)


def test_counts_are_those_of_all_cases():
    pairs = all_pairs()
    found = compared_of(pairs)
    said = np.array([[one.scores[1] >= 0.5 for one in pair] for pair in pairs])
    truth = np.array([here.label == "PNEUMONIA" for here, _ in pairs])
    right = said == truth[:, None]
    assert found.flips == int((said[:, 0] != said[:, 1]).sum()) > 5
    (one,) = paired_counts(found)
    assert (one.what, one.both, one.first, one.second) == (
        "right", int(right.all(axis=1).sum()), int((right[:, 0] & ~right[:, 1]).sum()),
        int((right[:, 1] & ~right[:, 0]).sum()),
    )  # fmt: skip
    assert one.p == pytest.approx(stats.binomtest(one.first, one.first + one.second).pvalue)
    scores = np.array([[case.scores[1] for case in pair] for pair in pairs])
    assert rank_correlation(found) == pytest.approx(stats.spearmanr(*scores.T).statistic)
    flipped = np.abs(scores[:, 0] - scores[:, 1])[said[:, 0] != said[:, 1]]
    ranks = [rank for rank, _ in found.disagreeing]
    assert ranks == pytest.approx(sorted(flipped, reverse=True)[:40])


def test_measures_of_both_are_those_of_scikit_learn():
    from sklearn.metrics import recall_score, roc_auc_score

    pairs = all_pairs()
    found = measure_labelled(compared_of(pairs), RESAMPLING)
    truth = [here.label == "PNEUMONIA" for here, _ in pairs]
    for place, rates in enumerate(found.rates):
        said = [pair[place].scores[1] >= 0.5 for pair in pairs]
        ((name, sensitivity, specificity),) = rates
        assert name == "PNEUMONIA"
        assert sensitivity.value == pytest.approx(recall_score(truth, said))
        assert specificity.value == pytest.approx(recall_score(truth, said, pos_label=0))
        assert sensitivity.low <= sensitivity.value <= sensitivity.high
    auc = next(one for one in found.differences if one.name.startswith("AUC"))
    aucs = [roc_auc_score(truth, [pair[place].scores[1] for pair in pairs]) for place in (0, 1)]
    assert (auc.here, auc.there) == pytest.approx(tuple(aucs))


def test_without_labels_the_class_is_paired():
    pairs = [(a_case(n, None), other_of(a_case(n, None))) for n in range(40)]
    found = compared_of(pairs)
    (one,) = paired_counts(found)
    said = np.array([[case.scores[1] >= 0.5 for case in pair] for pair in pairs])
    assert (one.what, one.first, one.second) == (
        "PNEUMONIA", int((said[:, 0] & ~said[:, 1]).sum()), int((said[:, 1] & ~said[:, 0]).sum())
    )  # fmt: skip


def test_maps_that_moved_most_have_the_lowest_correlation():
    pairs = all_pairs(30)
    found = compared_of(pairs)
    plain = [np.corrcoef(*(one.evidence.astype(float).ravel() for one in pair))[0, 1] for pair in pairs]
    assert float(found.correlations.mean) == pytest.approx(np.mean(plain), abs=1e-6)
    assert [-rank for rank, _ in found.moved] == pytest.approx(sorted(plain)[:6], abs=1e-6)


def test_maps_of_other_sizes_are_brought_to_the_coarser_grid():
    fine = np.arange(24.0).reshape(4, 6)
    np.testing.assert_allclose(average_areas(fine, (2, 3)), fine.reshape(2, 2, 3, 2).mean(axis=(1, 3)))
    # a row of three in two: the middle one counts half for each
    np.testing.assert_allclose(average_areas(np.array([[0.0], [3], [6]]), (2, 1)), [[1], [5]])
    assert average_areas(np.zeros((100, 50, 3)), (64, 50)).shape == (64, 50, 3)
    here = a_case(1)
    there = other_of(here, evidence=np.kron(here.evidence.astype(float), np.ones((2, 2))).astype(np.float16))
    assert float(compared_of([(here, there)]).correlations.mean) == pytest.approx(1)


def test_classes_are_matched_by_name_and_maps_by_class():
    pairs = all_pairs()
    turned = [(here, other_of(there, scores=there.scores[::-1], target=0, evidence=there.evidence))
              for here, there in pairs]  # fmt: skip
    plain, found = compared_of(pairs), compared_of(turned, TURNED)
    assert (found.flips, found.said, found.right) == (plain.flips, plain.said, plain.right)
    assert float(found.correlations.mean) == pytest.approx(float(plain.correlations.mean))
    others = [(here, other_of(there, target=0)) for here, there in pairs]
    assert (compared_of(others).other_targets, int(compared_of(others).correlations.count)) == (80, 0)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("score", [0.0, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_a_single_score_is_read_the_same_in_any_order(threshold, score):
    head = Head("sigmoid", CLASSES[::-1], threshold, 1)
    matching = match_classes(HEAD, head, ("A", "B"))
    answer = answer_from_numbers(a_case(0, scores=np.array([1 - score, score]), target=1))
    name = head.class_names[said_by(head, answer.scores)[0]]
    assert CLASSES[matching.said_by_second(answer)[0]] == name
    np.testing.assert_array_equal(matching.reorder(answer).scores, [score, 1 - score])


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (Head("softmax", ("NORMAL", "COVID"), 0.5, 2), "A tells NORMAL, PNEUMONIA apart, and B NORMAL, COVID"),
        (Head("softmax", (*CLASSES, "TB"), 0.5, 3), "these aren't the same classes"),
        (Head("regression", CLASSES, 0.5, 2), "B gives numbers, not classes"),
        (Head("sigmoid", CLASSES, 0.5, 2, (0.5, 0.5)), "B says any number of findings, and A one class"),
    ],
)
def test_models_that_do_not_fit_are_refused(second, told):
    with pytest.raises(SettingsError, match=told):
        match_classes(HEAD, second, ("A", "B"))


def test_scores_that_are_no_numbers_are_left_out():
    here = a_case(0)
    found = compared_of([(here, other_of(here, scores=np.array([np.nan, 0.2])))])
    assert (found.cases, found.unsaid) == (0, 1)


def test_memory_stays_the_same():
    import gc

    def peak(count):
        found = Compared(match_classes(HEAD, HEAD, ("A", "B")), drawn=Sample(50))
        found.disagreeing.size, found.moved.size = 4, 4
        tracemalloc.start()
        try:
            for number in range(count):
                gc.collect() if number % 20 == 0 else None
                here = a_case(number, CLASSES[number % 2])
                found.add(answer_from_numbers(here), answer_from_numbers(other_of(here)))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(1000) < 1.3 * peak(200)


def run(capsys, *arguments):
    code = main(["compare", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_two_batches(capsys, write_batch, tmp_path):
    cases = two_groups(40)
    first = write_batch(cases, "one")
    second = write_batch([other_of(case) for case in cases[1:]], "two")
    out = tmp_path / "compare.html"
    arguments = [first, second, "-o", out, "--json", tmp_path / "c.json", "--csv", tmp_path / "c.csv"]
    code, said, errors = run(capsys, *arguments)
    assert (code, errors) == (0, "")
    assert "1 case is left out, since one of the models hasn't got it." in said
    found = json.loads((tmp_path / "c.json").read_text())
    assert (found["cases"], found["lone"]) == (39, 1)
    assert sum(map(sum, found["said"])) == 39
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))
    assert len(rows) == found["flips"]
    page = out.read_text("utf-8")
    assert 'href="one/reports/' in page
    assert 'href="two/reports/' in page
    assert "It is not a diagnosis" in page
    assert run(capsys, *arguments)[0] == 2
    assert "A and B are the same file" in said


def test_models_that_give_no_numbers_are_told_as_such(capsys, write_batch, tmp_path):
    cases = two_groups(12)
    lost = [dataclasses.replace(case, scores=case.scores * np.nan) for case in cases]
    code, _, errors = run(capsys, write_batch(cases, "one"), write_batch(lost, "two"), "-o", tmp_path / "c.html")
    assert (code, errors.count("\n")) == (2, 1)
    assert "of all 12 cases one of the models gives scores that are no numbers" in errors


def test_hostile_texts_do_nothing(capsys, write_batch, tmp_path):
    hostile = "<script>alert('x')</script>\u202e"
    names = (f"{hostile}a", f"{hostile}b")
    cases = [a_case(n, names[n % 2], classes=names, name=f"={hostile}{n}.png") for n in range(20)]
    others = [a_case(n, names[n % 2], classes=names, scores=case.scores[::-1]) for n, case in enumerate(cases)]
    first, second = write_batch(cases, "one", names), write_batch(others, "two", names)
    out, table = tmp_path / "c.html", tmp_path / "c.csv"
    assert run(capsys, first, second, "-o", out, "--csv", table, "--title", hostile)[0] == 0
    page = out.read_text("utf-8")
    assert "alert('x')</script>" not in page
    assert "\u202e" not in page
    assert all(not line.startswith("=") for line in table.read_text("utf-8").splitlines())


def brightness_model(path, size, names, steepness):
    import keras
    from keras import layers

    model = keras.Sequential([
        layers.Input((*size, 1)), layers.Rescaling(1 / 255), layers.Conv2D(1, 1), layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    one = np.ones((1, 1, 1, 1), np.float32)
    weight = np.array([[steepness]], np.float32)
    model.set_weights([one, np.zeros(1, np.float32), weight, -weight[0] / 2])
    model.save(path)
    path.with_suffix(".toml").write_text(f"class_names = {list(names)}\n", encoding="utf-8")
    return path


def test_two_models_of_other_sizes_and_order_of_classes(capsys, tmp_path):
    first = brightness_model(tmp_path / "a.keras", (8, 12), CLASSES, 8.0)
    second = brightness_model(tmp_path / "b.keras", (16, 20), CLASSES[::-1], -4.0)
    values = (30, 90, 120, 135, 180, 220)
    for number, value in enumerate(values):
        folder = tmp_path / "cases" / CLASSES[value > 127]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.full((24, 36), value, np.uint8)
        pixels[:, : 3 * number] //= 2
        Image.fromarray(pixels).save(folder / f"{number}.png")
    told = ["--patch", "4", "--stride", "4", "--fill", "mean", "--depth", "0/255"]
    out, numbers = tmp_path / "c.html", tmp_path / "c.json"
    code, said, errors = run(capsys, first, second, tmp_path / "cases", "-o", out, "--json", numbers, *told[:6])
    assert code == 0, errors
    found = json.loads(numbers.read_text())
    # both are above a half just where the mean is above 127.5: they always say the same
    assert (found["cases"], found["flips"]) == (6, 0)
    assert found["rank_correlation"] == pytest.approx(1)
    assert "say different things of 0 of 6 cases" in said
    code, _, errors = run(capsys, first, second, "-o", tmp_path / "d.html")
    assert (code, "a model needs cases to be run on" in errors) == (2, True)
    (tmp_path / "cases" / "NORMAL" / "bad.png").write_bytes(b"no image")
    code, _, errors = run(capsys, first, second, tmp_path / "cases", "-o", tmp_path / "d.html", "--no-occlusion")
    assert (code, errors.count("\n"), (tmp_path / "d.html").exists()) == (2, 1, False)
    code, said, _ = run(
        capsys, first, second, tmp_path / "cases", "-o", tmp_path / "d.html", "--no-occlusion", "--skip-unreadable"
    )
    assert code == 0
    assert "1 case is left out, since its image can't be read" in said
    assert 'id="maps"' not in (tmp_path / "d.html").read_text("utf-8")
