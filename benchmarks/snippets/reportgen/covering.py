"""The map of what covering each place changes, on a page, without its test."""

import reportgen

settings = {
    "preprocessing": {"mode": "scale", "factor": 1 / 255},
    "occlusion": {"test": False},
    "page": {"sections": ["occlusion"]},
}
report = reportgen.build_report("model.keras", ["pneumonia.png"], settings)
report.save_html("report.html")
