"""Reports of earlier schemas, brought to the one that is written now."""

from __future__ import annotations

from typing import Any

OLDEST = 1
_OF_SCAN = (
    "patch", "stride", "fill", "fill_colour", "row_starts", "column_starts", "scores",
)  # fmt: skip
_KEPT = (
    "target_class", "base_score", "importance_minimum", "importance_maximum", "engine", "estimated_speedup",
    "arithmetic_bound", "checked_positions", "largest_difference",
)  # fmt: skip


def brought_up_to_date(table: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a report of an earlier schema as one of today's.

    Schema 1 had one scan for each class, whose importance was the fall of the score itself: its map keeps that unit, as
    its pictures do.

    Parameters
    ----------
    table
        As read; anything in it may be wrong, and is then left to be refused as it would be otherwise.
    version
        Today's schema.
    """
    if table.get("schema_version") == version:
        return table
    model, cases = table.get("model"), table.get("cases")
    shape = model.get("input_shape") if isinstance(model, dict) else None
    size = shape[:2] if isinstance(shape, list) else None
    made = [_case(case, size) for case in cases] if isinstance(cases, list) else cases
    return {**table, "schema_version": version, "cases": made}


def _case(case: Any, size: Any) -> Any:
    if not isinstance(case, dict):
        return case
    made = dict(case)
    if "occlusion" in case:
        made["occlusion"] = _map(case["occlusion"], size)
    if isinstance(further := case.get("further_occlusion"), list):
        made["further_occlusion"] = [_map(one, size) for one in further]
    return made


def _map(found: Any, size: Any) -> Any:
    """Return a map of one scan; its evidence is the score."""
    if not isinstance(found, dict) or "scans" in found:
        return found
    strongest, base = found.get("strongest"), found.get("base_score")
    if isinstance(strongest, dict):
        importance = strongest.get("importance")
        score = base - importance if isinstance(base, int | float) and isinstance(importance, int | float) else None
        strongest = {**strongest, "scan": 0, "score": score}
    scan = {name: found.get(name) for name in _OF_SCAN}
    return {
        **{name: found[name] for name in _KEPT if name in found},
        "unit": "output",
        "size": size,
        "base_evidence": base,
        "strongest": strongest,
        "scans": [{**scan, "evidence": found.get("scores")}],
        "weights": [1.0],
        "combination": "single",
    }
