from __future__ import annotations

import os
import threading

import pytest

from reportgen.images.reader import read_image
from reportgen.settings.report import LimitSettings
from reportgen.system.errors import ImageError
from reportgen.system.files import read_bytes


def test_up_to_the_limit(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 5000)
    assert read_bytes(path, ImageError, "image", limit=5000) == b"x" * 5000
    with pytest.raises(ImageError, match=r"a\.png has more than 4,999 bytes; .*--max-file-size"):
        read_bytes(path, ImageError, "image", limit=4999)


@pytest.mark.parametrize("count", [700, 100_000])
def test_a_pipe_without_end(tmp_path, count):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        try:
            with path.open("wb", buffering=0) as pipe:
                for _ in range(count // 100):
                    pipe.write(b"x" * 100)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        if count == 700:
            assert len(read_bytes(path, ImageError, "image", limit=1000)) == 700
        else:
            with pytest.raises(ImageError, match="more than 1,000 bytes"):
                read_bytes(path, ImageError, "image", limit=1000)
    finally:
        writer.join()


def test_a_file_that_grows(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 3000)
    real = os.fstat

    def earlier(descriptor):
        found = list(real(descriptor))
        found[6] = 10
        return os.stat_result(found)

    monkeypatch.setattr("reportgen.system.files.os.fstat", earlier)
    with pytest.raises(ImageError, match="more than 1,000 bytes"):
        read_bytes(path, ImageError, "image", limit=1000)


def test_an_image_within_its_limit(save_image):
    path = save_image()
    size = path.stat().st_size
    assert read_image(path, limits=LimitSettings(file_size=size)).size == (24, 36)
    with pytest.raises(ImageError, match=f"has more than {size - 1:,} bytes"):
        read_image(path, limits=LimitSettings(file_size=size - 1))


def test_a_file_that_vanishes(save_image, monkeypatch):
    path = save_image()
    opened = type(path).open

    def gone(self, *arguments, **options):
        self.unlink(missing_ok=True)
        return opened(self, *arguments, **options)

    monkeypatch.setattr(type(path), "open", gone)
    with pytest.raises(ImageError, match=r"image not found: .*image\.png"):
        read_image(path)
