"""Whose an image is, by the name of its file or of a folder that it lies in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from reportgen.settings.data import PATIENT
from reportgen.system.errors import SettingsError


def patient_finder(pattern: str = PATIENT) -> Callable[[PurePath], str]:
    """Return a function that names the patient of a file (``person100_bacteria_475.jpeg`` -> ``person100``).

    Parameters
    ----------
    pattern
        See :class:`reportgen.settings.data.DataSettings`.

    Returns
    -------
    callable
        Takes the file's path below the folder of its class.

    Raises
    ------
    SettingsError
        When the pattern is no regular expression.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as problem:
        raise SettingsError(
            f"the pattern of patients '{pattern}' is no regular expression ({problem})",
            r"write one such as '^(p\d+)_', with the patient in brackets",
        ) from None
    named = "patient" if "patient" in compiled.groupindex else min(compiled.groups, 1)

    def find(path: PurePath) -> str:
        for text in (path.name, path.as_posix()):
            found = compiled.search(text)
            if found and found[named]:
                return str(found[named])
        return path.stem

    return find
