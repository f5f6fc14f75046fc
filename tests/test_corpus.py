"""Every input that ever broke a reader, and the seeds of the fuzzer: nothing but a ReportgenError comes of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))

from targets import CORPUS, TARGETS

FILES = [(name, path.name) for name, target in TARGETS.items() for path in sorted(target.corpus.iterdir())]


@pytest.mark.parametrize(("target", "file"), FILES)
def test_a_reader_survives(target, file):
    TARGETS[target].survive((TARGETS[target].corpus / file).read_bytes())


def test_every_target_has_seeds_that_are_read(capfd):
    """Else the fuzzer would start from nothing."""
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    for target in TARGETS.values():
        read = []
        for path in target.corpus.iterdir():
            try:
                read.append(target.read(path.read_bytes()))
            except Exception:  # noqa: BLE001 - the test above tells which may be raised
                continue
        assert read, target.name
