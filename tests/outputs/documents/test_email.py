"""The message: what is in it, that it stays within limits, and that no text becomes a header or markup."""

from __future__ import annotations

import dataclasses
import email
import re
from datetime import UTC, datetime
from email import policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.cli.main import main
from reportgen.outputs.documents.email import BODY_LIMIT, Attachment, addresses, attachments_of, render_email
from reportgen.outputs.page.rendering import render_html
from reportgen.settings.job import EmailSettings
from reportgen.system.errors import OutputError, ReportgenError, SettingsError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PDF = Attachment("report.pdf", "application/pdf", b"%PDF-1.7 not really")


def rendered(report, *attachments, draft=True, **settings):
    return render_email(report, EmailSettings(**settings), NOON, attachments, draft=draft)


def parsed(mail):
    return email.message_from_bytes(mail.data, policy=policy.default)


@pytest.fixture(scope="module")
def report(make_report):
    return make_report("plain")


def test_its_parts(report):
    message = parsed(rendered(report, PDF, to=("Dr. Röe <roe@example.org>", "b@example.org"), cc=("c@example.org",),
                              sender="me@example.org"))  # fmt: skip
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
        *["image/png"] * 3, "application/pdf",
    ]  # fmt: skip
    assert not any(part.defects for part in message.walk())
    assert [one.addr_spec for one in message["To"].addresses] == ["roe@example.org", "b@example.org"]
    assert message["To"].addresses[0].display_name == "Dr. Röe"
    assert message["From"].addresses[0].addr_spec == "me@example.org"
    assert message["Subject"] == "Model report: Title plain"
    assert message["Date"].datetime == NOON
    assert message["X-Unsent"] == "1"
    pdf = list(message.iter_attachments())[-1]
    assert (pdf.get_filename(), pdf.get_content()) == ("report.pdf", PDF.data)


def test_both_bodies_say_what_was_found(report):
    message = parsed(rendered(report, PDF))
    for kind in ("plain", "html"):
        text = " ".join(re.sub(r"<[^>]*>", " ", message.get_body((kind,)).get_content()).split())
        for told in (report.title, "is not a diagnosis", "predicted yes plain 0.750", "as labelled", "Careful plain",
                     "Attached: report.pdf"):  # fmt: skip
            assert told in text


def test_pictures_by_their_identity_and_nothing_from_elsewhere(report):
    message = parsed(rendered(report, PDF))
    html = message.get_body(("html",)).get_content()
    assert set(re.findall(r'src="cid:([^"]*)"', html)) == {
        part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]
    }
    assert "data:" not in html
    assert "http" not in html
    assert not re.search(r"<(script|link|style|form|iframe)", html)


def test_lines_are_as_short_as_mail_wants_them_and_end_so(report):
    data = rendered(report, PDF, to=("a@example.org",) * 40).data
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert data.isascii()


def test_the_same_gives_the_same_bytes(report):
    assert rendered(report, PDF).data == rendered(report, PDF).data
    assert rendered(report, PDF).data != rendered(report, PDF, to=("a@example.org",)).data


HOSTILE = "\r\nBcc: x@evil.example\n\n<img src=http://evil.example/><script>1</script>{{ 7 }}"


def test_no_text_of_a_report_becomes_a_header_or_markup(make_report):
    mail = rendered(make_report(HOSTILE), PDF)
    message = parsed(mail)
    assert message["Bcc"] is None
    assert not any(part.defects for part in message.walk())
    html = message.get_body(("html",)).get_content()
    assert not re.search(r"<script|<img src=http", html)
    assert "{{ 7 }}" in html


@pytest.mark.parametrize("flag", ["to", "cc", "sender", "subject"])
@pytest.mark.parametrize("text", ["a@b.org\r\nBcc: x@evil.example", "a@b.org\nX: y", "a@b.org\0", "a@b.org\x85X: y"])
def test_injected_headers_are_refused(report, flag, text):
    with pytest.raises(SettingsError, match="control character"):
        rendered(report, **{flag: text if flag in ("sender", "subject") else (text,)})


@pytest.mark.parametrize(
    "text",
    ["", "x", "a@", "@b", "a@b@c.org", "a b@c.org", "a@b..org", "A <b>", '"@b.org', "a@[::1]", "," * 9],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SettingsError, match="no e-mail address"):
        addresses([text], "--to")


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(text):
    try:
        found = addresses([text], "--to")
    except ReportgenError:
        return
    assert all(not re.search(r"[\r\n]", str(one)) for one in found)


def test_an_address_of_another_script(report):
    assert addresses(["a@bücher.example"], "--to")[0].domain == "xn--bcher-kva.example"
    mail = rendered(report, to=("röe@example.org",))
    assert mail.needs_utf8
    assert "röe@example.org".encode() in mail.data


def test_what_is_sent_needs_somebody_at_both_ends(report):
    with pytest.raises(SettingsError, match="sender"):
        rendered(report, draft=False, to=("a@b.org",))
    with pytest.raises(SettingsError, match="somebody"):
        rendered(report, draft=False, sender="a@b.org")
    assert b"X-Unsent" not in rendered(report, draft=False, sender="a@b.org", to=("a@b.org",)).data
    with pytest.raises(SettingsError, match="at most 100"):
        rendered(report, to=tuple(f"a{number}@b.org" for number in range(101)))


def test_sizes_are_told_and_refused_as_sent(report):
    large = Attachment("a.pdf", "application/pdf", bytes(6_000_000))
    assert "8.2 MB" in rendered(report, large).warning
    assert not rendered(report, PDF).warning
    with pytest.raises(OutputError, match=r"has 8\.2 MB as sent, the limit is 8\.0 MB"):
        rendered(report, large, limit=8_000_000)


