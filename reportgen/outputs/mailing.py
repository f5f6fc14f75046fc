"""A message -> a mail server, over TLS from its first or its second word, with a certificate that is checked."""

from __future__ import annotations

import importlib
import os
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from reportgen.errors import OutputError, SettingsError
from reportgen.outputs.email import Mail
from reportgen.settings import SmtpSettings
from reportgen.system import install_extra

PASSWORD = "REPORTGEN_SMTP_PASSWORD"  # noqa: S105 - the name of the variable
SERVICE = "reportgen"
PORTS = {"starttls": 587, "tls": 465}
ATTEMPTS, _TIMEOUT = 4, 30
_OWN_NAME = "[127.0.0.1]"  # what it greets with: the machine's name is nobody's business


@dataclass(frozen=True)
class Server:
    """A mail server, and what logs in there."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""
    ca_file: str | None = None


class _AgainError(Exception):
    """What may work a moment later."""


def server_from(settings: SmtpSettings) -> Server:
    """Return the server that settings name, with the password from the environment or the keyring.

    Raises
    ------
    SettingsError
        When there is no host, or a user without a password.
    """
    if not settings.host:
        raise SettingsError("there is no mail server to send with", "give --smtp-host, or host in [smtp]")
    port = settings.port or PORTS[settings.security]
    password = _password(settings.user, settings.host) if settings.user else ""
    return Server(settings.host, port, settings.security, settings.user, password, settings.ca_file)


def send(
    mail: Mail, server: Server, tell: Callable[[str], object], wait: Callable[[float], object] = time.sleep
) -> None:
    """Send a message to all its recipients, or to none.

    What may pass (no connection, a server that is busy) is tried again after 1, 4 and 16 s. Once the server has the
    whole message it isn't: it might arrive twice.

    Parameters
    ----------
    mail, server
        What, and with which.
    tell
        Is called with a line before each further attempt.
    wait
        Is called with the seconds to wait.

    Raises
    ------
    OutputError
        When it was not sent; or, where the connection broke at the end, may not have been.
    """
    trusted = _trusted(server)
    for attempt in range(ATTEMPTS):
        try:
            with _connected(server, trusted) as client:
                _log_in(client, server)
                _hand_over(client, mail, server)
            return
        except _AgainError as problem:
            if attempt == ATTEMPTS - 1:
                raise OutputError(f"{problem}; tried {ATTEMPTS} times", "try again later; nothing was sent") from None
            seconds = 4**attempt
            tell(f"{problem}; trying again in {seconds} s")
            wait(seconds)


def _trusted(server: Server) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ssl.SSLError) as problem:
        raise SettingsError(
            f"{server.ca_file} holds no certificates ({_told(problem)})", "give a PEM file with --smtp-ca"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _connected(server: Server, trusted: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    """Connect, and tell every failure as what it is: for good, or for now."""
    where = f"{server.host}:{server.port}"
    client: smtplib.SMTP | None = None
    try:
        if server.security == "tls":
            client = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=_OWN_NAME, timeout=_TIMEOUT, context=trusted
            )
        else:
            client = smtplib.SMTP(server.host, server.port, local_hostname=_OWN_NAME, timeout=_TIMEOUT)
            client.starttls(context=trusted)
        client.ehlo()
        yield client
    except ssl.SSLCertVerificationError as problem:
        raise OutputError(
            f"the certificate of {where} can't be trusted ({problem.verify_message})",
            "check the host's name; for an authority of your own give --smtp-ca",
        ) from None
    except ssl.SSLError as problem:
        raise OutputError(
            f"{where} doesn't speak TLS as asked ({_told(problem)})", "try --smtp-security tls or starttls"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise OutputError(f"{where} offers no STARTTLS", "use a server that encrypts, or --smtp-security tls") from None
    except smtplib.SMTPResponseException as problem:
        raise _refused(where, problem.smtp_code, problem.smtp_error) from None
    except socket.gaierror as problem:
        if problem.errno == socket.EAI_AGAIN:
            raise _AgainError(f"{server.host} can't be looked up now") from None
        raise OutputError(f"there is no host {server.host}", "check --smtp-host") from None
    except (smtplib.SMTPServerDisconnected, OSError) as problem:
        raise _AgainError(f"{where} can't be reached ({_told(problem)})") from None
    finally:
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()


def _log_in(client: smtplib.SMTP, server: Server) -> None:
    if not server.user:
        return
    try:
        client.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as problem:
        if problem.smtp_code // 100 == 4:
            raise
        raise OutputError(
            f"{server.host} doesn't accept user {server.user} with this password",
            f"check {PASSWORD}; some providers want a password for applications",
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise OutputError(f"{server.host} offers no login", "leave out --smtp-user") from None


def _hand_over(client: smtplib.SMTP, mail: Mail, server: Server) -> None:
    """Name sender and recipients, then hand the message over; nothing is sent unless all are accepted."""
    size = client.esmtp_features.get("size", "")
    if size.isdecimal() and 0 < int(size) < len(mail.data):
        raise OutputError(
            f"{server.host} takes messages of at most {int(size):,} bytes, this one has {len(mail.data):,}",
            "attach less (--no-attach-pdf), or show fewer layers",
        )
    options = [f"SIZE={len(mail.data)}"] if "size" in client.esmtp_features else []
    if mail.needs_utf8:
        if not client.has_extn("smtputf8"):
            raise OutputError(f"{server.host} takes only addresses of plain letters", "use another address")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
        client.command_encoding = "utf-8"
    _accepted(server, "the sender", client.mail(mail.sender, options))
    for recipient in mail.recipients:
        _accepted(server, f"the recipient {recipient}", client.rcpt(recipient))
    try:
        code, answer = client.data(mail.data)
    except (smtplib.SMTPServerDisconnected, OSError):
        raise OutputError(
            f"the connection to {server.host} broke while the message was handed over",
            "it may or may not have arrived: ask before you send it again",
        ) from None
    _accepted(server, "the message", (code, answer))


def _accepted(server: Server, what: str, answer: tuple[int, bytes]) -> None:
    code, text = answer
    if code not in (250, 251):
        raise _refused(f"{server.host}: {what}", code, text)


def _refused(what: str, code: int, answer: bytes | str) -> Exception:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    told = f"{what} is refused ({code} {' '.join(text.split())[:200]})"
    return _AgainError(told) if code // 100 == 4 or code < 0 else OutputError(told, "nothing was sent")


def _told(problem: Exception) -> str:
    reason = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or str(problem)
    return " ".join(str(reason).split())[:120]


def _password(user: str, host: str) -> str:
    found = os.environ.get(PASSWORD) or _from_keyring(user, host)
    if not found:
        raise SettingsError(
            f"there is no password for {user} at {host}",
            f"set {PASSWORD}, or keep it with: keyring set {SERVICE} {user}@{host} ({install_extra('email')})",
        )
    return found


def _from_keyring(user: str, host: str) -> str | None:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found = keyring.get_password(SERVICE, f"{user}@{host}")
    except Exception as problem:  # noqa: BLE001 - a locked or missing keyring has errors of many kinds
        raise SettingsError(f"the keyring can't be read ({_told(problem)})", f"unlock it, or set {PASSWORD}") from None
    return found if isinstance(found, str) else None
