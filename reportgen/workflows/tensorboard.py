"""What a training's looks are for TensorBoard: scalars and images, by step."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.figures.heatmaps import lay_over
from reportgen.report.training_run import TrainingRecord
from reportgen.system.errors import SettingsError
from reportgen.system.libraries import install_extra
from reportgen.workflows.epochs import Look


class BoardWriter:
    """Writes looks into a folder that TensorBoard reads.

    Parameters
    ----------
    folder
        Made when first written to.

    Raises
    ------
    SettingsError
        When TensorBoard isn't installed, without which TensorFlow writes no summaries.
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise SettingsError("TensorBoard isn't installed", install_extra("tensorboard"))
        self._folder = folder
        self._writer: Any = None

    def write(self, record: TrainingRecord, seen: Look) -> None:
        """Write one look: of each case score, evidence and map, of each layer its dead channels."""
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        step = seen.record.epoch
        limit = max((float(np.nanmax(np.abs(one))) for one in seen.maps if np.isfinite(one).any()), default=0.0) or 1.0
        with self._writer.as_default(step=step):
            for place, case in enumerate(record.cases):
                now, run = seen.record.cases[place], seen.runs[place]
                tf.summary.scalar(f"reportgen/evidence/{case.title}", now.evidence)
                tf.summary.scalar(f"reportgen/score/{case.title}", now.score)
                if run.scans:
                    shown = lay_over(run.image, run.scans[0].importance, limit, "RdBu_r")
                    tf.summary.image(f"reportgen/maps/{case.title}", shown[None])
            for layer in seen.record.layers:
                tf.summary.scalar(f"reportgen/dead channels/{layer.name}", len(layer.dead))
            for channel, values in zip(record.channels, seen.channels, strict=True):
                low, high = float(values.min()), float(values.max())
                gray = (values - low) / (high - low) if high > low else np.zeros_like(values)
                tf.summary.image(f"reportgen/channels/{channel.title}", gray[..., None], max_outputs=len(gray))
        self._writer.flush()
