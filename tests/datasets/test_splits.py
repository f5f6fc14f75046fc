"""Splits: patients stay on one side, archives are split by count, what is divided on disk stays so."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.pictures import StackedPictures
from reportgen.datasets.splits import describe_overlap, divide, split_by_count, split_by_group
from reportgen.system.errors import ReportgenError, SettingsError


def labelled(groups, names=None, labels=None):
    groups = tuple(groups)
    pixels = np.zeros((len(groups), 4, 6), np.uint8)
    pixels[:, 0, 0] = np.arange(len(groups)) % 256
    numbers = np.arange(len(groups)) % 2 if labels is None else labels
    return Labelled(StackedPictures(pixels, "x"), numbers, ("a", "b"), groups, tuple(names or groups))


def place(group):
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") / 2**32


@given(st.lists(st.integers(0, 12).map(lambda n: f"person{n}"), max_size=40), st.floats(0, 1))
def test_patients_stay_on_one_side(groups, share):
    rest, held = split_by_group(labelled(groups), share)
    assert sorted(rest.groups + held.groups) == sorted(groups)
    assert all(place(group) >= share for group in rest.groups)
    assert all(place(group) < share for group in held.groups)


def test_columns_pixels_and_labels_go_along():
    data = Labelled(
        StackedPictures(np.arange(4 * 24, dtype=np.uint8).reshape(4, 4, 6), "x"),
        np.array([[True, False], [False, False], [True, True], [False, True]]),
        ("a", "b"), tuple("pqrs"), tuple("wxyz"), {"age": tuple("1234")},
    )  # fmt: skip
    taken = data.take([3, 1]).take([1, 0, 0])
    assert taken.names == ("x", "z", "z")
    assert taken.groups == ("q", "s", "s")
    assert taken.columns == {"age": ("2", "4", "4")}
    assert taken.labels.tolist() == [[False, False], [False, True], [False, True]]
    assert [taken.pictures.read(n).pixels[0, 0] for n in range(3)] == [24, 72, 72]
    assert len(taken.pictures) == 3


def test_by_count_exactly():
    data = labelled(f"data_batch_{b}, image {n}" for b in range(1, 6) for n in range(200))
    rest, held = split_by_count(data, 0.2)
    assert (len(rest), len(held)) == (800, 200)
    assert set(rest.names).isdisjoint(held.names)
    assert held.names == tuple(sorted(held.names, key=data.names.index))
    smallest = sorted(data.names, key=place)[:200]
    assert set(held.names) == set(smallest)
    # spread over all batches
    assert all(sum(name.startswith(f"data_batch_{b},") for name in held.names) > 20 for b in range(1, 6))


def test_cifar_becomes_40_10_10():
    train = labelled(f"data_batch_{b}, image {n}" for b in range(1, 6) for n in range(10_000))
    test = labelled(f"test_batch, image {n}" for n in range(10_000))
    parts = Parts(train=train, test=test, patients=False)
    divided = divide(parts, 0.2)
    assert [len(part) for part in divided] == [40_000, 10_000, 10_000]
    assert divided[2] is test
    assert [len(part) for part in divide(Parts(undivided=train, patients=False), 0.2, 0.1)] == [35_000, 10_000, 5_000]


def test_what_is_divided_stays_so():
    train, validation, test = (labelled(f"{part}{n}" for n in range(50)) for part in "abc")
    found = divide(Parts(train=train, validation=validation, test=test), 0.2, 0.2)
    assert found[0].names == train.names
    assert found[1] is validation
    assert found[2] is test
    rest, held, tested = divide(Parts(train=train, test=test), 0.3, 0.3)
    assert sorted(rest.names + held.names) == sorted(train.names)
    assert tested is test
    rest, held, tested = divide(Parts(undivided=train), 0.3)
    assert tested is None
    assert held.names == tuple(name for name in train.names if place(name) < 0.3)
    # the same validation, whatever is kept for testing
    rest, again, tested = divide(Parts(undivided=train), 0.3, 0.2)
    assert again.names == held.names
    assert tested.names == tuple(name for name in train.names if 0.3 <= place(name) < 0.5)
    assert len(rest) + len(again) + len(tested) == 50
    assert divide(Parts(undivided=train), 0)[1:] == (None, None)


def test_what_is_refused():
    data = labelled(["a", "b"])
    with pytest.raises(ReportgenError, match="test: there is no part for training"):
        divide(Parts(test=data), 0.2)
    with pytest.raises(ReportgenError, match="all images belong to the held-back patients"):
        divide(Parts(undivided=labelled(["a"])), 0.999)
    for shares in ((-0.1, 0), (0.5, 0.5), (0.2, -0.1)):
        with pytest.raises(SettingsError, match="together less than 1"):
            divide(Parts(undivided=data), *shares)


def test_overlaps():
    train = labelled(["p1", "p2", "p3", "0001"], ["p1_1.png", "p2_1.png", "p3_1.png", "0001.png"])
    test = labelled(["p2", "p3", "p3", "0001"], ["p2_9.png", "p3_8.png", "p3_9.png", "0001.png"])
    found = describe_overlap(Parts(train=train, test=test))
    assert len(found) == 1
    assert found[0].startswith("2 patients have images in both train and test, by name")
    assert describe_overlap(Parts(train=train, test=test, patients=False)) == ()
    assert describe_overlap(Parts(train=train)) == ()
