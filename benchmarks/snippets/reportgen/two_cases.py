"""The maps of two cases beside each other, on one scale."""

import reportgen

settings = {
    "preprocessing": {"mode": "scale", "factor": 1 / 255},
    "occlusion": {"test": False},
    "page": {"sections": ["occlusion"]},
}
report = reportgen.build_report("model.keras", [("NORMAL", "normal.png"), ("PNEUMONIA", "pneumonia.png")], settings)
report.save_html("report.html")
