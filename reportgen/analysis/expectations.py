"""Whether a report and an evaluation are as expected: each expectation against the number that was measured.

What was not measured, or is not a number, is not as expected.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator

from reportgen.report.check import Checked
from reportgen.report.estimates import Estimate, describe_estimate
from reportgen.report.evaluation import TWO_CLASSES, ClassifierEvaluation
from reportgen.report.maptest import BOTH, NONE, ONE
from reportgen.report.names import find_name, plain_name
from reportgen.report.report import NOTHING_FOUND, CaseReport, Report, readable, said
from reportgen.settings.expectations import CaseExpectation, DataExpectation, Expectations
from reportgen.system.errors import SettingsError

_OUTCOMES = {
    BOTH: "both when pixels go and when they come back",
    ONE: "in one of two ways",
    NONE: "in none of two ways",
}
_UNMEASURED = "not measured"
_JOINED = " + "


def check_report(report: Report, expectations: Expectations) -> tuple[Checked, ...]:
    """Check what is expected of the cases and layers of a report.

    Parameters
    ----------
    report
        Made, or read again.
    expectations
        What is expected; that of data is left out.

    Raises
    ------
    SettingsError
        When a case, class, region or layer is named that the report doesn't have.
    """
    found: list[Checked] = []
    for one in expectations.cases:
        case = find_case(report, one.case)
        group = f"case {case.title}"
        found += [*_prediction(report, case, one, group), *_evidence(case, one, group), *_flip(case, one, group)]
    for layer in expectations.layers:
        names = [name for name in report.model.shown_layers if fnmatch.fnmatchcase(name, layer.layer)]
        if not names:
            raise SettingsError(
                f"no layer of the report is called '{layer.layer}'", f"there are {', '.join(report.model.shown_layers)}"
            )
        for name in names:
            dead, channels = count_dead(report, name)
            text = f"at most {layer.dead_at_most} channels dead in every case"
            found.append(_checked(f"layer {name}", text, f"{dead} of {channels}", dead <= layer.dead_at_most))
    return tuple(found)


def check_evaluation(found: ClassifierEvaluation, expectation: DataExpectation, name: str) -> tuple[Checked, ...]:
    """Check what is expected of the scores on a data set.

    Parameters
    ----------
    found
        What was measured on it.
    expectation
        What is expected.
    name
        What to call the data.

    Raises
    ------
    SettingsError
        When it has no such class.
    """
    group = f"data {name}"
    auc, whose = _auc(found, expectation.class_name)
    checked = []
    for limit, value, what in (
        (expectation.auc_at_least, auc.value, f"AUC{whose}"),
        (expectation.auc_low_at_least, auc.low, f"lower end of the 95 % interval of the AUC{whose}"),
    ):
        if limit is not None:
            checked.append(_checked(group, f"{what} at least {limit:g}", describe_estimate(auc), value >= limit))
    limit, accuracy = expectation.accuracy_at_least, found.accuracy
    if limit is not None:
        told = describe_estimate(accuracy)
        checked.append(_checked(group, f"accuracy at least {limit:g}", told, accuracy.value >= limit))
    return tuple(checked)


def find_case(report: Report, wanted: str | int) -> CaseReport:
    """Return the case of a number, from 1, or of a label, heading or name.

    Raises
    ------
    SettingsError
        When there is none, or several.
    """
    if isinstance(wanted, int):
        if wanted > len(report.cases):
            raise SettingsError(f"there is no case {wanted}", f"the report has {len(report.cases)}, from 1 on")
        return report.cases[wanted - 1]
    plain = plain_name(wanted)
    called = {place: (case.title, case.name, case.label or "") for place, case in enumerate(report.cases)}
    found = [report.cases[place] for place, names in called.items() if plain in map(plain_name, names)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(case.title for case in report.cases)
    problem = f"{len(found)} cases are called '{wanted}'" if found else f"no case is called '{wanted}'"
    raise SettingsError(problem, f"give a number from 1, or one of: {there}")


def count_dead(report: Report, layer: str) -> tuple[int, int]:
    """Return how many channels of a layer are dead in every case, and how many it has."""
    shown = [one for case in report.cases for one in case.layers if one.name == layer]
    dead = set.intersection(*(set(one.dead_channels) for one in shown)) if shown else set()
    return len(dead), shown[0].channels if shown else 0


def _prediction(report: Report, case: CaseReport, one: CaseExpectation, group: str) -> Iterator[Checked]:
    names = report.model.class_names
    if one.predicted is not None:
        wanted, measured = _classes(one.predicted, names), _classes(said(case), names)
        first = case.predictions[0]
        # the first class stands first where no score is a number, too
        numbers = all(math.isfinite(it.score) for it in case.predictions)
        told = (
            f"{said(case)} ({first.class_name} {readable(first.score)})"
            if numbers
            else "nothing: scores are no numbers"
        )
        yield _checked(group, f"predicted {one.predicted}", told, numbers and wanted == measured)
    for limits, least in ((one.score_at_least, True), (one.score_at_most, False)):
        for name, limit in limits.items():
            place = _class(name, names)
            score = next((it.score for it in case.predictions if _class(it.class_name, names) == place), None)
            told = "not among the best five" if score is None else readable(score)
            # what isn't listed has no higher score than the last that is
            bound = case.predictions[-1].score if score is None else score
            holds = (score is not None and bound >= limit) if least else bound <= limit
            yield _checked(group, f"score of {name} at {'least' if least else 'most'} {limit:g}", told, holds)


def _classes(text: str, names: tuple[str, ...]) -> set[int | None]:
    """Return the numbers of the classes named in a text: of one, or of several findings."""
    whole = find_name(text, names)
    return {whole} if whole is not None else {_class(name, names) for name in text.split(_JOINED)} - {None}


def _class(name: str, names: tuple[str, ...]) -> int | None:
    """Return the number of a class; None of what says that nothing was found."""
    place = find_name(name, names)
    if place is None and plain_name(name) != plain_name(NOTHING_FOUND):
        shown = names[:12]
        more = ", ..." if len(names) > len(shown) else ""
        raise SettingsError(f"the model has no class '{name}'", f"it has {', '.join(shown)}{more}")
    return place


def _evidence(case: CaseReport, one: CaseExpectation, group: str) -> Iterator[Checked]:
    if one.beats_chance is not None:
        test = case.map_test
        told = _UNMEASURED if test is None else _OUTCOMES.get(test.outcome, "no order to test")
        known = test is not None and test.outcome in _OUTCOMES
        text = "the map beats chance" if one.beats_chance else "the map doesn't beat chance"
        holds = known and test is not None and (test.outcome == BOTH) == one.beats_chance
        yield _checked(group, text, told, holds)
    known_regions = case.known_regions
    for name, limit in one.inside_at_least.items():
        text = f"share of the evidence inside '{name}' at least {limit:g}"
        if known_regions is None:
            # without a map, of scores that are no numbers say, nothing tells which regions the case has
            yield _checked(group, text, _UNMEASURED, False)
            continue
        regions = {plain_name(region.name): region for region in known_regions.regions}
        if plain_name(name) not in regions:
            there = ", ".join(region.name for region in regions.values()) or "none"
            raise SettingsError(f"{group} has no region '{name}'", f"its masks and boxes are: {there}")
        inside = regions[plain_name(name)].inside
        told = f"{readable(inside.evidence)}, with {readable(inside.area)} of the area"
        yield _checked(group, text, told, inside.evidence >= limit)
    if one.border_at_most is not None:
        share = known_regions.border.evidence if known_regions else math.nan
        text = f"share of the evidence at the border at most {one.border_at_most:g}"
        yield _checked(group, text, _number(share), share <= one.border_at_most)


def _flip(case: CaseReport, one: CaseExpectation, group: str) -> Iterator[Checked]:
    decision = case.decision
    share = math.nan if decision is None else math.inf if decision.flip is None else decision.flip.share
    told = "nothing flips it" if share == math.inf else _number(share)
    for limit, least in ((one.flip_at_least, True), (one.flip_at_most, False)):
        if limit is not None:
            text = f"share of the image that flips the decision at {'least' if least else 'most'} {limit:g}"
            yield _checked(group, text, told, share >= limit if least else share <= limit)


def _auc(found: ClassifierEvaluation, class_name: str | None) -> tuple[Estimate, str]:
    if class_name is not None:
        names = [one.class_name for one in found.classes]
        place = find_name(class_name, names)
        if place is None:
            raise SettingsError(f"no AUC of '{class_name}' is measured", f"there is one of: {', '.join(names)}")
        return found.classes[place].auc, f" of {names[place]}"
    if found.task == TWO_CLASSES or not found.averages:
        return found.classes[0].auc, f" of {found.classes[0].class_name}"
    return found.averages[0].auc, f" ({found.averages[0].name} average)"


def _number(value: float) -> str:
    return readable(value) if math.isfinite(value) else _UNMEASURED


def _checked(group: str, expected: str, measured: str, holds: object) -> Checked:
    return Checked(group=group, expected=expected, measured=measured, holds=bool(holds))
