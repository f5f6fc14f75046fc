"""Sending, to a real server: encrypted, with a checked certificate, all recipients or none."""

from __future__ import annotations

import contextlib
import email
import smtplib
import socket
import sys
import threading
import time
import types
from contextlib import contextmanager
from datetime import UTC, datetime
from email import policy

import pytest

aiosmtpd = pytest.importorskip("aiosmtpd.controller", reason="aiosmtpd is not installed")
trustme = pytest.importorskip("trustme", reason="trustme is not installed")

import ssl  # noqa: E402

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402

from reportgen.cli.main import main  # noqa: E402
from reportgen.outputs.documents import smtp  # noqa: E402
from reportgen.outputs.documents.email import render_email  # noqa: E402
from reportgen.outputs.documents.smtp import PASSWORD, Server, send, server_from  # noqa: E402
from reportgen.outputs.page.rendering import render_html  # noqa: E402
from reportgen.settings.job import EmailSettings, SmtpSettings  # noqa: E402
from reportgen.system.errors import OutputError, SettingsError  # noqa: E402

USER, SECRET = "me", "correct horse"


class Handler:
    """Keeps what arrives; refuses as it's told."""

    def __init__(self):
        self.arrived, self.refusals, self.greeted = [], {}, []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.greeted.append(hostname)
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answers = self.refusals.get(address)
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if "data" in self.refusals:
            if self.refusals["data"] == "vanish":
                server.transport.abort()
                return "250 OK"
            return self.refusals["data"]
        self.arrived.append((envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.original_content)))
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (USER.encode(), SECRET.encode()), handled=False)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(smtp, "_TIMEOUT", 2)
    monkeypatch.setattr(smtp, "_PATIENCE", 3)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@contextmanager
def serving(authority, security="starttls", name="localhost", **options):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    handler = Handler()
    given = {"authenticator": check, "auth_required": True, "enable_SMTPUTF8": False} | options
    if security == "starttls":
        given |= {"tls_context": context, "require_starttls": True}
    else:
        given |= {"auth_require_tls": False}  # it doesn't know that it speaks TLS from the start

    class Controller(aiosmtpd.Controller):
        def factory(self):
            return SMTP(handler, **given)

        def _trigger_server(self):
            """Greet it; its own way to fails with TLS."""
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                seen = ssl._create_unverified_context().wrap_socket(plain) if security == "tls" else plain
                seen.recv(1024)
                seen.close()

    controller = Controller(
        handler, hostname="127.0.0.1", port=port, ssl_context=context if security == "tls" else None
    )
    controller.start()
    try:
        yield handler, port
    finally:
        controller.stop()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def mail(make_report):
    settings = EmailSettings(to=("a@example.org", "B <b@example.org>"), cc=("c@example.org",), sender="me@example.org")
    return render_email(make_report("plain"), settings, datetime(2026, 1, 1, tzinfo=UTC), (), draft=False)


def server(port, ca_file, security="starttls", user=USER, password=SECRET, host="localhost"):
    return Server(host, port, security, user, password, ca_file)


def refused(mail, given, **options):
    with pytest.raises(OutputError) as caught:
        send(mail, given, [].append, **({"wait": lambda seconds: None} | options))
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_arrives_as_it_was_written(authority, ca_file, mail, security):
    with serving(authority, security) as (handler, port):
        send(mail, server(port, ca_file, security), [].append)
    [(sender, recipients, data)] = handler.arrived
    assert sender == "me@example.org"
    assert recipients == ["a@example.org", "b@example.org", "c@example.org"]
    assert data == mail.data
    message = email.message_from_bytes(data, policy=policy.default)
    assert not any(part.defects for part in message.walk())
    # the machine's own name is told to nobody
    assert set(handler.greeted) == {"[127.0.0.1]"}


def test_without_a_login(authority, ca_file, mail):
    with serving(authority, auth_required=False) as (handler, port):
        send(mail, server(port, ca_file, user="", password=""), [].append)
    assert handler.arrived


