"""Files elsewhere than on this machine, by fsspec: s3://, gs:// and abfs:// to read and write, https:// to read.

Nothing here is reached unless an address was given. Credentials are those that the libraries find by themselves; an
address with some in it is refused, and messages show addresses without what comes after a question mark. What may pass
is tried again (:mod:`reportgen.system.retries`); what doesn't becomes one line.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from reportgen.system.addresses import EXTRAS, READ_ONLY, RemoteError, RemotePath
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra
from reportgen.system.retries import PAUSES, is_transient, patiently

AT_ONCE = 16  # requests
_AHEAD = 4 * AT_ONCE
_CONNECT, _READ = 10, 60  # seconds
Result = TypeVar("Result")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What a server says of a file; ``mark`` is another number when it has changed, 0 where the server doesn't tell."""

    size: int
    mark: int


def read_remote(place: RemotePath, limit: int | None = None) -> bytes:
    """Return what a file holds.

    Raises
    ------
    FileNotFoundError
        When there is none.
    RemoteError
        When it has more than ``limit`` bytes, or can't be reached.
    """
    system, name = reach(place)

    def read() -> bytes:
        if limit is None:
            return bytes(system.cat_file(name))
        with system.open(name, "rb", cache_type="none") as file:
            return bytes(file.read(limit + 1)) if place.scheme not in READ_ONLY else _within(file, limit)

    data = tell_remote_errors(place, read)
    if limit is not None and len(data) > limit:
        raise RemoteError(f"{place} has more than {limit:,} bytes", "raise the limit with --max-file-size")
    return data


def _within(file: Any, limit: int) -> bytes:
    """Return what a server sends, up to one byte more than the limit: it may not say how much comes."""
    read = bytearray()
    while len(read) <= limit and (block := file.read(min(1 << 20, limit + 1 - len(read)))):
        read += block
    return bytes(read)


def write_remote(place: RemotePath, data: bytes, *, media_type: str = "", cache: str = "", digest: str = "") -> None:
    """Write a file: a put is whole or not at all.

    Parameters
    ----------
    place
        Where.
    data
        What.
    media_type, cache
        What a server is to send with it: ``Content-Type`` and ``Cache-Control``.
    digest
        SHA-256, kept with it as metadata.

    Raises
    ------
    RemoteError
        When it can't be written.
    """
    system, name = reach(place)
    options = put_options(place.scheme, media_type, cache, digest)
    tell_remote_errors(place, lambda: system.pipe_file(name, data, **options), missing=True)


def put_options(scheme: str, media_type: str, cache: str, digest: str) -> dict[str, Any]:
    """Return how the library of a scheme wants to be told a file's headers and digest."""
    tags = {"sha256": digest} if digest else {}
    if scheme == "s3":
        told = {"ContentType": media_type, "CacheControl": cache, "Metadata": tags}
    elif scheme in ("gs", "gcs"):
        fixed = {"cache_control": cache} if cache else {}
        told = {"content_type": media_type, "metadata": tags, "fixed_key_metadata": fixed}
    else:
        # Azure's library keeps metadata to itself
        told = {"content_settings": {"content_type": media_type, "cache_control": cache} if media_type else {}}
    return {key: value for key, value in told.items() if value}


def remote_digest(place: RemotePath) -> str | None:
    """Return the SHA-256 that a file was written with; None where its metadata has none, or there is no file."""
    system, name = reach(place)
    if place.scheme != "s3":
        return None
    try:
        return tell_remote_errors(place, lambda: dict(system.metadata(name, refresh=True))).get("sha256")
    except FileNotFoundError:
        return None


def remove_remote(place: RemotePath) -> None:
    """Remove a file that may be there."""
    system, name = reach(place)
    try:
        tell_remote_errors(place, lambda: system.rm_file(name))
    except FileNotFoundError:
        return


def state_of_remote(place: RemotePath) -> RemoteState | None:
    """Return what the server says of a file; None where there is none."""
    system, name = reach(place)
    try:
        found = tell_remote_errors(place, lambda: system.info(name))
    except FileNotFoundError:
        return None
    return None if found.get("type") == "directory" else as_state(found)


def list_remote(place: RemotePath, *, deep: bool = True) -> dict[str, RemoteState]:
    """Return the files below a place by their names there, in order; empty where there are none.

    Raises
    ------
    RemoteError
        When it can't be listed, or its bucket doesn't exist.
    """
    if not deep:
        return {name: as_state(told) for name, told in _entries(place) if told.get("type") == "file"}
    system, name = reach(place)
    try:
        found = tell_remote_errors(place, lambda: system.find(name, detail=True))
    except FileNotFoundError:
        return {}
    root = f"{name}/"
    return {
        key[len(root) :]: as_state(told)
        for key, told in sorted(found.items())
        if key.startswith(root) and told.get("type") == "file" and not key.endswith("/")
    }


def names_in_remote(place: RemotePath) -> list[str]:
    """Return the names of what lies directly at a place: files, and folders.

    Raises
    ------
    RemoteError
        When it can't be listed, or its bucket doesn't exist.
    """
    return [name for name, _ in _entries(place)]


