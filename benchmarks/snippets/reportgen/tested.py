"""Whether the map is better than chance: deletion and insertion against random orders."""

import reportgen

settings = {"preprocessing": {"mode": "scale", "factor": 1 / 255}, "page": {"sections": ["occlusion"]}}
report = reportgen.build_report("model.keras", ["pneumonia.png"], settings)
print(report.cases[0].map_test)
