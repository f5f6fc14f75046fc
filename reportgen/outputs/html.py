"""Report -> one self-contained HTML page.

The page asks nobody for anything: pictures are data URIs, style and script stand inside and are named by their digests
in a strict Content-Security-Policy. Everything is escaped; the exceptions are
:class:`~reportgen.outputs.markdown.SafeHtml`. Characters that would act instead of being seen are replaced on the way.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from reportgen.findings import Finding
from reportgen.outputs.markdown import SafeHtml, render_markdown
from reportgen.outputs.sidecar import embedded_json
from reportgen.picture import Picture, layer_picture_name, occlusion_kind
from reportgen.report import CaseReport, Comment, LayerSummary, Remark, Report, readable, verdict
from reportgen.visible import visible

CHANNEL_ROWS = 3000
FINDING_ROWS, BEST_ROWS = 40, 5
SEAL = '<meta name="reportgen-sha256" content="{}">'
BLANK_SEAL = "0" * 64
_SEALED = re.compile(SEAL.format("([0-9a-f]{64})"))


@dataclass(frozen=True)
class Asset:
    """A style sheet or script that stands inside the page, and what the policy calls it."""

    text: SafeHtml

    @property
    def source(self) -> str:
        """The digest, as a Content-Security-Policy source."""
        digest = hashlib.sha256(self.text.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


@dataclass(frozen=True)
class LayerView:
    """One layer's place in the page: its summary, and what belongs to it."""

    index: int
    name: str
    summary: LayerSummary
    remarks: tuple[Remark, ...]
    comments: tuple[Comment, ...]

    @property
    def anchor(self) -> str:
        """Fragment to link to."""
        return f"layer-{self.index + 1}"


@dataclass(frozen=True)
class Page:
    """What the templates see: the report, with lookups that need no logic in a template."""

    report: Report
    style: Asset
    script: Asset
    seal: str = ""

    @property
    def site(self) -> None:
        """The site that the page is part of: it stands alone."""
        return

    def address(self, picture: Picture) -> str:
        """Where a picture is: here, inside the page."""
        return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"

    @property
    def sealed(self) -> SafeHtml:
        """The page's digest of itself."""
        return SafeHtml(SEAL.format(self.seal) if self.seal else "")

    @functools.cached_property
    def data(self) -> SafeHtml:
        """Everything measured, as JSON that can stand inside the page: other outputs are made from it."""
        return SafeHtml(embedded_json(self.report))

    @property
    def policy(self) -> str:
        """Content-Security-Policy of the page."""
        return (
            f"default-src 'none'; img-src data:; style-src {self.style.source}; script-src {self.script.source}; "
            "base-uri 'none'; form-action 'none'"
        )

    @property
    def cases(self) -> tuple[tuple[int, CaseReport], ...]:
        """(index, case) in the order of showing."""
        return self.report.side_by_side

    @property
    def regression(self) -> bool:
        """Whether the model gives numbers that are no scores of classes."""
        return self.report.model.head == "regression"

    @property
    def one_threshold(self) -> bool:
        """Whether all independent findings are said from the same score on."""
        return len(set(self.report.model.thresholds)) == 1

    @staticmethod
    def found(case: CaseReport) -> tuple[Finding, ...]:
        """Return the findings that are said to be there, the highest score first."""
        return tuple(sorted((one for one in case.findings if one.present), key=lambda one: -one.score))

    def listed_findings(self, case: CaseReport) -> tuple[Finding, ...]:
        """Return the findings to list, in the model's order: of very many, those that anything is said of."""
        if len(case.findings) <= FINDING_ROWS:
            return case.findings
        best = {one.class_name for one in case.predictions[:BEST_ROWS]}
        return tuple(one for one in case.findings if one.present or one.labelled or one.class_name in best)

    @property
    def further_targets(self) -> tuple[tuple[int, str], ...]:
        """(place, heading) of what the scan follows besides the first class, as far as any case has it."""
        maps = [case.occlusion_maps for _, case in self.cases]
        found = []
        for place in range(1, max(map(len, maps), default=0)):
            names = dict.fromkeys(of_case[place].target_class for of_case in maps if len(of_case) > place)
            found.append((place, " / ".join(names)))
        return tuple(found)

    @staticmethod
    def occlusion_kind(kind: str, place: int) -> str:
        """Return what a picture of a class that the scan follows is called."""
        return occlusion_kind(kind, place)

    @property
    def one_target(self) -> bool:
        """Whether the occlusion scan follows the same class in all cases."""
        return len({case.target_class for case in self.report.cases}) == 1

    @property
    def red_and_blue(self) -> bool:
        """Whether importance is shown in the usual colours, so that a key can name them."""
        occlusion = self.report.settings.get("occlusion")
        return isinstance(occlusion, dict) and occlusion.get("importance_colours") == "RdBu_r"

    @property
    def key(self) -> str:
        """What the colours over the pictures mean; empty where they aren't the usual ones."""
        if not self.red_and_blue or not any(case.occlusion for _, case in self.cases):
            return ""
        target = self.cases[0][1].target_class if self.one_target else "the case's target class"
        same = " in all cases" if len(self.cases) > 1 else ""
        return (
            f"Red: covering this lowers the score for {target}. Blue: raises it. Full colour stands for a change by "
            f"{readable(self.importance_limit)}{same}."
        )

    @property
    def importance_limit(self) -> float:
        """The importance that full colour stands for."""
        found = [one for case in self.report.cases for one in case.occlusion_maps]
        return max((max(-one.importance_minimum, one.importance_maximum) for one in found), default=0.0)

    @functools.cached_property
    def pictures(self) -> dict[str, Picture]:
        """Pictures by name."""
        return {picture.name: picture for picture in self.report.pictures}

    @functools.cached_property
    def layers(self) -> tuple[LayerView, ...]:
        """The shown layers."""
        rows = {row.name: row for row in self.report.model.layers}
        return tuple(
            LayerView(index, name, rows[name], self.remarks("layers", name), self.comments("layers", name))
            for index, name in enumerate(self.report.model.shown_layers)
        )

    @property
    def channels_listed(self) -> bool:
        """Whether the page holds a row for each channel; the JSON always does."""
        return sum(layer.channels for case in self.report.cases for layer in case.layers) <= CHANNEL_ROWS

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """Remarks that the reader should see first."""
        return tuple(remark for remark in self.report.remarks if remark.warning)

    def verdict(self, case: CaseReport) -> tuple[str, str]:
        """Return how a prediction compares with the label: a kind, and words."""
        return verdict(case, self.report.model)

    def remarks(self, section: str, layer: str | None = None) -> tuple[Remark, ...]:
        """Return the remarks of a section (without a layer) or of a layer."""
        return tuple(r for r in self.report.remarks if r.section == section and r.layer == layer and not r.warning)

    def comments(self, section: str, layer: str | None = None) -> tuple[Comment, ...]:
        """Return the user's commentary of a section or of a layer."""
        return tuple(c for c in self.report.comments if c.section == section and c.layer == layer)

    def picture(self, case: int, kind: str) -> Picture | None:
        """Return a picture of a case, by kind."""
        return self.pictures.get(f"case{case + 1}-{kind}")

    def grid(self, case: int, layer: LayerView) -> Picture:
        """Return the feature-map grid of a layer for a case."""
        return self.pictures[layer_picture_name(case, layer.index, layer.name)]


