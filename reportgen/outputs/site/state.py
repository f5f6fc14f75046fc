"""What a site says of itself in ``site.json``: its reports, and the digests of its files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields

from reportgen.outputs.saved.schema import from_plain
from reportgen.outputs.site.records import Record, record_from, to_table
from reportgen.system.errors import OutputError

VERSION = 1


@dataclass(frozen=True)
class Source:
    """A report's file as it was when it was read: unchanged, it needn't be read again.

    ``digest`` is the report's, None where it's broken; then ``problem`` says why.
    """

    size: int
    changed: int
    name: str
    digest: str | None
    problem: str = ""


@dataclass
class State:
    """What a site holds. ``files`` are the digests of pages and assets, by address; ``look`` shaped them."""

    title: str = ""
    look: str = ""
    sources: dict[str, Source] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stored:
    """The plain parts of what a site says of itself."""

    title: str
    look: str
    sources: dict[str, tuple[int, int, str, str | None, str]]
    files: dict[str, str]


def render_manifest(state: State) -> bytes:
    """Return what a site says of itself."""
    table = {
        "reportgen_site": VERSION, "title": state.title, "look": state.look,
        "reports": [to_table(one) for one in sorted(state.records.values(), key=lambda one: one.order)],
        "sources": {key: list(vars(one).values()) for key, one in sorted(state.sources.items())},
        "files": dict(sorted(state.files.items())),
    }  # fmt: skip
    return (json.dumps(table, separators=(",", ":")) + "\n").encode()


def parse_manifest(data: bytes, path: object, *, overwrite: bool) -> tuple[State, dict[str, str]] | None:
    """Read what a site says of itself, and what a killed run was about to write.

    None where that can't be read and may be made anew.
    """
    try:
        table = json.loads(data)
        if table["reportgen_site"] != VERSION:
            raise OutputError(f"{path} is of another version of reportgen", "build the site anew in another folder")
        found = {item.name: table[item.name] for item in fields(_Stored)}
        stored: _Stored = from_plain(_Stored, found, "site")
        records = [record_from(one) for one in table["reports"]]
        coming = from_plain(dict[str, str], table.get("coming", {}), "site")
        state = State(
            stored.title, stored.look, {key: Source(*one) for key, one in stored.sources.items()},
            {one.digest: one for one in records}, stored.files,
        )  # fmt: skip
        return state, coming
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if overwrite:
            return None
        raise OutputError(f"{path} is damaged", "allow overwriting (-f) to make it anew") from None
