"""Bytes changed, left out or put in at random: the data are read or refused in one line, and nothing else happens."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

from reportgen.datasets.cifar import LAYOUTS
from reportgen.datasets.reader import read_data
from reportgen.system.errors import ReportgenError

ROUNDS = 150


def changed(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        # headers are short: they are hit more often than their share
        at = chance.randrange(min(len(data), chance.choice([600, 3000, 1 << 30])))
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + chance.randint(1, 20)] = chance.randbytes(chance.randint(1, 20))
            case 2:
                del data[at + 1 : at + 1 + chance.randint(1, 600)]
            case 3:
                del data[at + 1 :]
    return bytes(data)


def survive(path, seed):
    chance = random.Random(path.name)  # the same changes each time
    refused = 0
    for _ in range(ROUNDS):
        path.write_bytes(changed(seed, chance))
        try:
            read_data(path)
        except ReportgenError as problem:
            refused += 1
            assert len(str(problem).splitlines()) == 1
    assert refused > ROUNDS / 2


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.folder)
@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_archives(tmp_path, cifar, layout, ending):
    seed = cifar(layout.title, layout.version).write(tmp_path / f"seed.{ending}").read_bytes()
    survive(tmp_path / f"{layout.folder}.{ending}", seed)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpy_archives(tmp_path, save):
    buffer = io.BytesIO()
    save(buffer, x_train=np.zeros((3, 5, 7)), y_train=np.eye(3), class_names=["a", "b", "c"], groups_train=np.arange(3))
    survive(tmp_path / f"{save.__name__}.npz", buffer.getvalue())
