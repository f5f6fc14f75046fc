"""Coverings while training: what is seen of a region, and how targets follow it, against plain counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from reportgen.demo.phantom_data import phantom_data
from reportgen.training.augment import Draws
from reportgen.training.batches import training_batches
from reportgen.training.coverings import cover, grade
from reportgen.training.examples import join
from reportgen.training.fit import fit_model
from reportgen.training.places import add_places, loss_with_places
from reportgen.training.recipe import AUGMENTATIONS, Recipe

COUNT, HEIGHT, WIDTH = 400, 24, 40
PLAIN = Recipe(epochs=1, batch=64, augmentation=None, balance="none")


@pytest.fixture(scope="module")
def covered():
    random = np.random.default_rng(4)
    images = random.uniform(0.05, 0.95, (COUNT, HEIGHT, WIDTH, 1)).astype(np.float32)
    regions = np.zeros((COUNT, HEIGHT, WIDTH, 1), np.float32)
    regions[: COUNT // 2, 6:18, 10:22] = 1
    found, left, seen = cover(tf.constant(images), tf.constant(regions), Draws(COUNT, 5, 9))
    # a filling never has just the value of a random pixel
    changed = found.numpy() != images
    assert (left.numpy() == np.where(changed, 0, regions)).all()
    return images, regions, found.numpy(), seen.numpy(), changed


def test_what_is_seen_is_what_is_not_covered(covered):
    _, regions, _, seen, changed = covered
    for region, share, gone in zip(regions[: COUNT // 2], seen, changed, strict=False):
        inside = region > 0
        assert share == pytest.approx((inside & ~gone).sum() / inside.sum(), abs=1e-6)
    assert (seen[COUNT // 2 :] == 0).all()
    assert {0.0, 1.0} <= set(seen.tolist())
    assert 0.3 < ((seen[: COUNT // 2] > 0) & (seen[: COUNT // 2] < 1)).mean() < 0.8


def test_a_quarter_is_untouched_as_many_have_one_block_and_a_few_nothing_left(covered):
    gone = covered[4].mean(axis=(1, 2, 3))
    assert (gone == 0).mean() == pytest.approx(0.25, abs=0.08)
    assert (gone == 1).mean() == pytest.approx(0.03, abs=0.025)
    blocks = [one[..., 0] for one in covered[4] if 0 < one.mean() < 0.17]
    full = [one for one in blocks if (one == np.outer(one.any(axis=1), one.any(axis=0))).all()]
    assert len(full) / COUNT > 0.2
    for one in full:
        high, wide = one.any(axis=1).mean(), one.any(axis=0).mean()
        assert high <= 0.4 + 1 / HEIGHT
        assert wide <= 0.4 + 1 / WIDTH


def test_fillings_are_the_mean_a_gray_or_the_blurred_image(covered):
    images, _, found, _, changed = covered
    kinds = {"mean": 0, "gray": 0, "blurred": 0}
    for image, one, gone in zip(images, found, changed, strict=True):
        if gone.any():
            values = one[gone]
            even = np.ptp(values) < 1e-6
            kind = "blurred" if not even else "mean" if abs(values[0] - image.mean()) < 1e-5 else "gray"
            kinds[kind] += 1
    shares = {kind: count / sum(kinds.values()) for kind, count in kinds.items()}
    assert shares == {
        kind: pytest.approx(at, abs=0.08) for kind, at in (("blurred", 0.55), ("mean", 0.35), ("gray", 0.1))
    }


@pytest.mark.parametrize("outputs", [1, 2])
def test_log_odds_run_evenly_from_one_smoothed_label_to_the_other(outputs):
    seen = np.linspace(0, 1, 6, dtype=np.float32)
    ill = np.ones((6, 1), np.float32)
    labels = ill if outputs == 1 else np.concatenate([1 - ill, ill], axis=1)
    targets, weights = (one.numpy() for one in grade(tf.constant(labels), tf.constant(seen), 0.1))
    assert targets.shape == labels.shape
    if outputs == 2:
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    smoothed = targets[:, -1] * 0.9 + 0.05
    bound = np.log(0.95 / 0.05)
    np.testing.assert_allclose(np.log(smoothed / (1 - smoothed)), np.linspace(-bound, bound, 6), atol=1e-4)
    # a step of the log-odds costs the same everywhere: the second derivative of the weighted cross-entropy
    np.testing.assert_allclose(weights * smoothed * (1 - smoothed), weights[0] * 0.05 * 0.95, rtol=1e-4)


def test_what_shows_nothing_stays_so_however_much_is_seen():
    targets, _ = grade(tf.zeros((3, 1)), tf.constant([0.0, 0.5, 1.0]), 0.05)
    np.testing.assert_allclose(targets, 0, atol=1e-6)


def listed(batches):
    return [tuple(part.numpy() for part in batch) for batch in batches]


@pytest.fixture
def mixed(examples):
    """Eight images of which nothing is known, eight that are located."""
    one = examples([0, 1] * 4)
    regions = np.zeros((8, *one.images.shape[1:3]), bool)
    regions[1::2, 2:5, 3:7] = True
    return join([one, replace(one, regions=regions, located=np.ones(8, bool))])


def test_only_located_images_are_graded(mixed):
    recipe = replace(PLAIN, epochs=8, batch=16)
    plain, graded = [], []
    for _, targets, weights in listed(training_batches(mixed, recipe, 1, 1 / 255)):
        assert targets.shape == (16, 1)
        plain.append((weights == 1).sum())
        graded.extend(targets[(targets > 0.01) & (targets < 0.99)])
    assert plain == [8] * 8
    assert len(graded) >= 4


def test_they_can_be_taken_up_at_any_epoch(mixed):
    recipe = replace(PLAIN, epochs=3, batch=5, augmentation=AUGMENTATIONS["covered"])
    whole, rest = (listed(training_batches(mixed, recipe, 1, 1 / 255, first_epoch=at)) for at in (0, 2))
    for found, expected in zip(rest, whole[8:], strict=True):
        assert all((a == b).all() for a, b in zip(found, expected, strict=True))


def test_regions_move_with_their_images(mixed):
    # of a white region on black, moved and turned: what is seen of an uncovered image is all that is left of it
    shown = replace(mixed, images=np.where(mixed.regions[..., None], 255, mixed.images // 8).astype(np.uint8))
    how = replace(AUGMENTATIONS["light"], brightness=0.0, contrast=1.0)
    recipe = replace(PLAIN, epochs=4, batch=16, augmentation=how, settling=0.0)
    for images, targets, weights in listed(training_batches(shown, recipe, 1, 1 / 255)):
        bright = (images.mean(axis=-1) > 0.6).sum(axis=(1, 2))
        for count, target, weight in zip(bright, targets[:, 0], weights, strict=True):
            if weight != 1 and target > 0.99:
                assert count >= 5


def test_phantoms_tell_where_their_opacities_are():
    data = phantom_data(8, 400, each_kind=True)
    for number in range(8):
        image, opacities = data.pictures.read_located(number)
        assert opacities.shape == image.pixels.shape[:2]
        assert opacities.any() == bool(data.labels[number])
        assert data.pictures.read(number).sha256 == image.sha256
    assert data.take([3]).pictures.read(0).sha256 == data.pictures.read(3).sha256


def test_places_are_told_beside_the_scores(mixed):
    recipe = replace(PLAIN, epochs=6, batch=16, label_smoothing=0.1)
    for _, targets, weights in listed(training_batches(mixed, recipe, 1, 1 / 255, grid=(2, 3))):
        assert targets.shape == (16, 1 + 1 + 6)
        nothing_known = weights == 1
        assert (targets[nothing_known, 1:] == 0).all()
        np.testing.assert_allclose(targets[~nothing_known, 1] * weights[~nothing_known], 1, rtol=1e-5)
        # 12 pixels of a region in six places of an equal share of the image, where nothing is covered
        whole = ~nothing_known & (targets[:, 0] > 0.99)
        area = np.prod(mixed.images.shape[1:3])
        np.testing.assert_allclose(targets[whole, 2:].mean(axis=1) * area, mixed.regions[1 + 8].sum(), rtol=0.02)


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_loss_is_that_of_the_scores_and_of_the_places_that_are_known(outputs):
    random = np.random.default_rng(8)
    scores, true = random.uniform(0.1, 0.9, (3, outputs)), np.eye(2)[[0, 1, 1]][:, -outputs:]
    places, seen, counts = random.uniform(0.1, 0.9, (3, 4)), random.uniform(0, 1, (3, 4)), np.array([0, 0.5, 2])
    if outputs == 2:
        scores /= scores.sum(axis=1, keepdims=True)
    loss = loss_with_places(outputs, 0.1)
    found = tf.constant(np.concatenate([scores, places], axis=1), tf.float32)
    together = loss(tf.constant(np.concatenate([true, counts[:, None], seen], axis=1), tf.float32), found).numpy()
    alone = loss(tf.constant(true, tf.float32), found).numpy()
    smooth = true * 0.9 + (0.05 if outputs == 1 else 0.1 / 2)
    parts = smooth * np.log(scores) + ((1 - smooth) * np.log(1 - scores) if outputs == 1 else 0)
    np.testing.assert_allclose(alone, -parts.sum(axis=1), rtol=1e-4)
    of_places = -(seen * np.log(places) + (1 - seen) * np.log(1 - places)).mean(axis=1)
    np.testing.assert_allclose(together, alone + 2 * counts * of_places, rtol=1e-4)


def test_the_second_head_shares_the_layers_and_is_not_kept(mixed, tiny):
    model = tiny.build(2)
    places = add_places(model)
    assert places.learner.output_shape == (None, 1 + places.grid[0] * places.grid[1])
    assert {id(weight) for weight in model.weights} < {id(weight) for weight in places.learner.weights}
    trained = fit_model(tiny, mixed, None, replace(PLAIN, epochs=2, batch=8, learning_rate=0.01))
    assert [layer.name for layer in trained.model.layers] == [layer.name for layer in model.layers]
    assert trained.model.output_shape == (None, 1)
    assert set(trained.history) >= {"accuracy", "auc", "loss"}
