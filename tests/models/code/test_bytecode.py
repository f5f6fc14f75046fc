"""Which Python made a function: code of several versions, as each of them wrote it down."""

from __future__ import annotations

import base64
import codecs
import marshal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.models.code.bytecode import EARLY, other_python, pythons_of, this_python

# lambda x: x * 2, and lambda x: tf.image.resize(x, (3, 4)), marshalled by these versions
WRITTEN = {
    ("2.7", "doubled"): (
        "YwEAAAABAAAAAgAAAEMAAABzCAAAAHwAAGQBABRTKAIAAABOaQIAAAAoAAAAACgBAAAAdAEAAAB4KAAAAAAoAAAAAHQBAAAAbXQI"
        "AAAAPGxhbWJkYT4BAAAAdAAAAAA="
    ),
    ("2.7", "resized"): (
        "YwEAAAABAAAABAAAAEMAAABzEwAAAHQAAGoBAGoCAHwAAGQDAIMCAFMoBAAAAE5pAwAAAGkEAAAAKAIAAABpAwAAAGkEAAAAKAMA"
        "AAB0AgAAAHRmdAUAAABpbWFnZXQGAAAAcmVzaXplKAEAAAB0AQAAAHgoAAAAACgAAAAAdAEAAABtdAgAAAA8bGFtYmRhPgEAAAB0"
        "AAAAAA=="
    ),
    ("3.6", "doubled"): (
        "4wEAAAAAAAAAAQAAAAIAAABDAAAAcwgAAAB8AGQBFABTACkCTukCAAAAqQApAdoBeHICAAAAcgIAAADaAW3aCDxsYW1iZGE+AQAAAHMAAAAA"
    ),
    ("3.6", "resized"): (
        "4wEAAAAAAAAAAQAAAAQAAABDAAAAcw4AAAB0AGoBagJ8AGQDgwJTACkETukDAAAA6QQAAAApAnIBAAAAcgIAAAApA1oCdGZaBWlt"
        "YWdlWgZyZXNpemUpAdoBeKkAcgQAAADaAW3aCDxsYW1iZGE+AQAAAHMAAAAA"
    ),
    ("3.9", "doubled"): (
        "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwApAk7pAgAAAKkAKQHaAXhyAgAAAHICAAAA2gFt2gg8bGFtYmRh"
        "PgEAAADzAAAAAA=="
    ),
    ("3.9", "resized"): (
        "4wEAAAAAAAAAAAAAAAEAAAAEAAAAQwAAAHMOAAAAdABqAaACfABkAaECUwApAk4pAukDAAAA6QQAAAApA1oCdGZaBWltYWdlWgZy"
        "ZXNpemUpAdoBeKkAcgQAAADaAW3aCDxsYW1iZGE+AQAAAPMAAAAA"
    ),
    ("3.11", "doubled"): (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACXAHwAZAF6BQAAUwApAk7pAgAAAKkAKQHaAXhzAQAAACDaAW36CDxsYW1iZGE+cgYA"
        "AAABAAAAcwoAAACAAIghiGGJJYAA8wAAAAA="
    ),
    ("3.11", "resized"): (
        "4wEAAAAAAAAAAAAAAAQAAAADAAAA80IAAACXAHQAAAAAAAAAAAAAAGoBAAAAAAAAAACgAgAAAAAAAAAAAAAAAAAAAAAAAAAAfABk"
        "AaYCAACrAgAAAAAAAAAAUwApAk4pAukDAAAA6QQAAAApA9oCdGbaBWltYWdl2gZyZXNpemUpAdoBeHMBAAAAINoBbfoIPGxhbWJk"
        "YT5yCQAAAAEAAABzFgAAAIAAjSKMKI8vii+YIZhW0Qok1AokgADzAAAAAA=="
    ),
    ("3.12", "doubled"): (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACXAHwAZAF6BQAAUwApAk7pAgAAAKkAKQHaAXhzAQAAACDaAW36CDxsYW1iZGE+cgYA"
        "AAABAAAAcwoAAACAAIghiGGJJYAA8wAAAAA="
    ),
    ("3.12", "resized"): (
        "4wEAAAAAAAAAAAAAAAQAAAADAAAA80IAAACXAHQAAAAAAAAAAABqAgAAAAAAAAAAAAAAAAAAAAAAAGoFAAAAAAAAAAAAAAAAAAAA"
        "AAAAfABkAasCAAAAAAAAUwApAk4pAukDAAAA6QQAAAApA9oCdGbaBWltYWdl2gZyZXNpemUpAdoBeHMBAAAAINoBbfoIPGxhbWJk"
        "YT5yCQAAAAEAAABzFQAAAIAAjCKPKIkojy+JL5ghmFbTCiSAAPMAAAAA"
    ),
    ("3.13", "doubled"): (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACVAFUAUwEtBQAAJAApAk7pAgAAAKkAKQHaAXhzAQAAACDaAW3aCDxsYW1iZGE+cgYA"
        "AAABAAAAcwgAAACAAIghiGGKJfMAAAAA"
    ),
    ("3.13", "resized"): (
        "4wEAAAAAAAAAAAAAAAQAAAADAAAA80IAAACVAFsAAAAAAAAAAABSAgAAAAAAAAAAAAAAAAAAAAAAAFIFAAAAAAAAAAAAAAAAAAAA"
        "AAAAVQBTATUCAAAAAAAAJAApAk4pAukDAAAA6QQAAAApA9oCdGbaBWltYWdl2gZyZXNpemUpAdoBeHMBAAAAINoBbdoIPGxhbWJk"
        "YT5yCQAAAAEAAABzEwAAAIAAjCKPKIkojy+JL5ghmFbUCiTzAAAAAA=="
    ),
}
OLDER = ("3.8", "3.9", "3.10")


