"""Checked expectations as JUnit XML, which services for continuous integration show as tests.

One ``testsuite`` in ``testsuites``; each expectation is a ``testcase`` whose ``classname`` is what it's about. Nothing
of the machine is in it: no host name, no path.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from reportgen.report.check import Checked, count_failed
from reportgen.system.text import visible

# what XML 1.0 can't hold, beside what visible() takes out
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(checked: Sequence[Checked], *, created: str, seconds: float) -> bytes:
    """Return the XML.

    Parameters
    ----------
    checked
        In order.
    created
        When, in ISO 8601.
    seconds
        How long it took, all in all.
    """
    numbers = {
        "tests": str(len(checked)), "failures": str(count_failed(tuple(checked))), "errors": "0",
        "time": f"{seconds:.3f}",
    }  # fmt: skip
    whole = ElementTree.Element("testsuites", {"name": "reportgen check", **numbers})
    suite = ElementTree.SubElement(
        whole, "testsuite", {"name": "expectations", **numbers, "skipped": "0", "timestamp": created[:19]}
    )
    for one in checked:
        names = {"classname": _plain(one.group), "name": _plain(one.expected), "time": "0"}
        test = ElementTree.SubElement(suite, "testcase", names)
        told = f"measured: {one.measured}"
        if not one.holds:
            failure = ElementTree.SubElement(test, "failure", {"message": _plain(told), "type": "expectation"})
            failure.text = _plain(f"{one.group}\nexpected: {one.expected}\n{told}")
        ElementTree.SubElement(test, "system-out").text = _plain(told)
    ElementTree.indent(whole)
    written: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", visible(text))
