"""All kinds of images, in the order of the table: each module below notes its own."""

from __future__ import annotations

from . import image_dicom, image_pillow, image_wrong
from .image_registry import IMAGE_KINDS, ImageKind

__all__ = ["IMAGE_KINDS", "ImageKind", "image_dicom", "image_pillow", "image_wrong"]
