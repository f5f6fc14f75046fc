"""Feature maps of every layer that has some, as pictures."""

import reportgen

settings = {"preprocessing": {"mode": "scale", "factor": 1 / 255}, "page": {"sections": ["layers"]}}
report = reportgen.build_report("model.keras", ["pneumonia.png"], settings)
report.save_figures("figures")
