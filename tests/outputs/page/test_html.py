from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.gauge import Gauge
from reportgen.outputs.page.rendering import SCRIPTS, STYLES, render_html
from reportgen.report.decision import Decision
from reportgen.report.remark import Remark
from reportgen.report.report import SCHEMA_VERSION
from reportgen.system.text import visible

NO_CHANNELS = {"differences": None, "featured": None}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></script><script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}{{ page }}{# x #}",
    "javascript:alert(1)",
    "<!-- --><![CDATA[ ]]>",
    "&lt;b&gt; &amp;amp; &#60;",
    "\u202e\u0000 é 肺炎",
    "line\nline\r\nline\u2028line\x85\x1b[31m\udce9",
]


class Page(HTMLParser):
    """A page, read as a browser would."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self.comments: list[str] = []
        self._within = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), "an attribute is given twice"
        self.elements.append((tag, dict(attrs)))
        self._within = tag if tag in self.raw else ""
        if self._within:
            self.raw[tag].append("")

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        if self._within:
            self.raw[self._within][-1] += data
        else:
            self.text += data

    def handle_comment(self, data):
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def shown(text: str) -> str:
    """A text as a page shows it: without differences of white space, and what would act replaced."""
    return " ".join(visible(text).split())


@pytest.fixture(scope="module", params=["plain", *HOSTILE])
def text(request):
    return request.param


@pytest.fixture(scope="module")
def html(make_report, text):
    return render_html(make_report(text))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


# --- nothing foreign


def test_only_the_programs_own_style_and_script(page):
    # shortened: see test_assets
    style, script = (read_assets(*names).text.text.strip() for names in (STYLES, SCRIPTS))
    assert [found.strip() for found in page.raw["style"]] == [style]
    data, own = page.raw["script"]
    assert own.strip() == script
    # the data is one line of plain letters that ends nothing it stands in
    assert json.loads(data)["schema_version"] == SCHEMA_VERSION
    assert data.isascii()
    assert data.isprintable()
    assert not set(data) & set("<>&")


def test_same_elements_whatever_the_texts_say(page, make_report):
    plain = Page(render_html(make_report("plain")))

    def outline(read: Page) -> list[tuple[str, frozenset[str]]]:
        return [(tag, frozenset(attributes)) for tag, attributes in read.elements if tag not in ("p", "em", "h4", "br")]

    assert outline(page) == outline(plain)
    assert not page.comments


def test_no_event_handlers_and_no_inline_style(page):
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "formaction")]


def test_nothing_is_fetched_from_anywhere(page):
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form" if "action" in attributes else "")
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/", "#")), (tag, name, value)


def test_policy_names_exactly_this_style_and_script(page):
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def digest(content: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == digest(page.raw["style"][0])
    assert rules["script-src"] == digest(page.raw["script"][1])
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy


def test_policy_stands_before_anything_it_governs(page):
    tags = [tag if attributes.get("http-equiv") is None else "policy" for tag, attributes in page.elements]
    assert tags.index("policy") < min(tags.index(tag) for tag in ("style", "script", "img", "title"))


# --- everything there


def test_texts_appear_as_text(page, text):
    found = shown(page.text)
    for before in (
        "Title ", "PNEUMONIA ", "model ", "yes ", "no ", "conv ", "pool ", "hidden ", "Conv2D ", "relu ", "sigmoid ",
        "scale ", "Assumed ", "Turned ", "file0 ", "file2 ", "PNG, gray ", "Measured ", "May mean ", "Caption ",
        "Careful ", "Risk ",
    ):  # fmt: skip
        assert shown(before + text) in found, before


def test_every_picture_has_words_and_is_whole(page, make_report, text):
    report = make_report(text)
    by_data = {picture.data: picture for picture in report.pictures}
    pictures = [attributes for attributes in page.all("img") if "src" in attributes]
    used = set()
    for attributes in pictures:
        head, _, data = attributes["src"].partition(";base64,")
        picture = by_data[base64.b64decode(data, validate=True)]
        used.add(picture.name)
        assert head == f"data:{picture.media_type}"
        assert shown(attributes["alt"]) == shown(f"Alternative {text}")
        assert (attributes["width"], attributes["height"]) == ("6", "4")
    for attributes in page.all("image"):  # in a drawing, which has words of its own
        used.add(by_data[base64.b64decode(attributes["href"].partition(";base64,")[2], validate=True)].name)
    words = ("aria-label", "aria-labelledby", "aria-hidden")
    assert all(any(one.get(kind) for kind in words) for one in page.all("svg"))
    assert used == {picture.name for picture in report.pictures}


def test_every_image_of_the_page_has_alternative_text(page):
    assert [attributes for attributes in page.all("img") if not attributes.get("alt")] == []


def test_ids_are_unique_and_links_lead_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    for attributes in page.all("a"):
        assert attributes["href"].removeprefix("#") in page.ids
    assert not [name for name in page.ids if re.search(r"\s", name)]


def test_title_language_and_disclaimer(page, make_report):
    assert page.all("html") == [{"lang": "en"}]
    tags = [tag for tag, _ in page.elements]
    assert tags[: tags.index("body")].count("title") == 1  # others tell what the parts of a drawing are
    assert tags.index("title") < tags.index("body") < tags.index("svg")
    assert shown(page.text).count(shown(make_report().disclaimer)) == 1


def test_the_same_report_gives_the_same_text(html, make_report, text):
    assert render_html(make_report(text)) == html


# --- what is said


def test_normal_stands_left(make_report):
    words = Page(render_html(make_report())).text
    summary = words[words.index("At a glance", words.index("Provenance")) :]
    assert summary.index("NORMAL") < summary.index("PNEUMONIA plain")


def test_verdicts(make_report):
    words = shown(Page(render_html(make_report())).text)
    assert "✓ as labelled" in words
    assert "✗ not as labelled" in words
    assert "no label given" in words


def test_warnings_come_first(make_report):
    report = make_report()
    warning = Remark(section="layers", kind="other", text="The scores are random.", warning=True)
    words = Page(render_html(report.with_remarks(warning))).text
    assert words.index("The scores are random.") < words.index("Measured plain")
    assert words.count("The scores are random.") == 1


def test_commentary_is_rendered_and_marked(make_report):
    html = render_html(make_report())
    assert "<p><em>Words</em> plain</p>" in html
    assert "<h4>plain</h4>" in html
    assert html.count('class="comment"') == 2


def test_without_occlusion(make_report):
    report = make_report()
    cases = tuple(dataclasses.replace(case, occlusion=None) for case in report.cases)
    pictures = tuple(picture for picture in report.pictures if "occlusion" not in picture.name)
    page = Page(render_html(dataclasses.replace(report, cases=cases, pictures=pictures)))
    assert "occlusion" not in page.ids
    assert all(attributes["href"].removeprefix("#") in page.ids for attributes in page.all("a"))


def test_without_layers_card_and_comments(make_report):
    report = make_report()
    model = dataclasses.replace(report.model, shown_layers=(), card=None, notes=())
    cases = tuple(dataclasses.replace(case, layers=()) for case in report.cases)
    page = Page(
        render_html(dataclasses.replace(report, model=model, cases=cases, comments=(), remarks=(), **NO_CHANNELS))
    )
    assert "no feature maps to show" in page.text
    assert "Model card" not in page.text
    assert "commentary" not in page.text


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_number_of_cases(make_report, count):
    report = make_report()
    cases = (report.cases * 2)[:count]
    pictures = tuple(
        dataclasses.replace(picture, name=f"case{number}{picture.name[5:]}")
        for number in range(1, 1 + count)
        for picture in report.pictures
        if picture.name.startswith("case1-")
    )
    page = Page(render_html(dataclasses.replace(report, cases=cases, pictures=pictures, **NO_CHANNELS)))
    assert len([a for a in page.all("article") if a.get("class") == "card"]) == count
    assert len(page.ids) == len(set(page.ids))


def test_many_channels_are_left_to_the_json(make_report):
    report = make_report()

    def widened(case):
        def more(layer):
            statistics = dataclasses.replace(
                layer.statistics,
                **{item.name: (0.25,) * 600 for item in dataclasses.fields(layer.statistics)},
            )
            return dataclasses.replace(layer, channels=600, statistics=statistics)

        return dataclasses.replace(case, layers=tuple(map(more, case.layers)))

    # of the occlusion scan: single patches, how the map was made, its scans; values and measures layer by layer
    others = 5
    assert len(Page(render_html(report)).all("details")) > others
    wide = Page(render_html(dataclasses.replace(report, cases=tuple(map(widened, report.cases)))))
    assert len(wide.all("details")) == others


def test_numbers_that_are_not_defined_are_dashes(make_report):
    words = Page(render_html(make_report(minimum=-1.5))).text
    assert "−1.5" in words  # a real minus sign
    assert "None" not in words.replace("(None, 4, 6, 2)", "")


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30).filter(str.strip))
def test_any_text_stays_text(make_report, text):
    page = Page(render_html(make_report(text)))
    assert [len(page.raw[kind]) for kind in ("script", "style")] == [2, 1]
    assert not re.search("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]", page.text)
    assert shown(f"Caption {text}") in shown(page.text)
    assert len(page.ids) == len(set(page.ids))


def test_a_page_can_be_written_as_utf8(make_report):
    assert render_html(make_report("肺炎 é 😀")).encode("utf-8")


def test_what_is_said_of_a_map_without_curves_leads_to_the_map(make_report):
    """A map without an order has no curves to show, and so no part of its own."""
    remark = Remark(section="headline", kind="doubt", text="It could not be tested.", proof="map-test", case=0)
    text = render_html(make_report().with_remarks(remark))
    assert 'id="map-test"' not in text
    assert re.search(r'It could not be tested\. <a href="#occlusion">', text)


@pytest.mark.parametrize("decided", [True, False])
def test_the_contents_lead_to_what_is_there(make_report, decided):
    """Also of numbers, and of maps that were not tested: there nothing is decided."""
    report = make_report()
    decision = Decision(followed="yes plain", blurred_score=0.2, blurred_evidence=-2.0, blurred_agrees=False)
    cases = tuple(dataclasses.replace(case, decision=decision if decided else None) for case in report.cases)
    remark = Remark(section="occlusion", kind="decision", text="Nothing flips it.")
    report = dataclasses.replace(report, cases=cases)
    text = render_html(report.with_remarks(remark) if decided else report)
    parts = set(re.findall(r'\bid="([^"]+)"', text))
    assert ("decides" in parts) == decided
    assert ('href="#decides"' in text) == decided
    assert [link for link in re.findall(r'href="#([^"/]+)"', text) if link not in parts] == []


@pytest.mark.parametrize(
    ("evidence", "told"),
    [(13.514, "+13.5 bits"), (-7.06, "-7.1 bits"), (0.0167, "+0.017 bits"), (-0.04, "-0.040 bits"), (0.0, "+0.0 bits")],
)
def test_evidence_is_never_told_as_nothing(evidence, told):
    assert Gauge("NO", "YES", evidence, 100.0, 120.0).told == told
