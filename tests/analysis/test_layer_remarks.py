"""What is said of layers: in each situation what must and must not be, and nothing twice."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.channels import has_structure, measure_layer, reference_of
from reportgen.analysis.remarks import layer_remarks
from reportgen.analysis.remarks.layers import MOST
from reportgen.analysis.remarks.matters import MATTERS
from reportgen.report.traits import correlation_of_means, traits_of

SIZE = (24, 36)
STRUCTURE = ("edges", "bright in the input", "input's brightness", "outlines", "bone", "negatives")
AGAINST = ("as strongly as", "different channels", "some cases", "one case", "(A)", "(B)")


@pytest.fixture(scope="module")
def reference(picture):
    return reference_of(picture)


def maps_of(reference, kinds, seed=3):
    """Return maps ``(H, W, C)``: edges, bright, negative, dead, smooth, x for NaN, and noise otherwise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    known = {
        "e": reference.edges, "b": reference.brightness, "n": -reference.brightness, "d": np.zeros(SIZE),
        "s": np.sin(x / 7) * np.cos(y / 5), "x": np.full(SIZE, np.nan),
    }  # fmt: skip
    chosen = [known.get(kind, rng.normal(0, 30, SIZE)) for kind in kinds]
    return np.stack(chosen, axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def case_of(reference, make_case):
    """Make a case with a layer for each word: a letter a channel."""

    def make(title, *words, seed=3, times=1.0):
        layers = tuple(
            measure_layer(f"l{at}", times * maps_of(reference, word, seed + at), reference)
            for at, word in enumerate(words)
        )
        return make_case(title, layers=layers)

    return make


def said(cases, **more):
    return layer_remarks(cases, range(len(cases[0].layers)), **more)


def words(remarks):
    return " ".join(f"{one.text} {one.interpretation}" for one in remarks)


SITUATIONS = {
    # layers a case, cases, what must be said and what must not
    "edge-like layer": ([("eeer",)], ["Of 4 maps, 3 follow the input's edges.", "outlines"], [*AGAINST, "negative"]),
    "silhouettes in two layers": (
        [("eeer", "rrrr", "eerr")], ["In l0 and l2, 50 to 75 % of the maps follow the input's edges."],
        [*AGAINST, "In l0, l1"],
    ),
    "inverted": ([("nnrr",)], ["Of 4 maps, 2 run against the input's brightness.", "negatives of"], [*AGAINST, "bone"]),
    "bone and depth": ([("bbbr",)], ["Of 4 maps, 3 go with what is bright in the input.", "bone"], ["negatives of"]),
    "dead": ([("rrrd", "rrrr")], ["Of 4 channels, 1 is dead."], [*STRUCTURE, *AGAINST]),
    "all dead": ([("dddd",)], ["Of 4 channels, 4 are dead."], [*STRUCTURE, *AGAINST, "contrast", "nan", "activity"]),
    "identical cases": ([("ebrd",), ("ebrd",)], ["1 follows the input's edges"], ["as strongly", "different", "(A)"]),
    "awake in one case": ([("bbbbbd",), ("bbbbbb",)], ["Channel 5 is dead in one case and not in the"], ["edge"]),
    "noise": ([("rrrr", "rrrr")], [], STRUCTURE),
    "compressed": ([("s" + 19 * "d",)], ["Of 20 channels, 1 holds half of the activity.", "compressed"], STRUCTURE),
    "not numbers": ([("rrx",)], ["Of 3 channels, 1 holds values that are not numbers"], AGAINST),
    "one case": ([("ebns",)], [], AGAINST),
    "twelve cases": ([("ebnd",)] * 11 + [("rrrr",)], ["0 to 1 follow the input's edges"], ["(A)", "(L)"]),
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_must_and_must_not_be_said(situation, case_of):
    layers, must, must_not = SITUATIONS[situation]
    told = words(said([case_of("ABCDEFGHIJKL"[at], *one) for at, one in enumerate(layers)]))
    assert [one for one in must if one not in told] == []
    assert [one for one in must_not if one.lower() in told.lower()] == []
    assert max(map(len, told.split(". ")), default=0) < 200


def test_of_an_image_of_noise_nothing_is_followed(case_of):
    """Also where the maps go with its pixels: there is nothing in it to be followed."""
    cases = [case_of("A", "eebbnn"), case_of("B", "eebbnn")]
    assert not [one for one in STRUCTURE if one in words(said(cases, noise=["A", "B"]))]
    assert "Of 6 maps, 2 follow" in words(said(cases, noise=["B"]))


@pytest.mark.parametrize("enlarged", [1, 3])
def test_what_noise_is(picture, enlarged):
    rng = np.random.default_rng(8)
    noise = np.kron(rng.integers(0, 256, (120, 160)), np.ones((enlarged, enlarged)))[..., None]
    assert not has_structure(noise)
    assert has_structure(picture)
    assert not has_structure(np.full((20, 30, 3), 90.0))


def test_words_of_a_regression_are_those_of_any_model(case_of):
    told = words(said([case_of("A", "ebnds"), case_of("B", "ebnrs", times=3)]))
    assert not [one for one in ("class", "decision", "score", "evidence") if one in told]


def test_a_case_that_excites_a_layer_more(reference, make_case):
    bright = [measure_layer("l0", times * maps_of(reference, "bbb"), reference) for times in (1, 3)]
    (found,) = [one for one in said([make_case(t, layers=(m,)) for t, m in zip("AB", bright, strict=True)])
                if one.kind == "difference"]  # fmt: skip
    assert found.text.startswith("B excites it 3.0 times as strongly as A")
    assert found.numbers["times"] == pytest.approx(3)


def test_the_stronger_case_is_named_where_it_is_the_same_in_all_layers(case_of):
    weak, strong, both = (case_of("AB"[at], "bbb", "bbb", times=times) for at, times in ((0, 1), (1, 2), (1, 1)))
    crossed = replace(both, layers=(strong.layers[0], case_of("B", "bbb", "bbb", times=0.5).layers[1]))
    for other, sentence in (
        (strong, "In both layers, B excites the channels 2.00 times as strongly as A."),
        (crossed, "In both layers, one case excites the channels 2.00 times as strongly as another."),
    ):
        assert sentence in words(said([weak, other]))


def test_where_cases_part_is_compared_with_the_layer_before(case_of):
    cases = [case_of("A", "rrrrrr", "rrrrrr"), case_of("B", "rrrrrr", "rrrrrr")]
    other = replace(cases[1], layers=(cases[0].layers[0], case_of("B", "rrr", "rrrrrr", seed=77).layers[1]))
    (found,) = [one for one in said([cases[0], other]) if one.kind == "parting"]
    assert found.layer == "l1"
    assert found.text.endswith("in l0 with 1.00.")
    assert found.numbers["correlation"] == correlation_of_means(cases[0].layers[1], other.layers[1])


def test_a_change_is_told_from_the_layer_before_and_says_what_it_is(case_of):
    told = [one for one in said([case_of("A", "rrrr", "ssss")]) if one.kind.startswith("sharpness")]
    (found,) = [one for one in told if one.layer == "l1"]
    assert found.kind == "sharpness_change"
    assert re.match(r"Sharpness falls to \d\.\d\d of the input's, from \d\.\d\d in l0\.", found.text)


def test_nothing_stands_twice_and_no_layer_has_more_than_three(case_of):
    rich = ["eebnds" + "d" * 14, "bbnnds", "nnnsdd", "ebnsrd", "rrrrrd", "dddddd", "eeebbb", "ssssss", "rrssee"]
    cases = [case_of("A", *rich), case_of("B", *rich[::-1][:0], *rich, seed=40, times=2)]
    remarks = said(cases)
    shapes = Counter((one.kind, one.layer is None) for one in remarks)
    assert max(shapes.values()) == 1
    assert len({one.text for one in remarks}) == len(remarks)
    assert max(Counter(one.layer for one in remarks if one.layer).values()) <= MOST
    assert {one.kind for one in remarks} <= {matter.kind for matter in MATTERS}


def test_every_sentence_has_its_numbers_and_leads_to_them(case_of):
    for one in said([case_of("A", "eebnds", "rrrdss"), case_of("B", "bbnnds", "sssrrr", seed=9)]):
        assert one.numbers
        assert one.proof == "layer-numbers"
        assert all(np.isfinite(value) for value in one.numbers.values())


def test_many_layers_are_told_by_their_ends(case_of):
    (found,) = [one for one in said([case_of("A", *["eerr"] * 7, "rrrr")]) if one.kind == "edges"]
    assert found.text.startswith("In 7 of 8 layers, from l0 to l6, 50 % of the maps follow the input's edges, most in")


def test_half_of_the_activity_by_hand(reference):
    """Root mean squares of 4, 3, 2 and 1: the first two hold 7 of 10, the first alone 4."""
    maps = np.stack([np.where(np.indices(SIZE).sum(0) % 2, one, -one) for one in (1, 4, 2, 3)], -1).astype(np.float32)
    assert traits_of(measure_layer("l", maps, reference)).half == 2


def test_maps_of_few_places_follow_nothing(reference):
    small = measure_layer("l", np.asarray(reference.at((8, 12)).edges)[..., None], reference)
    assert small.statistics.edge_correlation[0] == pytest.approx(1)
    assert traits_of(small).edges is None
