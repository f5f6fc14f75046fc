"""Report -> one zip with all its forms and their digests, for a review without an archive of images."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime

from reportgen.outputs.saved.report_json import render_json
from reportgen.report.report import Report

SUMS = "SHA256SUMS"
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


def render_zip(report: Report, html: bytes, pdf: bytes | None) -> bytes:
    """Return a zip file; the same report gives the same bytes.

    Parameters
    ----------
    report
        Made just now, or read with :func:`reportgen.outputs.saved.reader.read_saved`.
    html, pdf
        Its page, and its PDF if there is one.

    Returns
    -------
    bytes
        With report.html, report.pdf, report.json, figures/ and SHA256SUMS, which ``sha256sum --check`` reads.
    """
    files = {"report.html": html, "report.json": render_json(report)}
    if pdf is not None:
        files["report.pdf"] = pdf
    files |= {f"figures/{picture.file_name}": picture.data for picture in report.pictures}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    moment = max(datetime.fromisoformat(report.created).astimezone(UTC), _EARLIEST).timetuple()[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (*sorted(files.items()), (SUMS, sums.encode())):
            entry = zipfile.ZipInfo(name, moment)
            entry.external_attr = 0o644 << 16
            packed = name.endswith((".png", ".jpeg", ".pdf"))
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()
