"""``python -m tests.kinds.table``: write the table of kinds of models into docs/models.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .models import MODEL_KINDS
from .registry import Kind

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"


def table(kinds: Sequence[Kind]) -> str:
    """Return the counts of each group, then all kinds with what comes of them."""
    groups = list(dict.fromkeys(kind.group for kind in kinds))
    lines = ["| Group | Tried | Work | Refused |", "| --- | ---: | ---: | ---: |"]
    for group in [*groups, ""]:
        inside = [kind for kind in kinds if group in ("", kind.group)]
        refused = sum(bool(kind.refused) for kind in inside)
        name = group or "**All**"
        lines.append(f"| {name} | {len(inside)} | {len(inside) - refused} | {refused} |")
    for group in groups:
        lines += ["", f"### {group}", "", "| Kind | What comes of it |", "| --- | --- |"]
        lines += [f"| {_cell(kind.title)} | {_outcome(kind)} |" for kind in kinds if kind.group == group]
    return "\n".join(lines) + "\n"


def with_table(document: str) -> str:
    """Return the document with the table of today between its marks."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(MODEL_KINDS)}\n{END}{rest.partition(END)[2]}"


def _outcome(kind: Kind) -> str:
    if kind.refused:
        return f"refused: `{_cell(kind.refused)}`"
    said = "" if kind.maps else "predictions and occlusion, no feature maps"
    told = f"says: “{_cell(kind.note)}”" if kind.note else ""
    return "works" + "".join(f"; {part}" for part in (said, told) if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
