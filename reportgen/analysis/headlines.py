"""What stands on the first screen of each case: what decides it, and whether its map is to be read.

Each is a sentence with its number and leads to its proof; the long form stands there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reportgen.report.by_class import EvidenceOfClass
from reportgen.report.evidence import OcclusionMap
from reportgen.report.maptest import BOTH, IMPUTED, NONE, ONE, MapTest
from reportgen.report.places import name_place
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say

SECTION = "headline"
_LEAST = 0.1


def headline_remarks(cases: Sequence[tuple[int, CaseReport]]) -> tuple[Remark, ...]:
    """Say in a sentence each what decides a case and how far its map can be trusted; that once if it is all the same.

    Parameters
    ----------
    cases
        (index, case) in the order of showing.
    """
    trust = [_trust(case.map_test) for _, case in cases]
    together = _shared(trust)
    own = trust if together is None else [None] * len(cases)
    told = [
        replace(remark, case=index)
        for (index, case), of_map in zip(cases, own, strict=True)
        for remark in (*_all_decides(case), of_map)
        if remark is not None
    ]
    return (*told, together) if together else tuple(told)


def _shared(trust: Sequence[Remark | None]) -> Remark | None:
    """Return what is to be said of all maps at once; None where it differs, or none is to be trusted."""
    first = trust[0]
    if len(trust) < 2 or first is None or first.kind != "trust" or any(one != first for one in trust):
        return None
    text = f"{first.text[0].lower()}{first.text[1:]}"
    if len(trust) == 2:
        return replace(first, text=say("In both cases, {text}", text=text))
    return replace(first, text=say("In all {count} cases, {text}", count=len(trust), text=text))


def _all_decides(case: CaseReport) -> list[Remark]:
    """Say of each class that the scan follows what decides it; which it is, where there are several."""
    told = [_decides(one) for one in case.evidence_by_class]
    if len(told) < 2:
        return told
    return [
        replace(
            remark, text=f"{one.found.target_class}: {remark.text}", target=one.place,
            proof=f"map-{one.place + 1}" if one.place else remark.proof,
        )
        for one, remark in zip(case.evidence_by_class, told, strict=True)
    ]  # fmt: skip


def _decides(one: EvidenceOfClass) -> Remark:
    found, decision = one.found, one.decision
    numbers: dict[str, float] = {}
    if not found.tells:
        text = say("Covering a part of it changes nothing beyond rounding.")
    elif decision is None:
        text = _strongest(found)
    elif decision.flip:
        numbers["share"] = decision.flip.share
        told = {"share": _percent(decision.flip.share), "name": decision.followed}
        text = (
            say(
                "Blurring {share} of the image overturns the decision {name}, though blurring all of it doesn't.",
                **told,
            )
            if decision.blurred_agrees
            else say("Blurring {share} of the image overturns the decision {name}.", **told)
        )
        text += _where(found, decision.followed)
    elif decision.smallest_flipping:
        height, width = decision.smallest_flipping
        text = say(
            "A single patch of {size} pixels can overturn the decision {name}.", size=f"{height} × {width}",
            name=decision.followed,
        )  # fmt: skip
    elif decision.blurred_agrees:
        numbers["blurred_score"] = decision.blurred_score
        text = say(
            "No part alone carries {name}: the wholly blurred image is said to be that, too (score for {target} "
            "{score}).",
            name=decision.followed, target=found.target_class, score=readable(decision.blurred_score),
        )  # fmt: skip
    else:
        text = say("Blurring all of it overturns the decision {name}.", name=decision.followed)
    known = {name: value for name, value in numbers.items() if math.isfinite(value)}
    return Remark(
        section=SECTION, kind="decides", text=text, numbers=known, proof="decides" if decision else "occlusion"
    )


def _where(found: OcclusionMap, followed: str) -> str:
    best = found.strongest
    speaks = best.importance > 0 if followed == found.target_class else best.importance < 0
    if not speaks or not found.in_bits:
        return ""
    carried = tell_bits(abs(best.importance))
    return " " + say("One patch at the {place} alone carries {bits}.", place=_centre(found), bits=carried)


def tell_bits(effect: float) -> str:
    """Tell an effect above 0 to a place behind the point; what is less than that needs more of them, or it is 0.0."""
    return say("{number} bits", number=f"{effect:.1f}" if effect >= _LEAST else readable(effect))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.01 else f"{100 * share:.0f} %"


def _strongest(found: OcclusionMap) -> str:
    best, scan = found.strongest, found.strongest_scan
    told = {
        "size": f"{scan.patch[0]} × {scan.patch[1]}", "place": _centre(found), "what": found.followed,
        "amount": readable(abs(best.importance)) + (say(" bits") if found.in_bits else ""),
    }  # fmt: skip
    if best.importance > 0:
        return say("Covering {size} pixels at the {place} lowers {what} by {amount}, more than anywhere else.", **told)
    return say("Covering {size} pixels at the {place} raises {what} by {amount}, more than anywhere else.", **told)


def _centre(found: OcclusionMap) -> str:
    best, (height, width) = found.strongest, found.strongest_scan.patch
    return name_place((best.top + height / 2, best.left + width / 2), found.size)


def _trust(test: MapTest | None) -> Remark | None:
    if test is None:
        return None
    first, outcome = test.curves[0], test.outcome
    if outcome == BOTH:
        text = say(
            "The map found what the model relies on: better than chance both ways ({beaten}).", beaten=_beaten(test)
        )
    elif outcome == ONE:
        text = say("The map is better than chance when blurring, not when putting back: read it with care.")
        if first.beaten_by_deletion < first.orders - 1:
            text = say("The map is better than chance when putting back, not when blurring: read it with care.")
    elif outcome == NONE:
        text = say("On this case the map is no better than chance; don't read it.")
    else:
        text = say("The map could not be tested; nothing shows that it is right.")
    second = next((one for one in test.curves[1:] if one.baseline == IMPUTED), None)
    if outcome == BOTH and second is not None and second.outcome == NONE:
        text += " " + say("With pixels guessed from their neighbours it is not.")
    kind = "trust" if outcome in (BOTH, ONE) else "doubt"
    return Remark(section=SECTION, kind=kind, text=text, proof="map-test")


def _beaten(test: MapTest) -> str:
    first = test.curves[0]
    least = min(first.beaten_by_deletion, first.beaten_by_insertion)
    return say("{count} of {orders} random orders", count=least, orders=first.orders)
