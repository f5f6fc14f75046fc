"""Images in the forms that people have them in, in Python."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow

from reportgen.images.cases import Case
from reportgen.images.given import given_cases
from reportgen.images.reader import image_from_array
from reportgen.system.errors import ImageError, SettingsError

NAMES = ["NORMAL", "PNEUMONIA"]


def cases(images, labels=None):
    return given_cases(images, labels, lambda: NAMES)


@pytest.fixture
def batch(picture) -> np.ndarray:
    return np.stack([picture, picture[::-1], picture[:, ::-1]])


def test_an_array_of_one_image_of_gray_ones_or_of_several(picture, batch):
    assert [case.image.size for case in cases(picture)] == [(24, 36)]
    assert [case.image.size for case in cases(picture[..., 0])] == [(24, 36)]
    assert [case.image.pixels.shape for case in cases(batch[..., 1])] == [(24, 36)] * 3
    found = cases(batch)
    assert [case.name for case in found] == ["image 1", "image 2", "image 3"]
    for case, wanted in zip(found, batch, strict=True):
        np.testing.assert_array_equal(case.image.pixels, wanted)


def test_floats_up_to_one_are_shares_of_255_and_say_so(batch):
    (first, *_) = cases(batch.astype(np.float32) / 255)
    np.testing.assert_allclose(first.image.pixels, batch[0], atol=1e-4)
    assert "0 to 1" in first.image.notes[0]
    (plain, *_) = cases(batch.astype(np.float32))
    np.testing.assert_array_equal(plain.image.pixels, batch[0])
    assert plain.image.notes == ()


def test_one_dark_image_of_a_batch_is_scaled_as_the_others_are(batch):
    dark = batch.astype(np.float32)
    dark[0] = np.clip(dark[0] / 255, 0, 1)
    np.testing.assert_array_equal(cases(dark)[0].image.pixels, dark[0])


def test_values_after_preprocessing_are_refused_with_what_to_do(batch):
    with pytest.raises(ImageError, match="before preprocessing"):
        cases(batch.astype(np.float32) - 120)


def test_pillow_images_are_read_as_files_are(picture, tmp_path):
    path = tmp_path / "one.png"
    Pillow.fromarray(picture).save(path)
    with Pillow.open(path) as opened:
        (found,) = cases(opened)
    assert found.name == "one.png"
    np.testing.assert_array_equal(found.image.pixels, picture)
    clear = np.dstack([picture, np.zeros((24, 36), np.uint8)])
    (found,) = cases(Pillow.fromarray(clear))
    assert not found.image.pixels.any()  # what can't be seen is black, as in a file


def test_paths_pairs_cases_and_lists_of_all(picture, tmp_path):
    path = tmp_path / "one.png"
    Pillow.fromarray(picture).save(path)
    image = image_from_array(picture)
    found = cases([path, ("NORMAL", str(path)), ("PNEUMONIA", picture), Case("x", image, "own"), picture])
    assert [case.label for case in found] == [None, "NORMAL", "PNEUMONIA", "x", None]
    assert [case.name for case in found] == ["one.png", "one.png", "PNEUMONIA", "own", "image 5"]


def test_labels_as_numbers_rows_and_names(batch):
    assert [case.label for case in cases(batch, [0, 1, "other"])] == ["NORMAL", "PNEUMONIA", "other"]
    assert [case.label for case in cases(batch, np.eye(2)[[1, 0, 1]])] == ["PNEUMONIA", "NORMAL", "PNEUMONIA"]
    assert [case.label for case in cases((batch, np.array([[0.0], [1.0], [1.0]])))] == ["NORMAL", *["PNEUMONIA"] * 2]
    assert cases(batch, [[1, 1], [0, 0], [0, 1]])[0].label == "NORMAL+PNEUMONIA"
    for wrong in ([0, 2, 0], [0, 0.5, 1]):
        with pytest.raises(SettingsError, match="no class"):
            cases(batch, wrong)
    with pytest.raises(SettingsError, match="not as many"):
        cases(batch, [0])


def test_of_a_model_that_gives_numbers_labels_are_numbers(batch):
    found = given_cases(batch[:3], [3.7, 0, np.float32(-12.25)], lambda: ())
    assert [case.label for case in found] == ["3.7", "0", "-12.25"]
    assert given_cases(batch[:1], [[1, 2.5]], lambda: ())[0].label == "1, 2.5"


def test_an_array_with_four_channels_is_refused_as_what_it_is():
    with pytest.raises(ImageError, match=r"got \(20, 30, 4\)"):
        cases(np.zeros((20, 30, 4), np.uint8))


@pytest.mark.parametrize("batched", [False, True])
def test_a_dataset_gives_its_images_and_labels(batch, batched):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((batch.astype(np.float32) / 255, [0, 1, 0]))
    found = cases(data.batch(2) if batched else data)
    assert [case.label for case in found] == ["NORMAL", "PNEUMONIA", "NORMAL"]
    np.testing.assert_allclose(found[2].image.pixels, batch[2], atol=1e-4)
    one = next(iter(data.batch(2)))
    assert [case.label for case in cases(one)] == ["NORMAL", "PNEUMONIA"]
    assert cases(tf.constant(batch))[1].label is None


def test_none_and_too_many_are_told_with_what_to_do(batch):
    import tensorflow as tf

    endless = tf.data.Dataset.from_tensor_slices(batch).repeat()
    for many in (np.zeros((13, 8, 9, 3)), endless):
        with pytest.raises(SettingsError, match=r"more than 12 images given; give 1 to 12, .*take\(4\)"):
            cases(many)
    with pytest.raises(SettingsError, match="no image"):
        cases([])
    with pytest.raises(SettingsError, match="neither images"):
        cases(tf.data.Dataset.from_tensors({"image": batch}))
