"""A site of many reports in an S3 bucket: what an unchanged run, and one more report, ask the server for.

    python benchmarks/site_store.py [REPORTS] [REPORT.html]

The server is moto's, on this machine. Reports, pages and pictures are put into it directly, called as a run would call
them, since a server in Python takes minutes for them; lists, index and what is measured go through it as requests.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]
PICTURES = 6


def tell(what: str, store: Any, started: float) -> None:
    """Print how long something took, and what was asked for."""
    kinds = Counter("LIST" if "list-type" in query else method for method, _, query in store.asked)
    print(f"{what}: {time.perf_counter() - started:.1f} s, {dict(sorted(kinds.items()))}", flush=True)
    store.asked.clear()


def digest(number: int, what: str) -> str:
    """Return a digest as a report or picture could have it."""
    return hashlib.sha256(f"{what} {number}".encode()).hexdigest()


def main(count: int, page: Path) -> None:
    """Measure."""
    from moto.s3.models import s3_backends
    from object_store import ObjectStore

    from reportgen.cli.main import main as reportgen
    from reportgen.outputs.saved.reader import read_saved
    from reportgen.outputs.site import build
    from reportgen.outputs.site.records import record_of
    from reportgen.outputs.site.remote_folder import RemoteSite
    from reportgen.outputs.site.state import Source
    from reportgen.system.addresses import RemotePath

    server = ObjectStore()
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "ENDPOINT_URL": server.endpoint}.items():
        os.environ[f"AWS_{name}"] = value
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    store = server.fresh()
    backend, root = s3_backends["123456789012"]["aws"], RemotePath(store.at("site"))
    saved = read_saved(page)
    base = record_of(saved.report, saved.digest, {})
    head = page.read_bytes()[:2048]
    with tempfile.TemporaryDirectory() as place:
        sources = [Path(place) / f"{number:05}.html" for number in range(count)]
        with RemoteSite(root, overwrite=False).opened() as folder:
            for number, path in enumerate(sources):
                path.write_bytes(head)
                pictures = tuple(
                    f"pictures/{one[:2]}/{one[2:]}.png"
                    for one in (digest(number * PICTURES + k, "picture") for k in range(PICTURES))
                )
                made = f"20{10 + number // 9000}-01-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
                record = dataclasses.replace(
                    base, digest=digest(number, "report"), title=f"Case {number:05}", created=made, pictures=pictures
                )
                told = path.stat()
                source = Source(told.st_size, told.st_mtime_ns, path.name, record.digest)
                folder.state.sources[build._key(path)] = source
                folder.state.records[record.digest] = record
                for address in (record.address, record.data_address, *pictures):
                    backend.put_object(store.bucket, f"site/{address}", b"x")
                    folder._present.add(address)
                for address in (record.address, record.data_address):
                    folder.state.files[address] = hashlib.sha256(b"x").hexdigest()
            started = time.perf_counter()
            run = build._Build(folder, None)
            # the reports count as drawn with this look
            run._is_new_look = False
            run.run(sources, add=False, done=None)
        tell(f"lists of {count:,} reports", store, started)
        print(f"keys: {len(store.keys('site/')):,}", flush=True)
        for what in ("unchanged", "unchanged again"):
            started = time.perf_counter()
            if reportgen(["site", place, "-o", root.address]):
                raise SystemExit("failed")
            tell(what, store, started)
        (Path(place) / "one-more.html").write_bytes(page.read_bytes())
        started = time.perf_counter()
        reportgen(["site", place, "-o", root.address])
        tell("one more", store, started)
    server.stop()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 10_000, Path(given[1]) if len(given) > 1 else ROOT / "demo/report.html")
