"""Phantoms as labelled data: alternately normal and not, each by its seed."""

from __future__ import annotations

import numpy as np

from reportgen.datasets.prepared import prepare_all
from reportgen.demo.phantom_data import phantom_data
from reportgen.settings.report import PreprocessingSettings


def test_they_alternate_and_are_patients_of_their_own():
    data = phantom_data(4, 10)
    assert len(data) == len(data.pictures) == 4
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert data.names == data.groups == ("phantom 10", "phantom 11", "phantom 12", "phantom 13")


def test_a_seed_gives_the_same_image_wherever_it_stands():
    data, later = phantom_data(4, 10), phantom_data(2, 12)
    for index in range(2):
        assert (data.pictures.read(index + 2).pixels == later.pictures.read(index).pixels).all()
    taken = data.take([3, 0])
    assert taken.labels.tolist() == [1, 0]
    assert (taken.pictures.read(0).pixels == data.pictures.read(3).pixels).all()
    assert data.pictures.read(0).sha256 != data.pictures.read(2).sha256


def test_they_are_larger_than_models_see_them_and_not_square():
    sizes = {phantom_data(1, seed).pictures.read(0).pixels.shape for seed in range(5)}
    assert all(height >= 240 and width > 150 for height, width in sizes)
    assert len(sizes) > 1


def test_they_are_prepared_as_any_image_is():
    images = prepare_all(phantom_data(2, 0), (48, 64, 3), PreprocessingSettings())
    assert images.shape == (2, 48, 64, 3)
    assert images.dtype == np.uint8
    assert (images[..., 0] == images[..., 2]).all()


def test_none():
    assert len(phantom_data(0, 0)) == 0
