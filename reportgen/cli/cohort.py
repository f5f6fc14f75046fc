"""``reportgen cohort``: what many cases show together."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made

_EXAMPLES = """reportgen cohort out/
reportgen cohort out/ --by kind --only bacteria,virus -o out/kinds.html --csv channels.csv
reportgen cohort out/ --by predicted --map umap --json cohort.json
reportgen cohort s3://results/2026 -o cohort.html --workers 8"""
_DEFAULT = "cohort.html"


def add_cohort(commands: Any) -> None:
    """Add the command."""
    cohort = add_command(
        commands, "cohort", "compare groups of the cases of a batch: channels, maps, scores", _cohort, _EXAMPLES
    )
    cohort.add_argument(
        "folder", metavar="OUT", help="what reportgen batch wrote: a folder, or s3://, gs://, abfs:// (then with -o)"
    )
    cohort.add_argument(
        "--by",
        default="label",
        metavar="COLUMN",
        help="what makes the groups: label (default), predicted, correct, none, or a column of the table of cases",
    )
    cohort.add_argument("--only", default="", metavar="NAMES", help="only these groups, as bacteria,virus")
    cohort.add_argument(
        "-o", "--html", metavar="FILE", help=f"page to write; default OUT/{_DEFAULT}, from where reports are linked"
    )
    cohort.add_argument("--json", metavar="FILE", help="write all numbers")
    cohort.add_argument("--csv", metavar="FILE", help="write a table with a row for each channel")
    cohort.add_argument(
        "--map", default="pca", metavar="HOW", help="how cases are laid out in two dimensions: pca (default) or umap"
    )
    cohort.add_argument(
        "--sample", type=int, metavar="N", help="cases of a group that ranks are taken of; default 2000, in 64 MB"
    )
    cohort.add_argument("--title", default="", metavar="TEXT", help="title of the page")
    cohort.add_argument("--language", default="en", metavar="CODE", help="language of the page: en or de")
    workers = cohort.add_argument_group("workers (Dask, see docs/scale.md)")
    workers.add_argument("--workers", type=int, default=0, metavar="N", help="processes; default 0: this one")
    workers.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster: tcp://... or tls://...")
    add_open(cohort)
    add_force(cohort)


def _cohort(given: argparse.Namespace) -> None:
    from reportgen.settings.batch import Cluster
    from reportgen.settings.cohort import CohortJob
    from reportgen.system.addresses import RemotePath, place_of
    from reportgen.system.errors import SettingsError
    from reportgen.workflows.cohort import cohort

    folder = place_of(given.folder)
    if given.html is None and isinstance(folder, RemotePath):
        raise SettingsError("the page of a batch that lies elsewhere needs a place", "name a file with -o")
    beside = folder if isinstance(folder, Path) else Path()
    only = tuple(name.strip() for name in given.only.split(",") if name.strip())
    job = CohortJob(
        folder=folder, html=beside / _DEFAULT if given.html is None else Path(given.html),
        json=None if given.json is None else Path(given.json), csv=None if given.csv is None else Path(given.csv),
        by=given.by, only=only, method=given.map, sample=given.sample, title=given.title,
        language=given.language, cluster=Cluster(workers=given.workers, scheduler=given.scheduler),
    )  # fmt: skip
    say_made(cohort(job, overwrite=given.force, progress=True), opening=given.open)
