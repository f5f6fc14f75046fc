"""Report -> an e-mail: plain text, a short HTML body with the pictures that matter, and what is attached.

The same report, addresses and moment give the same bytes. Text of a report can't become a header or markup.
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.page import Page, bare_page
from reportgen.report.picture import Picture
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, Report, readable
from reportgen.settings.job import EmailSettings
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.language import say, speaking
from reportgen.system.text import visible

BODY_LIMIT = 100_000  # Gmail cuts a body off at 102 KB
LARGE = 7_000_000  # what many servers take at most is 10 MB
NOBODY = "reportgen.invalid"
_MOST_RECIPIENTS, _LONGEST, _SHOWN_WIDTH = 100, 400, 284
_REMARKS = (12, 6, 0)
_LONGEST_LIST, _LONGEST_NAME = 5000, 200
_FOLD = "\r\n"
# a mailbox and what ends it: "Name" <address>, Name <address>, or an address alone
_MAILBOX = re.compile(
    r"""\s*(?:(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^"<>,@]*?))\s*<(?P<inside>[^<>\s,]+)>|(?P<bare>[^<>\s,"]+))\s*(?=,|$)"""
)
# a dot-atom of RFC 5322, with letters of any script (RFC 6531)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Mail:
    """A message that is ready, with whom it goes to and what is to be said about it."""

    data: bytes
    sender: str
    recipients: tuple[str, ...]
    needs_utf8: bool
    warning: str


@dataclass(frozen=True)
class _Overlay:
    case: int
    picture: Picture
    identity: str

    @property
    def height(self) -> int:
        return round(_SHOWN_WIDTH * self.picture.height / self.picture.width)


@dataclass(frozen=True)
class _Body:
    """What the templates of the message see besides the page."""

    page: Page
    subject: str
    attached: tuple[str, ...]
    most: int
    overlays: tuple[_Overlay, ...] = field(default=())

    @property
    def warnings(self) -> tuple[Remark, ...]:
        return self.page.first_warnings[:6]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What differs; of reports made before there were headlines, what was measured."""
        page = self.page
        told = any(one.section == "headline" for one in page.report.remarks)
        return (page.headlines() if told else (*page.remarks("predictions"), *page.remarks("occlusion")))[: self.most]

    @staticmethod
    def cut(text: str) -> str:
        """Return a text that is short enough for a message."""
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    def said(self, case: CaseReport) -> str:
        """Say in words what the model made of a case."""
        first = case.predictions[0]
        if case.findings:
            found = ", ".join(f"{one.class_name} {readable(one.score)}" for one in self.page.found(case))
            highest = say("nothing (highest: {name} {score})", name=first.class_name, score=readable(first.score))
            return self.cut(say("finds {found}, {verdict}", found=found or highest, verdict=self.page.verdict(case)[1]))
        if not math.isfinite(first.score):
            return say("the model gives no numbers")
        told = {"name": self.cut(first.class_name), "score": readable(first.score)}
        if self.page.regression:
            return say("{name}: {score} (a number, not the score of a class)", **told)
        return say("predicted {name} {score}, {verdict}", **told, verdict=self.page.verdict(case)[1])


def render_email(
    report: Report, settings: EmailSettings, moment: datetime, attachments: Sequence[Attachment], *, draft: bool
) -> Mail:
    """Return a report as a message.

    Parameters
    ----------
    report
        Made just now, or read with :func:`reportgen.outputs.saved.reader.read_saved`.
    settings
        To whom and from whom, and how large it may be.
    moment
        When it is written; with its time zone.
    attachments
        The files that go with it.
    draft
        Whether it is to be opened in a mail program and sent from there: then it needs no sender, and says so.

    Raises
    ------
    SettingsError
        When an address or the subject can't be used, or there is nobody to send it to.
    OutputError
        When it gets larger than the limit.
    """
    sender, to, cc = _parties(settings, draft=draft)
    subject = _subject(settings.subject) if settings.subject else _one_line(f"Model report: {report.title}")
    needs_utf8 = any(not one.username.isascii() for one in (*sender, *to, *cc))
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(moment)
    seed = hashlib.sha256(repr((report.title, subject, settings, moment)).encode(errors="replace"))
    for attachment in attachments:
        seed.update(attachment.data)
    digest = seed.hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{sender[0].domain if sender else NOBODY}>"
    if draft:
        message["X-Unsent"] = "1"
    _fill(message, report, subject, attachments, digest)
    nobody = (Address("reportgen", "draft", NOBODY),)
    named = (("From", sender or nobody), ("To", to), ("Cc", cc))
    lines = [*(_mailboxes(name, found) for name, found in named if found), _subject_line(subject)]
    data = "".join(f"{line}\r\n" for line in lines).encode(errors="replace") + message.as_bytes()
    return Mail(
        data, sender[0].addr_spec if sender else "", tuple(one.addr_spec for one in (*to, *cc)), needs_utf8,
        _check_size(len(data), settings.limit, bool(attachments)),
    )  # fmt: skip