def render_html(report: Report) -> str:
    """Return the page. The same report gives the same text."""
    templates = environment()
    style, script = (Asset(SafeHtml(asset(name).strip() + "\n")) for name in ("assets/report.css", "assets/report.js"))
    page = Page(report, style, script, seal=BLANK_SEAL)
    text = templates.get_template("report.html.j2").render(page=page, report=report) + "\n"
    return text.replace(SEAL.format(BLANK_SEAL), SEAL.format(page_digest(text)), 1)


def page_digest(text: str) -> str:
    """Return the SHA-256 digest of a page, as it would be with a blank one in its place.

    What line ends it has and what blank lines stand around it doesn't matter: mail and file transfers change those.
    """
    plain = _SEALED.sub(SEAL.format(BLANK_SEAL), text.strip().replace("\r\n", "\n"), count=1)
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


def seal_of(text: str) -> str | None:
    """Return the digest that a page carries of itself; None where it has none."""
    found = _SEALED.search(text)
    return found[1] if found else None


def templates_folder() -> Path:
    """Return where the templates are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def asset(name: str) -> str:
    """Return a file of the templates folder as text."""
    return (templates_folder() / name).read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Return where templates of reports are rendered: everything is escaped, what would act is replaced."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder()),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_seen,
    )
    environment.filters |= {
        "markdown": render_markdown, "grouped": _grouped, "shape": _shape, "short": _short,
        "scientific": _significant, "setting": _setting, "correlation": _correlation, "scored": scored,
        "readable": readable, "sight": _sight, "keras_shape": _keras_shape,
    }  # fmt: skip
    environment.tests["finite"] = math.isfinite
    return environment


def _seen(value: object) -> object:
    """Pass every value that a template shows through :func:`visible`, but what is HTML already, whose parts have."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _grouped(number: int) -> str:
    return f"{number:,}"


def _shape(sides: tuple[int | None, ...]) -> str:
    return " × ".join("any" if side is None else str(side) for side in sides)


def _sight(field: tuple[int, int], input_shape: tuple[int, ...]) -> str:
    """Say how much of the input a value of a layer sees."""
    if field[0] >= input_shape[0] and field[1] >= input_shape[1]:
        return f"the whole input (receptive field {_shape(field)})"
    return f"{_shape(field)} pixels of the input"


def _short(digest: str) -> str:
    return digest[:12]


def _significant(number: float | None) -> str:
    if number is None or not math.isfinite(number):
        return "–" if number is None else "not a number"
    return f"{number:.4g}".replace("-", "−")


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def scored(score: float | None) -> str:
    """Return a score as it stands behind a class; nothing where there is none."""
    return "" if score is None else f" {readable(score)}"


def _correlation(number: float | None) -> str:
    return "–" if number is None else f"{number:+.2f}".replace("-", "−")


def _keras_shape(sides: tuple[int | None, ...]) -> str:
    return f"({', '.join(map(str, sides))})"
