"""Examples: targets, weights and orders against hand-computed ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.training.examples import class_weights, epoch_order, join, sample_weights, targets_of

ORDERS = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def test_targets_of_one_sigmoid_are_a_column(examples):
    assert targets_of(examples([0, 1, 1]), 1).tolist() == [[0], [1], [1]]
    assert targets_of(examples([0, 1, 1]), 1, hard=True).tolist() == [[0], [1], [1]]


def test_targets_of_a_softmax_are_one_hot_or_numbers(examples):
    data = examples([2, 0, 1])
    assert targets_of(data, 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert targets_of(data, 3, hard=True).tolist() == [2, 0, 1]


@pytest.mark.parametrize("hard", [False, True])
def test_targets_of_findings_are_the_findings(examples, hard):
    data = examples(np.array([[True, False, True], [False, False, False]]))
    assert targets_of(data, 3, hard=hard).tolist() == [[1, 0, 1], [0, 0, 0]]


def test_class_weights_by_hand(examples):
    assert class_weights(examples([0, 0, 0, 1])).tolist() == [pytest.approx(4 / 6), 2]
    assert class_weights(examples([0, 1, 1, 2, 2, 2])).tolist() == [2, 1, pytest.approx(2 / 3)]


def test_all_classes_weigh_the_same_in_sum(examples):
    data = examples([0, 1, 1, 2, 2, 2])
    weights = sample_weights(data, "weights")
    assert [weights[data.labels == number].sum() for number in range(3)] == pytest.approx([2, 2, 2])
    assert sample_weights(data, "sampling") is None
    assert sample_weights(data, "none") is None
    assert sample_weights(examples(np.ones((3, 2), bool)), "weights") is None


def test_classes_count_the_same_in_each_source(examples):
    both = join([examples([0, 0, 0, 1]), examples([0, 1])])
    assert both.sources.tolist() == [0, 0, 0, 0, 1, 1]
    assert sample_weights(both, "weights").tolist() == pytest.approx([0.5, 0.5, 0.5, 1.5, 1.5, 1.5])
    assert both.take([3, 4]).sources.tolist() == [0, 1]


def test_gray_images_are_known(examples):
    data = examples([0, 1], shape=(4, 7, 3))
    assert not data.is_gray
    data.images[..., 1:] = data.images[..., :1]
    assert data.is_gray
    assert examples([0, 1]).is_gray


@given(ORDERS, st.integers(0, 5), st.integers(0, 3))
def test_an_order_is_a_permutation_that_seed_and_epoch_settle(examples, labels, seed, epoch):
    data = examples(labels)
    order = epoch_order(data, "weights", seed, epoch)
    assert sorted(order.tolist()) == list(range(len(labels)))
    assert (epoch_order(data, "weights", seed, epoch) == order).all()


def test_orders_of_other_seeds_and_epochs_differ(examples):
    data = examples([0, 1] * 20)
    orders = {tuple(epoch_order(data, "none", seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(ORDERS, st.integers(0, 5))
def test_sampling_gives_each_class_as_many_places(examples, labels, epoch):
    data = examples(labels)
    order = epoch_order(data, "sampling", 1, epoch)
    present = np.unique(data.labels)
    counts = np.array([(data.labels[order] == number).sum() for number in present])
    assert len(order) == len(labels)
    assert counts.max() - counts.min() <= 1
    for number in present:
        # the images of a class come equally often, up to one
        of_class = np.flatnonzero(data.labels == number)
        times = np.array([(order == index).sum() for index in of_class])
        assert times.max() - times.min() <= 1


def test_join_keeps_images_with_their_labels(examples):
    first, second = examples([0, 1], seed=1), examples([1, 1, 0], seed=2)
    both = join([first, second])
    assert both.labels.tolist() == [0, 1, 1, 1, 0]
    assert (both.images == np.concatenate([first.images, second.images])).all()
    assert join([first]) is first


def test_a_digest_changes_with_pixels_labels_and_names(examples):
    data = examples([0, 1, 1])
    others = [examples([0, 1, 0]), examples([0, 1, 1], seed=3), examples([0, 1, 1], names="xy"), data.take([0, 2, 1])]
    assert examples([0, 1, 1]).digest() == data.digest()
    assert len({data.digest(), *(other.digest() for other in others)}) == 5