def check_message(settings: EmailSettings, *, draft: bool) -> None:
    """Refuse addresses and a subject that can't be used, before anything is made.

    Raises
    ------
    SettingsError
        As :func:`render_email` would.
    """
    _parties(settings, draft=draft)
    _subject(settings.subject)


def _parties(
    settings: EmailSettings, *, draft: bool
) -> tuple[tuple[Address, ...], tuple[Address, ...], tuple[Address, ...]]:
    """Return from whom, to whom, and who gets a copy."""
    sender = addresses([settings.sender], "--from") if settings.sender else ()
    to, cc = addresses(settings.to, "--to"), addresses(settings.cc, "--cc")
    if not draft and not sender:
        raise SettingsError("an e-mail that is sent needs a sender", "give --from, or sender in [email]")
    if not draft and not (to or cc):
        raise SettingsError("an e-mail that is sent needs somebody to go to", "give --to, or to in [email]")
    if len(sender) > 1 or len(to) + len(cc) > _MOST_RECIPIENTS:
        raise SettingsError(f"an e-mail has one sender and at most {_MOST_RECIPIENTS} recipients", "give fewer")
    return sender, to, cc


def _mailboxes(name: str, found: Sequence[Address]) -> str:
    """Return a header of addresses, one a line: folded anywhere else, some libraries lose one."""
    return f"{name}: " + ",\r\n ".join(map(_mailbox, found))


def _mailbox(one: Address) -> str:
    name = one.display_name
    if not name:
        return one.addr_spec
    if name.isascii():
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        return f'"{escaped}" <{one.addr_spec}>'
    return f"{Header(name, 'utf-8', maxlinelen=70).encode(linesep=_FOLD)} <{one.addr_spec}>"


def _subject_line(text: str) -> str:
    kind = "us-ascii" if text.isascii() else "utf-8"
    return f"Subject: {Header(text, kind, header_name='Subject').encode(linesep=_FOLD)}"


def attachments_of(
    report: Report, settings: EmailSettings, name: str, page: Callable[[], bytes], pdf: bytes | None = None
) -> tuple[Attachment, ...]:
    """Return what goes with a message, named after a file.

    Parameters
    ----------
    report, settings
        What it is about, and what of it is wanted.
    name
        Of the files, without an ending.
    page
        Gives the HTML.
    pdf
        The PDF, where there is one already.

    Raises
    ------
    OutputError
        When the PDF can't be made.
    """
    from reportgen.outputs.documents.pdf import render_pdf

    safe = re.sub(r"[^\w.-]+", "-", visible(name)).strip("-.")[:80] or "report"
    found = []
    if settings.attach_pdf:
        found.append(Attachment(f"{safe}.pdf", "application/pdf", render_pdf(report) if pdf is None else pdf))
    if settings.attach_html:
        found.append(Attachment(f"{safe}.html", "text/html", page()))
    return tuple(found)


def addresses(texts: Iterable[str], where: str) -> tuple[Address, ...]:
    """Read addresses, each alone or as ``Name <address>``, several with commas between; none is there twice.

    What is read is what was typed: anything that would have to be guessed at is refused.

    Raises
    ------
    SettingsError
        When one is no address, or holds anything that could become a header.
    """
    found = []
    for text in texts:
        _check_plain(text, where)
        if len(text) > _LONGEST_LIST:
            raise SettingsError(f"{where}: '{text:.80}' and so on is too long", "repeat the flag for each address")
        text, at = re.sub(r"\s+", " ", text), 0  # noqa: PLW2901 - spaces count once
        while at <= len(text):
            one = _MAILBOX.match(text, at)
            address = (
                None if one is None else _address(one["quoted"] or one["name"] or "", one["inside"] or one["bare"])
            )
            if one is None or address is None:
                raise SettingsError(
                    f"{where}: '{text[at:].strip():.80}' is no e-mail address",
                    "write it as name@example.org; a name with a comma stands in quotes",
                )
            found.append(address)
            at = one.end() + 1
    return tuple({one.addr_spec.lower(): one for one in reversed(found)}.values())[::-1]


