"""A model's summary, an evaluation and what was checked, as text for a terminal."""

from __future__ import annotations

from reportgen.report.check import Checked, count_failed
from reportgen.report.estimates import describe_estimate
from reportgen.report.evaluation import TWO_CLASSES, ClassifierEvaluation, EvaluationComparison, describe_average
from reportgen.report.model import ModelReport
from reportgen.report.numbers import grouped
from reportgen.report.report import REGRESSION, Report, readable
from reportgen.system.language import say
from reportgen.system.text import visible

_HEADS = ("layer", "type", "output shape", "parameters", "trainable", "receptive field", "maps")


def render_model(model: ModelReport) -> str:
    """Return the summary: what goes in, what comes out, every layer, and which can be shown."""
    facts = {
        "model": model.name,
        "SHA-256": model.sha256,
        "input": f"{_by(model.input_shape)} (height x width x channels)",
        "output": f"{_by(model.output_shape)}, {model.head}",
        "outputs" if model.head == REGRESSION else "classes": _names(model.class_names),
        **({"thresholds": _thresholds(model)} if model.thresholds else {}),
        "preprocessing": model.preprocessing,
        "parameters": f"{model.total_parameters:,}, of which {model.trainable_parameters:,} trainable",
    }
    shown = set(model.shown_layers)
    rows = [
        (
            _one_line(layer.name),
            _one_line(layer.type),
            str(layer.output_shape),
            f"{layer.parameters:,}",
            "yes" if layer.trainable else ("no" if layer.parameters else "-"),
            _by(layer.receptive_field) if layer.receptive_field else "-",
            "yes" if layer.name in shown else "-",
        )
        for layer in model.layers
    ]
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(len(_HEADS))]
    lines = [f"{name:14} {_one_line(value)}" for name, value in facts.items()]
    lines += ["", _line(_HEADS, widths), _line(tuple("-" * width for width in widths), widths)]
    lines += [_line(row, widths) for row in rows]
    lines += ["", *map(_one_line, model.notes)]
    return "\n".join(lines).rstrip() + "\n"


def render_trials(report: Report) -> str:
    """Return the scores under each usual preprocessing as a table, and what they say; empty when none were tried."""
    if not report.trials:
        return ""
    rows = [("values", *(case.title for case in report.cases), "to use it", "what speaks against it")]
    for trial in report.trials:
        scores = (f"{one.class_name} {readable(one.score)}" for one in trial.predictions)
        name, flag = (f"{trial.name} (used)", "-") if trial.chosen else (trial.name, trial.flag or "-")
        rows.append((name, *scores, flag, trial.doubt or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{one.text} {one.interpretation}".rstrip() for one in report.remarks if one.kind == "trials"]
    return "\n".join(visible(line) for line in lines) + "\n"


def render_evaluation(evaluation: ClassifierEvaluation, comparison: EvaluationComparison | None = None) -> list[str]:
    """Return the main figures of an evaluation, a line each, and those of another that is laid over it."""
    data = evaluation.data
    rows = {say("accuracy"): evaluation.accuracy, say("Brier score"): evaluation.brier}
    if evaluation.task == TWO_CLASSES:
        one, own = evaluation.classes[0], evaluation.classes[0].points[0]
        rows = {
            "AUC": one.auc, say("average precision"): one.average_precision, say("sensitivity"): own.sensitivity,
            say("specificity"): own.specificity, **rows, say("calibration error"): one.calibration.expected_error,
        }  # fmt: skip
    else:
        rows = {f"AUC, {describe_average(one.name)}": one.auc for one in evaluation.averages} | rows
    lines = [
        say(
            "{images} images of {patients} patients or groups, 95 % intervals in brackets",
            images=grouped(data.images), patients=grouped(data.groups),
        )
    ]  # fmt: skip
    lines += [f"{name:20} {describe_estimate(estimate)}" for name, estimate in rows.items()]
    if comparison is not None:
        other = _one_line(comparison.other.model.name)
        lines.append(say("against {other}: difference, this minus that", other=other))
        lines += [
            f"{_one_line(one.name):30} {describe_estimate(one.difference)}" for one in comparison.differences[:12]
        ]
    return lines


def render_checked(checked: tuple[Checked, ...]) -> list[str]:
    """Return a line for each expectation, those that don't hold last, and how many hold."""
    ordered = sorted(checked, key=lambda one: not one.holds)
    lines = [
        f"{'holds' if one.holds else 'FAILS'}  {_one_line(one.group)}: {_one_line(one.expected)} "
        f"(measured: {_one_line(one.measured)})"
        for one in ordered
    ]
    return [*lines, f"{len(checked) - count_failed(checked)} of {len(checked)} expectations hold"]


def _thresholds(model: ModelReport) -> str:
    if len(set(model.thresholds)) == 1:
        return f"{model.thresholds[0]:g} for each of {len(model.thresholds)} independent findings"
    return ", ".join(f"{number:g}" for number in model.thresholds[:8]) + (", ..." if len(model.thresholds) > 8 else "")


def _names(names: tuple[str, ...], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.rjust(width) if _HEADS[at] == "parameters" else cell.ljust(width)
             for at, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
    return "  ".join(cells).rstrip()


def _one_line(text: str) -> str:
    """Names come from the model file: none may break the table or command the terminal."""
    return visible(" ".join(text.split()))


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