@pytest.mark.parametrize(
    ("version", "function", "expected"),
    [
        ("2.7", "doubled", ("2",)), ("2.7", "resized", ("2",)),
        ("3.6", "doubled", (EARLY,)), ("3.6", "resized", (EARLY,)),
        ("3.9", "doubled", OLDER), ("3.9", "resized", OLDER),
        # what has no cache but that of an addition looks the same in both
        ("3.11", "doubled", ("3.11", "3.12")), ("3.11", "resized", ("3.11",)),
        ("3.12", "doubled", ("3.11", "3.12")), ("3.12", "resized", ("3.12",)),
        ("3.13", "doubled", ("3.13",)), ("3.13", "resized", ("3.13",)),
    ],
)  # fmt: skip
def test_the_versions_that_may_have_made_a_function(version, function, expected):
    text = WRITTEN[version, function]
    assert pythons_of(text) == expected
    # as Keras writes it, in lines, and as its first versions did
    data = base64.b64decode(text)
    assert pythons_of(codecs.encode(data, "base64").decode("ascii")) == expected
    assert pythons_of(data.decode("raw_unicode_escape")) == expected


def outer(factor):
    return [lambda x: x * factor, lambda x: [x * factor for _ in range(2)], lambda *given, **named: (given, named)]


def longer(x):
    if x is None:
        return x
    for number in range(3):
        x = x + number
    return [y for y in x if y][::2]


@pytest.mark.parametrize("function", [*outer(2), longer, lambda x: -x, lambda: (yield)])
def test_functions_made_here_are_of_this_python(function):
    text = base64.b64encode(marshal.dumps(function.__code__)).decode()
    assert this_python() in pythons_of(text)
    assert other_python({"function": [text, None, None]}) == ""


@pytest.mark.parametrize(
    ("version", "words"), [("2.7", "2"), ("3.6", "3.7 or earlier"), ("3.9", "3.8, 3.9 or 3.10"), ("3.13", "3.13")]
)
def test_another_python_in_words(version, words, monkeypatch):
    monkeypatch.setattr("reportgen.models.code.bytecode.this_python", lambda: "3.11")
    text = WRITTEN[version, "resized"]
    of_keras_3 = {"function": {"class_name": "__lambda__", "config": {"code": text, "defaults": None}}}
    for config in (of_keras_3, {"function": [text, None, None], "function_type": "lambda"}):
        assert other_python(config) == words


@pytest.mark.parametrize(
    "text", ["", "scaled", "Y", "4w==", "YwEAAAAB", "4wEAAAAAAAAAAAAAAAIAAAADAAAA8////38=", "é" * 20]
)
def test_what_is_no_code(text):
    assert pythons_of(text) == ()
    assert other_python({"function": text}) == ""


@given(st.text(max_size=200))
def test_any_text_gives_an_answer(text):
    assert isinstance(pythons_of(text), tuple)


@given(st.binary(max_size=120))
def test_any_bytes_give_an_answer(data):
    assert isinstance(pythons_of(base64.b64encode(b"\xe3" + data).decode()), tuple)
