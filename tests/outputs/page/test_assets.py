"""Scripts as they stand in a page: shorter, and the same program."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from reportgen.outputs.page.assets import read_assets

SCRIPTS = ("assets/channels.js", "assets/report.js", "assets/site.js")


class Theme:
    """A theme with one script."""

    def __init__(self, text):
        self.text = text

    def asset(self, name):
        return self.text


def bare(text):
    return read_assets("x.js", theme=Theme(text)).text.text.rstrip("\n")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("// a note\n  a = b;\n\n", "a=b;"),
        ("f(a, { b: [1, 2] });\ng();", "f(a,{b:[1,2]});g();"),
        ("a + b - c / d", "a+b-c/d"),
        ("a + +b - -c + ++d", "a+ +b- -c+ ++d"),
        ("x = 'a , b' + \"c ; d\" + `e = ${ f } , g`;", "x='a , b'+\"c ; d\"+`e = ${ f } , g`;"),
        ("x = 'it\\'s , so' ;", "x='it\\'s , so';"),
        ("a\nb", "a\nb"),
        ("return a;\n}\nb", "return a}\nb"),
        ("a = b++ + c - --d", "a=b++ +c- --d"),
        ("const a = (b) => b, c = (d, e) => d;", "let a=b=>b,c=(d,e)=>d;"),
        ("f(const_of, 'const (a)=>', async (a) => a)", "f(const_of,'const (a)=>',async(a)=>a)"),
        ("a\n  ? b\n  : c", "a?b:c"),
        ("x = ';}';\n", "x=';}';"),
        ("if (a) return b;", "if(a)return b;"),
    ],
)
def test_what_only_a_reader_needs_is_left_out(script, expected):
    assert bare(script) == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("/* a note */\n.a, .b > c {\n  color: red;\n}\n", ".a,.b>c{color:red}"),
        (".a :hover { margin: 0 -.3rem auto; }", ".a :hover{margin:0 -.3rem auto}"),
        (".a { width: calc(1px + 2px); content: '; } /* b */'; }", ".a{width:calc(1px + 2px);content:'; } /* b */'}"),
        ("@media (min-width: 42rem) and (hover) { a { b: c } }", "@media (min-width:42rem) and (hover){a{b:c}}"),
    ],
)
def test_styles_too(style, expected):
    assert read_assets("x.css", theme=Theme(style)).text.text.rstrip("\n") == expected


def test_it_is_no_longer_a_second_time():
    for name in SCRIPTS:
        once = read_assets(name).text.text
        assert bare(once) == once.rstrip("\n")


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_still_a_program(name, tmp_path):
    path = tmp_path / "script.js"
    path.write_text(read_assets(name).text.text, encoding="utf-8")
    assert subprocess.run(["node", "--check", str(path)], check=False, capture_output=True).returncode == 0
