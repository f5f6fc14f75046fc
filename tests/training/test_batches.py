"""Batches: what they hold, in which order, and that they can be taken up at any epoch."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.training.batches import plain_batches, steps_of, training_batches
from reportgen.training.examples import class_weights, epoch_order
from reportgen.training.recipe import AUGMENTATIONS, Recipe

PLAIN = Recipe(epochs=3, batch=4, augmentation=None, balance="none", label_smoothing=0.0)


def listed(batches):
    return [tuple(np.asarray(part) for part in batch) for batch in batches]


@pytest.mark.parametrize(("images", "batch", "steps"), [(8, 4, 2), (9, 4, 3), (1, 4, 1), (3, 100, 1)])
def test_steps(examples, images, batch, steps):
    assert steps_of(examples([0] * images), Recipe(batch=batch)) == steps


def test_an_epoch_holds_each_image_once_in_its_order(examples):
    data = examples([0, 1] * 5)
    batches = listed(training_batches(data, PLAIN, 1, 1 / 255))
    assert [len(images) for images, _ in batches] == [4, 4, 2] * 3
    for epoch in range(3):
        order = epoch_order(data, "none", PLAIN.seed, epoch)
        images, targets = (np.concatenate(parts) for parts in zip(*batches[epoch * 3 : epoch * 3 + 3], strict=True))
        np.testing.assert_allclose(images, data.images[order] / 255, atol=1e-6)
        assert targets[:, 0].tolist() == data.labels[order].tolist()


def test_a_network_that_scales_itself_gets_raw_images(examples):
    data = examples([0, 1] * 3)
    images, _ = listed(training_batches(data, PLAIN, 1, 1.0))[0]
    np.testing.assert_allclose(images, data.images[epoch_order(data, "none", 1, 0)[:4]], atol=1e-3)
    images, _ = listed(plain_batches(data, PLAIN, 1, 1.0, batch=5))[0]
    assert (images == data.images[:5]).all()


def test_gray_images_stay_gray_when_they_are_varied(examples):
    data = examples([0, 1] * 3, shape=(6, 10, 3))
    data.images[..., 1:] = data.images[..., :1]
    recipe = Recipe(epochs=1, batch=4, augmentation=AUGMENTATIONS["radiograph"], balance="none")
    for images, _ in listed(training_batches(data, recipe, 1, 1 / 255)):
        assert images.shape[1:] == (6, 10, 3)
        assert (images[..., 1:] == images[..., :1]).all()


def test_weights_go_with_their_images(examples):
    data = examples([0] * 6 + [1] * 2)
    recipe = Recipe(epochs=1, batch=3, augmentation=None, balance="weights", label_smoothing=0.0)
    for _, targets, weights in listed(training_batches(data, recipe, 1, 1 / 255)):
        assert (weights == class_weights(data)[targets[:, 0].astype(int)]).all()


def test_they_can_be_taken_up_at_any_epoch(examples):
    data = examples([0, 1] * 5)
    recipe = Recipe(epochs=3, batch=4, mixup=0.3, augmentation=AUGMENTATIONS["radiograph"])
    whole = listed(training_batches(data, recipe, 1, 1 / 255))
    rest = listed(training_batches(data, recipe, 1, 1 / 255, first_epoch=1))
    assert len(rest) == 6
    for found, expected in zip(rest, whole[3:], strict=True):
        assert all((a == b).all() for a, b in zip(found, expected, strict=True))


def test_the_same_image_looks_different_in_each_epoch(examples):
    data = examples([0])
    recipe = Recipe(epochs=2, batch=1, augmentation=AUGMENTATIONS["light"])
    (first, *_), (second, *_) = listed(training_batches(data, recipe, 1, 1 / 255))
    assert np.abs(first - second).max() > 0.01


def test_augmentation_is_weaker_at_the_end(examples):
    data = examples([0] * 8)
    recipe = Recipe(epochs=4, batch=8, settling=0.5, augmentation=AUGMENTATIONS["radiograph"], balance="none")
    apart = []
    for epoch, (images, _) in enumerate(listed(training_batches(data, recipe, 1, 1 / 255))):
        plain = data.images[epoch_order(data, "none", 1, epoch)] / 255
        # flips don't count: their strength is not less
        nearest = np.minimum(
            np.abs(images - plain).mean(axis=(1, 2, 3)), np.abs(images[:, :, ::-1] - plain).mean(axis=(1, 2, 3))
        )
        apart.append(nearest.mean())
    assert max(apart[2:]) < min(apart[:2])


def test_mixup_mixes_targets_as_it_mixes_images(examples):
    data = examples([0, 1, 2, 2])
    data.images[:] = (data.labels * 100).reshape(-1, 1, 1, 1)
    recipe = Recipe(epochs=6, batch=4, mixup=0.4, augmentation=None, balance="none")
    mixed = []
    for images, targets in listed(training_batches(data, recipe, 3, 1 / 255)):
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
        # an image of class k is all 100 k: the mean of a mixture says how much of which is in it
        np.testing.assert_allclose(images[:, 0, 0, 0] * 255, targets @ [0, 100, 200], atol=1e-2)
        assert (targets.max(axis=1) >= 0.6 - 1e-6).all()
        mixed.append(targets.max(axis=1).min())
    assert min(mixed) < 0.9


def test_plain_batches_are_all_images_once_in_order(examples):
    data = examples([0, 1, 2] * 3)
    batches = listed(plain_batches(data, PLAIN, 3, 1 / 255, batch=4))
    assert [len(images) for images, _ in batches] == [4, 4, 1]
    np.testing.assert_allclose(np.concatenate([images for images, _ in batches]), data.images / 255, atol=1e-6)
    assert np.concatenate([targets for _, targets in batches]).tolist() == data.labels.tolist()
