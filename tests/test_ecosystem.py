"""The benchmark beside other tools: how lines are counted, what is looked at, and the table of docs/ecosystem.md."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "ecosystem.md").read_text("utf-8")


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("ecosystem", ROOT / "benchmarks" / "ecosystem.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ecosystem"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ecosystem"]


def test_lines_of_code_are_counted_and_no_others(bench):
    told = '"""What it is,\nin two lines."""\n\n'
    assert bench.count_lines(told + 'import os  # why\n\n# no code\n\nx = [\n    1,\n\n    2,\n]\n"a word"\n') == 6
    assert bench.count_lines("") == 0
    assert bench.count_lines('"""Only this."""\n') == 0
    assert bench.count_lines('x = """a\n\nb"""\n') == 3


def test_every_script_can_be_read_and_is_of_a_tool_and_a_thing(bench):
    scripts = list(bench.SNIPPETS.rglob("*.py"))
    assert len(scripts) > 20
    for path in scripts:
        assert path.parent.name in bench.TOOLS
        assert path.stem in bench.THINGS
        assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_the_table_has_the_lines_of_the_scripts(bench):
    rows = {row[0]: row[1:] for row in re.findall(r"^\| ([^|]+?) \|" + r" ([^|]+?) \|" * 6 + "$", TEXT, re.M)}
    for thing, told in bench.THINGS.items():
        for tool, cell in zip(bench.TOOLS, rows[told], strict=True):
            path = bench.snippet(tool, thing)
            if path is None:
                assert cell == "–", (tool, thing)
            else:
                assert cell.startswith(f"{bench.count_lines(path.read_text('utf-8'))} lines, "), (tool, thing)


def test_what_a_script_left_is_opened(bench, tmp_path):
    Image.fromarray(np.arange(24 * 36, dtype=np.uint8).reshape(24, 36)).save(tmp_path / "a.png")
    assert list(bench.look([tmp_path / "a.png"], tmp_path)) == ["a picture, 36 × 24"]
    Image.new("L", (5, 4), 7).save(tmp_path / "flat.png")
    with pytest.raises(ValueError, match=r"flat\.png is of one colour"):
        list(bench.look([tmp_path / "flat.png"], tmp_path))
    page = tmp_path / "page.html"
    page.write_text('<img src="data:image/png;base64,AA"> <a href="https://example.org">x</a>')
    assert next(bench.look([page], tmp_path)).startswith("a page that needs no other file")
    page.write_text('<img src="data:,"> <script src="https://example.org/x.js"></script>')
    with pytest.raises(ValueError, match="needs other files"):
        list(bench.look([page], tmp_path))
    assert bench.numbers("at 0.25 and -1.5e-3") == "printed 2 numbers"
    with pytest.raises(ValueError, match="printed no number"):
        bench.numbers("nan 0.5")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("open('x.txt', 'w').write('x'); print(1)", ""),
        ("raise ValueError('\\x1b[1mnothing\\x1b[0m at /home/someone/secret/file.py')", "nothing at file.py"),
        ("raise SystemExit(3)", "it ended with 3"),
    ],
)
def test_a_script_runs_in_a_folder_of_its_own_and_its_failure_is_told(bench, tmp_path, code, problem):
    (tmp_path / "given.txt").write_text("x")
    done = bench.run(["-c", f"assert open('given.txt').read() == 'x'\n{code}"], tmp_path)
    assert problem in done.problem
    assert bool(done.problem) is bool(problem)
    assert done.left == ("" if problem else "1 other file")
    assert [path.name for path in tmp_path.iterdir()] == ["given.txt"]