def test_a_wrong_password_is_said_at_once(authority, ca_file, mail):
    waited = []
    with serving(authority) as (handler, port):
        told = refused(mail, server(port, ca_file, password="wrong"), wait=waited.append)
    assert "doesn't accept user me with this password" in told
    assert not waited
    assert not handler.arrived


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_known_or_of_another_host(authority, ca_file, mail, security):
    with serving(authority, security) as (handler, port):
        assert "can't be trusted" in refused(mail, server(port, None, security))
    with serving(authority, security, name="other.example") as (handler, port):
        assert "can't be trusted" in refused(mail, server(port, ca_file, security))
    assert not handler.arrived


def test_nothing_is_sent_in_the_open(authority, ca_file, mail):
    with serving(authority, "none") as (handler, port):
        assert "offers no STARTTLS" in refused(mail, server(port, ca_file))
        assert "doesn't speak TLS" in refused(mail, server(port, ca_file, "tls"))
    assert not handler.arrived


def test_a_refused_recipient_means_that_nobody_gets_it(authority, ca_file, mail):
    with serving(authority) as (handler, port):
        handler.refusals["b@example.org"] = ["550 no such user here"]
        told = refused(mail, server(port, ca_file))
    assert "the recipient b@example.org is refused (550 no such user here); nothing was sent" in told
    assert not handler.arrived


def test_what_may_pass_is_tried_again_with_growing_pauses(authority, ca_file, mail):
    waited, told = [], []
    with serving(authority) as (handler, port):
        handler.refusals["a@example.org"] = ["451 later", "451 later"]
        send(mail, server(port, ca_file), told.append, waited.append)
        assert waited == [1, 4]
        assert "451 later" in told[0]
        assert "trying again in 1 s" in told[0]
        handler.refusals["a@example.org"] = ["451 later"] * 9
        assert "tried 4 times" in refused(mail, server(port, ca_file), wait=waited.append)
    assert waited == [1, 4, 1, 4, 16]
    assert len(handler.arrived) == 1


def test_a_connection_that_breaks_at_the_end_is_not_tried_again(authority, ca_file, mail):
    waited = []
    with serving(authority) as (handler, port):
        handler.refusals["data"] = "vanish"
        assert "may or may not have arrived" in refused(mail, server(port, ca_file), wait=waited.append)
    assert not waited


def test_a_message_that_is_refused_or_too_large(authority, ca_file, mail):
    with serving(authority) as (handler, port):
        handler.refusals["data"] = "554 no, \x1b[31mnever"
        told = refused(mail, server(port, ca_file))
        assert "the message is refused (554 no" in told
        assert "\x1b" not in told
    with serving(authority, data_size_limit=1000) as (handler, port):
        assert "takes messages of at most 1,000 bytes" in refused(mail, server(port, ca_file))


def test_letters_that_a_server_does_not_take(authority, ca_file, make_report):
    settings = EmailSettings(to=("röe@example.org",), sender="me@example.org")
    mail = render_email(make_report("x"), settings, datetime(2026, 1, 1, tzinfo=UTC), (), draft=False)
    with serving(authority) as (_, port):
        assert "takes only addresses of plain letters" in refused(mail, server(port, ca_file))
    with serving(authority, enable_SMTPUTF8=True) as (handler, port):
        send(mail, server(port, ca_file), [].append)
    assert handler.arrived[0][1] == ["röe@example.org"]


