"""``python tests/fuzz TARGET SECONDS``: feed a reader with bytes that coverage guides; findings go to its corpus.

Needs the extra ``fuzz``. Exit code 0: nothing was found; else the finding stands in the corpus, where tests replay it.
"""

from __future__ import annotations

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import atheris
from targets import TARGETS, Target


def main(name: str, seconds: str) -> None:
    """Fuzz one target for so many seconds."""
    target = TARGETS[name]
    _load(target)
    target.corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as found:
        # what is merely new goes to a folder that is dropped; only what fails is kept
        options = [
            f"-max_total_time={seconds}", f"-max_len={target.most}", "-timeout=20", "-rss_limit_mb=4096",
            "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={target.corpus}/found-",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, found, str(target.corpus)], target.survive)
        atheris.Fuzz()


def _load(target: Target) -> None:
    """Import what the reader needs, watching the branches of its own modules; to watch TensorFlow's takes minutes."""
    with atheris.instrument_imports(include=list(target.modules)):
        target.survive(b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
