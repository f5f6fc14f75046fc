"""What decides: the smallest shares of an image, in its map's order, that flip the decision or restore it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.covered import Covered, Passes, cover, is_said, said_instead
from reportgen.analysis.metrics.faithfulness import ORDERS, SHARES, masks_of, order_of, random_orders
from reportgen.analysis.predictions import Head
from reportgen.analysis.remarks.words import tell_together
from reportgen.analysis.runs import Runs, Subject
from reportgen.report.decision import Decision, Turn
from reportgen.report.evidence import OcclusionMap
from reportgen.report.numbers import grouped
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say, say_count

Holds = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
STEPS = (SHARES - 1, 16)  # of each of two rounds: shares are found to 1 / 160; the first are those of the test


def first_turn(turned: Holds) -> float | None:
    """Return the smallest share above 0 at which something has turned, to 1/160; None where it never has.

    Parameters
    ----------
    turned
        Tells for shares ``(N,)`` whether it has. It need not stay so for larger shares: the first is looked for, as
        far as steps of 1/10 show it.
    """
    low, high = 0.0, 1.0
    found: float | None = None
    for steps in STEPS:
        shares = np.linspace(low, high, steps + 1)[1:]
        hits = np.flatnonzero(turned(shares))
        if not hits.size:
            return found
        found = high = float(shares[hits[0]])
        low = float(shares[hits[0] - 1]) if hits[0] else low
    return found


def find_decisions(
    subject: Subject, runs: Runs, passes: Passes, advance: Callable[[int], object]
) -> list[tuple[Decision, ...]]:
    """Find what decides each case and class that its scan follows; nothing where there is no decision to flip.

    That is so of a number, of a single class, and without a scan.
    """
    head = subject.head
    if head.is_regression or (len(head.class_names) < 2 and not head.thresholds):
        advance(len(runs))
        return [()] * len(runs)
    found = []
    for run in runs:
        maps = zip(run.targets, run.scans, strict=False)  # without a scan there are targets alone
        covered = [(cover(subject, passes, run, target), scan) for target, scan in maps]
        found.append(tuple(_decision(head, one, scan.importance, scan.summary) for one, scan in covered))
        advance(1)
    return found


def turn_masks(importance: NDArray[np.float64], sign: int, share: float) -> NDArray[np.bool_]:
    """Return the pixels ``(H, W)`` that are the first share of the map's order."""
    size = (importance.shape[0], importance.shape[1])
    return np.asarray(masks_of(order_of(sign * importance), size, np.array([share]))[0])


def _decision(head: Head, covered: Covered, importance: NDArray[np.float64], found: OcclusionMap) -> Decision:
    order, said = order_of(covered.sign * importance), covered.sign > 0

    def holds(shares: NDArray[np.float64], put_back: bool) -> NDArray[np.bool_]:
        masks = masks_of(order, found.size, shares)
        rows = covered.all_scores(~masks if put_back else masks)
        return np.array([is_said(head, row, covered.target) == said for row in rows])

    def turn(share: float | None, put_back: bool) -> Turn | None:
        if share is None:
            return None
        mask = masks_of(order, found.size, np.array([share]))
        score, evidence = covered.blur(~mask if put_back else mask)
        return Turn(share=share, score=float(score[0]), evidence=float(evidence[0]))

    score, evidence = covered.blur(np.ones((1, *found.size), bool))
    agrees = bool(holds(np.ones(1), put_back=False)[0])
    ordered = found.has_order  # else the first pixels are those that rounding puts there
    flipped = first_turn(lambda shares: ~holds(shares, put_back=False)) if ordered else None
    restored = first_turn(lambda shares: holds(shares, put_back=True)) if ordered and not agrees else None
    chance = 0 if restored is None else _random_restores(head, covered, found, restored)
    count, smallest = _flipping_patches(head, covered, found)
    return Decision(
        followed=said_instead(head, covered.target, covered.sign),
        blurred_score=float(score[0]),
        blurred_evidence=float(evidence[0]),
        blurred_agrees=agrees,
        flip=turn(flipped, put_back=False),
        restore=turn(restored, put_back=True),
        flipping_patches=count,
        smallest_flipping=smallest,
        random_restores=chance,
        random_orders=0 if restored is None else ORDERS,
    )


def _random_restores(head: Head, covered: Covered, found: OcclusionMap, share: float) -> int:
    """Count the random orders of blocks whose first share restores the decision: then any sharp pixels may do.

    A few sharp pixels in a blurred image are nothing that a model was trained on, and may be taken for something.
    """
    orders = random_orders(found.size, found.smallest.patch)
    masks = np.concatenate([masks_of(order, found.size, np.array([share])) for order in orders])
    rows, said = covered.all_scores(~masks), covered.sign > 0
    return sum(is_said(head, row, covered.target) == said for row in rows)


