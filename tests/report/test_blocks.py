"""Layers gathered into blocks."""

from __future__ import annotations

import dataclasses

from reportgen.report.blocks import Block, gather_blocks, inbound_places
from reportgen.report.model import LayerSummary


def row(name: str, kind: str, *inbound: str, shape: tuple[int | None, ...] = (None, 8, 6, 4)) -> LayerSummary:
    return LayerSummary(
        name=name, type=kind, output_shape=shape, parameters=0, trainable=False, activation=None, receptive_field=None,
        inbound=inbound,
    )  # fmt: skip


RESIDUAL = (
    row("pad", "ZeroPadding2D", ""),
    row("conv", "Conv2D", "pad"),
    row("norm", "BatchNormalization", "conv"),
    row("relu", "ReLU", "norm"),
    row("pool", "MaxPooling2D", "relu"),
    row("left", "Conv2D", "pool"),
    row("short", "Conv2D", "pool"),
    row("left_norm", "BatchNormalization", "left"),
    row("sum", "Add", "short", "left_norm"),
    row("after", "ReLU", "sum"),
    row("flat", "Flatten", "after", shape=(None, 192)),
    row("dense", "Dense", "flat", shape=(None, 2)),
)


def test_what_serves_a_convolution_stands_with_it():
    assert gather_blocks(RESIDUAL) == (
        Block((0, 1, 2, 3, 4), 1, (-1,)),
        Block((6,), 6, (0,)),
        Block((5, 7), 5, (0,)),
        Block((8, 9), 8, (1, 2)),
        Block((10, 11), 11, (3,)),
    )


def test_a_layer_that_two_need_ends_its_block():
    layers = (
        row("conv", "Conv2D", ""), row("relu", "ReLU", "conv"), row("sum", "Add", "conv", "relu"),
        row("end", "ReLU", "sum"),
    )  # fmt: skip
    assert [block.layers for block in gather_blocks(layers)] == [(0,), (1,), (2, 3)]


def test_normalization_before_a_convolution_belongs_to_it():
    layers = (row("norm", "BatchNormalization", ""), row("relu", "ReLU", "norm"), row("conv", "Conv2D", "relu"))
    assert gather_blocks(layers) == (Block((0, 1, 2), 2, (-1,)),)


def test_without_ties_each_layer_follows_the_one_before():
    layers = [dataclasses.replace(layer, inbound=()) for layer in RESIDUAL]
    assert inbound_places(layers) == [(place - 1,) for place in range(12)]


def test_ties_to_what_is_not_there_or_comes_later_are_left_out():
    layers = (row("a", "Conv2D", "b", "none"), row("b", "Conv2D", "b", "a"), row("b", "Conv2D", "b"))
    assert inbound_places(layers) == [(-1,), (0,), (1,)]


def test_of_no_layers_there_are_no_blocks():
    assert gather_blocks(()) == ()
