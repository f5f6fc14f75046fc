"""Every kind of model: those that work give what they gave where they were made; the others are refused in a line."""

from __future__ import annotations

import numpy as np
import pytest
from kinds import model_code
from kinds.models import MODEL_KINDS
from kinds.registry import Built, Kind
from kinds.table import DOCUMENT, with_table

from reportgen import build_report
from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.layer_graph import trace
from reportgen.models.loader import LoadedModel, load_model
from reportgen.outputs.page.rendering import render_html
from reportgen.settings.file import settings_from
from reportgen.settings.report import LayerSettings
from reportgen.system.errors import ReportgenError, SettingsError

WORKING = [kind for kind in MODEL_KINDS if not kind.refused]
# drawing takes longest: whole reports where something is unusual about input or output, and one of each group
FIRST = {kind.group: kind for kind in reversed(WORKING)}
WHOLE = [kind for kind in WORKING if kind is FIRST[kind.group] or not kind.maps or kind.group == "Inputs and outputs"]
REFUSED = [kind for kind in MODEL_KINDS if kind.refused]
# what is wrong with a setting needs no file to be named
OF_SETTINGS = ("module '", "there is no architecture")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def own_code():
    model_code.own()


def load(kind: Kind, built: Built) -> LoadedModel:
    settings = settings_from(dict(kind.settings))
    return load_model(built.source, settings.model, settings.preprocessing, limits=settings.limits)


def outputs(function, images) -> np.ndarray:
    return np.asarray(function(images), np.float64).reshape(len(images), -1)


def coarse(shape) -> dict:
    """Two by two patches."""
    return {"patch": [shape[0] // 2, shape[1] // 2], "stride": [shape[0] // 2, shape[1] // 2]}


@pytest.mark.parametrize("kind", WORKING, ids=lambda kind: kind.name)
def test_a_kind_that_works(kind, tmp_path, cases):
    built = kind.build(tmp_path)
    loaded = load(kind, built)
    images = np.random.default_rng(3).uniform(built.low, built.high, (2, *loaded.input_shape)).astype(np.float32)
    expected = outputs(built.original, images)
    assert np.ptp(expected) > 0
    given = outputs(lambda batch: loaded.keras_model(batch, training=False), images)
    np.testing.assert_allclose(given, expected, rtol=0, atol=kind.tolerance * max(1, np.abs(expected).max()))
    assert kind.note in " ".join((*loaded.notes, *loaded.cautions))
    graph = trace(loaded.keras_model)
    layers, _ = choose_layers(graph, LayerSettings(first=3))
    assert bool(layers) == kind.maps
    for maps in feature_maps(graph, layers, images):
        assert maps.values.shape == (2, *graph[maps.layer].map_shape)
        assert np.isfinite(maps.values).all()
    if kind in WHOLE:
        few = {"occlusion": coarse(loaded.input_shape), "layers": {"first": 3}}
        check_report(build_report(loaded, cases, settings_from({**kind.settings, **few})), kind)


def check_report(report, kind):
    assert all(np.isfinite(one.score) for case in report.cases for one in case.predictions)
    assert all(case.occlusion.positions > 1 for case in report.cases)
    assert bool(report.model.shown_layers) == bool(report.cases[0].layers) == kind.maps
    page = render_html(report)
    assert "<h1>" in page
    assert all(f'id="layer-{number + 1}"' in page for number in range(len(report.model.shown_layers)))


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.name)
def test_a_kind_that_is_refused(kind, tmp_path):
    built = kind.build(tmp_path)
    with pytest.raises(ReportgenError) as caught:
        load(kind, built)
    message = str(caught.value)
    assert kind.refused in message
    assert "\n" not in message
    assert len(message) < 700
    assert message.count(str(built.source)) <= 1
    named = built.source.name in message or isinstance(caught.value, SettingsError)
    assert named or any(text in message for text in OF_SETTINGS)


def test_kinds_have_names_of_their_own():
    names = [kind.name for kind in MODEL_KINDS]
    assert len(set(names)) == len(names)
    assert len({(kind.group, kind.title) for kind in MODEL_KINDS}) == len(names)


def test_the_table_in_the_docs_is_current():
    written = DOCUMENT.read_text(encoding="utf-8")
    assert with_table(written) == written
