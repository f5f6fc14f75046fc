"""What each command does with a saved report, as a function: no model is run, and TensorFlow is not loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.outputs.made import Made
from reportgen.outputs.report_files import as_theme
from reportgen.outputs.saved.reader import SavedReport, read_saved
from reportgen.report.report import Report
from reportgen.report.study import Study
from reportgen.settings.job import Job
from reportgen.system.addresses import RemotePath, place_of
from reportgen.system.atomic import check_target, write_all, write_file
from reportgen.system.errors import ImageError, ModelError, OutputError, SettingsError
from reportgen.system.files import is_same_file

if TYPE_CHECKING:
    from reportgen.outputs.page.theme import Theme

_MOST_CAUTIONS, _LONGEST_TITLE = 10, 1000
_ENDINGS = {".pdf": (".pdf",), ".eml": (".eml",), ".dcm": (".dcm", ".dicom", "")}  # DICOM files often have none


@dataclass(frozen=True)
class Filing:
    """Where a report belongs: a study as told, or the images that name it."""

    study: str | None = None
    references: tuple[Path, ...] = ()
    patient_id: str = ""
    patient_name: str = ""
    accession: str = ""

    @property
    def is_told(self) -> bool:
        """Whether anything tells it."""
        return self.study is not None or bool(self.references)


def print_pdf(
    source: Path, target: Path | None, figures: Path | None, paper: str, variant: str, *, overwrite: bool,
    theme: Path | None = None,
) -> Made:  # fmt: skip
    """Make a PDF of a saved report, beside it unless said; with a folder of templates that come before our own.

    Raises
    ------
    ReportgenError
        When the report can't be read or the PDF can't be made or written.
    """
    path = _target(source, target, ".pdf", overwrite=overwrite)
    cautions: list[str] = []
    look = as_theme(theme)
    write_file(path, _pdf(read_saved(source, figures).report, cautions, paper=paper, variant=variant, theme=look))
    return Made((path,), cautions=tuple(cautions))


def export_theme(folder: Path, *, overwrite: bool) -> Made:
    """Write the program's own templates and styles into a folder, which is made if needed, to start a theme from.

    Raises
    ------
    OutputError
        When one of them is there and must not be replaced, or can't be written.
    """
    from reportgen.outputs.page.theme import exported_files
    from reportgen.system.atomic import make_folder

    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", "name a folder")
    files = {folder / name: data for name, data in exported_files().items()}
    for path in files:
        if path.exists() and not overwrite:
            raise OutputError(f"{path} already exists", "choose another folder, or overwrite with -f")
    with contextlib.ExitStack() as made:
        for place in sorted({folder, *(path.parent for path in files)}):
            made.enter_context(make_folder(place))
        write_all(files)
    return Made((folder,), (f"{len(files)} files; delete those that you don't change",))


def write_email(
    source: Path, target: Path | None, figures: Path | None, job: Job, *, send: bool, dry_run: bool,
    overwrite: bool, tell: Callable[[str], object],
) -> Made:  # fmt: skip
    """Make a message about a saved report: a file to be opened in a mail program, sent at once, or both.

    Parameters
    ----------
    source, target, figures
        The report; where to write the message (beside it unless it's sent); where the pictures of report.json are.
    job
        Of which ``email`` and ``smtp`` count.
    send, dry_run
        Send it; only say what would be sent.
    overwrite
        Whether an existing file may be replaced.
    tell
        Is called with a line when sending has to be tried again.

    Raises
    ------
    ReportgenError
        When the report can't be read, an address is none, the message gets too large, or can't be sent or written.
    """
    from reportgen.outputs.documents import smtp
    from reportgen.outputs.documents.email import attachments_of, check_message, render_email
    from reportgen.report.provenance import creation_time

    if dry_run and not send:
        raise SettingsError("--dry-run says what --send would do", "give both")
    path = None if send and target is None else _target(source, target, ".eml", overwrite=overwrite)
    server = smtp.server_from(job.smtp) if send else None
    check_message(job.email, draft=not send)
    saved = read_saved(source, figures)
    cautions: list[str] = []
    pdf = _pdf(saved.report, cautions) if job.email.attach_pdf else None
    attachments = attachments_of(saved.report, job.email, source.stem, lambda: _page(saved), pdf)
    mail = render_email(saved.report, job.email, datetime.fromisoformat(creation_time()), attachments, draft=not send)
    said: tuple[str, ...] = ()
    if server is not None:
        what = f"{len(mail.data) / 1e6:.1f} MB to {', '.join(mail.recipients)} with {server.host}:{server.port}"
        if not dry_run:
            smtp.send(mail, server, tell)
        how = f"{what} ({server.security}{f', as {server.user}' if server.user else ''})"
        said = (f"would send {how}; nothing was sent" if dry_run else f"sent {how}",)
    if path is not None and not dry_run:
        write_file(path, mail.data)
    cautions += [mail.warning] if mail.warning else []
    return Made((path,) if path and not dry_run else (), said, tuple(cautions))


def file_dicom(
    source: Path, target: Path | None, figures: Path | None, filing: Filing, *, archive: Path | None, overwrite: bool
) -> Made:
    """Make a DICOM file of a saved report, a zip with all its forms, or both.

    Parameters
    ----------
    source, target, figures
        The report; the DICOM file to write, beside it unless said; where the pictures of report.json are.
    filing
        Where the DICOM file belongs; may be left out where only the zip is wanted.
    archive
        The zip file to write.
    overwrite
        Whether existing files may be replaced.

    Raises
    ------
    ReportgenError
        When the report or a reference can't be read, patients would be mixed, or a file can't be made or written.
    """
    from reportgen.outputs.documents.dicom import check_covered, render_dicom
    from reportgen.outputs.documents.zip import render_zip

    if not filing.is_told and archive is None:
        raise SettingsError(
            "a DICOM file belongs to a study",
            "give an image of it with --reference, its UID with --study, or --study new; --zip needs none",
        )
    path = _target(source, target, ".dcm", overwrite=overwrite) if filing.is_told else None
    if path is None and (target is not None or filing != Filing()):
        raise SettingsError("a DICOM file belongs to a study", "give --reference or --study, or leave out its options")
    if archive is not None:
        check_target(archive, overwrite=overwrite)
        _refuse_same(archive, source, path)
    references, study = _studies(filing)
    saved = read_saved(source, figures)
    caution = check_covered(saved.report, references) if filing.is_told else ""
    cautions = [caution] if caution else []
    pdf = _pdf(saved.report, cautions)
    files = {}
    if path is not None and study is not None:
        files[path] = render_dicom(saved.report, pdf, study, references)
    if archive is not None:
        files[archive] = render_zip(saved.report, _page(saved), pdf)
    write_all(files)
    return Made(tuple(files), cautions=tuple(cautions))


def verify(source: Path, figures: Path | None, models: Sequence[Path], images: Sequence[Path]) -> Made:
    """Say whether a report is as it was written, and whether it was made of these files.

    Returns
    -------
    Made
        What agrees in ``said``, what doesn't in ``cautions``.

    Raises
    ------
    ReportgenError
        When the report was edited or can't be read, or one of the files can't be.
    """
    from reportgen.models.formats.identify import model_digest

    saved = read_saved(source, figures)
    report = saved.report
    what = "the page, what it says" if saved.is_page else "what it says"
    agrees = [f"{source} is as it was written: {what} and its {len(report.pictures)} pictures agree with their digests"]
    differs = []
    for path in models:
        if str(path).startswith("keras:") and not path.exists():
            raise ModelError(
                f"{path} is made by Keras: there is no file to compare", "give its file of weights, if any"
            )
        if model_digest(path) == report.model.sha256:
            agrees.append(f"{path} is its model")
        else:
            differs.append(f"{path} is not its model ({report.model.name})")
    found = set()
    for path in images:
        digest = _image_digest(path)
        cases = [case.title for case in report.cases if case.sha256 == digest]
        found.add(digest)
        if cases:
            agrees.append(f"{path} is its image of {' and '.join(cases)}")
        else:
            differs.append(f"{path} is none of its images")
    left = [case.title for case in report.cases if case.sha256 not in found]
    if images and left:
        agrees.append(f"not compared, as no such image was given: {', '.join(left)}")
    return Made(said=tuple(agrees), cautions=tuple(differs))


def publish(
    reports: Sequence[str],
    folder: Path | RemotePath,
    *,
    title: str | None,
    add: bool,
    remove: bool,
    overwrite: bool,
    progress: bool,
) -> Made:
    """Make a static site of reports, or change it.

    Parameters
    ----------
    reports
        Files and folders, here or in an object store; with ``remove`` files or names of pages.
    folder
        Where the site is: a folder, or a place in an object store.
    title
        Of the site; None: as it was.
    add, remove
        Keep what is there and add these; keep what is there but these; neither: these and no others.
    overwrite
        Whether files that this program didn't write may be replaced.
    progress
        Whether to show it.

    Raises
    ------
    ReportgenError
        When the site can't be made or written; a broken report is listed, and is no error.
    """
    from reportgen.outputs.site.build import build_site, find_reports, remove_reports
    from reportgen.system.progress import Stopwatch

    if remove and (add or title is not None):
        raise SettingsError("--remove takes reports out, and does nothing else", "leave out --add and --title")
    if title is not None and (len(title) > _LONGEST_TITLE or not title.strip()):
        raise SettingsError(f"a site's title has 1 to {_LONGEST_TITLE} characters", "give another")
    if not reports and (remove or title is None):
        raise SettingsError("no report was named", "name report.html files, or folders with some")
    if remove:
        built = remove_reports(reports, folder, overwrite=overwrite)
    else:
        sources = find_reports(map(place_of, reports), folder)
        if reports and not sources:
            raise OutputError("nothing that was given is a report", "name report.html files, or folders with some")
        with Stopwatch(progress).step("reports", len(sources)) as done:
            # without any, another title is all that's wanted
            built = build_site(sources, folder, title=title, add=add or not reports, overwrite=overwrite, done=done)
    said = f"{folder}: {built.reports:,} report{'' if built.reports == 1 else 's'}, {built.read:,} read, "
    said += f"{built.changed:,} file{'' if built.changed == 1 else 's'} changed"
    cautions = [f"broken: {one.name} {one.problem}" for one in built.broken[:_MOST_CAUTIONS]]
    if len(built.broken) > _MOST_CAUTIONS:
        cautions.append(f"and {len(built.broken) - _MOST_CAUTIONS:,} more are broken; index.html lists them")
    return Made(said=(said,), cautions=tuple(cautions), site=folder / "index.html")


def _studies(filing: Filing) -> tuple[list[Study], Study | None]:
    """Return the references, and the one study that a report is filed under; refuse what contradicts it."""
    from reportgen.images.dicom.study import read_study
    from reportgen.outputs.documents.dicom import contradiction, one_patient, stated_study

    references = [read_study(path) for path in filing.references]
    if not filing.is_told:
        return references, None
    told = stated_study(
        filing.study, patient_id=filing.patient_id, patient_name=filing.patient_name, accession=filing.accession
    )
    if not references:
        return references, told
    study = one_patient(references)
    wrong = contradiction(study, told)
    if wrong:
        raise OutputError(f"{study.name} has another {wrong} than was given", "leave out what the reference tells")
    return references, study


def _pdf(
    report: Report, cautions: list[str], *, paper: str = "a4", variant: str = "pdf/a-3u", theme: Theme | None = None
) -> bytes:
    """Make a PDF and add what to warn of; after two seconds a bar shows how far it is."""
    from reportgen.outputs.documents.pdf import STEPS, render_pdf
    from reportgen.system.progress import Stopwatch

    with Stopwatch(progress=True).step("PDF", STEPS) as done:
        return render_pdf(report, paper=paper, variant=variant, done=done, warn=cautions.append, theme=theme)


def _page(saved: SavedReport) -> bytes:
    """Return the page of a report: as it was read, or drawn anew from its data."""
    from reportgen.outputs.page.rendering import render_html

    return (saved.text if saved.is_page else render_html(saved.report)).encode()


def path_beside(source: Path, ending: str) -> Path:
    """Return the path of a report with another ending.

    Raises
    ------
    OutputError
        When it's a folder.
    """
    if not source.name or source.is_dir():
        raise OutputError(f"{source} is a folder", "name a report.html or report.json in it")
    return source.with_suffix(ending)


def _target(source: Path, target: Path | None, ending: str, *, overwrite: bool) -> Path:
    """Return where to write, beside the report unless said; refuse to write over the report itself."""
    path = path_beside(source, ending) if target is None else target
    if path.suffix.lower() not in _ENDINGS[ending]:
        raise OutputError(f"{path} doesn't end as such a file does", f"name it so that it ends in {ending}")
    check_target(path, overwrite=overwrite)
    _refuse_same(path, source)
    return path


def _refuse_same(path: Path, *others: Path | None) -> None:
    for other in others:
        if other is not None and is_same_file(path, other):
            raise OutputError(f"{path} is needed for something else", "name another output")


def _image_digest(path: Path) -> str:
    from reportgen.system.files import read_bytes, sha256

    return sha256(read_bytes(path, ImageError, "image"))
