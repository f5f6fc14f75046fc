"""What a model gives for a case when pixels of it are gone: the evidence of one class, for any masks.

The test of a map, what decides and the strongest regions ask for many of the same masks: each is run once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.imputation import impute
from reportgen.analysis.layer_graph import Graph
from reportgen.analysis.metrics.faithfulness import in_parts
from reportgen.analysis.occlusion.engines import differs
from reportgen.analysis.occlusion.full import batch_size, run_batches
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.scan import FEW, make_fill
from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import CaseRun, Subject
from reportgen.analysis.weight_of_evidence import Readout
from reportgen.report.maptest import BLUR, IMPUTED

Values = NDArray[np.float64]
Masks = NDArray[np.bool_]
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Passes:
    """Whole passes through a model, up to its logits where these can be had.

    Attributes
    ----------
    forward, readout, size
        What runs a batch, what comes out, and how many images a batch has.
    graph
        What is run: the model, or the same up to its logits.
    found
        Raw outputs ``(K,)`` of covered images that were run: by the number of the case, what stands in for the pixels
        that are gone, and a digest of these.
    """

    forward: Callable[[Any], Any]
    readout: Readout
    size: int
    graph: Graph
    found: dict[tuple[int, str, bytes], NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def run(self, inputs: Sequence[Pixels]) -> NDArray[np.float32]:
        """Return raw outputs ``(N, K)`` of images in the model's units; all batches have one size."""
        return run_batches(self.forward, inputs, self.size)

    def run_once(
        self, case: int, baseline: str, masks: Masks, inputs_of: Callable[[Masks], Sequence[Pixels]]
    ) -> NDArray[np.float32]:
        """Return raw outputs ``(N, K)`` for masks ``(N, H, W)``; those that were run before aren't run again.

        Parameters
        ----------
        case, baseline
            Which case is covered, and with what.
        masks
            The pixels that are gone.
        inputs_of
            Makes some masks' images, in the model's units.
        """
        digests = (hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest() for mask in masks)
        keys = [(case, baseline, digest) for digest in digests]
        fresh = {key: number for number, key in enumerate(keys) if key not in self.found}
        for part in in_parts(len(fresh), self.size):
            wanted = list(fresh)[part]
            rows = self.run(inputs_of(masks[[fresh[key] for key in wanted]]))
            self.found.update(zip(wanted, rows, strict=True))
        return np.stack([self.found[key] for key in keys])


def make_passes(subject: Subject, runs: Sequence[CaseRun], memory: int) -> Passes:
    """Prepare passes; logits are used only where they give the model's own outputs for these cases.

    The scan has found out whether they do; without one it is tried.
    """
    model, head = subject.loaded.keras_model, subject.head
    known, size = known_model(model), min(FEW, batch_size(model, memory // 2))
    shape = (size, *runs[0].prepared.shape)
    cut = known.logits(head.kind)
    scanned = [run.scans[0].readout.cut for run in runs if run.scans]
    if cut is not None and all(scanned):
        passes = Passes(known.forward(model, cut, shape), Readout(head, cut=True), size, cut)
        if len(scanned) == len(runs):
            return passes
        found = passes.readout.outputs(passes.run([run.prepared for run in runs]))
        if not differs(found, np.stack([run.raw for run in runs])):
            return passes
    return Passes(known.forward(model, known.graph, shape), Readout(head), size, known.graph)


@dataclass(frozen=True)
class Covered:
    """One case, of which pixels can be blurred, or guessed from their neighbours.

    Attributes
    ----------
    passes
        Through the model.
    prepare
        From raw-image units to the model's.
    image, blurred
        ``(H, W, C)`` in raw-image units.
    number
        Of the case.
    target
        Number of the class that is followed.
    sign
        1, or -1 where what is asked is the evidence against the class.
    """

    passes: Passes
    prepare: Any
    image: Pixels
    blurred: Pixels
    number: int
    target: int
    sign: int = 1

    def blur(self, masks: Masks) -> tuple[Values, Values]:
        """Return (scores, evidence) of the class, ``(N,)`` each, with the pixels of masks ``(N, H, W)`` blurred."""
        return self._read(self.blurred_outputs(masks))

    def all_scores(self, masks: Masks) -> Values:
        """Return the scores ``(N, classes)`` with the pixels of masks blurred."""
        return self.passes.readout.scores(self.blurred_outputs(masks))

    def blurred_evidence(self, masks: Masks) -> Values:
        """Return the evidence ``(N,)``, for or against as asked, with the pixels of masks blurred."""
        return self.sign * self.blur(masks)[1]

    def evidence_of(self, outputs: NDArray[np.float32]) -> Values:
        """Return the evidence ``(N,)``, for or against as asked, of raw outputs ``(N, K)``."""
        return self.sign * self._read(outputs)[1]

    def imputed_outputs(self, masks: Masks) -> NDArray[np.float32]:
        """Return raw outputs ``(N, K)`` with the pixels of masks guessed from what is left."""
        return self.passes.run_once(
            self.number, IMPUTED, masks, lambda part: [self.prepare(image) for image in impute(self.image, part)]
        )

    def blurred_outputs(self, masks: Masks) -> NDArray[np.float32]:
        """Return raw outputs ``(N, K)`` with the pixels of masks blurred."""
        under, over = self.prepare(self.image), self.prepare(self.blurred)
        return self.passes.run_once(self.number, BLUR, masks, lambda part: list(np.where(part[..., None], over, under)))

    def _read(self, raw: NDArray[np.float32]) -> tuple[Values, Values]:
        readout = self.passes.readout
        return readout.scores(raw)[:, self.target], readout.evidence(raw)[:, self.target]


def cover(subject: Subject, passes: Passes, run: CaseRun, target: int) -> Covered:
    """Return a case as what can be covered, followed in the direction of what the model says of it."""
    sign = 1 if is_said(subject.head, run.scores, target) else -1
    image = run.image.astype(np.float32)
    return Covered(passes, subject.loaded.preprocessing, image, make_fill(image, "blur")[0], run.number, target, sign)


def is_said(head: Head, scores: Values, target: int) -> bool:
    """Return whether scores ``(classes,)`` say a class; of a number there is only more or less."""
    if head.is_regression:
        return True
    if head.thresholds:
        return bool(head.present(scores)[target])
    return head.predicted(scores) == target


def said_instead(head: Head, target: int, sign: int) -> str:
    """Name what evidence is for: the class, or what the model says where it doesn't say it."""
    if sign > 0:
        return head.class_names[target]
    if len(head.class_names) == 2 and not head.thresholds:
        return head.class_names[1 - target]
    return f"not {head.class_names[target]}"
