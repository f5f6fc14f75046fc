"""Evaluations made by hand, for the tests of their outputs."""

import dataclasses

import numpy as np

from reportgen.analysis.metrics.evaluation import measure_all
from reportgen.analysis.metrics.scored import Scored
from reportgen.analysis.predictions import Head
from reportgen.figures.heatmaps import thumbnail
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import ClassifierEvaluation, EvaluatedData, EvaluatedImage, Mistake
from reportgen.report.model import ModelCard, ModelReport

SCORES = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.3, 0.1] * 2)
POSITIVE = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0] * 2, bool)


def make_evaluation(text: str = "plain", *, scores=SCORES, kind: str = "two", **changes) -> ClassifierEvaluation:
    """Make one of twenty images of ten patients; ``text`` is put into every text that comes from outside."""
    names = (f"NORMAL {text}", f"PNEUMONIA {text}")
    head, values = Head("sigmoid", names, 0.5), np.stack([1 - scores, scores], axis=1)
    shown = np.stack([~POSITIVE, POSITIVE], axis=1)
    if kind == "several":
        names = (*names, f"third {text}")
        head = Head("softmax", names, 0.5, 3)
        values = np.concatenate([values * 0.8, np.full((20, 1), 0.2)], axis=1)
        shown = np.concatenate([shown, np.zeros((20, 1), bool)], axis=1)
    if kind == "findings":
        head = Head("sigmoid", names, 0.5, 2, (0.5, 0.4))
    groups = np.arange(20) // 2
    scored, resampling = Scored(values, shown, groups, head), Resampling(samples=100, seed=1)
    column = tuple(f"{'FM'[group % 2]} {text}" for group in groups)
    measured = measure_all(scored, {f"sex {text}": column}, resampling, lambda _: None)
    model = ModelReport(
        name=f"model {text}", sha256="a" * 64, total_parameters=12345, trainable_parameters=12000,
        input_shape=(24, 36, 3), output_shape=(head.outputs,), head=head.kind, class_names=names,
        threshold=0.5 if kind == "two" else None, thresholds=head.thresholds, preprocessing=f"scale {text}", layers=(),
        shown_layers=(), notes=(f"Assumed {text}.",), card=ModelCard(title=text, purpose=text),
    )  # fmt: skip
    images = tuple(
        EvaluatedImage(
            name=f"{number} {text}.png", sha256=f"{number:064x}", group=int(groups[number]),
            labels=tuple(np.flatnonzero(shown[number]).tolist()), scores=tuple(values[number].tolist()),
            said=tuple(np.flatnonzero(scored.said[number]).tolist()), correct=bool(scored.correct[number]),
        )
        for number in range(20)
    )  # fmt: skip
    picture = thumbnail("mistake-01", f"wrong {text}", np.full((24, 36), 90, np.uint8))
    made = ClassifierEvaluation(
        title=f"Title {text}", created="2025-06-15T15:06:40Z", task=scored.task, model=model,
        data=EvaluatedData(kind=f"folders {text}", part="test", images=20, groups=10, grouping="By name.",
                           classes={name: int(count) for name, count in zip(names, shown.sum(0), strict=True)},
                           notes=(f"Left out {text}.",)),
        resampling=resampling, images=images, settings={"evaluation": {"seed": 1, "text": text}},
        mistakes=(Mistake(image=2, confidence=0.8, thumbnail=picture, report="reports/mistake-01.html"),),
        cautions=(f"Doubt {text}.",), command=f"reportgen evaluate {text}",
        versions={"reportgen": "0.1.0", "other": text},
        **vars(measured),
    )  # fmt: skip
    return dataclasses.replace(made, **changes)
