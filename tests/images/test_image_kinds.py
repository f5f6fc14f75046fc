"""Every kind of image: those that work give the pixels they were made of; the others are refused in a line."""

from __future__ import annotations

import numpy as np
import pytest
from kinds.image_registry import MODEL, ImageKind
from kinds.image_table import DOCUMENT, with_table
from kinds.images import IMAGE_KINDS

from reportgen.images.fitting import aspect_notes, prepare
from reportgen.images.reader import read_image
from reportgen.settings.file import settings_from
from reportgen.system.errors import ImageError

WORKING = [kind for kind in IMAGE_KINDS if not kind.refused]
REFUSED = [kind for kind in IMAGE_KINDS if kind.refused]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("kind", WORKING, ids=lambda kind: kind.name)
def test_a_kind_that_works(kind: ImageKind, tmp_path):
    settings = settings_from(dict(kind.settings))
    image = read_image(kind.build(tmp_path), settings.images, settings.limits)
    assert kind.like is not None
    expected = np.asarray(kind.like(), np.float64)
    found, notes = image.pixels, [*image.notes, *image.cautions]
    if kind.fitted:
        notes += aspect_notes(image.size, MODEL, settings.preprocessing.aspect)
        found = prepare(image, (*MODEL, 3), settings.preprocessing)
    assert found.shape == expected.shape
    assert image.pixels.dtype in (np.uint8, np.float32)
    assert image.pixels.min() >= 0
    assert image.pixels.max() <= 255
    np.testing.assert_allclose(found[kind.rows], expected[kind.rows], rtol=0, atol=kind.tolerance)
    assert kind.note in " ".join(notes)
    is_plain = (image.pixels == image.pixels[0, 0]).all()
    is_doubted = any(word in kind.note for word in ("cut off", "damaged", "not believed"))
    assert bool(image.cautions) == (is_doubted or is_plain)


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.name)
def test_a_kind_that_is_refused(kind: ImageKind, tmp_path):
    settings = settings_from(dict(kind.settings))
    path = kind.build(tmp_path)
    with pytest.raises(ImageError) as caught:
        read_image(path, settings.images, settings.limits)
    message = str(caught.value)
    assert kind.refused in message
    assert message.count(str(path)) == 1
    assert "\n" not in message
    assert len(message.removeprefix(str(path))) < 400


def test_kinds_have_names_of_their_own():
    assert len({kind.name for kind in IMAGE_KINDS}) == len(IMAGE_KINDS)


def test_the_table_in_the_docs_is_current():
    written = DOCUMENT.read_text(encoding="utf-8")
    assert with_table(written) == written
