"""Palette pictures in a PDF: the same pixels as in the report, and no larger."""

from __future__ import annotations

import dataclasses
import io
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image

from reportgen.figures.encoding import palette_png, png
from reportgen.outputs.documents import pdf_palette as indexed
from reportgen.outputs.documents.pdf_palette import put_in_place, read_indexed, stand_in

random = np.random.default_rng(7)
PALETTE = random.integers(0, 256, (200, 3), dtype=np.uint8)


def palette_picture(height=30, width=47, transparent=None):
    return palette_png(random.integers(0, 200, (height, width), dtype=np.uint8), PALETTE, transparent=transparent)


def on_white(data):
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"))


@pytest.mark.parametrize("transparent", [None, 7])
def test_a_palette_picture_is_read_as_what_it_shows(transparent):
    data = palette_picture(transparent=transparent)
    found = read_indexed(data)
    assert (found.width, found.height) == (47, 30)
    colours = np.frombuffer(found.colours, np.uint8).reshape(256, 3)
    assert np.array_equal(colours[np.asarray(Image.open(io.BytesIO(data)))], on_white(data))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x89PNG\r\n\x1a\n", png(np.zeros((40, 40), np.uint8)), png(np.zeros((40, 40, 3), np.uint8)),
        palette_png(np.zeros((40, 4), np.uint8), PALETTE), palette_picture()[:200], b"GIF89a" + bytes(100),
    ],
)  # fmt: skip
def test_other_pictures_are_left_alone(data):
    assert read_indexed(data) is None


def test_a_size_that_the_pixels_do_not_have_is_left_alone():
    data = palette_picture()
    header = struct.pack(">II", 30_000, 3_000) + data[24:29]
    checked = data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    assert read_indexed(checked) is None
    assert read_indexed(data[:16] + struct.pack(">II", 1 << 31, 1 << 31) + data[24:]) is None


def streams(*pictures):
    """What WeasyPrint makes of gray pictures: their packed rows, with a description."""

    class Stream:
        def __init__(self, data):
            self.extra = {"Subtype": "/Image", "ColorSpace": "/DeviceGray"}
            chunks = dict(indexed._chunks(data))
            self.stream = [type("Lazy", (), {"data": chunks[b"IDAT"]})()]

    class Pdf:
        objects = (object(), *map(Stream, pictures))

    return Pdf


def test_a_stand_in_is_found_however_it_was_filtered_and_nothing_else_is():
    picture = read_indexed(palette_picture())
    plain = stand_in(picture, 300)
    again = io.BytesIO()
    Image.open(io.BytesIO(plain)).save(again, "PNG")
    pdf = streams(png(np.full((30, 47), 165, np.uint8)), again.getvalue(), stand_in(picture, 9))
    assert put_in_place(pdf, {300: picture}) == {300}
    assert pdf.objects[2].stream == [picture.packed]
    assert pdf.objects[2].extra["ColorSpace"].startswith("[/Indexed /DeviceRGB 255 <")
    assert [one.extra["ColorSpace"] for one in (pdf.objects[1], pdf.objects[3])] == ["/DeviceGray"] * 2


@pytest.mark.skipif(shutil.which("pdfimages") is None, reason="pdfimages is not installed")
@pytest.mark.parametrize("transparent", [None, 7])
def test_the_pdf_has_the_same_pixels(make_report, tmp_path, transparent):
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    from reportgen.outputs.documents.pdf import render_pdf

    report = make_report("plain")
    data = palette_picture(120, 171, transparent)
    pictures = tuple(
        dataclasses.replace(one, data=data, width=171, height=120) if "layer01" in one.name else one
        for one in report.pictures
    )
    (tmp_path / "report.pdf").write_bytes(render_pdf(dataclasses.replace(report, pictures=pictures)))
    subprocess.run(["pdfimages", "-png", "report.pdf", "out"], cwd=tmp_path, check=True)
    found = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(tmp_path.glob("out-*.png"))]
    assert any(one.shape == (120, 171, 3) and np.array_equal(one, on_white(data)) for one in found)


def test_where_a_stand_in_is_missed_weasyprint_has_all_pictures(make_report, monkeypatch):
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    from reportgen.outputs.documents import pdf

    report = make_report("plain")
    pictures = tuple(dataclasses.replace(one, data=palette_picture()) for one in report.pictures)
    report = dataclasses.replace(report, pictures=pictures)
    usual = pdf.render_pdf(report)
    monkeypatch.setattr(pdf, "put_in_place", lambda *_: set())
    assert pdf.render_pdf(report) != usual
    assert b"/Indexed" not in pdf.render_pdf(report)
