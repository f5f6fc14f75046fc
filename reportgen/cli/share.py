"""The commands that pass a saved report on: as PDF, e-mail, case archive and site; and what checks it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_caution, say_made
from reportgen.cli.flags import SENT, add_flags, tables_from
from reportgen.system.errors import OutputError
from reportgen.system.terminal import say
from reportgen.system.text import visible


def add_pdf(commands: Any) -> None:
    """Add the command."""
    pdf = add_command(
        commands, "pdf", "make a PDF of a saved report", _pdf,
        "reportgen pdf report.html\n"
        "reportgen pdf report.html -o case.pdf --paper letter --variant pdf/ua-1\n"
        "reportgen pdf report.json --figures figures/",
    )  # fmt: skip
    _add_report(pdf, "PDF to write; default: beside the report")
    pdf.add_argument("--paper", default="a4", metavar="SIZE", help="a4 (default) or letter")
    pdf.add_argument(
        "--variant", default="pdf/a-3u", metavar="NAME",
        help="pdf/a-3u (default, to be kept), pdf/ua-1 (for assistive technology) or plain",
    )  # fmt: skip
    pdf.add_argument("--theme", metavar="DIR", help="your own templates and styles (see reportgen theme)")
    add_open(pdf)


def add_email(commands: Any) -> None:
    """Add the command."""
    email = add_command(
        commands, "email", "make an e-mail of a saved report, and send it", _email,
        "reportgen email report.html --to 'Dr. Roe <roe@example.org>' -o case.eml\n"
        "reportgen email report.html --to roe@example.org --from me@example.org --send \\\n"
        "    --smtp-host mail.example.org --smtp-user me   # password: REPORTGEN_SMTP_PASSWORD, or the keyring\n"
        "reportgen email report.html -c mail.toml --send --dry-run",
    )  # fmt: skip
    _add_report(email, "message to write (.eml); default: beside the report, unless it is sent")
    email.add_argument("-c", "--config", metavar="FILE", help="settings file (TOML) with [email] and [smtp]")
    email.add_argument("--send", action="store_true", help="send it, over TLS")
    email.add_argument("--dry-run", action="store_true", help="with --send: say what would be sent, and send nothing")
    add_flags(email, SENT)


def add_dicom(commands: Any) -> None:
    """Add the command."""
    dicom = add_command(
        commands, "dicom", "file a saved report as a DICOM Encapsulated PDF, or as a zip", _dicom,
        "reportgen dicom report.html --reference image.dcm -o report.dcm\n"
        "reportgen dicom report.html --study 1.2.840.113619.2.1 --patient-id 4711\n"
        "reportgen dicom report.html --zip case.zip",
    )  # fmt: skip
    _add_report(dicom, "DICOM file to write; default: beside the report")
    dicom.add_argument("--reference", nargs="+", action="extend", default=[], metavar="IMAGE.dcm",
                       help="take patient and study from this image; repeats")  # fmt: skip
    dicom.add_argument("--study", metavar="UID", help="Study Instance UID to file it under, or new")
    dicom.add_argument("--patient-id", default="", metavar="ID", help="with --study: whose it is")
    dicom.add_argument("--patient-name", default="", metavar="NAME", help="with --study: as Family^Given")
    dicom.add_argument("--accession", default="", metavar="NUMBER", help="with --study: accession number")
    dicom.add_argument(
        "--zip", nargs="?", const="", metavar="FILE.zip",
        help="write HTML, PDF, JSON, figures and SHA256SUMS as a zip; default: as the report",
    )  # fmt: skip


def add_site(commands: Any) -> None:
    """Add the command."""
    site = add_command(
        commands, "site", "make a static site of saved reports", _site,
        "reportgen site reports/ -o site/\n"
        "reportgen site reports/ -o s3://bucket/site\n"
        "reportgen site --add case.html -o site/\n"
        "reportgen site --remove case.html -o site/",
    )  # fmt: skip
    site.add_argument(
        "reports", nargs="*", metavar="REPORT", help="reports, or folders with some; the site shows these"
    )
    site.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder of the site, or s3://, gs://, abfs://"
    )
    site.add_argument("--title", metavar="TEXT", help="of the site; default: as it was, or 'Model reports'")
    site.add_argument("--add", action="store_true", help="keep the reports that are there, and add these")
    site.add_argument("--remove", action="store_true", help="take these out: by their file, or their page's name")
    add_open(site)
    site.add_argument(
        "-f", "--force", action="store_true", help="replace also files that it didn't write, or were edited"
    )


def add_verify(commands: Any) -> None:
    """Add the command."""
    verify = add_command(
        commands, "verify", "say whether a report is as it was written, and made of which files", _verify,
        "reportgen verify report.html\n"
        "reportgen verify report.html --model model.keras --image a.jpeg --image b.jpeg",
    )  # fmt: skip
    verify.add_argument("report", help="report.html, or report.json with its pictures beside it")
    verify.add_argument("--figures", metavar="DIR", help="where the pictures of report.json are")
    verify.add_argument(
        "-m", "--model", nargs="+", action="extend", default=[], metavar="FILE", help="is it of this model?"
    )
    verify.add_argument(
        "-i", "--image", nargs="+", action="extend", default=[], metavar="FILE", help="is it about these images?"
    )


def add_theme(commands: Any) -> None:
    """Add the command."""
    theme = add_command(
        commands, "theme", "write the templates and styles that a theme of your own starts from", _theme,
        "reportgen theme export my-theme/",
    )  # fmt: skip
    theme.add_argument("action", choices=["export"], help="what to do")
    theme.add_argument("folder", metavar="DIR", help="folder to write to; made if needed")
    add_force(theme)


def _theme(given: argparse.Namespace) -> None:
    from reportgen.workflows import sharing

    say_made(sharing.export_theme(Path(given.folder), overwrite=given.force))


def _add_report(parser: argparse.ArgumentParser, output: str) -> None:
    parser.add_argument("report", help="report.html, or report.json with its pictures beside it")
    parser.add_argument("-o", "--output", metavar="FILE", help=output)
    parser.add_argument("--figures", metavar="DIR", help="where the pictures of report.json are")
    add_force(parser)


def _pdf(given: argparse.Namespace) -> None:
    from reportgen.workflows import sharing

    say_made(sharing.print_pdf(
        *_places(given), given.paper.lower(), given.variant.lower(), overwrite=given.force,
        theme=Path(given.theme) if given.theme else None,
    ), opening=given.open)  # fmt: skip


def _email(given: argparse.Namespace) -> None:
    from reportgen.settings.file import job_from, merge, read_settings
    from reportgen.workflows import sharing

    tables = read_settings(Path(given.config)) if given.config else {}
    job = job_from(merge(tables, tables_from(given, SENT)))
    say_made(sharing.write_email(
        *_places(given), job, send=given.send, dry_run=given.dry_run, overwrite=given.force, tell=say_caution
    ))  # fmt: skip


def _dicom(given: argparse.Namespace) -> None:
    from reportgen.workflows import sharing

    source, target, figures = _places(given)
    archive = None if given.zip is None else Path(given.zip) if given.zip else sharing.path_beside(source, ".zip")
    if archive is not None and archive.suffix.lower() != ".zip":
        raise OutputError(f"--zip names the zip to write, not {archive}", "it must end in .zip")
    filing = sharing.Filing(
        given.study, tuple(map(Path, given.reference)), given.patient_id, given.patient_name, given.accession
    )
    say_made(sharing.file_dicom(source, target, figures, filing, archive=archive, overwrite=given.force))


def _site(given: argparse.Namespace) -> None:
    from reportgen.system.addresses import place_of
    from reportgen.workflows import sharing

    say_made(sharing.publish(
        given.reports, place_of(given.output), title=given.title, add=given.add, remove=given.remove,
        overwrite=given.force, progress=True,
    ), opening=given.open)  # fmt: skip


def _verify(given: argparse.Namespace) -> None:
    from reportgen.workflows import sharing

    figures = Path(given.figures) if given.figures else None
    models, images = (tuple(map(Path, paths)) for paths in (given.model, given.image))
    found = sharing.verify(Path(given.report), figures, models, images)
    for line in found.said:
        say(f"{visible(line)}\n")
    if found.cautions:
        raise OutputError(f"{given.report} was not made of all that was given: {'; '.join(found.cautions)}")


def _places(given: argparse.Namespace) -> tuple[Path, Path | None, Path | None]:
    target, figures = (Path(path) if path else None for path in (given.output, given.figures))
    return Path(given.report), target, figures
