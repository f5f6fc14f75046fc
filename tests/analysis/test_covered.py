"""Covered images: each is run once, and gives what the model gives for it alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.covered import cover, make_passes
from reportgen.analysis.occlusion.scan import make_fill
from tests.analysis.test_deciding import subject_and_runs

SIZE, COUNT = (24, 36), 40


@pytest.fixture
def prepared(small_model, cases):
    subject, runs = subject_and_runs(small_model, cases)
    passes, sizes = make_passes(subject, runs, 1 << 30), []

    def forward(batch):
        sizes.append(len(batch))
        return passes.forward(batch)

    return subject, runs, replace(passes, forward=forward), sizes


def masks():
    return np.random.default_rng(4).random((COUNT, *SIZE)) < np.linspace(0, 1, COUNT)[:, None, None]


def test_blurred_images_give_what_each_gives_alone(prepared):
    subject, runs, passes, _ = prepared
    for run in runs[:2]:
        scores = cover(subject, passes, run, 1).all_scores(masks())
        blurred = make_fill(run.image, "blur")[0]
        for mask, found in zip(masks(), scores, strict=True):
            image = np.where(mask[..., None], blurred, run.image).astype(np.float32)
            expected = subject.head.scores(subject.run(subject.loaded.preprocessing(image)[None]))[0]
            assert found == pytest.approx(expected, abs=1e-5)


def test_what_was_run_is_not_run_again(prepared):
    subject, runs, passes, sizes = prepared
    covered = cover(subject, passes, runs[0], 1)
    first = covered.blurred_outputs(masks())
    assert sum(sizes) == -(-COUNT // passes.size) * passes.size
    sizes.clear()
    # in another order, some twice, and for another class
    order = [7, 3, 3, 39, 0]
    again = cover(subject, passes, runs[0], 0).blurred_outputs(masks()[order])
    np.testing.assert_array_equal(again, first[order])
    assert sizes == []
    # of another case, and with another stand-in, it is
    cover(subject, passes, runs[1], 1).blurred_outputs(masks()[:2])
    covered.imputed_outputs(masks()[:2])
    assert sizes == [passes.size] * 2


def test_a_mask_that_comes_twice_at_once_is_run_once(prepared):
    subject, runs, passes, sizes = prepared
    found = cover(subject, passes, runs[0], 1).blurred_outputs(np.concatenate([masks()[:5]] * 9))
    assert sizes == [passes.size]
    np.testing.assert_array_equal(found, np.tile(found[:5], (9, 1)))
