"""How often a model said which class of which: counted over the images of its reports, each image once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reportgen.outputs.page.confusion import LARGEST_MATRIX, Confusion
from reportgen.outputs.site.records import CaseRecord, Record

_THERE = ("not there", "there")


def confusion(records: Iterable[Record], classes: Sequence[str] = ()) -> Confusion:
    """Count the cases of a model's reports.

    Parameters
    ----------
    records
        Reports of one model, oldest first.
    classes
        All classes of the model, in its order, where there are not too many.
    """
    newest, contradictory = _newest(records)
    counts = Counter((case.truth, case.predicted) for case in newest if case.truth is not None)
    found = {name for pair in counts for name in pair if name is not None}
    ordered = [name for name in dict.fromkeys(classes) if name in found or len(classes) <= LARGEST_MATRIX]
    ordered += sorted(found.difference(ordered))
    return Confusion(
        tuple(ordered), {(str(truth), predicted): count for (truth, predicted), count in counts.items()},
        sum(case.truth is None for case in newest), contradictory,
    )  # fmt: skip


def finding_confusions(records: Iterable[Record], classes: Sequence[str] = ()) -> tuple[tuple[str, Confusion], ...]:
    """Count for each of a model's independent findings how often it was found where it was labelled, and where not.

    Parameters
    ----------
    records, classes
        As for :func:`confusion`; where the classes aren't given, of the findings that were ever labelled or found.
    """
    newest, contradictory = _newest(records)
    known = [case for case in newest if case.truth is not None]
    seen = sorted({name for case in known for name, _, _ in case.findings})
    tables = []
    for finding in classes or seen:
        told = [next((one for one in case.findings if one[0] == finding), None) for case in known]
        counts = Counter(
            (_THERE[labelled], _THERE[found]) for _, labelled, found in (one or (finding, False, False) for one in told)
        )
        tables.append((finding, Confusion(_THERE[::-1], dict(counts), len(newest) - len(known), contradictory)))
    return tuple(tables)


def _newest(records: Iterable[Record]) -> tuple[list[CaseRecord], int]:
    """Return each image once, as its newest report with a label has it, and how many were labelled differently."""
    newest: dict[str, CaseRecord] = {}
    contradictory = set()
    for record in records:
        for case in record.cases:
            before = newest.get(case.sha256)
            if before is not None and before.truth is not None and case.truth not in (None, before.truth):
                contradictory.add(case.sha256)
            if before is None or case.truth is not None or before.truth is None:
                newest[case.sha256] = case
    return list(newest.values()), len(contradictory)
