"""NumPy archives: shapes, ranges, labels of every form, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.datasets.reader import read_data
from reportgen.system.errors import ReportgenError

HEIGHT, WIDTH = 5, 7
GRAY = np.arange(3 * HEIGHT * WIDTH, dtype=np.uint8).reshape(3, HEIGHT, WIDTH)
COLOUR = np.stack([GRAY, GRAY + 50, GRAY + 100], axis=-1)


@pytest.fixture
def read(tmp_path):
    def save_and_read(**arrays):
        # told by what is in it
        path = tmp_path / "data.bin"
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)
        return read_data(path)

    return save_and_read


@pytest.fixture
def told(read):
    def message(**arrays):
        with pytest.raises(ReportgenError) as caught:
            read(**arrays)
        return str(caught.value)

    return message


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GRAY, GRAY),
        (GRAY[..., None], GRAY),
        (GRAY[:, None], GRAY),
        (COLOUR, COLOUR),
        (np.moveaxis(COLOUR, 3, 1), COLOUR),
        (GRAY.astype(np.int64), GRAY),
        (COLOUR.astype(np.float32), COLOUR),
        (COLOUR / 255, COLOUR),
        (np.float32(GRAY) / np.float32(255), GRAY),
    ],
)
def test_pixels(read, array, expected):
    parts = read(images=array, labels=[0, 1, 0])
    for number in range(3):
        np.testing.assert_array_equal(parts.undivided.pictures.read(number).pixels, expected[number])


def test_ranges_are_told(read):
    assert read(x=GRAY, y=[0, 1, 0]).notes == ()
    assert read(x=GRAY / 255, y=[0, 1, 0]).notes == ("The values are floats from 0 to 1: they were multiplied by 255.",)
    half = GRAY + 0.5
    assert read(x=half, y=[0, 1, 0]).notes == ("The values are floats from 0 to 255 and rounded to whole numbers.",)


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([0, 2, 1], ("0", "1", "2"), [0, 2, 1]),
        ([[0], [2], [1]], ("0", "1", "2"), [0, 2, 1]),
        ([0.0, 1.0, 1.0], ("0", "1"), [0, 1, 1]),
        ([False, True, True], ("0", "1"), [0, 1, 1]),
        ([[0, 0, 1], [1, 0, 0], [0, 1, 0]], ("0", "1", "2"), [2, 0, 1]),
        (["dog", "cat", "dog"], ("cat", "dog"), [1, 0, 1]),
        (np.array([b"dog", b"cat", b"dog"]), ("cat", "dog"), [1, 0, 1]),
        (
            [[0, 1, 1], [0, 0, 0], [0, 1, 0]],
            ("0", "1", "2"),
            [[False, True, True], [False, False, False], [False, True, False]],
        ),
        (np.eye(3, dtype=bool), ("0", "1", "2"), np.eye(3, dtype=bool).tolist()),
    ],
)
def test_labels(read, labels, names, numbers):
    data = read(images=GRAY, labels=labels).undivided
    assert data.class_names == names
    assert data.labels.tolist() == numbers
    assert data.of_findings == isinstance(numbers[0], list)


def test_parts_names_and_patients(read):
    parts = read(
        X_train=GRAY, y_train=[0, 1, 0], x_test=GRAY[:2], y_test=[[1], [1]], x_val=GRAY[1:], y_val=[2, 2],
        class_names=["a", "b", "c"], groups_train=["p", "q", "p"], patients_val=[7, 8],
    )  # fmt: skip
    assert parts.kind == "a NumPy archive"
    assert parts.patients
    assert [(name, len(part), part.class_names) for name, part in parts.by_name.items()] == [
        ("train", 3, ("a", "b", "c")),
        ("validation", 2, ("a", "b", "c")),
        ("test", 2, ("a", "b", "c")),
    ]
    assert parts.train.groups == ("p", "q", "p")
    assert parts.validation.groups == ("7", "8")
    assert parts.test.groups == parts.test.names == ("x_test, image 0", "x_test, image 1")
    assert not read(images=GRAY, labels=[0, 1, 0]).patients
    # labels of the test part count too
    assert read(x_train=GRAY, y_train=[0, 1, 0], x_test=GRAY[:1], y_test=[4]).train.class_names == tuple("01234")
    assert len(read(train_images=GRAY, train_labels=[0, 1, 0]).train) == 3


def test_what_is_refused(told, tmp_path):
    good = {"images": GRAY, "labels": [0, 1, 0]}
    assert "holds pictures; it needs x_train" in told(pictures=GRAY)
    assert "holds x_train without labels" in told(x_train=GRAY)
    assert "holds 3 in images and 2 in labels" in told(images=GRAY, labels=[0, 1])
    assert "images has shape (3, 5, 7, 2)" in told(images=np.zeros((3, 5, 7, 2)), labels=[0, 1, 0])
    assert "images has shape (3, 3, 7)" in told(images=GRAY[:, :3], labels=[0, 1, 0])
    assert "images has shape (0, 5, 7)" in told(images=GRAY[:0], labels=[0, 1])
    assert "labels has shape (0,): there are no labels" in told(images=GRAY[:0], labels=[])
    assert "has values from -1 to 103" in told(images=GRAY.astype(int) - 1, labels=[0, 1, 0])
    assert "has values from 0 to 1040" in told(images=GRAY.astype(int) * 10, labels=[0, 1, 0])
    assert "has values from nan to nan" in told(images=np.full(GRAY.shape, np.nan), labels=[0, 1, 0])
    assert "images is of type complex128" in told(images=GRAY * 1j, labels=[0, 1, 0])
    assert "labels has label -1 at image 1" in told(images=GRAY, labels=[0, -1, 1])
    assert "labels is of type float64 and shape (3,)" in told(images=GRAY, labels=[0, 0.5, 1])
    assert "labels up to 0; number classes from 0, at least two" in told(images=GRAY, labels=[0, 0, 0])
    assert "class_names has two that mean the same" in told(**good, class_names=["a", "A"])
    assert "class_names is of type int64" in told(**good, class_names=[1, 2])
    assert "labels has label 1 at image 1; number the 1 classes" in told(**good, class_names=["a"])
    assert "has the label 'x', which is no class" in told(images=GRAY, labels=["a", "x", "b"], class_names=["a", "b"])
    assert "groups has shape (2,)" in told(**good, groups=["a", "b"])
    assert "labels holds Python objects, which may run code" in told(images=GRAY, labels=np.array([{}, 1, 2], object))
    assert "holds mine; it needs" in told(mine=np.array([{}], object))  # not opened
    path = tmp_path / "cut.npz"
    np.savez(path, **good)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ReportgenError, match=r"cut\.npz is damaged at its start"):
        read_data(path)
    np.savez(path, **good)
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(ReportgenError, match=r"cut\.npz is damaged at images .*CRC"):
        read_data(path)
