"""Where the blocks of a network stand in its diagram."""

from __future__ import annotations

import re

import pytest

from reportgen.outputs.page.network import SHOWN_ONE_BY_ONE, Unit, network_units
from reportgen.report.model import LayerSummary, ModelReport


def row(name: str, kind: str, *inbound: str, shape: tuple[int | None, ...] = (None, 8, 6, 4)) -> LayerSummary:
    return LayerSummary(
        name=name, type=kind, output_shape=shape, parameters=1000, trainable=True, activation=None,
        receptive_field=None, inbound=inbound,
    )  # fmt: skip


def model(layers: tuple[LayerSummary, ...], shown: tuple[str, ...] = ()) -> ModelReport:
    return ModelReport(
        name="net.keras", sha256="0" * 64, total_parameters=1, trainable_parameters=1, input_shape=(16, 12, 3),
        output_shape=(1,), head="sigmoid", class_names=("a", "b"), threshold=0.5, preprocessing="none", layers=layers,
        shown_layers=shown,
    )  # fmt: skip


def chain(count: int) -> tuple[LayerSummary, ...]:
    return tuple(row(f"conv{at}", "Conv2D", f"conv{at - 1}" if at else "") for at in range(count))


def residual(modules: int) -> tuple[LayerSummary, ...]:
    layers, before = [row("stem", "Conv2D", "")], "stem"
    for at in range(modules):
        layers += [
            row(f"a{at}", "Conv2D", before), row(f"b{at}", "Conv2D", f"a{at}"),
            row(f"sum{at}", "Add", before, f"b{at}"),
        ]  # fmt: skip
        before = f"sum{at}"
    return tuple(layers)


def test_a_short_chain_is_drawn_box_by_box():
    units = network_units(model(chain(5)))
    assert [unit.name for unit in units] == ["input", *(f"conv{at}" for at in range(5))]
    assert all(unit.count == 1 and len(unit.boxes) == 1 for unit in units)


def test_sizes_are_to_scale():
    """The input is the largest map, the last has a quarter of its sides; 16 channels against 4 are twice as wide."""
    layers = (
        row("first", "Conv2D", "", shape=(None, 16, 12, 16)),
        row("second", "Conv2D", "first", shape=(None, 4, 3, 4)),
    )
    given, first, second = (unit.boxes[0] for unit in network_units(model(layers)))
    assert given.height == first.height == 84
    assert second.height == pytest.approx(84 / 2)
    assert first.width == 40
    assert second.width == pytest.approx(40 / 2)
    assert first.slant == pytest.approx(16 * (12 / 16) ** 0.5, abs=0.05)


def test_a_long_chain_of_alike_is_drawn_once():
    units = network_units(model(chain(300)))
    assert [(unit.count, unit.name, unit.last, unit.layers) for unit in units[1:]] == [(300, "conv0", "conv299", 300)]


def test_a_period_of_two_is_found():
    layers = tuple(
        row(f"l{at}", "Conv2D" if at % 2 else "DepthwiseConv2D", f"l{at - 1}" if at else "") for at in range(60)
    )
    assert [(unit.count, len(unit.boxes)) for unit in network_units(model(layers))[1:]] == [(30, 2)]


def test_residual_modules_are_units_with_a_way_around():
    units = network_units(model(residual(12)))
    assert [(unit.count, unit.name, unit.last) for unit in units] == [
        (1, "input", "input"), (1, "stem", "stem"), (12, "sum0", "sum11"),
    ]  # fmt: skip
    module = units[2]
    assert [box.kind for box in module.boxes] == ["maps", "maps", "merge"]
    assert module.branches == 2
    assert sum("q" in flow for flow in module.flows) == 1
    assert len({box.y for box in module.boxes}) == 1


def test_up_to_two_dozen_blocks_nothing_is_drawn_for_several():
    assert len(network_units(model(chain(SHOWN_ONE_BY_ONE)))) == SHOWN_ONE_BY_ONE + 1
    assert len(network_units(model(chain(SHOWN_ONE_BY_ONE + 1)))) == 2


def test_branches_side_by_side_do_not_overlap():
    layers = (
        row("in", "Conv2D", ""), row("one", "Conv2D", "in"), row("two1", "Conv2D", "in"), row("two2", "Conv2D", "two1"),
        row("three1", "Conv2D", "in"), row("three2", "Conv2D", "three1"), row("three3", "Conv2D", "three2"),
        row("all", "Concatenate", "one", "two2", "three3"),
    )  # fmt: skip
    unit = network_units(model(layers))[2]
    assert unit.branches == 3
    assert {box.kind for box in unit.boxes} == {"maps", "merge"}
    for box in unit.boxes:
        assert box.x >= 0
        assert box.x + box.width + box.slant <= unit.width
        assert box.y - box.height / 2 - box.slant >= 0
        assert box.y + box.height / 2 <= unit.height
        for other in unit.boxes:
            apart = box.x + box.width < other.x or other.x + other.width < box.x
            apart |= abs(box.y - other.y) > (box.height + other.height) / 2
            assert box is other or apart


def test_a_box_leads_to_its_maps_where_they_are_shown():
    layers = (row("conv", "Conv2D", ""), row("relu", "ReLU", "conv"), row("end", "Dense", "relu", shape=(None, 2)))
    units = network_units(model(layers, shown=("relu",)))
    assert [(box.place, box.shown) for unit in units for box in unit.boxes] == [(-1, None), (0, 0), (2, None)]
    assert units[1].boxes[0].words == "conv: Conv2D + ReLU, 8 × 6 × 4, 2,000 parameters"


def test_a_box_for_several_leads_to_those_that_are_shown():
    module = network_units(model(residual(12), shown=("a5", "b0", "b7")))[2]
    assert [box.shown for box in module.boxes] == [0, 1, None]
    assert module.boxes[0].words.startswith("a0: Conv2D")
    assert "shown: a5: Conv2D" in module.boxes[0].words


def test_a_pooling_is_a_slim_box_behind_its_block():
    layers = (row("conv", "Conv2D", ""), row("pool", "MaxPooling2D", "conv", shape=(None, 4, 3, 4)))
    conv, pool = network_units(model(layers))[1].boxes
    assert (conv.kind, pool.kind) == ("maps", "pool")
    assert conv.width > pool.width
    assert conv.height > pool.height


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (row("x", "Conv2D", "x", shape=(None,)),),
        (row("x", "Add", "", "y", shape=(None, 0, -3, None)), row("y", "Odd", "x", "", shape=(None, 5, 4, 3, 2))),
        (row("a", "Conv2D", ""), row("b", "Conv2D", ""), row("c", "Conv2D", "")),
    ],
)
def test_odd_networks_are_drawn_all_the_same(layers: tuple[LayerSummary, ...]):
    for unit in network_units(model(layers)):
        assert unit.width > 0
        assert all(re.fullmatch(r"[-MHVLCZlq0-9. ]+", flow) for flow in unit.flows)


def inspected(name: str) -> ModelReport:
    from reportgen.settings.file import settings_from
    from reportgen.workflows.pipeline import inspect_model

    return inspect_model(settings_from({"model": {"path": f"keras:{name}@random"}}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ResNet50", [1, 1, 2, 1, 3, 1, 5, 1, 2, 1, 1]),  # modules: 3, 4, 6 and 3, the first of each with a shortcut
        ("DenseNet121", [1, 6, 1, 12, 1, 24, 1, 16, 1, 1]),
    ],
)
def test_known_networks_fold_as_their_papers_tell(name: str, expected: list[int]):
    units: tuple[Unit, ...] = network_units(inspected(name))
    assert [unit.count for unit in units[1:]] == expected
