"""What a cohort measures, one case after another, against SciPy and NumPy on all cases at once."""

import gc
import itertools
import random
import tracemalloc

import numpy as np
import pytest
from cohorts import CLASSES, FRAME, a_case, two_groups
from scipy import stats

from reportgen.analysis.cohort.cases import Grouping
from reportgen.analysis.cohort.channels import (
    choose_separating,
    cohens_d,
    compare_channels,
    rank_channels,
    separate,
    sides_of,
    smallest_p,
    step_through,
)
from reportgen.analysis.cohort.gather import Gathered, channel_vector, direction_of
from reportgen.analysis.cohort.likeness import Alikeness, measure_likeness, permute
from reportgen.analysis.cohort.look import Looked
from reportgen.analysis.cohort.places import find_directions
from reportgen.analysis.cohort.scores import label_numbers, measure_scores, surprise, with_known_labels
from reportgen.analysis.cohort.summaries import mean_estimate, order_groups, summarize_groups
from reportgen.analysis.predictions import Head
from reportgen.report.estimates import Resampling
from reportgen.system.errors import ReportgenError, SettingsError

HEAD = Head("sigmoid", CLASSES, 0.5, 1)
RESAMPLING = Resampling(samples=200, seed=0)


def gather(cases, by="label", sample=None, classes=CLASSES):
    found = Gathered(Grouping(by, classes), sample)
    for case in cases:
        found.add(case)
    return found


def look(cases, gathered, wanted=()):
    names = list(gathered.groups)
    alike, directions = Alikeness.of(names, gathered.groups), find_directions(names, gathered.groups)
    looked = Looked(HEAD, gathered.grouping, gathered.layout.frame, alike, directions, frozenset(wanted))
    for case in cases:
        looked.add(case)
    return looked


def of_label(cases, label):
    return [case for case in cases if case.label == label]