def _entries(place: RemotePath) -> list[tuple[str, Mapping[str, Any]]]:
    """Return (name, what the server says) of what lies directly at a place; nothing where there is no such place."""
    system, name = reach(place)
    try:
        found = tell_remote_errors(place, lambda: system.ls(name, detail=True))
    except FileNotFoundError:
        return []
    root = f"{name}/"
    inside = ((str(told["name"]).rstrip("/"), told) for told in found)
    return sorted(((key[len(root) :], told) for key, told in inside if key.startswith(root)), key=lambda one: one[0])


def glob_remote(pattern: RemotePath) -> list[RemotePath]:
    """Return the files that a pattern fits, in order."""
    system, name = reach(pattern)
    found = tell_remote_errors(pattern, lambda: system.glob(name, detail=True))
    return [
        RemotePath(f"{pattern.scheme}://{key}") for key, told in sorted(found.items()) if told.get("type") == "file"
    ]


def as_state(told: Mapping[str, Any]) -> RemoteState:
    """Return size and mark from what a library says of a file."""
    known = next((told[key] for key in ("ETag", "etag", "md5Hash", "mtime", "LastModified") if told.get(key)), None)
    mark = 0 if known is None else int(hashlib.sha256(str(known).encode()).hexdigest()[:15], 16)
    return RemoteState(int(told.get("size") or 0), mark)


@contextmanager
def fetched(place: RemotePath, limit: int | None = None) -> Iterator[Path]:
    """Give a copy on this machine, called the same, that goes again; messages about it name the address.

    Raises
    ------
    ReportgenError
        When it can't be had.
    """
    try:
        data = read_remote(place, limit)
    except FileNotFoundError:
        raise RemoteError(f"{place} is not there", "check the address") from None
    with TemporaryDirectory(prefix="reportgen-") as folder:
        path = Path(folder) / (place.name or "file")
        path.write_bytes(data)
        try:
            yield path
        except ReportgenError as problem:
            problem.what = problem.what.replace(str(path), str(place))
            problem.args = (problem.args[0].replace(str(path), str(place)),)
            raise


def at_once(do: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Give what a function gives for each item, in order, asking ahead for a few: answers from elsewhere take time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        source, ahead = iter(items), deque[Future[Result]]()
        try:
            while True:
                ahead.extend(pool.submit(do, item) for item in islice(source, _AHEAD - len(ahead)))
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for one in ahead:
                one.cancel()


def check_writable(place: RemotePath) -> None:
    """Refuse what can only be read.

    Raises
    ------
    RemoteError
        When it is so.
    """
    if place.scheme in READ_ONLY:
        raise RemoteError(f"{place} can only be read", "write to s3://, gs:// or abfs://")


def tell_remote_errors(place: RemotePath, do: Callable[[], Result], *, missing: bool = False) -> Result:
    """Do something patiently, and say in one line what went wrong; what a library says is never shown.

    Parameters
    ----------
    place
        What it is about.
    do
        What is to be done.
    missing
        Whether a missing file is an error to be told; else it is raised as it is, unless the bucket is missing.

    Raises
    ------
    FileNotFoundError, FileExistsError
        When there is no such file, or one where none was to be.
    RemoteError
        When anything else went wrong.
    """
    try:
        return patiently(do)
    except (ReportgenError, FileExistsError):
        raise
    except FileNotFoundError as found:
        problem: Exception = found
    except Exception as found:  # noqa: BLE001 - each library has its own kinds
        problem = found
    # outside of the handler: what was caught is no cause of what is said
    if isinstance(problem, FileNotFoundError):
        if "bucket" in str(problem).lower() and "does not exist" in str(problem):
            raise RemoteError(f"{place}: there is no such bucket", "check its name, or make it first")
        if not missing:
            raise FileNotFoundError(str(place))
    raise RemoteError(*_told(place, problem))


def _told(place: RemotePath, problem: Exception) -> tuple[str, str]:
    """Return what went wrong, and what to do about it."""
    kind, status = type(problem).__name__, getattr(problem, "status", None) or getattr(problem, "code", None)
    if isinstance(problem, PermissionError) or status in (401, 403) or "Credential" in kind:
        return f"{place}: access denied", "check the credentials and what they allow (docs/scale.md, Storage)"
    if isinstance(problem, FileNotFoundError):
        return f"{place} is not there", "check the address"
    if is_transient(problem):
        return f"{place} can't be reached (tried {len(PAUSES) + 1} times)", "try again later: what is done is kept"
    reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else kind
    return f"{place} can't be used ({reason:.200})", "check the address"


def reach(place: RemotePath) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and what it calls the place.

    Raises
    ------
    RemoteError
        When its library isn't installed.
    """
    options: dict[str, Any] = {"use_listings_cache": False}
    if place.scheme == "s3":
        once = {"retries": {"total_max_attempts": 1}, "connect_timeout": _CONNECT, "read_timeout": _READ}
        options["config_kwargs"] = once
    try:
        import fsspec

        system = fsspec.filesystem(place.scheme, **options)
    except ImportError:
        needed = install_extra(EXTRAS[place.scheme])
        raise RemoteError(f"{place.scheme}:// needs a library that isn't installed", needed) from None
    if place.scheme == "s3":
        system.retries = 1  # trying again is done here, for all libraries alike
    return system, str(system._strip_protocol(place.address))
