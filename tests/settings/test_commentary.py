from __future__ import annotations

import pytest

from reportgen.report.remark import Comment
from reportgen.settings.commentary import SECTIONS, read_comments
from reportgen.settings.report import CommentarySettings
from reportgen.system.errors import SettingsError

LAYERS = ("conv1", "base/conv2")


@pytest.fixture
def folder(tmp_path):
    """A folder of commentary; returns a function that writes a file into it."""

    def write(name: str, text: str | bytes = "text"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    write.settings = lambda **more: CommentarySettings(folder=str(tmp_path), **more)
    return write


def test_nothing_is_nothing():
    assert read_comments(CommentarySettings(), LAYERS) == ()


def test_texts_from_the_settings():
    settings = CommentarySettings(sections={"summary": "*S*"}, layers={"conv1": "L"})
    assert read_comments(settings, LAYERS) == (
        Comment(section="summary", markdown="*S*"),
        Comment(section="layers", layer="conv1", markdown="L"),
    )


def test_it_is_signed():
    settings = CommentarySettings(sections={"summary": "S"}, layers={"conv1": "L"}, author=" A. Reader ")
    assert [one.author for one in read_comments(settings, LAYERS)] == ["A. Reader"] * 2


def test_every_section_is_taken():
    settings = CommentarySettings(sections=dict.fromkeys(SECTIONS, "text"))
    assert [comment.section for comment in read_comments(settings, ())] == list(SECTIONS)


def test_files_by_section_and_layer(folder):
    folder("model.md", "Modèle")
    folder("layers.md", "All layers")
    folder("layers/conv1.md", "One")
    folder("layers/base/conv2.md", "Two")
    folder("notes.txt", "no Markdown")
    found = {(comment.section, comment.layer): comment.markdown for comment in read_comments(folder.settings(), LAYERS)}
    assert found == {
        ("model", None): "Modèle",
        ("layers", None): "All layers",
        ("layers", "conv1"): "One",
        ("layers", "base/conv2"): "Two",
    }


def test_a_layer_with_a_dot_in_its_name(folder):
    folder("layers/block.1.md", "B")
    assert read_comments(folder.settings(), ["block.1"]) == (Comment(section="layers", layer="block.1", markdown="B"),)


def test_settings_stand_before_the_folder(folder):
    folder("summary.md", "from the folder")
    (comment,) = read_comments(folder.settings(sections={"summary": "from the settings"}), LAYERS)
    assert comment.markdown == "from the settings\n\nfrom the folder"


def test_bytes_that_are_no_unicode_are_replaced(folder):
    folder("summary.md", b"caf\xe9")
    assert read_comments(folder.settings(), ())[0].markdown == "caf�"


@pytest.mark.parametrize(
    ("settings", "layers", "told"),
    [
        (CommentarySettings(sections={"sumary": "x"}), LAYERS, "unknown section 'sumary'; sections: summary, model"),
        (CommentarySettings(layers={"conv9": "x"}), LAYERS, "'conv9', which is not shown; shown: conv1, base/conv2"),
        (CommentarySettings(layers={"conv9": "x"}), (), "the report shows no layers"),
        (CommentarySettings(folder="/nowhere/at/all"), LAYERS, "commentary folder not found: /nowhere/at/all"),
    ],
)
def test_what_can_not_be_placed_is_refused(settings, layers, told):
    with pytest.raises(SettingsError) as caught:
        read_comments(settings, layers)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"), [("readme.md", "'readme'"), ("layers/conv9.md", "'conv9'"), ("a/b.md", "'a/b'")]
)
def test_files_that_can_not_be_placed_are_refused(folder, name, told):
    folder(name)
    with pytest.raises(SettingsError, match=told):
        read_comments(folder.settings(), LAYERS)


def test_an_empty_file_is_named(folder):
    folder("summary.md", "")
    with pytest.raises(SettingsError, match=r"summary\.md is empty"):
        read_comments(folder.settings(), ())
