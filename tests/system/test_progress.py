"""Progress without a terminal."""

from __future__ import annotations

import pytest

from reportgen.system import progress as clockwork


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(clockwork.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_progress_is_a_line_every_half_minute(clock, capsys):
    watch = clockwork.Stopwatch(progress=True)
    with watch.step("occlusion scan", 3000) as advance:
        for _ in range(20):
            clock[0] += 10
            advance(50)
    assert capsys.readouterr().err.splitlines()[:2] == [
        "reportgen: occlusion scan: 150 of 3,000, about 570 s to go",
        "reportgen: occlusion scan: 300 of 3,000, about 540 s to go",
    ]
    assert list(watch.seconds) == ["occlusion scan"]


@pytest.mark.parametrize(("progress", "total"), [(False, 3000), (True, None)])
def test_no_lines_unless_asked_for_and_countable(clock, capsys, progress, total):
    with clockwork.Stopwatch(progress=progress).step("draw", total) as advance:
        clock[0] += 100
        advance(1)
    assert capsys.readouterr().err == ""


def test_in_a_notebook_one_line_replaces_itself(monkeypatch):
    written = []

    class Shown:
        def update(self, data, *, raw):
            written.append(data["text/plain"])

    def display(data, **options):
        assert options == {"raw": True, "display_id": True}
        written.append(data["text/plain"])
        return Shown()

    monkeypatch.setattr("IPython.display.display", display)
    cell = clockwork._Cell()
    cell.write("\rscan:  10%|#  | 1/10")
    cell.write("\rscan: 100%|###| 10/10")
    cell.write("\r" + " " * 20 + "\r")
    assert written == ["scan:  10%|#  | 1/10", "scan: 100%|###| 10/10", ""]