def test_long_texts_are_cut_so_that_no_program_cuts_the_body(make_report):
    html = parsed(rendered(make_report("long text & more " * 3000), PDF)).get_body(("html",)).get_content()
    assert len(html.encode()) < BODY_LIMIT


def test_what_is_attached_and_under_which_name(report):
    def names(stem, **settings):
        found = attachments_of(report, EmailSettings(**settings), stem, lambda: b"<html>", b"%PDF")
        return [one.name for one in found]

    assert names("case") == ["case.pdf"]
    assert names("a/b\nX: ü", attach_html=True) == ["a-b-X-ü.pdf", "a-b-X-ü.html"]
    assert names("..", attach_pdf=False, attach_html=True) == ["report.html"]


def test_a_regression_and_scores_that_are_none(report):
    first, *others = report.cases
    lost = dataclasses.replace(
        first, predictions=(dataclasses.replace(first.predictions[0], score=float("nan")),), correct=None
    )
    text = rendered(dataclasses.replace(report, cases=(lost, *others))).data.decode()
    assert "gives no numbers" in text
    number = dataclasses.replace(report, model=dataclasses.replace(report.model, head="regression"))
    assert "not the score of a class" in rendered(number).data.decode().replace("=\r\n", "")


def test_from_the_command_line(report, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    page = tmp_path / "report.html"
    page.write_text(render_html(report), encoding="utf-8")
    plain = ["email", str(page), "--to", "roe@example.org", "--no-attach-pdf"]
    assert main([*plain, "--attach-html"]) == 0
    message = email.message_from_bytes((tmp_path / "report.eml").read_bytes(), policy=policy.default)
    attached = list(message.iter_attachments())
    assert [one.get_filename() for one in attached] == ["report.html"]
    assert attached[0].get_content().strip() == page.read_text(encoding="utf-8").strip()
    assert main(plain) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*plain, "-f", "--limit", "9"]) == 2
    assert "the limit is 0 kB" in capsys.readouterr().err
    assert main([*plain, "-o", str(page), "-f"]) == 2
    assert "ends in .eml" in capsys.readouterr().err
    assert main([*plain, "--dry-run", "-f"]) == 2
    assert main(["email", str(page), "--to", "roe", "-f"]) == 2
    assert "'roe' is no e-mail address" in capsys.readouterr().err


ENCODED = "=?utf-8?b?DQpCY2M6IGV2aWxAeC55?="  # decodes to a line break and another header


def test_encoded_words_are_not_decoded(make_report):
    plain = make_report("plain")
    message = parsed(rendered(dataclasses.replace(plain, title=f"A {ENCODED} {ENCODED}")))
    assert message["Bcc"] is None
    assert "\r" not in message["Subject"] + "".join(message.keys())
    for given_text in ({"subject": ENCODED}, {"to": (f'"{ENCODED}" <a@b.c>',)}, {"sender": f"{ENCODED} <a@b.c>"}):
        with pytest.raises(SettingsError, match="encoded word"):
            rendered(plain, **given_text)


def test_an_address_is_the_one_that_was_typed():
    found = addresses(['"Roe, Dr." <roe@example.org>, b@c.de', "B <B@c.de>", "<d@e.f>"], "--to")
    assert [(one.display_name, one.addr_spec) for one in found] == [
        ("Roe, Dr.", "roe@example.org"), ("", "b@c.de"), ("", "d@e.f")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["roe@example.org extra", "roe@exam ple.org", "a@\u2100.de", "a@-b", "roe@example.org/x",
             "Roe, Dr. <a@b.c>", "A <a@b.c> x", "a..b@c.d", ".a@b.c", "a@b.c,", f"{'x' * 65}@b.c", f"a@{'x' * 64}.de"]
)  # fmt: skip
def test_nothing_is_guessed_at(text):
    with pytest.raises(SettingsError, match="no e-mail address"):
        addresses([text], "--to")


NAMES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Zp")), max_size=60)


@settings(max_examples=300, deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=5), subject=NAMES)
def test_all_recipients_and_names_come_back(report, names, subject):
    names = [" ".join(name.replace("=?", "").split()) for name in names]
    quoted = ['"' + re.sub(r'([\\"])', r"\\\1", name) + '"' for name in names]
    subject = " ".join(subject.replace("=?", "").split())
    to = tuple(f"{name} <a{number}@example.org>" for number, name in enumerate(quoted))
    try:
        message = parsed(rendered(report, to=to, subject=subject))
    except SettingsError:
        return  # a name of characters that act
    assert [one.addr_spec for one in message["To"].addresses] == [f"a{n}@example.org" for n in range(len(names))]
    # between encoded words this parser sees a space that isn't there (RFC 2047, 6.2), where a name takes several
    told = [one.display_name for one in message["To"].addresses]
    assert [name.replace(" ", "") for name in told] == [name.replace(" ", "") for name in names]
    assert [name for name in told if len(name.encode()) < 40] == [name for name in names if len(name.encode()) < 40]
    assert message["Subject"] == (subject or "Model report: Title plain")


def test_names_that_once_lost_a_recipient(report):
    to = ("Jörg Müller-Lüdenscheidt <a.b@hospital.example.com>", "Ann Roe <roe@hospital.example.com>",
          "bo@hospital.example.com", '"Roe, R" <c@d.de>', "cy@hospital.example.com")  # fmt: skip
    message = parsed(rendered(report, to=to))
    assert len(message["To"].addresses) == 5
    assert message["To"].addresses[3].display_name == "Roe, R"


def test_a_long_list_is_read_at_once():
    for text in (" " * 4000 + "x y", "a" + " " * 4000 + "b", "x" * 6000):
        with pytest.raises(SettingsError, match=r"no e-mail address|too long"):
            addresses([text], "--to")
