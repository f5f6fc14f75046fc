"""The whole walk on one screen: files -> arrays -> numbers -> pictures -> report."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.analysis import predictions, remarks
from reportgen.analysis.activations import feature_maps
from reportgen.analysis.channels import has_structure, measure_layer, reference_of
from reportgen.analysis.deciding import deciding_remarks, repeated_in
from reportgen.analysis.differences import channel_effects, find_groups, gather_differences
from reportgen.analysis.doubts.finiteness import origin_remarks
from reportgen.analysis.doubts.noise import noise_remarks
from reportgen.analysis.doubts.profiles import profile_remarks
from reportgen.analysis.doubts.trials import doubts_under, trial_remarks, try_preprocessings
from reportgen.analysis.featured import channel_remarks, feature_channels
from reportgen.analysis.headlines import headline_remarks
from reportgen.analysis.occlusion.patches import count_positions
from reportgen.analysis.runs import CaseRun, Runs, Subject, are_finite, is_finite, make_subject, run_cases
from reportgen.analysis.standing import check_evaluation_fits, find_standings, otherness_remarks, standing_remark
from reportgen.images.cases import Case, CaseLike, as_case, check_count, headings, usual_title
from reportgen.images.fitting import prepare
from reportgen.models.loader import BUILTIN_MODEL, BUILTIN_NAME, LoadedModel, load_model
from reportgen.outputs.further_sections import add_installed
from reportgen.outputs.page.brand import read_brand
from reportgen.outputs.page.theme import theme_asset
from reportgen.outputs.report_files import SavableReport, as_theme
from reportgen.outputs.saved.evaluation_json import read_evaluation
from reportgen.report.blocks import shown_blocks
from reportgen.report.channels import Differences
from reportgen.report.evaluation import ClassifierEvaluation
from reportgen.report.layer import LayerReport
from reportgen.report.model import ModelReport
from reportgen.report.picture import Picture
from reportgen.report.provenance import creation_time, versions
from reportgen.report.remark import Comment, Remark
from reportgen.report.report import DISCLAIMER, CaseReport, PreprocessingTrial
from reportgen.settings.commentary import read_comments
from reportgen.settings.file import settings_from
from reportgen.settings.report import TRY, Settings, public_settings
from reportgen.system.language import say, speaking
from reportgen.system.progress import Stopwatch
from reportgen.workflows.assemble import case_report, cautions, model_report
from reportgen.workflows.evidence import add_deciding, evidence_remarks, gather_evidence
from reportgen.workflows.illustrate import (
    LayerDrawing,
    check_channels,
    check_colours,
    featured_pictures,
    input_pictures,
    model_pictures,
    occlusion_pictures,
    region_pictures,
    standing_pictures,
)
from reportgen.workflows.page_size import fit_page


@dataclass(frozen=True)
class Walked:
    """A finished report, with the model and the cases that it was made of."""

    report: SavableReport
    subject: Subject
    runs: Runs


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
    return walk(model, cases, chosen, Stopwatch(progress)).report


def walk(
    model: str | Path | LoadedModel | Any | None, cases: Sequence[CaseLike], chosen: Settings, watch: Stopwatch
) -> Walked:
    """Do as :func:`build_report` does, and return with the report what it was made of.

    Parameters
    ----------
    model, cases, chosen
        As there.
    watch
        Times the steps.
    """
    with speaking(chosen.language):
        return _walk(model, cases, chosen, watch)


def _walk(
    model: str | Path | LoadedModel | Any | None, cases: Sequence[CaseLike], chosen: Settings, watch: Stopwatch
) -> Walked:
    check_count(len(cases))
    check_colours(chosen)
    read = [as_case(case, chosen.images, chosen.limits) for case in cases]
    titles = headings(read)
    brand = read_brand(chosen.theme, theme_asset(chosen.theme.folder, "assets/tokens.css"))
    with watch.step("load model"):
        subject, comments, positions = _begin(load(model, chosen, read), chosen)
        evaluation = _evaluation(subject, chosen)
    with watch.step("predict"):
        runs = run_cases(subject, read, titles, chosen)
        of_profiles = _profile_remarks(subject, runs, chosen)
    if positions:
        runs = _with_evidence(subject, runs, chosen, watch, positions)
    with watch.step("feature maps", len(subject.layers)) as advance:
        layers, grids, differences = _layers(subject, runs, chosen, advance)
    if subject.layers and chosen.layers.deciding and are_finite(runs):
        layers = add_deciding(subject, runs, layers, chosen, watch)
    with watch.step("draw"):
        pictures = [*input_pictures(runs), *occlusion_pictures(subject.head, runs, chosen.occlusion)]
        pictures += model_pictures(subject) if chosen.page.shows("model") else []
    pictures += region_pictures(runs, chosen)
    standings = find_standings(evaluation, subject.head, runs) if evaluation else []
    pictures += standing_pictures(standings)
    model_told, cases_told = (
        model_report(subject),
        tuple(
            case_report(run, subject, of_case, chosen.preprocessing.aspect)
            for run, of_case in zip(runs, layers, strict=True)
        ),
    )
    with watch.step("channels that stand out"):
        featured = feature_channels(cases_told, model_told, differences)
        pictures += featured_pictures(subject, runs, featured, chosen.feature_maps.colours)
    trials: tuple[PreprocessingTrial, ...] = ()
    if chosen.preprocessing.mode == TRY:
        trials = try_preprocessings(subject, runs)
    report = SavableReport(
        title=chosen.title or usual_title(read),
        created=creation_time(),
        model=model_told,
        cases=cases_told,
        remarks=(),
        trials=trials,
        comments=comments,
        settings=public_settings(chosen),
        versions=versions(),
        disclaimer=say(DISCLAIMER),
        timings=watch.seconds,
        pictures=(*pictures, *grids),
        brand=brand,
        differences=differences,
        featured=featured,
    )
    shown, head = [case for _, case in report.side_by_side], subject.head
    report = report.with_remarks(
        *origin_remarks(subject, runs, layers),
        *cautions(subject, runs, chosen.preprocessing.aspect),
        *of_profiles,
        *noise_remarks(subject, runs),
        *doubts_under(subject, subject.loaded.preprocessing, runs, np.stack([run.scores for run in runs])),
        *trial_remarks(trials, regression=head.is_regression),
        *_prediction_remarks(shown, head),
        *(otherness_remarks(evaluation, report.model) if evaluation else ()),
        *(standing_remark(standings[number]) for number, _ in report.side_by_side if standings),
        *headline_remarks(report.side_by_side),
        *channel_remarks(differences, featured, report.cases),
        *evidence_remarks(shown, head),
        *deciding_remarks(shown),
        *remarks.layer_remarks(shown, _told(report), noise=[run.title for run in runs if not has_structure(run.image)]),
    )
    report = add_installed(report) if chosen.page.others else report
    limit = chosen.page.max_size
    report = report if limit is None else fit_page(report, limit, as_theme(chosen.theme.folder))
    return Walked(report, subject, runs)


def _told(report: SavableReport) -> tuple[int, ...]:
    """Return the places of the shown layers that stand for their blocks: of these there is something to say."""
    asked = report.settings.get("layers")
    apart = isinstance(asked, dict) and bool(asked.get("show"))
    blocks = shown_blocks(report.model.layers, report.model.shown_layers, apart=apart)
    return tuple(block[-1] for block in blocks)


def check_report(model: LoadedModel, cases: Sequence[Case], settings: Settings) -> None:
    """Refuse what :func:`build_report` would refuse of a model that is yet to be trained.

    Raises
    ------
    ReportgenError
        As there.
    """
    check_count(len(cases))
    check_colours(settings)
    subject, _, _ = _begin(model, settings)
    run_cases(subject, cases, headings(cases), settings)


def _begin(loaded: LoadedModel, settings: Settings) -> tuple[Subject, tuple[Comment, ...], int]:
    """Return the traced model, the commentary on its layers, and how many places of an image are to be covered."""
    subject = make_subject(loaded, settings)
    check_channels(settings.feature_maps, [(call.map_shape or (0, 0, 0))[2] for call in subject.layers])
    comments = read_comments(settings.commentary, subject.names)
    scanned = settings.occlusion.enabled and settings.page.shows("occlusion")
    positions = count_positions(subject.size, settings.occlusion) if scanned else 0
    if not settings.page.shows("layers", "differs"):
        subject = replace(subject, layers=())
        comments = tuple(one for one in comments if one.layer is None)
    return subject, comments, positions


def _with_evidence(subject: Subject, runs: Runs, settings: Settings, watch: Stopwatch, positions: int) -> list[CaseRun]:
    """Gather the evidence of the cases whose scores are numbers; the others stay as they are."""
    able = [run for run in runs if is_finite(run)]
    done = {run.number: run for run in gather_evidence(subject, able, settings, watch, positions)} if able else {}
    return [done.get(run.number, run) for run in runs]


def _prediction_remarks(shown: Sequence[CaseReport], head: predictions.Head) -> tuple[Remark, ...]:
    if head.thresholds:
        return remarks.finding_remarks(shown)
    return remarks.prediction_remarks(shown, regression=head.is_regression)


def inspect_model(settings: Settings) -> ModelReport:
    """Return what is known about the model in the settings, without running it.

    Raises
    ------
    ReportgenError
        When it can't be loaded or used.
    """
    subject = make_subject(load(None, settings, ()), settings)
    report = model_report(subject)
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
    source, name = (model, None) if model is not None else model_source(settings)
    labels = [case.label for case in cases]
    with speaking(settings.language):
        return load_model(source, settings.model, settings.preprocessing, labels, name, settings.limits)


def model_source(settings: Settings) -> tuple[str | Path, str | None]:
    """Return the model that the settings name, else the built-in one, and what to call it if not by its file."""
    return (BUILTIN_MODEL, BUILTIN_NAME) if settings.model.path is None else (settings.model.path, None)


def _evaluation(subject: Subject, settings: Settings) -> ClassifierEvaluation | None:
    if settings.model.evaluation is None:
        return None
    evaluation = read_evaluation(Path(settings.model.evaluation))
    check_evaluation_fits(evaluation, subject.head, subject.loaded.name)
    return evaluation


def _profile_remarks(subject: Subject, runs: Runs, settings: Settings) -> list[Remark]:
    """Run the cases that have a colour profile once more, with it treated the other way; one is read at a time."""
    loaded, how = subject.loaded, settings.preprocessing
    again = {run.number: run.case.image.read_otherwise for run in runs if run.case.image.read_otherwise}
    if not again:
        return []
    inputs = np.stack([loaded.preprocessing(prepare(read(), loaded.input_shape, how)) for read in again.values()])
    otherwise = dict(zip(again, subject.head.scores(subject.run(inputs)), strict=True))
    return profile_remarks(runs, subject.head, otherwise, settings.images.colour_profiles)


def _layers(
    subject: Subject, runs: Runs, settings: Settings, advance: Callable[[int], object]
) -> tuple[list[list[LayerReport]], list[Picture], Differences | None]:
    """Measure and draw one layer after another.

    Returns
    -------
    tuple
        Measures by case and layer, all pictures, and how far channels differ between two groups of cases.
    """
    if not subject.layers:
        return [[] for _ in runs], [], None
    drawing = LayerDrawing([run.title for run in runs], len(subject.layers), settings.feature_maps)
    references = [reference_of(run.image) for run in runs]
    measured: list[list[LayerReport]] = [[] for _ in runs]
    groups = find_groups(runs, subject.head)
    effects: list[tuple[float | None, ...]] = []
    for maps in feature_maps(subject.graph, subject.layers, np.stack([run.prepared for run in runs])):
        of_layer = [measure_layer(maps.layer, *pair) for pair in zip(maps.values, references, strict=True)]
        drawing.add(maps, of_layer)
        for done, measures in zip(measured, of_layer, strict=True):
            done.append(measures)
        if groups:
            effects.append(channel_effects(maps.values, groups[1].cases, groups[2].cases))
        advance(1)
    differences = None
    if groups:
        differences = gather_differences(groups, measured[0], effects, repeated_in(subject.graph, subject.layers))
    return measured, drawing.finish(), differences