def _address(name: str, address: str) -> Address | None:
    """Return an address with its domain as the network knows it; None when it is none."""
    local, _, domain = address.rpartition("@")
    try:
        network = domain.encode("idna").decode()
    except UnicodeError:
        return None
    if (
        len(name) > _LONGEST_NAME
        or not _LOCAL.fullmatch(local)
        or len(local.encode()) > 64
        or not HOST.fullmatch(network)
    ):
        return None
    return Address(re.sub(r"\\(.)", r"\1", name), local, network)


def _check_plain(text: str, where: str) -> None:
    """Refuse what acts instead of being seen, and words that mail programs decode (RFC 2047), whatever they hide."""
    if visible(text) != text or re.search(r"[\t\n]", text):
        raise SettingsError(f"{where}: '{text:.80}' holds a line break or another control character", "leave it out")
    if "=?" in text:
        raise SettingsError(f"{where}: '{text:.80}' holds an encoded word (=?)", "write it in plain letters")


def _subject(text: str) -> str:
    _check_plain(text, "--subject")
    return text[:_LONGEST]


def _one_line(text: str) -> str:
    """Return a text from a report as a header may have it: no line ends, and nothing that would be decoded."""
    return " ".join(visible(text).split()).replace("=?", "= ?")[:_LONGEST]


def _fill(message: EmailMessage, report: Report, subject: str, attachments: Sequence[Attachment], digest: str) -> None:
    """Add both bodies, the pictures and what is attached, with boundaries that no content can hold."""
    text, html, overlays = _bodies(report, subject, attachments)
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    parts = message.get_payload()
    related = parts[1] if isinstance(parts, list) else None
    for overlay in overlays:
        main, _, kind = overlay.picture.media_type.partition("/")
        if isinstance(related, EmailMessage):
            related.add_related(
                overlay.picture.data, main, kind, cid=f"<{overlay.identity}>", disposition="inline",
                filename=overlay.picture.file_name,
            )  # fmt: skip
    for attachment in attachments:
        main, _, kind = attachment.media_type.partition("/")
        params = {"charset": "utf-8"} if main == "text" else None
        message.add_attachment(attachment.data, main, kind, filename=attachment.name, params=params)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{digest}_{number}")  # "=_" stands in neither quoted-printable nor base64


def _bodies(report: Report, subject: str, attachments: Sequence[Attachment]) -> tuple[str, str, tuple[_Overlay, ...]]:
    page = bare_page(report)
    templates = environment()
    named = tuple(f"{one.name} ({_size(len(one.data))})" for one in attachments)
    overlays = tuple(_overlays(page))
    for most in _REMARKS:
        body = _Body(page, subject, named, most, overlays)
        with speaking(report.language):
            html, text = (
                templates.get_template(f"email/body.{kind}.j2").render(page=page, mail=body, report=report)
                for kind in ("html", "txt")
            )
        if len(html.encode(errors="replace")) < BODY_LIMIT:
            return f"{text.strip()}\n", html, overlays
    raise OutputError("the report's texts are too long for an e-mail", "shorten its labels and titles")


def _overlays(page: Page) -> Iterable[_Overlay]:
    for index, _ in page.cases:
        picture = page.overlay(index) or page.picture(index, "input")
        if picture is not None and picture.width > 0:
            digest = hashlib.sha256(picture.data).hexdigest()[:16]
            yield _Overlay(index, picture, f"case{index + 1}-{digest}@{NOBODY}")


def _check_size(size: int, limit: int, attached: bool) -> str:
    """Refuse a message over the limit; return a warning where many servers would."""
    if size > limit:
        advice = "attach less (--no-attach-pdf), show fewer layers, or raise --limit" if attached else "raise --limit"
        raise OutputError(f"the e-mail has {_size(size)} as sent, the limit is {_size(limit)}", advice)
    return f"the e-mail has {_size(size)} as sent; some servers take no more than 10 MB" if size > LARGE else ""


@functools.cache
def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.0f} kB"
