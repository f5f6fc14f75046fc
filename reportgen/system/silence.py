"""Libraries that say more than anybody can act on, or quote what nobody should read, made silent for a while."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

_LOGGERS = threading.RLock()


@contextlib.contextmanager
def silence_loggers(*names: str) -> Iterator[None]:
    """Silence warnings and these loggers; put back how it was."""
    with _LOGGERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [logging.getLogger(name) for name in names]
        levels = [logger.level for logger in found]
        for logger in found:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(found, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def silence_standard_error() -> Iterator[None]:
    """Send nowhere what libraries write straight to standard error; where there is none, nobody is disturbed."""
    if sys.stderr is not None:
        sys.stderr.flush()
    kept = None
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            kept = os.dup(2)
            os.dup2(nowhere, 2)
        finally:
            os.close(nowhere)
    try:
        yield
    finally:
        if kept is not None:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def silence_tensorflow(*, debug: bool) -> Iterator[None]:
    """Choose TensorFlow for Keras; silence its advice, and what its libraries write while they're loaded."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if debug:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # its advice on tracing is for who writes programs
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with silence_standard_error():
        yield


def load_weasyprint() -> Any:
    """Load WeasyPrint, and let it and what it uses say nothing on standard error.

    Raises
    ------
    ImportError, OSError
        When it, or Pango, is missing.
    """
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return importlib.import_module("weasyprint")
