"""Model files spoiled at random: nothing but a ReportgenError comes of them. ``tests/kinds/fuzz.py`` looks deeper."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds.models import MODEL_KINDS
from kinds.mutations import FORMATS, emptied, spoiled_bytes, spoiled_config

from reportgen.models.formats import hdf5_probe
from reportgen.models.loader import load_model
from reportgen.settings.report import LimitSettings, ModelSettings
from reportgen.system.errors import ReportgenError
from reportgen.system.text import visible

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> dict[str, Path]:
    """The files that are spoiled, by kind."""
    wanted = {name for names, _ in FORMATS.values() for name in names}
    made = {}
    for kind in MODEL_KINDS:
        if kind.name in wanted:
            made[kind.name] = Path(kind.build(tmp_path_factory.mktemp(kind.name)).source)
    for name in FORMATS["weights"][0]:
        packed = made[name].with_name("emptied.h5")
        emptied(made[name], packed)
        made[name] = packed
    return made


@pytest.mark.parametrize("name", FORMATS)
def test_spoiled_files(name, seeds, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(hdf5_probe, "_SECONDS", 5.0)
    kinds, write = FORMATS[name]
    model = ModelSettings(architecture="cifar10") if name == "weights" else ModelSettings()

    @settings(max_examples=25, derandomize=True, database=None)
    @given(st.integers(0, 2**32))
    def survives(number):
        path = write(seeds[kinds[number % len(kinds)]], tmp_path_factory.mktemp("spoiled"), Random(number))
        try:
            load_model(path, model, limits=LimitSettings(memory=1 << 30))
        except ReportgenError as problem:
            assert str(problem) == visible(str(problem))
            assert len(str(problem).splitlines()) == 1
            assert len(str(problem)) < 1500

    survives()


@given(st.integers(0, 1000))
def test_what_is_spoiled_can_be_made_again(number):
    data = bytes(range(256))
    assert spoiled_bytes(data, Random(number)) == spoiled_bytes(data, Random(number))
    config = {"a": [1, {"b": None}], "c": "x"}
    spoiled = spoiled_config(config, Random(number))
    assert repr(spoiled) == repr(spoiled_config(config, Random(number)))
    assert config == {"a": [1, {"b": None}], "c": "x"}
