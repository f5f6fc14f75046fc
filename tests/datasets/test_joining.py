"""Two data sets as one."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.datasets.joining import join
from reportgen.datasets.labelled import Labelled
from reportgen.datasets.pictures import StackedPictures
from reportgen.system.errors import ReportgenError


def labelled(first, count, classes=("No Finding", "b"), labels=None, **columns):
    pixels = np.zeros((count, 4, 6), np.uint8) + np.arange(first, first + count, dtype=np.uint8)[:, None, None]
    names = tuple(str(number) for number in range(first, first + count))
    numbers = np.arange(count) % 2 if labels is None else labels
    return Labelled(StackedPictures(pixels, "x"), numbers, classes, tuple(f"p{name}" for name in names), names, columns)


def grays(data):
    return [int(data.pictures.read(number).pixels[0, 0]) for number in range(len(data))]


def test_one_after_the_other():
    first = labelled(10, 2, age=("1", "2"), sex=("f", "m"))
    joined = join(first, labelled(20, 3, ("no_finding", "B"), age=("3", "4", "5")))
    assert len(joined) == len(joined.pictures) == 5
    assert grays(joined) == [10, 11, 20, 21, 22]
    assert joined.labels.tolist() == [0, 1, 0, 1, 0]
    assert joined.class_names == ("No Finding", "b")
    assert joined.groups == ("p10", "p11", "p20", "p21", "p22")
    assert joined.columns == {"age": tuple("12345")}
    taken = joined.take([4, 0, 3]).take([2, 1])
    assert grays(taken) == [21, 10]
    assert len(taken.pictures) == 2
    assert taken.names == ("21", "10")


def test_only_the_same_classes():
    with pytest.raises(ReportgenError, match="classes differ: No Finding, b and a, b"):
        join(labelled(0, 2), labelled(0, 2, ("a", "b")))
    with pytest.raises(ReportgenError, match="classes differ"):
        join(labelled(0, 2), labelled(0, 2, labels=np.zeros((2, 2), bool)))
