"""Evaluation -> PDF, by the same way as a report's: tagged, with its numbers attached."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportgen.outputs.documents.pdf import Source, lay_out, print_style, printed_address
from reportgen.outputs.page.asset_words import ON_PAPER, translated_rules
from reportgen.outputs.page.assets import Asset, read_assets
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.evaluation_page import EvaluationPage
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.outputs.saved.evaluation_json import render_evaluation_json
from reportgen.report.evaluation import ClassifierEvaluation, EvaluationComparison
from reportgen.report.picture import Picture
from reportgen.system.language import speaking


@dataclass(frozen=True, kw_only=True)
class _PrintedEvaluation(EvaluationPage):
    """What the template of the paper page sees, with pictures by address."""

    def address(self, picture: Picture) -> str:
        """Return what the picture is asked for by."""
        return printed_address(self._places[picture.name])

    @property
    def all_pictures(self) -> tuple[Picture, ...]:
        """Charts and thumbnails."""
        return (*self.charts, *(one.thumbnail for one in self.evaluation.mistakes))

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {picture.name: place for place, picture in enumerate(self.all_pictures)}


def render_evaluation_pdf(
    evaluation: ClassifierEvaluation, charts: Sequence[Picture], comparison: EvaluationComparison | None = None, *,
    paper: str = "a4", done: Callable[[int], object] | None = None, warn: Callable[[str], object] | None = None,
) -> bytes:  # fmt: skip
    """Return an evaluation as PDF, with evaluation.json attached as its source data.

    Parameters
    ----------
    evaluation, charts, comparison
        As :func:`reportgen.outputs.page.evaluation_page.render_evaluation_html` takes them.
    paper, done, warn
        As :func:`reportgen.outputs.documents.pdf.render_pdf` takes them.

    Raises
    ------
    OutputError
        As there.
    """
    page = _PrintedEvaluation(
        evaluation=evaluation, charts=tuple(charts), comparison=comparison,
        style=_style(paper, evaluation.language), script=read_assets(),
        generator=evaluation.versions["reportgen"],
    )  # fmt: skip
    with speaking(evaluation.language):
        html = environment().get_template("print_evaluation.html.j2").render(page=page, evaluation=evaluation)
    source = Source("evaluation.json", render_evaluation_json(evaluation))
    return lay_out(html, page.all_pictures, source, evaluation.created, done=done, warn=warn)


def _style(paper: str, language: str) -> Asset:
    sheets = print_style(paper, "assets/confusion.css", "assets/evaluation_print.css")
    return Asset(SafeHtml(sheets.text.text + translated_rules(ON_PAPER, language)))
