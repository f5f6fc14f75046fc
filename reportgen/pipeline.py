"""The whole walk on one screen: inputs -> analysis -> figures -> report."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen import provenance
from reportgen.analysis import commentary, predictions
from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.analysis.findings import all_correct, judge_findings, label_notes
from reportgen.analysis.finiteness import origin_remarks
from reportgen.analysis.graph import Graph, LayerCall, trace
from reportgen.analysis.noise import noise_remarks
from reportgen.analysis.occlusion.scan import Scan, plan, scan
from reportgen.analysis.other_readings import profile_remarks
from reportgen.analysis.summary import parameter_counts, summarise_layers
from reportgen.analysis.targets import Targets, target_classes
from reportgen.analysis.trials import doubts_under, trial_remarks, try_preprocessings
from reportgen.demo.builtin import BUILTIN_NAME
from reportgen.drawing import LayerDrawing, check_channels, check_colours, model_pictures, occlusion_pictures
from reportgen.figures.heatmaps import image_picture
from reportgen.inputs.cases import Case, CaseLike, as_case, check_count, distinct, headings, usual_title
from reportgen.inputs.comments import read_comments
from reportgen.inputs.models import BUILTIN_MODEL, LoadedModel, load_model
from reportgen.inputs.preprocessing import aspect_cautions, aspect_notes, prepare
from reportgen.inputs.resizing import Aspect
from reportgen.outputs.saving import SavableReport
from reportgen.picture import Picture, case_picture_name
from reportgen.report import (
    CaseReport,
    LayerReport,
    ModelReport,
    PreprocessingTrial,
    Remark,
    TensorSummary,
)
from reportgen.settings import TRY, Settings
from reportgen.settings_file import settings_from

Array = NDArray[np.generic]


@dataclass(frozen=True)
class _Subject:
    """The model, traced, with the layers to show and what to say about the choice."""

    loaded: LoadedModel
    graph: Graph
    layers: tuple[LayerCall, ...]
    head: predictions.Head
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the layers to show."""
        return [call.path for call in self.layers]


@dataclass(frozen=True)
class _Run:
    """The cases at the model's size (raw units), preprocessed ``(N, H, W, C)``, and what came out."""

    images: list[Array]
    inputs: NDArray[np.float32]
    raw: NDArray[np.float32]
    scores: NDArray[np.float64]
    targets: Targets


