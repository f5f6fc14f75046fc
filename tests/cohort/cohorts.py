"""Cases made up of random numbers, the same every time."""

import json

import numpy as np

from reportgen.batch.numbers import CaseNumbers, render_numbers
from reportgen.batch.record import Basis, Ledger, Record, numbers_name
from reportgen.batch.storage import Storage

FRAME = (6, 9)
LAYERS = {"conv": 5, "act": 5, "late": 3}
CLASSES = ("NORMAL", "PNEUMONIA")
BASIS = Basis("m" * 64, "s" * 64, "1")


def a_case(number, label="NORMAL", *, shift=0.0, classes=CLASSES, **fields):
    """Make a case whose numbers follow from its own; ``shift`` moves the second channel of the first two layers."""
    random = np.random.default_rng(number)
    conv = random.normal(size=5).astype(np.float32)
    conv[1] += shift
    place = classes.index(label) if label in classes else 0
    scores = random.dirichlet(np.where(np.arange(len(classes)) == place, 6.0, 1.5))
    evidence = random.normal(size=FRAME) + place * np.linspace(-1, 2, FRAME[1])
    said = int(scores.argmax())
    given = {
        "item": f"case-{number:05d}", "case": 0, "name": f"image-{number}.png", "title": label or "?", "label": label,
        "sha256": f"{number:064x}", "scores": scores, "predicted": said,
        "correct": said == place if label in classes else None, "target": len(classes) - 1,
        "base_evidence": float(random.normal(place, 1)), "beats_chance": ("both", "one", "none", "")[number % 4],
        "flip_share": float("nan") if number % 3 == 0 else float(random.uniform()),
        "border_share": float(random.uniform(0.1, 0.5)),
        "channel_means": {"conv": conv, "act": conv * 2 + 1, "late": random.normal(size=3).astype(np.float32)},
        "features": (random.normal(size=4) + place).astype(np.float32), "features_layer": "pool",
        "thumbnail": random.integers(0, 255, FRAME).astype(np.uint8), "evidence": evidence.astype(np.float16),
        "columns": {"label": label or "", "sex": ("f", "m", "")[number % 3], "patient": f"p{number // 2}"},
    }  # fmt: skip
    return CaseNumbers(**(given | fields))


def two_groups(count=40, shift=1.5, **fields):
    return [
        a_case(number, CLASSES[number % 2], shift=shift * (number % 2), **fields) for number in range(count)
    ]  # fmt: skip


def write_folder(out, cases, classes=CLASSES, head="sigmoid", threshold=0.5):
    """Write what a batch keeps of cases, without their pages."""
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
