"""A message -> a mail server, over TLS from its first or its second word, with a certificate that is checked."""

from __future__ import annotations

import base64
import importlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from reportgen.outputs.documents.email import HOST, Mail
from reportgen.settings.job import SmtpSettings
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.libraries import install_extra

PASSWORD = "REPORTGEN_SMTP_PASSWORD"  # noqa: S105 - the name of the variable
SERVICE = "reportgen"
PORTS = {"starttls": 587, "tls": 465}
ATTEMPTS, _TIMEOUT = 4, 30
_PATIENCE = 300  # seconds for a whole conversation, the message of 25 MB among them
_IPV6 = re.compile(r"[0-9A-Fa-f:.%a-z]{2,60}")
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


class _Plain(smtplib.SMTP):
    """A connection that is closed when a conversation takes too long, whatever the server is saying.

    ``was_reached``: somebody is there; ``has_spoken``: and has said something.
    """

    was_reached = has_spoken = False

    def getreply(self) -> tuple[int, bytes]:
        self.was_reached = True
        answer = super().getreply()
        self.has_spoken = True
        return answer

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Hang up after a while: a server that never stops talking keeps nobody waiting."""
        timer = threading.Timer(_PATIENCE, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


class _Encrypted(smtplib.SMTP_SSL, _Plain):
    """The same, in TLS from the start."""


def server_from(settings: SmtpSettings) -> Server:
    """Return the server that settings name, with the password from the environment or the keyring.

    Raises
    ------
    SettingsError
        When there is no host, or none that can be, or a user without a password.
    """
    if not settings.host:
        raise SettingsError("there is no mail server to send with", "give --smtp-host, or host in [smtp]")
    try:
        host = settings.host if ":" in settings.host else settings.host.rstrip(".").encode("idna").decode()
        if not (HOST.fullmatch(host) or _IPV6.fullmatch(host)):
            raise UnicodeError
    except UnicodeError:
        raise SettingsError(
            f"--smtp-host: '{settings.host:.80}' is no host", "give one such as mail.example.org"
        ) from None
    security = settings.security or ("tls" if settings.port == PORTS["tls"] else "starttls")
    password = _password(settings.user, settings.host) if settings.user else ""
    return Server(host, settings.port or PORTS[security], security, settings.user, password, settings.ca_file)


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
    client: Any = (
        _Encrypted(local_hostname=_OWN_NAME, timeout=_TIMEOUT, context=trusted)
        if server.security == "tls"
        else _Plain(local_hostname=_OWN_NAME, timeout=_TIMEOUT)
    )
    # the name that the certificate must bear; else only the constructor sets it, and connects at once
    client._host = server.host
    try:
        with client.timed():
            code, answer = client.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPResponseException(code, answer)
            if server.security == "starttls":
                client.starttls(context=trusted)
            client.ehlo_or_helo_if_needed()
            yield client
    except (smtplib.SMTPException, OSError) as problem:
        raise _failure(problem, client, server) from None
    finally:
        with suppress(smtplib.SMTPException, OSError, ValueError):
            client.quit()
        client.close()


def _failure(problem: Exception, client: _Plain | _Encrypted, server: Server) -> Exception:
    """Return what went wrong as an error of this program, or as something that may pass."""
    where = f"{server.host}:{server.port}"
    other = "starttls" if server.security == "tls" else "tls"
    if isinstance(problem, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return _no_tls(problem, where, other)
    if isinstance(problem, smtplib.SMTPResponseException):
        return _refused(where, problem.smtp_code, problem.smtp_error)
    if isinstance(problem, socket.gaierror) and problem.errno != socket.EAI_AGAIN:
        return OutputError(f"there is no host {server.host}", "check --smtp-host")
    if client.was_reached and not client.has_spoken:
        advice = f"if it speaks another way, give --smtp-security {other}"
        return OutputError(f"{where} was reached and says nothing ({_told(problem)})", advice)
    if isinstance(problem, socket.gaierror):
        return _AgainError(f"{server.host} can't be looked up now")
    reached = "broke off" if client.was_reached else "can't be reached"
    return _AgainError(f"{where} {reached} ({_told(problem)})")


def _no_tls(problem: Exception, where: str, other: str) -> OutputError:
    if isinstance(problem, ssl.SSLCertVerificationError):
        told = f"the certificate of {where} can't be trusted ({problem.verify_message})"
        return OutputError(told, "check the host's name; for an authority of your own give --smtp-ca")
    if isinstance(problem, ssl.SSLError):
        return OutputError(f"{where} doesn't speak TLS as asked ({_told(problem)})", f"try --smtp-security {other}")
    return OutputError(f"{where} offers no STARTTLS", "use a server that encrypts, or --smtp-security tls")


def _log_in(client: smtplib.SMTP, server: Server) -> None:
    """Log in; all is encrypted, so the plainest way will do, and it takes any letters (RFC 4616)."""
    if not server.user:
        return
    code: int
    answer: bytes | str
    ways = client.esmtp_features.get("auth", "").upper().split()
    try:
        if "PLAIN" in ways:
            code, answer = client.docmd("AUTH", f"PLAIN {_packed(f'{chr(0)}{server.user}{chr(0)}{server.password}')}")
        elif "LOGIN" in ways:
            code, answer = client.docmd("AUTH", f"LOGIN {_packed(server.user)}")
            if code == 334:
                code, answer = client.docmd(_packed(server.password))
        else:
            code, answer = client.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as problem:
        code, answer = problem.smtp_code, problem.smtp_error
    except smtplib.SMTPServerDisconnected:
        raise
    except (smtplib.SMTPException, ValueError):
        raise OutputError(
            f"{server.host} offers no login that works here", "leave out --smtp-user, or ask for PLAIN"
        ) from None
    if code not in (235, 503):
        if code // 100 == 4:
            raise _refused(f"{server.host}: the login", code, answer)
        raise OutputError(
            f"{server.host} doesn't accept user {server.user} with this password",
            f"check {PASSWORD}; some providers want a password for applications",
        )


def _hand_over(client: smtplib.SMTP, mail: Mail, server: Server) -> None:
    """Name sender and recipients, then hand the message over; nothing is sent unless all are accepted."""
    size = client.esmtp_features.get("size", "")[:18]
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
    except smtplib.SMTPDataError as problem:
        raise _refused(f"{server.host}: the message", problem.smtp_code, problem.smtp_error) from None
    except (smtplib.SMTPException, OSError):
        code, answer = -1, b""
    if code < 0:
        raise OutputError(
            f"{server.host} gave no proper answer to the whole message",
            "it may or may not have arrived: ask before you send it again",
        )
    _accepted(server, "the message", (code, answer))


def _accepted(server: Server, what: str, answer: tuple[int, bytes]) -> None:
    code, text = answer
    if code not in (250, 251):
        raise _refused(f"{server.host}: {what}", code, text)


def _refused(what: str, code: int, answer: bytes | str) -> Exception:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    told = f"{what} is refused ({code} {' '.join(text.split())[:200]})"
    return _AgainError(told) if code // 100 == 4 else OutputError(told, "nothing was sent")


def _packed(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogatepass")).decode()


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
