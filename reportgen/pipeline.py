"""The whole walk on one screen: inputs -> analysis -> figures -> report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen import provenance
from reportgen.analysis import commentary, predictions
from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.analysis.graph import Graph, trace
from reportgen.analysis.occlusion.scan import Scan, plan, scan
from reportgen.analysis.summary import parameter_counts, summarise_layers
from reportgen.demo.builtin import BUILTIN_MODEL, BUILTIN_NAME
from reportgen.drawing import LayerDrawing, check_colours, model_pictures, occlusion_pictures
from reportgen.figures.heatmaps import image_picture
from reportgen.inputs.cases import Case, check_count
from reportgen.inputs.comments import read_comments
from reportgen.inputs.models import LoadedModel, load_model
from reportgen.inputs.preprocessing import prepare
from reportgen.outputs.saving import SavableReport
from reportgen.report import (
    CaseReport,
    LayerReport,
    ModelReport,
    Picture,
    TensorSummary,
    case_picture_name,
    is_reference,
)
from reportgen.settings import Settings

Array = NDArray[np.generic]


def build_report(
    model: str | Path | LoadedModel | Any | None,
    cases: Sequence[Case],
    settings: Settings | None = None,
    *,
    progress: bool = False,
) -> SavableReport:
    """Run cases through a model and report what it does.

    Parameters
    ----------
    model
        A ``.keras`` or ``.h5`` file, ``keras:NAME``, a Keras model, a :class:`LoadedModel`, or None: the one named in
        the settings, else the built-in one.
    cases
        1 to 12, each ``Case(label, image, name)``.
    settings
        Default: ``Settings()``.
    progress
        Whether to show progress bars on standard error for steps that take longer than 2 s.

    Returns
    -------
    Report
        With ``save_html``, ``save_json`` and ``save_figures``.

    Raises
    ------
    ReportgenError
        When something that was given can't be used.
    """
    settings = settings or Settings()
    check_count(len(cases))
    check_colours(settings)
    watch = provenance.Stopwatch(progress)
    titles = [case.label or case.name for case in cases]

    with watch.step("load model"):
        loaded = load(model, settings, cases)
        keras_model, graph = loaded.keras_model, trace(loaded.keras_model)
        layers, left_out = choose_layers(graph, settings.layers)
        names = [call.path for call in layers]
        comments = read_comments(settings.commentary, names)
        if settings.occlusion.enabled:
            plan(loaded.input_shape[:2], settings.occlusion)

    with watch.step("predict"):
        images = [prepare(case.image, loaded.input_shape, settings.preprocessing) for case in cases]
        inputs = np.stack([loaded.preprocessing(image) for image in images])
        raw = np.asarray(keras_model(inputs, training=False), np.float32).reshape(len(cases), -1)
        head, head_note = predictions.find_head(
            graph, loaded.head, loaded.class_names, loaded.outputs, loaded.threshold
        )
        scores = head.scores(raw)
        labels = [case.label for case in cases]
        targets = predictions.target_classes(settings.occlusion.target, head, labels, scores)

    scans: list[Scan] = []
    if settings.occlusion.enabled:
        with watch.step("occlusion scan", _positions(loaded, settings) * len(cases)) as advance:
            scans = scan(
                keras_model, images, prepare=loaded.preprocessing, scores_of=head.scores, targets=targets,
                class_names=head.class_names, settings=settings.occlusion, on_progress=advance,
            )  # fmt: skip

    drawing = LayerDrawing(titles, settings.feature_maps)
    measured: list[list[LayerReport]] = [[] for _ in cases]
    with watch.step("feature maps", len(layers)) as advance:
        references = [reference_of(image) for image in images]
        for maps in feature_maps(graph, layers, inputs):
            for done, values, reference in zip(measured, maps.values, references, strict=True):
                done.append(measure_layer(maps.layer, values, reference))
            drawing.add(maps, [done[-1] for done in measured])
            advance(1)

    with watch.step("draw"):
        pictures = _pictures(graph, loaded, titles, images, scans, settings) + drawing.finish()

    reports = tuple(
        CaseReport(
            label=case.label,
            name=case.name,
            sha256=case.image.sha256,
            kind=case.image.kind,
            height=case.image.size[0],
            width=case.image.size[1],
            notes=case.image.notes,
            predictions=(best := predictions.best_predictions(head, scores[number])),
            correct=predictions.is_correct(case.label, best[0].class_name, head.class_names),
            target_class=head.class_names[targets[number]],
            tensors=_tensors(case, images[number], inputs[number], raw[number], loaded),
            occlusion=scans[number].summary if scans else None,
            layers=tuple(measured[number]),
        )
        for number, case in enumerate(cases)
    )
    model_report = _model_report(graph, loaded, names, (*loaded.notes, *filter(None, (head_note,)), *left_out), head)
    report = SavableReport(
        title=settings.title or _title(cases),
        created=provenance.created(),
        model=model_report,
        cases=reports,
        remarks=(),
        comments=comments,
        settings=provenance.public_settings(settings),
        versions=provenance.versions(),
        timings=watch.seconds,
        pictures=tuple(pictures),
    )
    shown = [case for _, case in report.side_by_side]
    return report.with_remarks(
        *predictions.doubtful_scores(scores),
        *commentary.prediction_remarks(shown),
        *commentary.occlusion_remarks(shown),
        *commentary.depth_remarks(shown),
        *commentary.layer_remarks(shown, names),
    )


def inspect_model(settings: Settings) -> ModelReport:
    """Return what is known about the model in the settings, without running it.

    Raises
    ------
    ReportgenError
        When it can't be loaded or used.
    """
    loaded = load(None, settings, ())
    graph = trace(loaded.keras_model)
    layers, left_out = choose_layers(graph, settings.layers)
    head, note = predictions.find_head(graph, loaded.head, loaded.class_names, loaded.outputs, loaded.threshold)
    return _model_report(
        graph, loaded, [call.path for call in layers], (*loaded.notes, *filter(None, (note,)), *left_out), head
    )


def prepare_libraries() -> None:
    """Load TensorFlow and Keras now: callers may want to do that quietly or in advance."""
    import keras  # noqa: F401


def load(model: str | Path | LoadedModel | Any | None, settings: Settings, cases: Sequence[Case]) -> LoadedModel:
    """Load whatever names a model; None is the one in the settings, else the built-in one."""
    if isinstance(model, LoadedModel):
        return model
    source, name = model if model is not None else settings.model.path, None
    if source is None:
        source, name = BUILTIN_MODEL, BUILTIN_NAME
    labels = [case.label for case in cases]
    return load_model(source, settings.model, settings.preprocessing, labels=labels, name=name)


def _positions(loaded: LoadedModel, settings: Settings) -> int:
    return plan(loaded.input_shape[:2], settings.occlusion).count + 1


def _pictures(
    graph: Graph,
    loaded: LoadedModel,
    titles: Sequence[str],
    images: Sequence[Array],
    scans: Sequence[Scan],
    settings: Settings,
) -> list[Picture]:
    pictures = [
        image_picture(case_picture_name(case, "input"), title, image)
        for case, (title, image) in enumerate(zip(titles, images, strict=True))
    ]
    if scans:
        pictures += occlusion_pictures(titles, images, scans, settings.occlusion)
    return pictures + model_pictures(graph, summarise_layers(graph), loaded.input_shape, loaded.history or {})


def _model_report(
    graph: Graph, loaded: LoadedModel, shown: Sequence[str], notes: Sequence[str], head: predictions.Head
) -> ModelReport:
    total, trainable = parameter_counts(loaded.keras_model)
    return ModelReport(
        name=loaded.name,
        sha256=loaded.sha256,
        total_parameters=total,
        trainable_parameters=trainable,
        input_shape=loaded.input_shape,
        output_shape=(loaded.outputs,),
        head=head.kind,
        class_names=head.class_names,
        threshold=head.threshold if head.single else None,
        preprocessing=loaded.preprocessing.description,
        layers=summarise_layers(graph),
        shown_layers=tuple(shown),
        notes=tuple(notes),
        card=loaded.card,
        history=loaded.history or {},
    )


def _tensors(case: Case, image: Array, prepared: Array, raw: Array, loaded: LoadedModel) -> tuple[TensorSummary, ...]:
    steps = (
        ("image as read", case.image.pixels),
        ("resized to the model's input", image),
        (f"preprocessed ({loaded.preprocessing.name})", prepared),
        ("model output", raw),
    )
    return tuple(
        TensorSummary(name=name, shape=tuple(values.shape), minimum=float(values.min()), maximum=float(values.max()))
        for name, values in steps
    )


def _title(cases: Sequence[Case]) -> str:
    ordered = sorted(cases, key=lambda case: not is_reference(case.label))
    titles = [case.label or case.name for case in ordered]
    return " and ".join(titles) if len(titles) < 3 else f"{len(titles)} cases"
