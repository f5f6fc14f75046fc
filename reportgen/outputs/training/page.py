"""A training -> self-contained pages, in the frame of the report's: one of the whole, and a small one an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.outputs.page.asset_words import translated_script
from reportgen.outputs.page.assets import Asset, read_assets
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.frame import Frame
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.report.picture import Picture
from reportgen.report.report import DISCLAIMER
from reportgen.report.training_run import EpochRecord, TrainingRecord
from reportgen.system.language import say, spoken

STYLES = ("assets/tokens.css", "assets/report.css", "assets/map.css", "assets/evaluation.css", "assets/training.css")


@dataclass(frozen=True, kw_only=True)
class TrainingPage(Frame):
    """What the templates of a training see.

    Attributes
    ----------
    record
        All numbers and pictures.
    sentences
        What is to be told first.
    epoch
        The epoch that a small page is of; None: the page is of the whole training.
    files
        File names of the epochs' pages, by epoch; only of those that are there.
    """

    record: TrainingRecord
    sentences: tuple[str, ...] = ()
    epoch: EpochRecord | None = None
    files: dict[int, str]

    @property
    def disclaimer(self) -> str:
        """What every page says."""
        return say(DISCLAIMER)

    @property
    def versions(self) -> str:
        """Of reportgen, Python and the libraries, in a line."""
        return ", ".join(f"{name} {version}" for name, version in self.record.versions.items())

    def picture(self, name: str) -> Picture | None:
        """Return a picture by its name; None where there is none."""
        return next((one for one in self.record.pictures if one.name == name), None)

    @property
    def strips(self) -> tuple[Picture, ...]:
        """The pictures of watched channels."""
        return tuple(one for one in self.record.pictures if one.name.startswith("training-channel"))


def render_training(record: TrainingRecord, sentences: tuple[str, ...], files: dict[int, str]) -> str:
    """Return the page of a whole training."""
    return _render("training.html.j2", record, sentences, None, files)


def render_epoch(record: TrainingRecord, epoch: EpochRecord) -> str:
    """Return the small page of one epoch; its pictures are those of the record."""
    return _render("training/epoch.html.j2", record, (), epoch, {})


def _render(
    template: str, record: TrainingRecord, sentences: tuple[str, ...], epoch: EpochRecord | None, files: dict[int, str]
) -> str:
    plain = read_assets("assets/report.js")
    script = Asset(SafeHtml(translated_script(plain.text.text, spoken())))
    page = TrainingPage(
        record=record,
        sentences=sentences,
        epoch=epoch,
        files=files,
        style=read_assets(*STYLES),
        script=script,
        generator=record.versions.get("reportgen", ""),
    )
    return environment().get_template(template).render(page=page, record=record) + "\n"