def build_report(
    model: str | Path | LoadedModel | Any | None,
    cases: Sequence[CaseLike],
    settings: Settings | Mapping[str, Any] | None = None,
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
        1 to 12, each a :class:`Case`, ``[LABEL=]IMAGE``, a path, (label, path) or (label, image).
    settings
        Settings, or nested tables as in the settings file; default: ``Settings()``.
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
    chosen = settings if isinstance(settings, Settings) else settings_from(settings or {})
    check_count(len(cases))
    check_colours(chosen)
    read = [as_case(case, chosen.images, chosen.limits) for case in cases]
    titles = headings(read)
    watch = provenance.Stopwatch(progress)
    with watch.step("load model"):
        subject = _subject(model, chosen, read)
        check_channels(chosen.feature_maps, [(call.map_shape or (0, 0, 0))[2] for call in subject.layers])
        comments = read_comments(chosen.commentary, subject.names)
        positions = plan(subject.loaded.input_shape[:2], chosen.occlusion).count if chosen.occlusion.enabled else 0
    with watch.step("predict"):
        run = _predict(subject, read, chosen)
        of_profiles = _profile_remarks(subject, run, read, titles, chosen)
    scans: list[tuple[Scan, ...]] = []
    # what isn't a number can't fall or rise
    if positions and np.isfinite(run.scores).all():
        with watch.step("occlusion scan", (positions + 1) * len(read)) as advance:
            scans = _scan(subject, run, chosen, advance)
    with watch.step("feature maps", len(subject.layers)) as advance:
        layers, grids = _layers(subject, run, titles, chosen, advance)
    with watch.step("draw"):
        pictures = _pictures(subject, titles, run.images, scans, chosen)
    head, alone = subject.head, distinct(read)
    trials: tuple[PreprocessingTrial, ...] = ()
    if chosen.preprocessing.mode == TRY:
        trials = try_preprocessings(subject.loaded, head, run.images, [case.label for case in read], alone)
    reports = [
        _case(case, number, titles[number], subject, run, scans, layers[number], chosen.preprocessing.aspect)
        for number, case in enumerate(read)
    ]
    report = SavableReport(
        title=chosen.title or usual_title(read),
        created=provenance.created(),
        model=_model_report(subject),
        cases=tuple(reports),
        remarks=(),
        trials=trials,
        comments=comments,
        settings=provenance.public_settings(chosen),
        versions=provenance.versions(),
        timings=watch.seconds,
        pictures=(*pictures, *grids),
    )
    shown = [case for _, case in report.side_by_side]
    return report.with_remarks(
        *origin_remarks(subject.graph, run.inputs, run.scores, layers, titles),
        *_cautions(subject, read, titles, chosen.preprocessing.aspect),
        *of_profiles,
        *noise_remarks(subject.loaded, head, run.inputs, run.scores, run.targets, titles),
        *doubts_under(
            subject.loaded, head, subject.loaded.preprocessing, [run.images[n] for n in alone], run.scores[alone]
        ),
        *trial_remarks(trials, regression=head.is_regression),
        *_prediction_remarks(shown, head),
        *commentary.occlusion_remarks(shown, regression=head.is_regression),
        *commentary.depth_remarks(shown),
        *commentary.layer_remarks(shown, subject.names),
    )


def _prediction_remarks(shown: Sequence[CaseReport], head: predictions.Head) -> tuple[Remark, ...]:
    if head.thresholds:
        return commentary.finding_remarks(shown)
    return commentary.prediction_remarks(shown, regression=head.is_regression)


def inspect_model(settings: Settings) -> ModelReport:
    """Return what is known about the model in the settings, without running it.

    Raises
    ------
    ReportgenError
        When it can't be loaded or used.
    """
    subject = _subject(None, settings, ())
    report = _model_report(subject)
    return replace(report, notes=(*subject.loaded.cautions, *report.notes))


def prepare_libraries() -> None:
    """Load TensorFlow and Keras now: callers may want to do that quietly or in advance.

    Garbage collection rests meanwhile, and spares what was made: nothing of it is ever given back, and looking through
    it again and again takes a sixth of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        import keras  # noqa: F401
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def load(model: str | Path | LoadedModel | Any | None, settings: Settings, cases: Sequence[Case]) -> LoadedModel:
    """Load whatever names a model; None is the one in the settings, else the built-in one."""
    if isinstance(model, LoadedModel):
        return model
    source, name = model if model is not None else settings.model.path, None
    if source is None:
        source, name = BUILTIN_MODEL, BUILTIN_NAME
    labels = [case.label for case in cases]
    return load_model(source, settings.model, settings.preprocessing, labels, name, settings.limits)


def _subject(model: str | Path | LoadedModel | Any | None, settings: Settings, cases: Sequence[Case]) -> _Subject:
    loaded = load(model, settings, cases)
    graph = trace(loaded.keras_model)
    layers, left_out = choose_layers(graph, settings.layers)
    head = predictions.Head(loaded.head, loaded.class_names, loaded.threshold, loaded.outputs, loaded.thresholds)
    return _Subject(loaded, graph, layers, head, (*loaded.notes, *left_out))


def _predict(subject: _Subject, cases: Sequence[Case], settings: Settings) -> _Run:
    loaded, head = subject.loaded, subject.head
    images = [prepare(case.image, loaded.input_shape, settings.preprocessing) for case in cases]
    inputs = np.stack([loaded.preprocessing(image) for image in images])
    raw = np.asarray(loaded.keras_model(inputs, training=False), np.float32).reshape(len(cases), -1)
    scores = head.scores(raw)
    labels = [case.label for case in cases]
    targets = target_classes(settings.occlusion.target, head, labels, scores)
    return _Run(images, inputs, raw, scores, targets)


def _profile_remarks(
    subject: _Subject, run: _Run, cases: Sequence[Case], titles: Sequence[str], settings: Settings
) -> list[Remark]:
    """Run the cases that have a colour profile once more, with it treated the other way; one is read at a time."""
    loaded, head, how = subject.loaded, subject.head, settings.preprocessing
    again = {number: case.image.read_otherwise for number, case in enumerate(cases) if case.image.read_otherwise}
    if not again:
        return []
    inputs = np.stack([loaded.preprocessing(prepare(read(), loaded.input_shape, how)) for read in again.values()])
    raw = np.asarray(loaded.keras_model(inputs, training=False), np.float32).reshape(len(inputs), -1)
    otherwise = dict(zip(again, head.scores(raw), strict=True))
    return profile_remarks(head, titles, run.scores, otherwise, settings.images.colour_profiles)


def _scan(subject: _Subject, run: _Run, settings: Settings, advance: Callable[[int], object]) -> list[tuple[Scan, ...]]:
    return scan(
        subject.loaded.keras_model,
        run.images,
        prepare=subject.loaded.preprocessing,
        scores_of=subject.head.scores,
        targets=run.targets,
        class_names=subject.head.class_names,
        settings=subject.loaded.randomness.scan_settings(settings.occlusion),
        on_progress=advance,
        graph=subject.graph,
        outputs=run.raw,
    )


def _layers(
    subject: _Subject, run: _Run, titles: Sequence[str], settings: Settings, advance: Callable[[int], object]
) -> tuple[list[list[LayerReport]], list[Picture]]:
    """Measure and draw one layer after another; returns measures by case and layer, and all pictures."""
    drawing = LayerDrawing(titles, len(subject.layers), settings.feature_maps)
    references = [reference_of(image) for image in run.images]
    measured: list[list[LayerReport]] = [[] for _ in titles]
    for maps in feature_maps(subject.graph, subject.layers, run.inputs):
        of_layer = [measure_layer(maps.layer, *pair) for pair in zip(maps.values, references, strict=True)]
        drawing.add(maps, of_layer)
        for done, measures in zip(measured, of_layer, strict=True):
            done.append(measures)
        advance(1)
    return measured, drawing.finish()


def _pictures(
    subject: _Subject,
    titles: Sequence[str],
    images: Sequence[Array],
    scans: Sequence[tuple[Scan, ...]],
    settings: Settings,
) -> list[Picture]:
    loaded = subject.loaded
    pictures = [
        image_picture(case_picture_name(case, "input"), title, image)
        for case, (title, image) in enumerate(zip(titles, images, strict=True))
    ]
    if scans:
        pictures += occlusion_pictures(titles, images, scans, settings.occlusion)
    layers = summarise_layers(subject.graph)
    return pictures + model_pictures(subject.graph, layers, loaded.input_shape, loaded.history or {})


def _case(
    case: Case,
    number: int,
    heading: str,
    subject: _Subject,
    run: _Run,
    scans: Sequence[tuple[Scan, ...]],
    layers: Sequence[LayerReport],
    aspect: Aspect,
) -> CaseReport:
    head = subject.head
    best = predictions.best_predictions(head, run.scores[number])
    findings = judge_findings(head, case.label, run.scores[number])
    maps = [scan.summary for scan in scans[number]] if scans else []
    return CaseReport(
        label=case.label,
        name=case.name,
        heading=heading,
        sha256=case.image.sha256,
        kind=case.image.kind,
        height=case.image.size[0],
        width=case.image.size[1],
        notes=(
            *case.image.notes,
            *aspect_notes(case.image.size, subject.loaded.input_shape[:2], aspect),
            *(label_notes(case.label, head.class_names) if findings else ()),
        ),
        predictions=best,
        correct=all_correct(findings) if findings else predictions.is_right(head, case.label, run.scores[number]),
        target_class=head.class_names[run.targets[number][0]],
        tensors=_tensors(case, run.images[number], run.inputs[number], run.raw[number], subject.loaded),
        occlusion=maps[0] if maps else None,
        layers=tuple(layers),
        findings=findings,
        further_occlusion=tuple(maps[1:]),
    )


def _model_report(subject: _Subject) -> ModelReport:
    loaded, head = subject.loaded, subject.head
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
        thresholds=head.thresholds,
        preprocessing=loaded.preprocessing.description,
        layers=summarise_layers(subject.graph),
        shown_layers=tuple(subject.names),
        notes=subject.notes,
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


def _cautions(subject: _Subject, cases: Sequence[Case], titles: Sequence[str], aspect: Aspect) -> list[Remark]:
    """Return what a reader must know before any score is believed."""
    size = subject.loaded.input_shape[:2]
    of_cases = [
        f"{title}: {text}"
        for case, title in zip(cases, titles, strict=True)
        for text in (*case.image.cautions, *aspect_cautions(case.image.size, size, aspect))
    ]
    texts = (*subject.loaded.cautions, *of_cases)
    return [Remark(section="model", kind="caution", text=text, warning=True) for text in texts]