@contextmanager
def scripted(authority, *answers, at_end=None):
    """A server in TLS that gives these answers, one to each line; after them it is silent, or repeats ``at_end``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve(connection):
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as spoken:
            lines = spoken.makefile("rb")
            for number, answer in enumerate(answers):
                if number:
                    heard.append(lines.readline())
                    if heard[-1].lower() == b"data\r\n" and answer.startswith(b"354"):
                        spoken.sendall(answer)
                        while (line := lines.readline()) and line != b".\r\n":
                            pass
                        heard.append(b".")
                        continue
                spoken.sendall(answer)
            while at_end:
                spoken.sendall(at_end)
            lines.readline()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1], heard
    finally:
        listening.close()


HELLO = (b"220 hi\r\n", b"250-me\r\n250 AUTH PLAIN\r\n", b"235 ok\r\n")
OPEN = (*HELLO, b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n")


def test_nonsense_after_the_message_does_not_send_it_again(authority, ca_file, mail):
    for last in (b"foo\r\n", b"\xff\xff\xff\r\n", b""):
        with scripted(authority, *OPEN, b"354 go\r\n", last) as (port, heard):
            told = refused(mail, server(port, ca_file, "tls"))
        assert "may or may not have arrived" in told
        assert heard.count(b".") == 1


@pytest.mark.parametrize(
    ("answer", "told", "times"), [(b"451 later\r\n", "tried 4 times", 4), (b"550 no\r\n", "550 no", 1)]
)
def test_data_that_is_refused_was_not_sent(authority, ca_file, mail, answer, told, times):
    with scripted(authority, *OPEN, answer) as (port, heard):
        assert told in refused(mail, server(port, ca_file, "tls"))
    assert heard.count(b"data\r\n") == times


@pytest.mark.parametrize("stream", [b"250-more\r\n" * 100, b"x" * 1000])
def test_an_answer_without_an_end_is_left(authority, ca_file, mail, stream):
    with scripted(authority, b"220 hi\r\n", b"250-me\r\n", at_end=stream) as (port, _):
        told = refused(mail, server(port, ca_file, "tls"))
    assert "broke off" in told or "refused" in told


def test_a_server_that_says_nothing(authority, ca_file, mail, monkeypatch):
    monkeypatch.setattr(smtp, "_TIMEOUT", 0.3)
    waited = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = refused(mail, server(silent.getsockname()[1], ca_file), wait=waited.append)
    assert "was reached and says nothing" in told
    assert "--smtp-security tls" in told
    assert not waited


@pytest.mark.parametrize("features", [b"AUTH GSSAPI XOAUTH2", b"AUTH CRAM-MD5", b"SIZE " + b"9" * 5000, b"AUTH"])
def test_odd_features(authority, ca_file, mail, features):
    greeting = (b"220 hi\r\n", b"250-me\r\n250 " + features + b"\r\n", b"334 ???\r\n", b"535 no\r\n")
    with scripted(authority, *greeting) as (port, _):
        told = refused(mail, server(port, ca_file, "tls"))
    assert "offers no login" in told or "doesn't accept" in told


def test_a_password_of_any_letters(authority, ca_file, mail, monkeypatch):
    monkeypatch.setitem(globals(), "SECRET", "pässwörd 秘密")
    with serving(authority) as (handler, port):
        send(mail, server(port, ca_file, password="pässwörd 秘密"), [].append)
    assert handler.arrived


def test_a_server_that_knows_only_login(authority, ca_file, mail):
    with serving(authority, auth_exclude_mechanism=["PLAIN"]) as (handler, port):
        send(mail, server(port, ca_file), [].append)
        assert "doesn't accept" in refused(mail, server(port, ca_file, password="x"))
    assert len(handler.arrived) == 1


@pytest.mark.parametrize("host", ["a..b", ".", "x" * 70, "ü" * 64, "a b", "a/b", "mail.example.org\n"])
def test_what_is_no_host(host):
    with pytest.raises(SettingsError, match="is no host"):
        server_from(SmtpSettings(host=host))


def test_hosts_and_ports():
    assert server_from(SmtpSettings(host="bücher.example")).host == "xn--bcher-kva.example"
    assert server_from(SmtpSettings(host="::1")).host == "::1"
    assert server_from(SmtpSettings(host="a.b", port=465)).security == "tls"
    assert server_from(SmtpSettings(host="a.b", port=465, security="starttls")).security == "starttls"


def test_no_server_and_no_host(mail, ca_file):
    waited = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        told = refused(mail, server(free.getsockname()[1], ca_file), wait=waited.append)
    assert "can't be reached (Connection refused); tried 4 times" in told
    assert waited == [1, 4, 16]


@pytest.mark.parametrize(("number", "told"), [(socket.EAI_NONAME, "there is no host"), (socket.EAI_AGAIN, "looked up")])
def test_a_name_that_is_not_found(mail, ca_file, monkeypatch, number, told):
    def lookup(*_, **__):
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(smtplib.socket, "create_connection", lookup)
    assert told in refused(mail, server(1, ca_file, host="mail.example"))


def test_a_file_without_certificates(mail, tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(SettingsError, match="holds no certificates"):
            send(mail, server(1, str(tmp_path / name)), [].append)


def test_the_password_is_from_the_environment_or_the_keyring(monkeypatch):
    settings = SmtpSettings(host="mail.example", user="me")
    monkeypatch.setenv(PASSWORD, "from environment")
    assert server_from(settings).password == "from environment"
    monkeypatch.delenv(PASSWORD)
    asked = []
    keyring = types.SimpleNamespace(get_password=lambda *names: asked.append(names) or "from keyring")
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert server_from(settings).password == "from keyring"
    assert asked == [("reportgen", "me@mail.example")]
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=lambda *names: None))
    with pytest.raises(SettingsError, match=f"set {PASSWORD}"):
        server_from(settings)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match="no password for me at mail"):
        server_from(settings)

    def locked(*names):
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=locked))
    with pytest.raises(SettingsError, match="can't be read"):
        server_from(settings)


def test_ports_and_a_missing_host():
    assert [server_from(SmtpSettings(host="a", security=how)).port for how in ("starttls", "tls")] == [587, 465]
    with pytest.raises(SettingsError, match="no mail server"):
        server_from(SmtpSettings())


def test_from_the_command_line(authority, ca_file, make_report, tmp_path, capsys, monkeypatch):
    page = tmp_path / "report.html"
    page.write_text(render_html(make_report("plain")), encoding="utf-8")
    monkeypatch.setenv(PASSWORD, SECRET)
    with serving(authority) as (handler, port):
        config = tmp_path / "mail.toml"
        config.write_text(
            f'[email]\nto = ["a@example.org"]\nsender = "me@example.org"\nattach_pdf = false\n'
            f'[smtp]\nhost = "localhost"\nport = {port}\nuser = "{USER}"\nca_file = "ca.pem"\n'
        )
        flags = ["email", str(page), "-c", str(config), "--send"]
        assert main([*flags, "--dry-run"]) == 0
        assert "nothing was sent" in capsys.readouterr().out
        assert not handler.arrived
        assert main(flags) == 0
        said = capsys.readouterr().out
    assert f"to a@example.org with localhost:{port} (starttls, as me)" in said
    assert SECRET not in said
    assert len(handler.arrived) == 1
    assert b"X-Unsent" not in handler.arrived[0][2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "mail.toml", "report.html"]
    assert smtp.ATTEMPTS == 4


def test_an_answer_that_drips_is_left(authority, ca_file, mail, monkeypatch):
    """A byte now and then, and never a line: the clock counts, not each byte."""
    monkeypatch.setattr(smtp, "_PATIENCE", 1)
    listening = socket.create_server(("127.0.0.1", 0))

    def drip():
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            connection.sendall(b"220-")
            while True:
                connection.sendall(b"x")
                time.sleep(0.2)

    threading.Thread(target=drip, daemon=True).start()
    # it drips for ever: that the call comes back is what is tested
    told = refused(mail, server(listening.getsockname()[1], ca_file))
    listening.close()
    assert "says nothing" in told
