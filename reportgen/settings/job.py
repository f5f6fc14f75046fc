"""What is to be run: the cases, where results go, and the e-mail about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from reportgen.settings.values import Box, Count


@dataclass(frozen=True, kw_only=True)
class CaseSettings:
    """One image: ``[[cases]]`` in the file, ``[LABEL=]IMAGE`` on the command line.

    Attributes
    ----------
    image
        The file.
    label
        What it is said to show; None: unknown.
    frame
        Which frame of several, the first being 1; None: as ``images.frame`` says.
    mask
        A known region of the image: an image file of its size or aspect, bright inside, or a DICOM segmentation; named
        after the file, or by the labels of its segments.
    masks
        Several of them by name, such as { lungs = "lungs.png" }.
    boxes
        Regions by name, each [top, left, height, width] in pixels of the image as stored, or a list of such boxes.
    """

    image: str
    label: str | None = None
    frame: Count | None = None
    mask: str | None = None
    masks: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, Box | tuple[Box, ...]] = field(default_factory=dict)

    @property
    def mask_files(self) -> tuple[str, ...]:
        """The files of all its masks."""
        return (*([] if self.mask is None else [self.mask]), *self.masks.values())


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where results go.

    Attributes
    ----------
    html
        The page; None: ``report.html`` in the working folder.
    json
        Everything measured (see ``docs/report-json.md``); None: not written.
    figures
        A folder for each picture as a file; None: not written.
    pdf
        The report on paper (see ``docs/pdf.md``); empty: named after the page. None: not written.
    email
        A draft about it, ``.eml`` (see ``docs/email.md``); empty: named after the page. None: not written.
    """

    html: str | None = None
    json: str | None = None
    figures: str | None = None
    pdf: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class EmailSettings:
    """A message about a report: to whom, and what goes with it.

    Attributes
    ----------
    to
        Addresses, each alone or as ``Name <address>``.
    cc
        Who gets a copy.
    sender
        From whom; needed to send it.
    subject
        Empty: the title of the report.
    attach_pdf
        Whether the PDF is attached.
    attach_html
        Whether the page is attached; some mail filters hold HTML back.
    limit
        Bytes of the message as sent; a larger one is refused.
    """

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    sender: str = ""
    subject: str = ""
    attach_pdf: bool = True
    attach_html: bool = False
    limit: Count = 25_000_000


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """The server that sends mail. A password never stands here (see ``docs/email.md``).

    Attributes
    ----------
    host
        Its name, which its certificate must bear.
    port
        None: 587 with ``starttls``, 465 with ``tls``.
    security
        ``starttls`` or ``tls`` from the start; None: ``tls`` at port 465, else ``starttls``. Nothing is ever sent in
        the open.
    user
        Empty: without a login.
    ca_file
        PEM file of the authority that signed its certificate, where the system doesn't know it.
    """

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | None = None
    security: Literal["starttls", "tls"] | None = None
    user: str = ""
    ca_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be run; how it's done stands in :class:`reportgen.settings.report.Settings`.

    Attributes
    ----------
    cases
        The images, 1 to 12.
    output
        Where results go.
    email
        A message about the report.
    smtp
        The server that sends it.
    """

    cases: tuple[CaseSettings, ...] = ()
    output: OutputSettings = OutputSettings()
    email: EmailSettings = EmailSettings()
    smtp: SmtpSettings = SmtpSettings()
