"""Measured remarks: sentences that rest on numbers, each with the numbers beside it.

A remark says what was measured and is particular to these images. What it may mean stands apart, as an interpretation:
the model only sees pixel intensities, and "detects edges" is a reading, not a measurement. Nothing is said twice: what
holds for several layers or cases is said once, with their names.
"""

from reportgen.analysis.remarks.answers import finding_remarks, prediction_remarks
from reportgen.analysis.remarks.layers import layer_remarks
from reportgen.analysis.remarks.patches import occlusion_remarks
from reportgen.analysis.remarks.words import interpret_once

__all__ = ["finding_remarks", "interpret_once", "layer_remarks", "occlusion_remarks", "prediction_remarks"]
