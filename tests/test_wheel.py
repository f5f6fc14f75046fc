"""The built wheel carries what it needs: templates, styles, the built-in model."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_everything_is_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    here = {
        f"reportgen/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "templates").rglob("*") if path.is_file()
    }
    here |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "reportgen").rglob("*.py")}
    here |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "reportgen" / "languages").glob("*.po")}
    here |= {"reportgen/demo/chest_xray.keras", "reportgen/demo/chest_xray.toml", "reportgen/py.typed"}
    assert here <= names


def test_demo_runs_outside_the_checkout(wheel, tmp_path):
    """Unpack the wheel and run it from there, without the checkout on the path."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    command = (
        "import sys; sys.path.insert(0, 'installed'); import reportgen; assert 'installed' in reportgen.__file__; "
        "from reportgen.cli.main import main; sys.exit(main(['demo', '--no-occlusion', '--language', 'de', '-o', "
        "'report.html']))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").stat().st_size > 500_000
    assert "Er ist keine Diagnose" in (tmp_path / "report.html").read_text("utf-8")
