"""A training may start from the weights of a model that was trained before."""

import numpy as np
import pytest

from reportgen.system.errors import ReportgenError
from reportgen.training.start import started_from


@pytest.fixture
def trained(tiny, tmp_path):
    model, path = tiny.build(2), tmp_path / "before.keras"
    model.set_weights([weight + 0.25 for weight in model.get_weights()])
    model.save(path)
    return model, path


def test_the_network_is_built_with_the_weights_of_the_model(tiny, trained):
    model, path = trained
    for found, right in zip(started_from(tiny, path).build(2).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, right)


def test_a_checkpoint_of_another_start_is_another_training(tiny, trained):
    assert started_from(tiny, trained[1]).digest != tiny.digest


def test_a_model_of_other_layers_is_refused(tiny, trained):
    with pytest.raises(ReportgenError, match=r"before\.keras has other layers than tiny for 3 classes"):
        started_from(tiny, trained[1]).build(3)


def test_what_comes_with_the_program_can_learn_places_as_well():
    """Each built-in architecture is trained with coverings: no layer of the second head is called as one of its own."""
    from reportgen.models.architectures import ARCHITECTURES
    from reportgen.training.places import add_places

    for architecture in ARCHITECTURES.values():
        assert add_places(architecture.build(2)) is not None
