"""Grad-CAM; it comes beside the scan, and both under the same test."""

import reportgen

settings = {
    "preprocessing": {"mode": "scale", "factor": 1 / 255},
    "occlusion": {"views": ["grad-cam"]},
    "page": {"sections": ["occlusion"]},
}
report = reportgen.build_report("model.keras", ["pneumonia.png"], settings)
report.save_html("report.html")
