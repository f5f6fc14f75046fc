"""A report with its ways to disk: what :func:`reportgen.build_report` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.outputs.documents.email import Mail, attachments_of, render_email
from reportgen.outputs.documents.pdf import render_pdf
from reportgen.outputs.further_sections import Section, add_to
from reportgen.outputs.notebook.html import embed_page
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.page.theme import Theme, read_theme
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.saved.report_json import figure_files, render_json, stale_figures
from reportgen.outputs.scaled_figures import scaled_figures
from reportgen.report.remark import Remark
from reportgen.report.report import Report, said
from reportgen.settings.file import convert
from reportgen.settings.job import EmailSettings
from reportgen.system.atomic import check_target, make_folder, write_all, write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reportgen.report.picture import Picture


@dataclass(frozen=True, kw_only=True)
class SavableReport(Report):
    """A report that can be written as HTML, PDF, JSON, e-mail and picture files.

    Nothing that is there is replaced unless ``overwrite`` is true; what is written is whole, or not there at all.
    """

    def _repr_html_(self) -> str:
        """Return the page in a frame, as a notebook shows it."""
        return embed_page(render_html(self, embedded=True), self.title)

    def __repr__(self) -> str:
        cases = ", ".join(f"{case.title}: {said(case)}" for case in self.cases)
        return f"<report {self.title!r} of {self.model.name!r}, {cases}>"

    def with_remarks(self, *remarks: Remark) -> SavableReport:
        """Return the same report with these remarks added."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def add_section(
        self, title: str, *, markdown: str = "", html: str = "", figure: Figure | bytes | Picture | None = None,
        alt: str = "", after: str = "occlusion",
    ) -> SavableReport:  # fmt: skip
        """Return the same report with a section of your own (see ``docs/sections.md``).

        Parameters
        ----------
        title
            Its heading.
        markdown, html
            Its words, one of the two; of HTML only what Markdown could say is kept.
        figure
            A matplotlib figure, the bytes of a PNG or JPEG, or a Picture.
        alt
            What the figure shows, for those who can't see it; needed with a figure.
        after
            The section that it follows.

        Raises
        ------
        SettingsError
            When it has no title, no content or too much, a figure without alternative text, or follows no section.
        """
        section = Section(title=title, markdown=markdown, html=html, figure=figure, alt=alt, after=after)
        return add_to(self, section)

    def save_html(self, path: str | Path, *, theme: str | Path | None = None, overwrite: bool = False) -> None:
        """Write one self-contained HTML file.

        Parameters
        ----------
        path
            The file.
        theme
            A folder of your own templates and styles (see ``docs/themes.md``).
        overwrite
            Whether an existing file may be replaced.

        Raises
        ------
        OutputError
            When it exists and must not be replaced, or can't be written.
        """
        check_target(Path(path), overwrite=overwrite)
        write_file(Path(path), render_html(self, as_theme(theme)).encode())

    def save_json(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write everything measured as JSON (see ``docs/report-json.md``).

        Raises
        ------
        OutputError
            When it exists and must not be replaced, or can't be written.
        """
        check_target(Path(path), overwrite=overwrite)
        write_file(Path(path), render_json(self))

    def save_figures(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write each picture as a file into a folder, which is made if needed.

        One whose colours carry numbers is there a second time, as SVG with its colour bar.

        Raises
        ------
        OutputError
            When a file exists and must not be replaced, or can't be written.
        """
        self._write({}, Path(folder), overwrite=overwrite)

    def save_pdf(
        self, path: str | Path, *, paper: str = "a4", variant: str = "pdf/a-3u",
        theme: str | Path | None = None, overwrite: bool = False,
    ) -> str:  # fmt: skip
        """Write a PDF (see ``docs/pdf.md``); ``theme`` as for :meth:`save_html`.

        Returns
        -------
        str
            What to warn of, such as letters that no font has; usually nothing.

        Raises
        ------
        OutputError
            When it exists and must not be replaced, can't be made or can't be written.
        """
        check_target(Path(path), overwrite=overwrite)
        warnings: list[str] = []
        write_file(
            Path(path), render_pdf(self, paper=paper, variant=variant, warn=warnings.append, theme=as_theme(theme))
        )
        return "\n".join(warnings)

    def save_email(
        self, path: str | Path, message: EmailSettings | Mapping[str, object] | None = None, *, overwrite: bool = False
    ) -> str:
        """Write a draft of an e-mail (see ``docs/email.md``).

        Parameters
        ----------
        path
            The file, ``.eml``.
        message
            To whom it goes and what is attached, as ``[email]`` in the settings.
        overwrite
            Whether an existing file may be replaced.

        Returns
        -------
        str
            What to warn of; usually nothing.

        Raises
        ------
        SettingsError
            When an address can't be used.
        OutputError
            When it exists and must not be replaced, gets too large, can't be made or can't be written.
        """
        check_target(Path(path), overwrite=overwrite)
        asked = message if isinstance(message, EmailSettings) else convert(message or {}, EmailSettings, "email")
        warnings: list[str] = []
        pdf = render_pdf(self, warn=warnings.append) if asked.attach_pdf else None
        mail = self._message(asked, Path(path), render_html(self).encode(), pdf)
        write_file(Path(path), mail.data)
        return "\n".join(filter(None, [*warnings, mail.warning]))

    def save_all(
        self,
        *,
        html: Path,
        json: Path | None = None,
        figures: Path | None = None,
        pdf: Path | None = None,
        email: Path | None = None,
        message: EmailSettings | None = None,
        theme: Theme | None = None,
        overwrite: bool = False,
    ) -> str:
        """Write several outputs: either all of them appear, or none does.

        Parameters
        ----------
        html, json, figures, pdf, email
            Where to; what is None is left out.
        message
            To whom the e-mail goes, and what goes with it.
        theme
            Templates and styles that come before the program's own.
        overwrite
            Whether existing files may be replaced.

        Returns
        -------
        str
            What to warn of, a line each; usually nothing.

        Raises
        ------
        OutputError
            When one exists and must not be replaced, can't be made or can't be written.
        """
        files, warnings = {html: render_html(self, theme).encode()}, list[str]()
        if json is not None:
            files[json] = render_json(self)
        asked = message or EmailSettings()
        printed = None
        if pdf is not None or (email is not None and asked.attach_pdf):
            printed = render_pdf(self, warn=warnings.append, theme=theme)
        if pdf is not None and printed is not None:
            files[pdf] = printed
        if email is not None:
            mail = self._message(asked, email, files[html], printed)
            files[email] = mail.data
            warnings.append(mail.warning)
        for path in files:
            check_target(path, overwrite=overwrite)
        self._write(files, figures, overwrite=overwrite)
        return "\n".join(filter(None, warnings))

    def _message(self, settings: EmailSettings, path: Path, html: bytes, pdf: bytes | None) -> Mail:
        """Return a draft; it is written when the report was."""
        attachments = attachments_of(self, settings, path.stem, lambda: html, pdf)
        return render_email(self, settings, datetime.fromisoformat(self.created), attachments, draft=True)

    def _write(self, files: dict[Path, bytes], figures: Path | None, *, overwrite: bool) -> None:
        if figures is None:
            write_all(files)
            return
        with make_folder(figures):
            pictures = figure_files(self, figures, overwrite=overwrite, further=scaled_figures(self))
            write_all(files | pictures, remove=stale_figures(figures, keep=pictures))


def as_theme(folder: str | Path | None) -> Theme | None:
    """Return the theme of a folder; None where there is none."""
    return None if folder is None else read_theme(Path(folder))


def read_report(path: str | Path, figures: str | Path | None = None) -> SavableReport:
    """Read a report that was written earlier, so that it can be written in other forms. TensorFlow is not needed.

    Parameters
    ----------
    path
        The HTML page, or report.json.
    figures
        For report.json: where its pictures are; default: beside it.

    Raises
    ------
    OutputError
        When there is no such file, or it's no report of this program, of an unknown schema, edited or cut off.
    """
    report = read_saved(Path(path), None if figures is None else Path(figures)).report
    return SavableReport(**{item.name: getattr(report, item.name) for item in fields(report)})
