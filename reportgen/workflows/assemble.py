"""What was measured of a model and of each case, as parts of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportgen.analysis import predictions
from reportgen.analysis.findings import all_correct, judge_findings, label_notes
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.analysis.summary import parameter_counts, summarise_layers
from reportgen.images.fitting import aspect_cautions, aspect_notes
from reportgen.images.resizing import Aspect
from reportgen.report.layer import LayerReport
from reportgen.report.model import ModelReport
from reportgen.report.names import plain_name
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, TensorSummary
from reportgen.system.language import say


def case_report(run: CaseRun, subject: Subject, layers: Sequence[LayerReport], aspect: Aspect) -> CaseReport:
    """Return all that was measured of a case."""
    head, case = subject.head, run.case
    findings = judge_findings(head, case.label, run.scores)
    maps = [scan.summary for scan in run.scans]
    return CaseReport(
        label=case.label,
        name=case.name,
        heading=run.title,
        sha256=case.image.sha256,
        kind=case.image.kind,
        height=case.image.size[0],
        width=case.image.size[1],
        notes=(
            *case.image.notes,
            *aspect_notes(case.image.size, subject.size, aspect),
            *(label_notes(case.label, head.class_names) if findings else ()),
        ),
        predictions=predictions.best_predictions(head, run.scores),
        correct=all_correct(findings) if findings else predictions.is_right(head, case.label, run.scores),
        target_class=head.class_names[run.targets[0]],
        tensors=_tensors(run, subject),
        occlusion=maps[0] if maps else None,
        layers=tuple(layers),
        findings=findings,
        further_occlusion=tuple(maps[1:]),
        map_test=run.map_test,
        decision=run.decisions[0] if run.decisions else None,
        known_regions=run.known_regions,
        sanity=run.sanity,
        measures=run.measures,
        regions=run.regions,
        views=tuple(view.summary for view in run.views),
        grid_shift=run.grid_shift,
        further_tests=run.map_tests[1:],
        further_decisions=run.decisions[1:],
    )


def model_report(subject: Subject) -> ModelReport:
    """Return what is known about the model."""
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


def cautions(subject: Subject, runs: Runs, aspect: Aspect) -> list[Remark]:
    """Return what a reader must know before any score is believed."""
    of_cases = [
        f"{run.title}: {text}"
        for run in runs
        for text in (*run.case.image.cautions, *aspect_cautions(run.case.image.size, subject.size, aspect))
    ]
    texts = (*subject.loaded.cautions, *of_cases, *_repeated(runs))
    return [Remark(section="model", kind="caution", text=text, warning=True) for text in texts]


def _repeated(runs: Runs) -> Iterator[str]:
    """Say which cases have the image of another, so that a comparison of them shows nothing."""
    first: dict[str, CaseRun] = {}
    for run in runs:
        before = first.setdefault(run.case.image.sha256, run)
        if before is run:
            continue
        told = {"case": run.title, "other": before.title}
        label, other = run.case.label, before.case.label
        if label is not None and other is not None and plain_name(label) != plain_name(other):
            yield say("{case}: It is the same image as {other}, with another label: one of them must be wrong.", **told)
        else:
            yield say("{case}: It is the same image as {other}: side by side they show nothing.", **told)


def _tensors(run: CaseRun, subject: Subject) -> tuple[TensorSummary, ...]:
    steps = (
        (say("image as read"), run.case.image.pixels),
        (say("resized to the model's input"), run.image),
        (say("preprocessed ({how})", how=subject.loaded.preprocessing.name), run.prepared),
        (say("model output"), run.raw),
    )
    return tuple(
        TensorSummary(name=name, shape=tuple(values.shape), minimum=float(values.min()), maximum=float(values.max()))
        for name, values in steps
    )
