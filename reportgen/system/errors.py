"""What can go wrong for a user, as one clear line: what was wrong, in which file, and what to do about it.

Everything that a user can cause is a :class:`ReportgenError`; any other exception is a fault of the program.
"""

from __future__ import annotations

from reportgen.system.text import visible


class ReportgenError(Exception):
    """A problem with what was given, told in one line.

    Parameters
    ----------
    what
        What was wrong, naming the file or key.
    advice
        What to do about it; may be empty.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        self.what = visible(" ".join(what.split()))
        self.advice = visible(" ".join(advice.split()))
        super().__init__(f"{self.what}; {self.advice}" if self.advice else self.what)


class ImageError(ReportgenError):
    """An image can't be read or used."""


class ModelError(ReportgenError):
    """A model can't be read or used."""


class SettingsError(ReportgenError):
    """A setting is unknown, out of range, or contradicts another."""


class OutputError(ReportgenError):
    """A result can't be written."""
