"""The measures of a classifier against tables computed by hand, plain loops, and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from reportgen.analysis.metrics import curves
from reportgen.analysis.metrics.calibration import measure_calibration
from reportgen.analysis.metrics.classes import AT_SENSITIVITY, AT_SPECIFICITY, OWN_POINT
from reportgen.analysis.metrics.classification import area_under_roc
from reportgen.analysis.metrics.evaluation import compare_evaluations, measure_all
from reportgen.analysis.metrics.ranking import Ranking
from reportgen.analysis.metrics.resampling import draw_weights, number_groups, resample, wilson_interval
from reportgen.analysis.metrics.scored import Scored, most_confident_mistakes
from reportgen.analysis.predictions import Head
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import FINDINGS, SEVERAL_CLASSES, TWO_CLASSES
from reportgen.system.errors import ReportgenError

# ten images, two with the same score; the threshold 0.5 says positive of the first six
SCORES = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.3, 0.1])
POSITIVE = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0], bool)
GROUPS = number_groups(("a", "a", "b", "c", "d", "d", "e", "f", "g", "h"))
FEW = Resampling(samples=60, seed=3)


def two_classes(scores=SCORES, positive=POSITIVE, groups=GROUPS, threshold=0.5):
    head = Head("sigmoid", ("NORMAL", "PNEUMONIA"), threshold)
    return Scored(np.stack([1 - scores, scores], axis=1), np.stack([~positive, positive], axis=1), groups, head)


def random_case(seed=0, many=80, levels=25):
    generator = np.random.default_rng(seed)
    positive = generator.random(many) < 0.4
    scores = np.round(np.clip(generator.normal(0.4 + 0.2 * positive, 0.2), 0, 1) * levels) / levels
    return scores, positive, number_groups(tuple(map(str, generator.integers(0, many // 3, many))))


def measured(scored, columns=None, resampling=FEW):
    return measure_all(scored, columns or {}, resampling, lambda _: None)


def test_ten_images_by_hand():
    found = measured(two_classes())
    (one,) = found.classes
    assert (one.class_name, one.positives, one.negatives) == ("PNEUMONIA", 6, 4)
    # pairs won by each positive: 4, 4, 3, 3, 2, and 1.5 for the tie at 0.3; of 24
    assert one.auc.value == pytest.approx((4 + 4 + 3 + 3 + 2 + 1.5) / 24)
    # steps in recall: precision 1, 2/2, 3/4, 4/5, 5/7, and 6/9 at the tie
    assert one.average_precision.value == pytest.approx((1 + 1 + 3 / 4 + 4 / 5 + 5 / 7 + 6 / 9) / 6)
    own, specific, sensitive = one.points
    assert own.name == OWN_POINT
    assert (specific.name, sensitive.name) == (AT_SPECIFICITY.format(share=90), AT_SENSITIVITY.format(share=90))
    counts = (own.true_positives, own.false_positives, own.true_negatives, own.false_negatives)
    assert counts == (4, 2, 2, 2)
    assert own.threshold == 0.5
    assert own.sensitivity.value == pytest.approx(4 / 6)
    assert own.specificity.value == 0.5
    assert own.precision.value == pytest.approx(4 / 6)
    # no false positive is allowed with four negatives: only 0.95 and 0.9 remain
    assert (specific.threshold, specific.true_positives, specific.false_positives) == (0.9, 2, 0)
    # 90 % of six is all six: down to 0.3, where a negative has the same score
    assert (sensitive.threshold, sensitive.true_positives, sensitive.false_positives) == (0.3, 6, 3)
    assert found.accuracy.value == 0.6
    assert found.confusion == ((2, 2), (2, 4))
    assert found.brier.value == pytest.approx(np.mean((SCORES - POSITIVE) ** 2))


def test_calibration_of_ten_images_by_hand():
    found = measured(two_classes())
    # of the positive score: bins by their upper ends, so that 0.1 is in the first, 0.3 in the third, 0.9 in the ninth
    bins = found.classes[0].calibration.bins
    assert [one.images for one in bins] == [1, 0, 2, 1, 0, 2, 1, 1, 1, 1]
    assert bins[5].mean_score == pytest.approx(0.575)
    assert bins[5].share == 0.5
    assert math.isnan(bins[1].share)
    distances = [0.1, 0, 2 * abs(0.3 - 0.5), 0.6, 0, 2 * abs(0.575 - 0.5), 0.3, 0.8, 0.1, 0.05]
    assert found.classes[0].calibration.expected_error.value == pytest.approx(sum(distances) / 10)
    # of the class that is said: 0.95 0.9 0.8 0.7 0.6 0.55 and 0.6 0.7 0.7 0.9 for the other class
    right = [1, 1, 0, 1, 1, 0, 0, 0, 1, 1]
    by_bin = {0.55: [0, 4, 5, 6], 0.65: [3, 7, 8], 0.75: [2], 0.85: [1, 9], 0.95: [0]}
    confidence = np.where(SCORES >= 0.5, SCORES, 1 - SCORES)
    by_bin[0.55] = [4, 5, 6]
    wanted = sum(abs(sum(confidence[i] - right[i] for i in members)) for members in by_bin.values()) / 10
    assert found.confidence.expected_error.value == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_ranks_are_those_of_scikit_learn_and_of_a_plain_rank_sum(seed):
    scores, positive, _ = random_case(seed)
    steps = Ranking(scores, positive).steps(np.ones((1, len(scores))))
    plain = np.mean([(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]])
    assert steps.auc()[0] == pytest.approx(plain)
    assert steps.auc()[0] == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert steps.auc()[0] == pytest.approx(area_under_roc(scores, positive))
    assert steps.average_precision()[0] == pytest.approx(metrics.average_precision_score(positive, scores))
    rates, sensitivities, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    assert steps.at_specificity()[0][0] == pytest.approx(sensitivities[rates <= 0.1 + 1e-9].max())
    assert steps.at_sensitivity()[1][0] == pytest.approx(1 - rates[sensitivities >= 0.9 - 1e-9].min())
    assert steps.sensitivities()[0][[0, 50, 100]] == pytest.approx(
        [sensitivities[rates <= x + 1e-9].max() for x in (0, 0.5, 1)]
    )
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    assert steps.precisions()[0][60] == pytest.approx(precision[np.flatnonzero(recall >= 0.6 - 1e-9)[-1]])
    across, up = curves.roc_points(scores, positive)
    assert np.trapezoid(up, across) == pytest.approx(plain)
    across, up = curves.precision_recall_points(scores, positive)
    assert (across[0], across[-1], up[0]) == (0, 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_intervals_are_those_of_a_plain_bootstrap(seed):
    """The same patients drawn, their images copied, and measured by scikit-learn one resample after another."""
    scores, positive, groups = random_case(seed)
    resampling = Resampling(samples=50, seed=seed)
    count = groups.max() + 1
    drawn = np.random.default_rng(seed).integers(0, count, size=(50, count))
    plain = []
    for patients in drawn:
        places = np.concatenate([np.flatnonzero(groups == patient) for patient in patients])
        own, score = positive[places], scores[places]
        said = score >= 0.5
        plain.append([
            metrics.roc_auc_score(own, score), metrics.average_precision_score(own, score),
            metrics.recall_score(own, said), metrics.recall_score(~own, ~said), metrics.accuracy_score(own, said),
            metrics.brier_score_loss(own, score),
        ])  # fmt: skip
    wanted = np.percentile(plain, [2.5, 97.5], axis=0).T
    found = measured(two_classes(scores, positive, groups), resampling=resampling)
    (one,) = found.classes
    estimates = (one.auc, one.average_precision, one.points[0].sensitivity, one.points[0].specificity,
                 found.accuracy, found.brier)  # fmt: skip
    assert np.array([(each.low, each.high) for each in estimates]) == pytest.approx(wanted)


def test_draws_are_the_same_however_many_are_made_at_once(monkeypatch):
    groups = number_groups(tuple("aabbbcdde"))
    whole = np.concatenate(list(draw_weights(groups, Resampling(samples=11, seed=5))))
    parts = list(draw_weights(groups, Resampling(samples=11, seed=5), width=50_000))
    assert len(parts) == 6
    assert (np.concatenate(parts) == whole).all()
    # and when they are too many to be kept
    monkeypatch.setattr("reportgen.analysis.metrics.resampling._MOST_KEPT", 10)
    monkeypatch.setattr("reportgen.analysis.metrics.resampling._VALUES_AT_ONCE", 20)
    parts = list(draw_weights(groups, Resampling(samples=11, seed=5)))
    assert len(parts) == 6
    assert (np.concatenate(parts) == whole).all()
    # five patients are drawn each time, and images of one patient always together
    assert (whole[:, [0, 2, 5, 6, 8]].sum(axis=1) == 5).all()
    assert (whole[:, 0] == whole[:, 1]).all()


def test_a_bootstrap_by_patient_is_wider_than_one_by_image():
    scores, positive, _ = random_case(1, many=40)
    many = np.repeat(np.arange(40), 10)  # ten copies of each image, of the same patient
    by_patient = two_classes(scores[many], positive[many], many)
    by_image = two_classes(scores[many], positive[many], np.arange(400))
    wide, narrow = (measured(one).classes[0].auc for one in (by_patient, by_image))
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_wilson():
    # 10 of 10 and 0 of 10, as in Brown, Cai and DasGupta (2001), table of intervals
    assert wilson_interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(0.5, 20) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    perfect = measured(two_classes(np.where(POSITIVE, 0.9, 0.2)))
    # eight patients, all right
    assert (perfect.accuracy.low, perfect.accuracy.high) == pytest.approx(wilson_interval(1.0, 8))
    assert perfect.classes[0].auc.value == 1
    assert perfect.classes[0].points[1].sensitivity.value == 1


def test_one_side_only():
    found = measured(two_classes(positive=np.ones(10, bool)))
    (one,) = found.classes
    assert math.isnan(one.auc.value)
    assert math.isnan(one.auc.low)
    assert math.isnan(one.points[0].specificity.value)
    assert len(one.points) == 1
    assert one.roc.x == ()


def test_a_positive_class_that_comes_first():
    head = Head("sigmoid", ("PNEUMONIA", "NORMAL"), 0.3)
    scored = Scored(np.stack([SCORES, 1 - SCORES], axis=1), np.stack([POSITIVE, ~POSITIVE], axis=1), GROUPS, head)
    assert scored.measured == (0,)
    assert scored.threshold(0) == pytest.approx(0.7)
    assert measured(scored).classes[0].auc.value == measured(two_classes()).classes[0].auc.value


def three_classes():
    scores = np.array([
        [0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.1, 0.5, 0.4], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1],
        [0.1, 0.2, 0.7], [0.2, 0.2, 0.6], [0.4, 0.1, 0.5], [0.5, 0.1, 0.4],
    ])  # fmt: skip
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    head = Head("softmax", ("cat", "dog", "ship"), 0.5, outputs=3)
    return Scored(scores, labels[:, None] == np.arange(3), np.arange(10), head), labels


def test_several_classes_by_hand():
    scored, labels = three_classes()
    found = measured(scored)
    assert scored.task == SEVERAL_CLASSES
    assert found.confusion == ((2, 1, 0), (1, 2, 0), (1, 0, 3))
    assert found.accuracy.value == 0.7
    # cat: positives 0.7 0.5 0.2 against 0.1 0.3 0.6 0.1 0.2 0.4 0.5: 7, 5.5 and 2.5 of 21
    assert found.classes[0].auc.value == pytest.approx((7 + 5.5 + 2.5) / 21)
    macro, micro = found.averages
    own = metrics.roc_auc_score(labels, scored.scores, multi_class="ovr", average="macro")
    assert macro.auc.value == pytest.approx(own)
    assert micro.auc.value == pytest.approx(metrics.roc_auc_score(scored.shown, scored.scores, average="micro"))
    assert micro.average_precision.value == pytest.approx(
        metrics.average_precision_score(scored.shown, scored.scores, average="micro")
    )
    own = found.classes[1].points[0]
    assert math.isnan(own.threshold)
    assert (own.true_positives, own.false_positives, own.true_negatives, own.false_negatives) == (2, 1, 6, 1)
    assert found.brier.value == pytest.approx(((scored.scores - scored.shown) ** 2).sum(axis=1).mean())
    # the surest mistake: a dog taken for a cat, and a cat for a dog, both 0.6, in their order
    assert most_confident_mistakes(scored, 2) == [(2, 0.6), (5, 0.6)]


def test_findings_by_hand():
    scores = np.array([[0.9, 0.2], [0.6, 0.6], [0.4, 0.7], [0.2, 0.1]] * 3)[:10]
    shown = np.array([[1, 0], [1, 1], [1, 1], [0, 0]] * 3, bool)[:10]
    scored = Scored(scores, shown, np.arange(10), Head("sigmoid", ("Mass", "Nodule"), 0.5, 2, (0.5, 0.65)))
    found = measured(scored)
    assert scored.task == FINDINGS
    assert [(one.positives, one.negatives) for one in found.classes] == [(8, 2), (5, 5)]
    # the second of each four misses a nodule, the third a mass; the first and fourth, five in all, are right
    assert found.accuracy.value == 0.5
    assert found.confusion == ()
    assert found.confidence is None
    mass, nodule = (one.points[0] for one in found.classes)
    assert (mass.true_positives, mass.false_negatives, mass.threshold) == (6, 2, 0.5)
    assert (nodule.true_positives, nodule.false_negatives, nodule.threshold) == (2, 3, 0.65)
    # least sure: a mass missed with 0.4 is 0.6 wrong, a nodule missed with 0.6 is 0.4 wrong
    assert most_confident_mistakes(scored, 3) == [(2, 0.6), (6, 0.6), (1, 0.4)]


def test_subgroups():
    scores, positive, groups = random_case(2, many=60)
    sex = tuple("FM"[group % 2] if group != 7 else "?" for group in groups)
    names = tuple(f"patient {group}" for group in groups)
    found = measured(two_classes(scores, positive, groups), {"sex": sex, "name": names, "same": ("x",) * 60}).subgroups
    assert [(one.column, one.value) for one in found] == [("sex", "?"), ("sex", "F"), ("sex", "M")]
    few, women, _ = found
    assert few.images == sex.count("?")
    assert (few.accuracy, few.auc) == (None, None)
    chosen = np.array([value == "F" for value in sex])
    assert women.auc.value == pytest.approx(metrics.roc_auc_score(positive[chosen], scores[chosen]))
    assert women.groups == len(set(groups[chosen]))
    assert women.sensitivity.value == pytest.approx(metrics.recall_score(positive[chosen], scores[chosen] >= 0.5))
    assert women.auc.low < women.auc.value < women.auc.high


def test_a_column_that_names_patients_is_no_subgroup():
    scores, positive, groups = random_case(0, many=20)
    names = tuple(f"patient {group}" for group in groups)
    assert len(set(names)) <= 12
    assert measured(two_classes(scores, positive, groups), {"name": names}).subgroups == ()


def test_differences_are_paired():
    scores, positive, groups = random_case(3)
    better = np.clip(scores + 0.1 * positive, 0, 1)
    found = {
        one.name: one
        for one in compare_evaluations(
            two_classes(better, positive, groups), two_classes(scores, positive, groups), Resampling(samples=80, seed=1)
        )
    }
    auc = found["AUC, PNEUMONIA"]
    assert auc.difference.value == pytest.approx(
        metrics.roc_auc_score(positive, better) - metrics.roc_auc_score(positive, scores)
    )
    # each resample is a little better with them, which two separate intervals couldn't tell
    assert auc.difference.low > 0
    same = compare_evaluations(*[two_classes(scores, positive, groups)] * 2, FEW)
    assert all((one.difference.value, one.difference.low, one.difference.high) == (0, 0, 0) for one in same)


def test_a_measure_of_several_values_has_an_interval_for_each():
    found = resample(lambda weights: {"a": np.stack([weights.sum(axis=1)] * 3, axis=1)}, GROUPS, FEW)["a"]
    assert found.value.tolist() == [10, 10, 10]
    assert found.drawn.shape == (60, 3)


def test_calibration_that_is_perfect():
    scores = np.repeat([0.25, 0.75], 4)
    hits = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    assert measure_calibration(scores, hits, np.arange(8), FEW).expected_error.value == 0


def test_task_of_two_outputs_that_sum_to_one():
    head = Head("softmax", ("NORMAL", "PNEUMONIA"), 0.5, outputs=2)
    scored = Scored(np.array([[0.2, 0.8]]), np.array([[False, True]]), np.array([0]), head)
    assert (scored.task, scored.threshold(1)) == (TWO_CLASSES, 0.5)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.metrics", None)
    with pytest.raises(ReportgenError, match="pip install 'scikit-learn"):
        curves.check_scikit_learn()
