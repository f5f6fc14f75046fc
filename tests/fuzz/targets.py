"""What reads bytes from outside, as a table: a name, and a function that may raise nothing but a ReportgenError."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reportgen.system.errors import ReportgenError
from reportgen.system.text import visible

CORPUS = Path(__file__).parents[1] / "corpus"
FOLDER = Path("folder")


@dataclass(frozen=True)
class Target:
    """A reader; ``modules`` are those whose branches guide the fuzzer, ``most`` limits the bytes it makes."""

    name: str
    read: Callable[[bytes], object]
    modules: tuple[str, ...]
    most: int = 4096

    @property
    def corpus(self) -> Path:
        """Where its seeds are, and what was found."""
        return CORPUS / self.name

    def survive(self, data: bytes) -> None:
        """Read bytes; any exception but the project's own is a finding."""
        try:
            self.read(data)
        except ReportgenError as problem:
            message = str(problem)
            assert message
            assert message == visible(message), "a message must be visible text"
            assert len(message.splitlines()) == 1, "a message must be one line"
            assert len(message) < 1500, "a message must not carry the file"


def _image(data: bytes) -> object:
    from reportgen.images.reader import decode_image

    return decode_image(data, "image")


def _settings(data: bytes) -> object:
    from reportgen.settings.file import parse_settings, settings_from

    return settings_from(parse_settings(data, FOLDER / "report.toml"))


def _model_notes(data: bytes) -> object:
    from reportgen.models.card import parse_model_notes

    return parse_model_notes(data, "model.toml")


def _class_names(data: bytes) -> object:
    from reportgen.models.class_name_files import parse_class_names

    # the first byte chooses the form, since the file's name does
    return parse_class_names(data[1:], FOLDER / ("names.json" if data[:1] <= b"m" else "names.txt"))


def _commentary(data: bytes) -> object:
    from reportgen.outputs.page.markdown import render_markdown
    from reportgen.settings.commentary import decode_comment

    return render_markdown(decode_comment(data))


def _model(data: bytes) -> object:
    from reportgen.models.loader import load_model

    endings = {b"k": ".keras", b"h": ".h5", b"o": ".onnx"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{endings.get(data[:1], '.keras')}")
        path.write_bytes(data[1:])
        return load_model(path)


def _saved(data: bytes) -> object:
    """A page as it is; a report.json with a digest that fits, else hardly any would be read."""
    from reportgen.outputs.documents.email import render_email
    from reportgen.outputs.page.rendering import render_html
    from reportgen.outputs.saved.reader import read_saved
    from reportgen.outputs.saved.report_json import content_digest
    from reportgen.settings.job import EmailSettings

    with contextlib.suppress(ValueError, RecursionError):
        table = json.loads(data)
        if isinstance(table, dict):
            data = json.dumps(table | {"content_sha256": content_digest(table)}).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        path.write_bytes(data)
        report = read_saved(path).report
    render_email(report, EmailSettings(), datetime(2026, 1, 1, tzinfo=UTC), (), draft=True)
    return render_html(report)


def _manifest(data: bytes) -> object:
    """What a site says of itself: read, and its site brought up to date."""
    from reportgen.outputs.site.build import build_site

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "site.json").write_bytes(data)
        return build_site((), Path(folder), add=True)


def _reference(data: bytes) -> object:
    from reportgen.images.dicom.study import read_study

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.dcm")
        path.write_bytes(data)
        return read_study(path)


def _addresses(data: bytes) -> object:
    from reportgen.outputs.documents.email import addresses

    return addresses([data.decode("utf-8", "surrogateescape")], "--to")


TARGETS = {
    target.name: target
    for target in (
        Target("image", _image, ("reportgen.images.reader", "reportgen.images.dicom.reader"), most=20_000),
        Target("settings", _settings, ("reportgen.settings.file", "reportgen.settings.messages", "tomllib")),
        Target("model_notes", _model_notes, ("reportgen.models.card", "reportgen.settings.file", "tomllib")),
        Target("class_names", _class_names, ("reportgen.models.class_name_files", "json")),
        Target(
            "commentary",
            _commentary,
            ("reportgen.settings.commentary", "reportgen.outputs.page.markdown", "markdown_it"),
        ),
        Target(
            "saved",
            _saved,
            (
                "reportgen.outputs.saved.reader",
                "reportgen.outputs.saved.reader.schema",
                "reportgen.outputs.saved.reader.integrity",
            ),
        ),
        Target("manifest", _manifest, ("reportgen.outputs.site", "reportgen.outputs.saved.reader.schema")),
        Target("reference", _reference, ("reportgen.images.dicom.study", "reportgen.images.dicom.reader")),
        Target("addresses", _addresses, ("reportgen.outputs.documents.email",), most=200),
        Target("model", _model, ("reportgen.models.loader", "reportgen.models.formats"), most=60_000),
    )
}
