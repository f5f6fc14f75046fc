"""All of it, and what differs between the cases, in one file."""

import reportgen

settings = {"preprocessing": {"mode": "scale", "factor": 1 / 255}}
report = reportgen.build_report("model.keras", [("NORMAL", "normal.png"), ("PNEUMONIA", "pneumonia.png")], settings)
report.save_html("report.html")
