"""The reference pages in ``docs/``, made from the code that they describe, so that they can't go stale.

Each module gathers what one page tells, as plain data; the template of the same name lays it out. ``make docs`` writes
them, and a test compares them with what stands in ``docs/``.
"""

from __future__ import annotations

from .pages import FOLDER, pages

__all__ = ["FOLDER", "pages"]
