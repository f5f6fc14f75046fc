"""``reportgen batch``: reports of many cases."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_open, say_made
from reportgen.cli.flags import add_flags, tables_from

_EXAMPLES = """reportgen batch cases.csv -o reports/ -m model.keras
reportgen batch chest_xray/ -o reports/ --sections summary,evidence --max-failures 2%
reportgen batch 'scans/*.png' -o reports/ --dry-run
reportgen batch cases.csv -o reports/ --pair-by patient --scheduler tcp://10.0.0.5:8786
reportgen batch s3://scans/2026/ -o s3://results/2026
reportgen batch -o reports/ --retry-failed"""


def add_batch(commands: Any) -> None:
    """Add the command."""
    batch = add_command(
        commands, "batch", "make the reports of many cases, and a table of what came out", _batch, _EXAMPLES
    )
    batch.add_argument(
        "cases",
        nargs="?",
        metavar="CASES",
        help="a table (CSV, TSV, Parquet) with a row a case, a folder, or a pattern such as 'scans/*.png'; here, "
        "or s3://, gs://, abfs:// (one file also https://); left out: those of the batch in the folder",
    )
    batch.add_argument(
        "-o",
        "--folder",
        metavar="DIR",
        required=True,
        help="folder, or s3://, gs://, abfs://, to write to; a stopped run goes on there",
    )
    batch.add_argument("-m", "--model", metavar="MODEL", help="as for build; left out: the built-in model")
    batch.add_argument("-c", "--config", metavar="FILE", help="settings file (TOML); a flag beats the file")
    which = batch.add_argument_group("cases")
    which.add_argument(
        "--kind", metavar="KIND", default="auto", help="what a folder is: classes, studies (DICOM) or files"
    )
    which.add_argument(
        "--split", metavar="PART", help="of a divided folder: train, validation, test (default, if there) or all"
    )
    which.add_argument(
        "--pair-by", metavar="COLUMN", help="cases with the same value are one report; default: pair, if there"
    )
    which.add_argument("--image-column", metavar="NAME", help="of a table: its column with the image")
    which.add_argument("--label-column", metavar="NAME", help="of a table: its column with the label")
    which.add_argument("--limit", dest="first_reports", type=int, metavar="N", help="only the first N reports")
    runs = batch.add_argument_group("run")
    runs.add_argument("--dry-run", action="store_true", help="try three cases; say what time, memory and disk all take")
    runs.add_argument("--retry-failed", action="store_true", help="run what failed again, and nothing else")
    runs.add_argument("--again", action="store_true", help="run everything again, also what is done")
    runs.add_argument("--max-failures", metavar="N", help="end when more reports fail, as 50 or 2%%")
    runs.add_argument("--no-site", action="store_true", help="make no static site of the reports")
    runs.add_argument("--site-title", metavar="TEXT", help="title of the site")
    runs.add_argument("-v", "--verbose", action="store_true", help="tell where Dask's dashboard is")
    workers = batch.add_argument_group("workers (Dask, see docs/scale.md)")
    workers.add_argument(
        "--workers", type=int, metavar="N", help="processes; 0: this one; default: one a core where that pays"
    )
    workers.add_argument(
        "--threads", type=int, metavar="N", help="of TensorFlow in each; default: the cores are shared out"
    )
    workers.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster: tcp://... or tls://...")
    workers.add_argument("--jobqueue", metavar="KIND", help="start workers as jobs: slurm, pbs or sge")
    workers.add_argument("--kubernetes", action="store_true", help="start workers as pods")
    workers.add_argument("--image", metavar="NAME", help="container image of the pods")
    batch.add_argument("--language", metavar="CODE", help="language of the reports: en or de")
    batch.add_argument("--no-occlusion", action="store_true", help="leave out the occlusion scan")
    add_open(batch)
    add_flags(batch, _SECTIONS)


_SECTIONS = (
    "model", "preprocessing", "images", "limits", "layers", "feature_maps", "occlusion", "commentary", "theme", "page",
)  # fmt: skip


def _batch(given: argparse.Namespace) -> int:
    from reportgen.batch.run import SOME_FAILED, run_batch
    from reportgen.settings.batch import BatchJob, CaseSource, Cluster
    from reportgen.settings.file import merge, read_settings, settings_from
    from reportgen.system.addresses import place_of

    tables = read_settings(Path(given.config)) if given.config else {}
    model = {} if given.model is None else {"model": {"path": given.model}}
    further: dict[str, Any] = {"occlusion": {"enabled": False}} if given.no_occlusion else {}
    further |= {"language": given.language} if given.language is not None else {}
    settings = settings_from(merge(merge(merge(tables, tables_from(given, _SECTIONS)), model), further))
    source = None if given.cases is None else CaseSource(
        cases=given.cases, kind=given.kind, split=given.split, pair_by=given.pair_by, image_column=given.image_column,
        label_column=given.label_column, limit=given.first_reports,
    )  # fmt: skip
    cluster = Cluster(
        workers=given.workers, threads=given.threads, scheduler=given.scheduler, jobqueue=given.jobqueue,
        kubernetes=given.kubernetes, image=given.image,
    )  # fmt: skip
    job = BatchJob(
        source=source, output=place_of(given.folder), cluster=cluster, retry_failed=given.retry_failed,
        max_failures=given.max_failures, dry_run=given.dry_run, again=given.again, site=not given.no_site,
        title=given.site_title,
    )  # fmt: skip
    ran = run_batch(job, settings, progress=True, debug=given.debug, verbose=given.verbose)
    say_made(ran.made, opening=given.open)
    return SOME_FAILED if ran.failed else 0
