"""A first settings file of what lies in a folder: images, folders of classes, models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.outputs.made import Made
from reportgen.settings.schema import FILES, SETTINGS, read_schema
from reportgen.system.errors import OutputError
from reportgen.system.text import visible

FILE = "report.toml"
_MODEL_ENDINGS = (".keras", ".h5", ".hdf5")

_REST = """
[output]
html = "report.html"
# json = "report.json"       # everything measured
# pdf = "report.pdf"

[occlusion]
# patch = [15, 30]           # pixels of the model's input; left out: a tenth to two fifths of each side
# stride = 5                 # left out: a third of each patch
# fill = ["mean", "blur"]    # or a colour, such as [250, 128, 128]

[layers]
# show = ["block1_*"]        # names of layers; left out: all with a spatial output
# first = 12

[feature_maps]
# scale = "channel"          # or "standardized", "shared"
# colours = "viridis"        # any colour map of matplotlib

# your own words, in Markdown; they stand beside what is measured
# [commentary.sections]
# summary = "What this report is about."
"""


def write_first_settings(folder: Path, *, overwrite: bool) -> Made:
    """Write ``report.toml`` with comments, of what a folder holds, and its schema for editors beside it.

    The cases are a pair of two class folders (see :func:`reportgen.datasets.pairs.choose_pair`), else the images in
    the folder, at most twelve; the model is the first by name.

    Parameters
    ----------
    folder
        Where to look and to write.
    overwrite
        Whether files that are there may be replaced.

    Raises
    ------
    ReportgenError
        When there is no such folder, or files can't be written.
    """
    from reportgen.settings.file import parse_settings
    from reportgen.system.atomic import check_target, write_all

    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", "name one that holds images or a model")
    path, schema = folder / FILE, folder / FILES[SETTINGS]
    for target in (path, schema):
        check_target(target, overwrite=overwrite)
    try:
        cases, notes = _cases(folder)
        models = _models(folder)
    except OSError as problem:
        raise OutputError(f"{folder} can't be read ({problem.strerror or problem})", "check it") from None
    text = "\n".join([*_head(), *cases, *_model_lines(models)]) + "\n" + _REST
    parse_settings(text.encode(), path)
    write_all({path: text.encode(), schema: read_schema().encode()})
    found = f"model: {models[0]}" if models else "no model file: the built-in model is used"
    return Made((path, schema), (*notes, found, f"next: reportgen build -c {path}"))


def _head() -> list[str]:
    return [
        f"#:schema {FILES[SETTINGS]}",
        "# What a report is made of and how: reportgen build -c report.toml. Paths are relative to this file.",
        "# Every key with its default: reportgen schema, or docs/settings.md. Lines that begin with # do nothing.",
        "",
        '# title = "My report"       # left out: made of the labels',
        '# language = "de"',
        "",
    ]


def _cases(folder: Path) -> tuple[list[str], list[str]]:
    """Return the lines of the cases, and what to say of them."""
    from reportgen.datasets.folders import ENDINGS, image_files, part_folders, subfolders
    from reportgen.datasets.pairs import RULE, choose_pair
    from reportgen.images.cases import MOST_CASES
    from reportgen.system.errors import ReportgenError

    classes = [sub for sub in subfolders(next(reversed(part_folders(folder).values()))) if image_files(sub)]
    if len(classes) == 2:
        try:
            pair = choose_pair(folder)
        except ReportgenError as problem:
            return _no_case(), [str(problem)]
        lines = [f"# {RULE}"]
        for label, path in zip(pair.labels, pair.paths, strict=True):
            lines += _case(path.relative_to(folder).as_posix(), label)
        return lines, [f"cases: {' and '.join(path.name for path in pair.paths)}, {RULE}"]
    images = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS and path.is_file()]
    if not images:
        return _no_case(), ["no image found: name some in the file"]
    lines = [line for path in images[:MOST_CASES] for line in _case(path.name, None)]
    more = f"; {len(images) - MOST_CASES} more are left out" if len(images) > MOST_CASES else ""
    return lines, [f"cases: {min(len(images), MOST_CASES)} images{more}; give them labels"]


def _case(image: str, label: str | None) -> list[str]:
    told = f"label = {_text(label)}" if label is not None else '# label = "NORMAL"          # what it is said to show'
    return ["[[cases]]", told, f"image = {_text(image)}", ""]


def _no_case() -> list[str]:
    return ["# [[cases]]", '# label = "NORMAL"          # what it is said to show', '# image = "image.png"', ""]


def _models(folder: Path) -> list[str]:
    """Return the names of what may be models, in order: files by their endings, and SavedModel folders."""
    return [
        path.name
        for path in sorted(folder.iterdir())
        if (path.is_file() and path.suffix.lower() in _MODEL_ENDINGS) or (path / "saved_model.pb").is_file()
    ]


def _model_lines(models: Sequence[str]) -> list[str]:
    lines = ["[model]"]
    lines += [f"{'# ' if number else ''}path = {_text(name)}" for number, name in enumerate(models)]
    if not models:
        lines.append('# path = "model.keras"      # or "keras:VGG16"; left out: the built-in chest X-ray model')
    return [*lines, '# class_names = ["NORMAL", "PNEUMONIA"]   # in the order of the outputs']


def _text(text: str) -> str:
    """Return a text as TOML writes it, on one line."""
    import tomli_w

    if "\n" in text or visible(text) != text:
        raise OutputError(f"'{text}' is a name that can't be written down", "rename it")
    return tomli_w.dumps({"a": text}).removeprefix("a = ").rstrip("\n")
