"""What is kept of a case comes back as it was; areas are averaged as by hand."""

import dataclasses

import numpy as np
import pytest

from reportgen.batch.numbers import CaseNumbers, parse_numbers, read_batch, read_numbers, render_numbers, shrink
from reportgen.batch.storage import storage_at
from reportgen.system.errors import OutputError


def case(number, **changes):
    rng = np.random.default_rng(number)
    made = CaseNumbers(
        item="a-1", case=number, name='"><b>.png', title="T", label=None, sha256="0" * 64, scores=rng.random(3),
        predicted=1,
        correct=None, target=2, base_evidence=float("nan"), beats_chance="", flip_share=0.25, border_share=float("nan"),
        channel_means={"conv/1": rng.random(4).astype(np.float32), "b": rng.random(2).astype(np.float32)},
        features=rng.random(7).astype(np.float32), features_layer="dense",
        thumbnail=rng.integers(0, 255, (5, 8)).astype(np.uint8),
        columns={"sex": "f", "ä": "=1"},
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_numbers_come_back_as_they_were(tmp_path):
    cases = [case(0), case(1, evidence=np.arange(6, dtype=np.float16).reshape(2, 3), label="A", correct=True)]
    path = tmp_path / "a-1.npz"
    path.write_bytes(render_numbers(cases))
    assert render_numbers(cases) == path.read_bytes()
    for found, expected in zip(read_numbers(storage_at(tmp_path), path.name, "a-1"), cases, strict=True):
        for field in dataclasses.fields(expected):
            one, other = getattr(found, field.name), getattr(expected, field.name)
            np.testing.assert_equal(one, other, err_msg=field.name)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x93NUMPY"])
def test_damaged_numbers_are_told(tmp_path, data):
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    with pytest.raises(OutputError, match="run the batch again"):
        read_numbers(storage_at(tmp_path), path.name, "a")
    with pytest.raises(OutputError, match="holds no batch"):
        read_batch(tmp_path)


def test_numbers_of_another_version_are_refused():
    with pytest.raises(ValueError, match="another version"):
        parse_numbers({"meta": np.array('{"version": 9, "cases": []}')}, "a")


@pytest.mark.parametrize(("size", "side"), [((6, 4), 3), ((7, 5), 3), ((3, 9), 4), ((150, 100), 64)])
def test_areas_are_averaged(size, side):
    values = np.random.default_rng(0).random(size)
    found = shrink(values, side)
    assert found.shape == (min(size[0], side), min(size[1], side))
    # each pixel cut into so many parts that areas end between them
    fine = np.repeat(np.repeat(values, found.shape[0], axis=0), found.shape[1], axis=1)
    expected = fine.reshape(found.shape[0], size[0], found.shape[1], size[1]).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_small_arrays_stay():
    values = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(shrink(values), values)
    assert shrink(np.zeros((70, 66, 3))).shape == (64, 64, 3)
