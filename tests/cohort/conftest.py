import json

import pytest
from cohorts import BASIS, CLASSES, LAYERS

from reportgen.batch.numbers import render_numbers
from reportgen.batch.record import Ledger, Record, numbers_name
from reportgen.batch.storage import Storage


@pytest.fixture
def write_batch(tmp_path):
    def write(cases, name="out", classes=CLASSES, head="sigmoid", threshold=0.5):
        out = tmp_path / name
        with Storage(out).opened() as storage:
            about = {
                "name": "a model", "sha256": "m" * 64, "class_names": list(classes), "head": head,
                "threshold": threshold, "thresholds": [], "layers": list(LAYERS), "input_size": [60, 90],
            }  # fmt: skip
            storage.write(".reportgen/batch.json", json.dumps({"version": 1, "model": about}).encode())
            items = [case.item for case in cases]
            storage.write(
                ".reportgen/cases.csv", "\n".join(["image,reportgen_id", *(f"x,{one}" for one in items)]).encode()
            )
            for case in cases:
                storage.write(numbers_name(case.item), render_numbers([case]))
                Ledger(storage).write(Record(case.item, BASIS))
        return out

    return write
