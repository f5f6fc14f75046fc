"""Prepared pictures: as reports prepare them, in order, in bounded memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from reportgen.datasets.labelled import Labelled
from reportgen.datasets.pictures import FilePictures, StackedPictures
from reportgen.datasets.prepared import iterate, prepare_all
from reportgen.datasets.reader import read_data
from reportgen.images.fitting import prepare
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import ImageError

PAD = PreprocessingSettings(aspect="pad", resampling="bicubic")
DEFAULT = PreprocessingSettings()


def slowly(data, shape, settings):
    return np.stack([prepare(data.pictures.read(n), shape, settings) for n in range(len(data))])


@pytest.fixture
def files(tmp_path):
    """Seven noisy images of different size, two of them with 16 bits."""
    rng = np.random.default_rng(3)
    for number in range(7):
        size = (9 + number, 14)
        if number in (2, 5):
            pixels = rng.integers(0, 4096, size).astype(np.uint16)
        else:
            pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return read_data(tmp_path).undivided


def stacked(pixels):
    names = tuple(str(number) for number in range(len(pixels)))
    return Labelled(StackedPictures(pixels, "x"), np.arange(len(pixels)), names, names, names)


@pytest.mark.parametrize("settings", [DEFAULT, PAD])
@pytest.mark.parametrize("shape", [(12, 10, 1), (12, 10, 3)])
def test_as_one_by_one(files, shape, settings):
    done = []
    found = prepare_all(files, shape, settings, done.append)
    expected = slowly(files, shape, settings)
    assert expected.dtype == np.float32  # fractions of the images of 16 bits
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.rint(expected))
    assert sum(done) == len(files)


@pytest.mark.parametrize("batch", [1, 3, 7, 20])
def test_batches(files, batch):
    shape = (12, 10, 1)
    batches = list(iterate(files, shape, PAD, batch))
    assert [len(part) for part in batches] == [min(batch, 7 - start) for start in range(0, 7, batch)]
    expected = slowly(files, shape, PAD)
    np.testing.assert_array_equal(np.concatenate(batches), expected)
    if batch == 1:
        assert [part.dtype.name for part in batches] == [
            "uint8" if expected[n].astype(np.uint8).tolist() == expected[n].tolist() else "float32" for n in range(7)
        ]


@pytest.mark.parametrize(
    ("inner", "shape"), [((8, 6), (8, 6, 1)), ((8, 6, 1), (8, 6, 1)), ((8, 6, 3), (8, 6, 3)), ((8, 6), (8, 6, 3))]
)
@pytest.mark.parametrize("settings", [DEFAULT, PAD, PreprocessingSettings(aspect="crop")])
def test_arrays_of_that_shape_are_passed_through(inner, shape, settings):
    pixels = np.random.default_rng(4).integers(0, 256, (5, *inner), np.uint8)
    whole = stacked(pixels)
    for data in (whole, whole.take([4, 0, 2]), whole.take([3, 4, 0, 2]).take([1, 1])):
        expected = slowly(data, shape, settings)
        done = []
        found = prepare_all(data, shape, settings, done.append)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.concatenate(list(iterate(data, shape, settings, 2))), expected)
        assert sum(done) == len(data)
    assert np.shares_memory(prepare_all(whole, shape, settings), pixels) == (shape[2] == (*inner, 1)[2])


def test_large_results_go_to_a_file(files, tmp_path):
    shape = (12, 10, 1)
    small = prepare_all(files, shape, DEFAULT, folder=tmp_path, memory=7 * 120)
    assert not isinstance(small, np.memmap)
    large = prepare_all(files, shape, DEFAULT, folder=tmp_path, memory=7 * 120 - 1)
    assert isinstance(large, np.memmap)
    np.testing.assert_array_equal(large, small)
    np.testing.assert_array_equal(np.load(tmp_path / "prepared.npy"), small)
    assert not isinstance(prepare_all(files, shape, DEFAULT, memory=1), np.memmap)


def test_a_broken_image_stops_both(files):
    broken = files.pictures.paths[4]
    broken.write_bytes(b"broken")
    with pytest.raises(ImageError, match=broken.name):
        prepare_all(files, (12, 10, 1), DEFAULT)
    batches = iterate(files, (12, 10, 1), DEFAULT, 2)
    next(batches)
    next(batches)
    with pytest.raises(ImageError, match=broken.name):
        next(batches)


def test_little_is_read_ahead_and_nothing_after_the_end(files):
    read, threads = [], set()

    class Counting(FilePictures):
        def read(self, index):
            read.append(index)
            threads.add(threading.current_thread())
            return super().read(index)

    pictures = Counting(files.pictures.paths * 10)
    data = Labelled(pictures, np.zeros(70, np.int64), ("a", "b"), ("g",) * 70, ("n",) * 70)
    batches = iterate(data, (12, 10, 1), DEFAULT, 4)
    next(batches)
    batches.close()
    assert 4 <= len(read) <= 12
    assert threading.main_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_none_at_all(files):
    none = files.take([])
    assert prepare_all(none, (12, 10, 1), DEFAULT).shape == (0, 12, 10, 1)
    assert list(iterate(none, (12, 10, 1), DEFAULT, 4)) == []
