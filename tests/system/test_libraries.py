"""What doctor finds, and how each system calls what is missing."""

from __future__ import annotations

import importlib.metadata
import subprocess

import pytest

from reportgen.cli import doctor
from reportgen.cli.main import main
from reportgen.system import libraries as system


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ({"ID": "debian"}, "apt-get install libpango"),
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "apt-get install libpango"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt-get"),
        ({"ID": "fedora"}, "dnf install pango"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper"),
        ({"ID": "alpine"}, "apk add pango"),
        ({"ID": "arch"}, "pacman -S pango"),
        ({"ID": "other"}, "packages of your system"),
    ],
)
def test_pango_by_the_name_of_the_system(release, told):
    assert told in system.pango_install("Linux", lambda: release)


def test_pango_elsewhere():
    def nothing():
        raise OSError

    assert "brew install pango" in system.pango_install("Darwin")
    assert "MSYS2" in system.pango_install("Windows")
    assert "your system" in system.pango_install("Linux", nothing)
    assert system.pango_install()


def test_all_is_well_here(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said[:4]] == ["ok"] * 4
    assert [line.split()[1] for line in said[:4]] == ["Python", "libraries", "TensorFlow", "temporary"]
    pango, fonts = (next(line for line in said if name in line.split()) for name in ("Pango", "fonts"))
    assert pango.startswith("ok")
    assert "letters: " in fonts
    assert fonts.startswith("ok") or "for PDF in them: " in fonts


def test_what_is_missing_or_too_old_is_named(monkeypatch, capsys):
    real = importlib.metadata.version

    def version(name):
        if name == "nh3":
            raise importlib.metadata.PackageNotFoundError
        return "1.0" if name in ("pillow", "pydicom") else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(doctor, "_tensorflow", lambda: doctor.Finding("TensorFlow", True, ""))
    assert main(["doctor"]) == 2
    done = capsys.readouterr()
    assert "nh3 is missing" in done.out
    assert "pillow 1.0 is too old, it takes >=11.0" in done.out
    assert "absent   extra dicom      pydicom 1.0 is too old" in done.out
    assert "can't work as it is: libraries; see above" in done.err


def test_a_tensorflow_that_does_not_answer(monkeypatch):
    def run(*_, **__):
        return subprocess.CompletedProcess([], -4, "", "")

    monkeypatch.setattr(doctor.subprocess, "run", run)
    found = doctor._tensorflow()
    assert not found.is_there
    assert "it ended with -4" in found.told