def test_groups_have_what_numpy_says_of_all_cases():
    cases = two_groups(41)
    groups = gather(cases).groups
    assert set(groups) == set(CLASSES)
    for label, group in groups.items():
        own = of_label(cases, label)
        maps = np.stack([case.evidence.astype(float) for case in own])
        np.testing.assert_allclose(group.maps.mean, maps.mean(axis=0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(group.maps.variance, maps.var(axis=0, ddof=1), rtol=1e-9)
        vectors = np.stack([channel_vector(case) for case in own]).astype(float)
        np.testing.assert_allclose(group.channels.mean, vectors.mean(axis=0), rtol=1e-9, atol=1e-12)
        pictures = np.stack([case.thumbnail.astype(float) for case in own])
        np.testing.assert_allclose(group.pictures.mean, pictures.mean(axis=0), rtol=1e-9)
        assert group.count == len(own)
        assert group.right == sum(bool(case.correct) for case in own)
        flips = [case.flip_share for case in own if np.isfinite(case.flip_share)]
        assert float(group.flips.mean) == pytest.approx(np.mean(flips))


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_division_gives_the_same(seed):
    cases, shuffled = two_groups(60), two_groups(60)
    random.Random(seed).shuffle(shuffled)
    cut = random.Random(seed).randrange(61)
    whole, merged = gather(cases, sample=20), gather(shuffled[:cut], sample=20).merge(gather(shuffled[cut:], sample=20))
    for name, group in whole.groups.items():
        other = merged.groups[name]
        for moments in ("channels", "maps", "directions", "pictures", "border", "evidence", "flips"):
            a, b = getattr(group, moments), getattr(other, moments)
            np.testing.assert_allclose(a.mean, b.mean, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(a.variance, b.variance, rtol=1e-9, atol=1e-12)
        assert group.sample.keys() == other.sample.keys()
        assert (group.beats, group.targets, group.right) == (other.beats, other.targets, other.right)
    assert whole.scored.keys() == merged.scored.keys()


def test_effects_and_ranks_are_those_of_scipy():
    cases = two_groups(37)
    gathered = gather(cases)
    pairs = sides_of(order_groups(gathered.groups), gathered.groups)
    (contrast,) = compare_channels(pairs, gathered.layout)
    assert (contrast.here, contrast.there) == ("PNEUMONIA", "NORMAL")
    here, there = (
        np.stack([channel_vector(case) for case in of_label(cases, label)]).astype(float)
        for label in ("PNEUMONIA", "NORMAL")
    )
    n1, n2 = len(here), len(there)
    p = []
    for place, one in enumerate(contrast.channels):
        a, b = here[:, place], there[:, place]
        pooled = np.sqrt(((n1 - 1) * a.var(ddof=1) + (n2 - 1) * b.var(ddof=1)) / (n1 + n2 - 2))
        d = (a.mean() - b.mean()) / pooled
        assert one.effect.value == pytest.approx(d)
        half = 1.96 * np.sqrt((n1 + n2) / (n1 * n2) + d**2 / (2 * (n1 + n2)))
        assert (one.effect.high - one.effect.low) / 2 == pytest.approx(half, rel=1e-4)
        # the t of two samples is d times the root of the cases
        assert stats.ttest_ind(a, b).statistic == pytest.approx(d * np.sqrt(n1 * n2 / (n1 + n2)))
        p.append(stats.mannwhitneyu(a, b).pvalue)
        assert one.p == pytest.approx(p[-1])
        assert one.auc == pytest.approx(np.mean([(x > y) + (x == y) / 2 for x in a for y in b]))
    np.testing.assert_allclose([one.q for one in contrast.channels], stats.false_discovery_control(p))
    assert contrast.clear == sum(stats.false_discovery_control(p) < 0.05) >= 2


def test_few_cases_get_exact_probabilities():
    here, there = np.array([[3.0], [4], [5]]), np.array([[0.0], [1], [2], [-1]])
    p, auc, exact = rank_channels(here, there)
    assert exact
    assert p[0] == pytest.approx(2 / 35)
    assert smallest_p(3, 4) == pytest.approx(2 / 35)
    assert auc[0] == 1


def test_ties_constants_and_broken_channels():
    here = np.array([[1.0, 5, np.nan], [1, 5, 0], [2, 5, 1]])
    there = np.array([[1.0, 5, 0], [0, 5, 2]])
    p, auc, _ = rank_channels(here, there)
    assert p[0] == pytest.approx(stats.mannwhitneyu(here[:, 0], there[:, 0], method="asymptotic").pvalue)
    assert auc[0] == pytest.approx(5 / 6)
    assert (p[1], auc[1]) == (1, 0.5)
    assert p[2] == 1
    assert np.isnan(auc[2])
    gathered = gather([a_case(n, CLASSES[n % 2], channel_means={"a": np.full(2, 3.0, np.float32)}) for n in range(8)])
    low, d, high = cohens_d(*(gathered.groups[name].channels for name in CLASSES))
    assert np.isnan([low, d, high]).all()


def test_the_channel_that_separates_best_is_listed_once():
    gathered = gather(two_groups(60, shift=3))
    pairs = sides_of(order_groups(gathered.groups), gathered.groups)
    contrasts = compare_channels(pairs, gathered.layout)
    chosen = choose_separating(contrasts, pairs, gathered.layout, 4)
    first = contrasts[0].channels[chosen[0][1]]
    # "act" is twice "conv" and one more: the same channel
    assert (first.channel, {first.layer, *chosen[0][2]}) == (1, {"conv", "act"})
    assert len({place for _, place, _ in chosen}) == 4
    (found, *_) = separate(contrasts, pairs, gathered.layout, 4, RESAMPLING)
    assert found.auc.value == pytest.approx(first.auc)
    assert found.auc.low < found.auc.value <= found.auc.high
    assert [value for _, value in found.steps] == sorted(value for _, value in found.steps)
    assert found.values[0][0] == "NORMAL"


def test_steps_go_through_the_ranks():
    values = np.array([3.0, 1, np.nan, 2, 5, 4])
    assert step_through(list("abcdef"), values, 3) == [("b", 1.0), ("a", 3.0), ("e", 5.0)]
    assert len(step_through(list("abcdef"), values, 8)) == 5


def test_several_groups_are_each_compared_with_all_others():
    classes = ("a", "b", "c")
    cases = [a_case(n, classes[n % 3], classes=classes, shift=2.0 * (n % 3 == 2)) for n in range(45)]
    gathered = gather(cases, classes=classes)
    pairs = sides_of(order_groups(gathered.groups), gathered.groups)
    contrasts = compare_channels(pairs, gathered.layout)
    assert [one.here for one in contrasts] == list(classes)
    others = np.stack([channel_vector(case) for case in cases if case.label != "c"]).astype(float)
    own = np.stack([channel_vector(case) for case in cases if case.label == "c"]).astype(float)
    assert contrasts[2].channels[1].p == pytest.approx(stats.mannwhitneyu(own[:, 1], others[:, 1]).pvalue)
    assert contrasts[2].channels[1].mean_there == pytest.approx(others[:, 1].mean())
    assert {contrast for contrast, _, _ in choose_separating(contrasts, pairs, gathered.layout, 6)} == {0, 1, 2}


def test_maps_are_as_alike_as_all_pairs_say():
    cases = two_groups(21)
    gathered = gather(cases)
    looked = look(cases, gathered)
    found = measure_likeness(looked.alike, list(CLASSES), gathered.groups)
    flat = {name: [case.evidence.astype(float).ravel() for case in of_label(cases, name)] for name in CLASSES}

    def correlation(a, b):
        return np.corrcoef(a, b)[0, 1]

    inside = {name: [correlation(a, b) for a, b in itertools.combinations(flat[name], 2)] for name in CLASSES}
    across = [correlation(a, b) for a, b in itertools.product(*flat.values())]
    by_pair = {(one.first, one.second): one for one in found.pairs}
    for name in CLASSES:
        one = by_pair[name, name]
        assert one.pairs == len(inside[name])
        assert one.correlation.value == pytest.approx(np.mean(inside[name]), abs=1e-9)
        # U-statistic: 4 / n times the variance of how alike each case is to the others
        each = [np.mean([correlation(a, b) for b in flat[name] if b is not a]) for a in flat[name]]
        half = 1.96 * np.sqrt(4 * np.var(each, ddof=1) / len(each))
        assert one.correlation.high == pytest.approx(min(1, np.mean(inside[name]) + half), abs=1e-4)
    assert by_pair[CLASSES].correlation.value == pytest.approx(np.mean(across), abs=1e-9)
    assert found.inside == pytest.approx(np.mean([*inside["NORMAL"], *inside["PNEUMONIA"]]))
    assert found.across == pytest.approx(np.mean(across))


def test_permutations_are_all_tried_where_there_are_few():
    maps = [direction_of(case.evidence).astype(np.float32) for case in two_groups(7)]
    parts = [np.stack(maps[::2]), np.stack(maps[1::2])]
    p, least, tried = permute(parts)
    assert tried == 35
    assert least == pytest.approx(1 / 35)
    flat = np.concatenate(parts).reshape(7, -1).astype(float)
    alike = flat @ flat.T

    def gap(first):
        same, other = [], []
        for a, b in itertools.combinations(range(7), 2):
            (same if (a in first) == (b in first) else other).append(alike[a, b])
        return np.mean(same) - np.mean(other)

    found = gap({0, 1, 2, 3})
    assert p == pytest.approx(np.mean([gap(set(one)) >= found - 1e-12 for one in itertools.combinations(range(7), 4)]))


def random_maps(seed, tilt=0.0, count=24):
    maps = np.random.default_rng(seed).normal(size=(count, *FRAME))
    maps[count // 2 :] += np.linspace(0, tilt, FRAME[1])
    found = np.stack([direction_of(one) for one in maps]).astype(np.float32)
    return [found[: count // 2], found[count // 2 :]]


def test_groups_that_are_equal_by_construction_give_every_p_as_often():
    found = [permute(random_maps(100 + seed), 200)[0] for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=4 / np.sqrt(12 * 40))


def test_groups_that_differ_are_told_apart():
    p, least, tried = permute(random_maps(1, tilt=3))
    assert p == pytest.approx(1 / (tried + 1)) == least


def test_directions_are_the_principal_components():
    from sklearn.decomposition import PCA

    cases = two_groups(50)
    gathered = gather(cases)
    found = find_directions(list(CLASSES), gathered.groups)
    features = np.stack([case.features for case in cases]).astype(float)
    pca = PCA().fit(features)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(np.abs(found.locate(features)), np.abs(pca.transform(features)), atol=1e-6)
    own = np.array([found.locate(case.features) for case in of_label(cases, "NORMAL")])
    z = (own - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    expected = np.sqrt(np.mean(z**2, axis=1))
    measured = [found.distance("NORMAL", case.features) for case in of_label(cases, "NORMAL")]
    np.testing.assert_allclose(measured, expected, rtol=1e-6)


def test_cases_that_stand_out_are_the_farthest_the_nearest_and_the_least_expected():
    cases = two_groups(40)
    strange = a_case(99, "NORMAL", features=np.full(4, 9, np.float32), scores=np.array([0.01, 0.99]), predicted=1,
                     correct=False)  # fmt: skip
    cases.append(strange)
    looked = look(cases, gather(cases), wanted=["case-00003/0"])
    assert next(iter(looked.outlying["NORMAL"]))[1].item == strange.item
    value, seen = next(iter(looked.surprising))
    assert (seen.item, value) == (strange.item, pytest.approx(-np.log2(0.01)))
    assert strange.item not in {seen.item for _, seen in looked.typical["NORMAL"]}
    assert looked.found["case-00003/0"].name == "image-3.png"


def test_the_roc_is_that_of_evaluate():
    from sklearn.metrics import roc_auc_score

    cases = [*two_groups(60), a_case(100, "unheard of")]
    labelled = with_known_labels(tuple(gather(cases).scored), HEAD)
    assert len(labelled.rows) == 60
    (found,) = measure_scores(labelled, RESAMPLING)
    known = cases[:60]
    truth, scores = [case.label == "PNEUMONIA" for case in known], [case.scores[1] for case in known]
    assert found.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert found.points[0].true_positives == sum(
        case.scores[1] >= 0.5 for case in known if case.label == "PNEUMONIA"
    )  # fmt: skip


def test_labels_of_findings_and_of_nothing():
    findings = Head("sigmoid", ("Mass", "Nodule", "Mass+Edge"), 0.5, 3, (0.5, 0.5, 0.5))
    assert label_numbers("Nodule+Mass", findings) == (1, 0)
    assert label_numbers("No Finding", findings) == ()
    assert label_numbers("Other", findings) is None
    scores = np.array([0.5, 0.25, 0.5])
    assert surprise(scores, "Nodule", findings) == pytest.approx(1 + 2 + 1)
    assert np.isnan(surprise(scores, "Other", findings))
    assert label_numbers("normal", HEAD) == (0,)
    assert surprise(np.array([0.25, 0.75]), "NORMAL", HEAD) == 2


def test_means_have_the_interval_of_student():
    gathered = gather(two_groups(30))
    group = gathered.groups["NORMAL"]
    values = [case.border_share for case in of_label(two_groups(30), "NORMAL")]
    found = mean_estimate(group.border)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    first, second = summarize_groups(list(CLASSES), gathered.groups, CLASSES)
    assert first.patients == len({case.columns["patient"] for case in of_label(two_groups(30), "NORMAL")})
    assert second.tested == sum(second.beats.values())
    assert second.targets == {"PNEUMONIA": 15}


def test_grouping_by_anything_that_is_known():
    cases = two_groups(30)
    assert {name: group.count for name, group in gather(cases, "sex").groups.items()} == {"f": 10, "m": 10}
    assert gather(cases, "sex").ungrouped == 10
    assert set(gather(cases, "predicted").groups) <= set(CLASSES)
    nothing_said = [a_case(30, scores=np.array([np.nan, np.nan]), predicted=0)]
    assert gather([*cases, *nothing_said], "predicted").ungrouped == 1
    assert set(gather(cases, "correct").groups) <= {"told right", "told wrong"}
    assert list(gather(cases, "none").groups) == ["all"]
    with pytest.raises(SettingsError, match="no column of the cases: 'age'; give one of label, predicted"):
        gather(cases, "age")
    with pytest.raises(SettingsError, match="more than 12 groups"):
        gather(cases, "patient")


def test_cases_of_another_model_are_refused():
    with pytest.raises(ReportgenError, match=r"image-1\.png has other layers"):
        gather([a_case(0), a_case(1, channel_means={"conv": np.zeros(4, np.float32)})])


def test_maps_that_are_even_or_no_numbers_have_no_direction():
    assert direction_of(np.full(FRAME, 2.0)) is None
    assert direction_of(np.full(FRAME, np.nan)) is None
    cases = [a_case(0), a_case(1, evidence=None), a_case(2, evidence=np.zeros((2, 2), np.float16))]
    (group,) = gather(cases).groups.values()
    assert (group.count, int(group.maps.count.max()), group.odd) == (3, 1, 1)


def stream(count):
    """Give cases one after another; what NumPy's generators leave behind is cleared away, since it isn't meant."""
    for number in range(count):
        if number % 20 == 0:
            gc.collect()
        yield a_case(number, CLASSES[number % 2])


def peak_of(count):
    tracemalloc.start()
    try:
        gathered = gather(stream(count), sample=50)
        first = tracemalloc.get_traced_memory()[1]
        looked = look([], gathered)
        looked.points.size, looked.pictured.size = 100, 50
        for case in stream(count):
            looked.add(case)
        return first, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_cases():
    gather(stream(200), sample=50)
    few, many = peak_of(200), peak_of(2000)
    assert many[0] < 1.1 * few[0]
    assert many[1] < 1.1 * few[1]