def _flipping_patches(head: Head, covered: Covered, found: OcclusionMap) -> tuple[int | None, tuple[int, int] | None]:
    """Count the positions that flip the decision; None where neither the scans nor the score of one class tell it."""
    if all(scan.flipping is not None for scan in found.scans):
        turned = [(scan.patch, len(scan.flipping or ())) for scan in found.scans]
        flipping = [patch for patch, number in turned if number]
        return sum(number for _, number in turned), min(flipping, key=lambda patch: patch[0] * patch[1], default=None)
    limit = head.thresholds[covered.target] if head.thresholds else head.threshold if head.single else None
    if limit is None:
        return None, None
    count, patches = 0, []
    for scan in found.scans:
        scores = np.asarray(scan.scores)
        above = scores > 1 - limit if head.single and covered.target == 0 else scores >= limit
        flipped = int(np.count_nonzero((above != (covered.sign > 0)) & np.isfinite(scores)))
        count += flipped
        patches += [scan.patch] if flipped else []
    return count, min(patches, key=lambda patch: patch[0] * patch[1], default=None)


def decision_remarks(cases: Sequence[CaseReport], head: Head) -> tuple[Remark, ...]:
    """Say for each case what decides it, class by class; what holds for several cases is said once."""
    remarks: list[Remark] = []
    known = [one for case in cases for one in case.evidence_by_class if one.decision]
    for place in sorted({one.place for one in known}):
        told = {one.title: _told(one.decision, one.found, head) for one in known if one.place == place and one.decision}
        for titles, sentences in tell_together([(title, texts) for title, (texts, _) in told.items()]):
            numbers = told[titles][1] if titles in told else {"cases": float(len(told))}
            text = f"{titles}: {' '.join(sentences)}"
            remarks.append(Remark(section="occlusion", kind="decision", text=text, numbers=numbers, target=place))
    return tuple(remarks)


def _told(decision: Decision, found: OcclusionMap, head: Head) -> tuple[list[str], dict[str, float]]:
    """Return the sentences on a case, and the numbers behind them."""
    texts: list[str] = []
    told = {
        "name": decision.followed, "target": found.target_class, "score": readable(decision.blurred_score),
        "evidence": readable(decision.blurred_evidence),
    }  # fmt: skip
    numbers: dict[str, float] = {"blurred_score": decision.blurred_score, "blurred_evidence": decision.blurred_evidence}
    if decision.flip:
        numbers["flip_share"] = decision.flip.share
        texts.append(
            say(
                "Blurring {share} of the image, the first in the map's order, flips the decision {name} (score for "
                "{target} {before} to {after}{limit}).",
                **told, share=_percent(decision.flip.share), before=readable(found.base_score),
                after=readable(decision.flip.score), limit=_said_from(head, found.target_class),
            )
        )  # fmt: skip
    if decision.blurred_agrees:
        kept = ""
        if decision.flip:
            kept = say(", so that blurring all of it doesn't flip it")
        elif found.has_order:
            kept = say(", and no share blurred in the map's order flips it")
        texts.append(
            say(
                "The blurred image alone still says {name} (score for {target} {score}, evidence {evidence} "
                "bits){kept}.",
                **told,
                kept=kept,
            )
        )
    elif decision.restore:
        numbers["restore_share"] = decision.restore.share
        texts.append(
            say(
                "The wholly blurred image has a score of {score} (evidence {evidence} bits); putting back {share}, the "
                "first in the map's order, restores {name}{chance}.",
                **told, share=_percent(decision.restore.share), chance=_chance(decision),
            )
        )  # fmt: skip
        if decision.random_orders:
            numbers["random_restores"] = decision.random_restores
    else:
        texts.append(
            say(
                "The wholly blurred image no longer says {name} (score for {target} {score}, evidence {evidence} "
                "bits).",
                **told,
            )
        )
    if decision.flipping_patches is not None:
        numbers["flipping_patches"] = decision.flipping_patches
        texts.append(_patches(decision, found.positions))
    return texts, {name: value for name, value in numbers.items() if math.isfinite(value)}


def _said_from(head: Head, target: str) -> str:
    """Say from which score on a class is said, where that isn't half: 0.6 may be below, and then it isn't said."""
    if not (head.single or head.thresholds):
        return ""
    name, limit = head.class_names[-1], head.threshold
    if head.thresholds:
        name, limit = target, head.thresholds[head.class_names.index(target)]
    return "" if limit == 0.5 else say("; {name} is said from {score}", name=name, score=readable(limit))


def _chance(decision: Decision) -> str:
    """Say how much of this random pixels do as well."""
    count, orders = decision.random_restores, decision.random_orders
    if not orders:
        return ""
    if 2 * count < orders:
        told = say("(so do {count} of {orders} random choices of as many pixels)", count=count, orders=orders)
        return f" {told}" if count else ""
    return say(
        "; but so do random pixels, {count} of {orders} choices of as many, so that this says little of where the "
        "evidence lies",
        count=count,
        orders=orders,
    )


def _patches(decision: Decision, positions: int) -> str:
    if decision.smallest_flipping is None:
        return say("No single patch flips it ({count} positions).", count=grouped(positions))
    height, width = decision.smallest_flipping
    told = {"size": f"{height} x {width}", "all": grouped(positions)}
    if decision.flipping_patches == positions:
        return say_count(
            "The only single patch, of {size} pixels, flips it.",
            "Every single patch flips it, at all {all} positions; the smallest has {size} pixels.",
            positions,
            **told,
        )
    return say(
        "The smallest single patch that flips it has {size} pixels; {count} of {all} positions of all patches do.",
        **told,
        count=grouped(decision.flipping_patches or 0),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
