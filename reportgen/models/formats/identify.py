"""What a model file is, told by its content; nothing in it is built or run here.

Archives are checked before they're opened by Keras: names that lead out of the archive, files that unpack to more
than memory holds, and HDF5 links to other files are refused.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from reportgen.models.formats.hdf5_probe import open_hdf5, survives
from reportgen.system.errors import ModelError
from reportgen.system.signatures import looks_like

Kind = Literal["keras", "hdf5", "weights", "saved_model"]
LONGEST_CONFIG = 64 << 20
MOST_TABLES = 100_000  # the largest networks of keras.applications have some 15,000; each takes time to build
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_KINDS = "give a .keras or .h5 file, a SavedModel folder, or keras:NAME"


@dataclass(frozen=True)
class ModelFile:
    """A model file, checked.

    Attributes
    ----------
    path
        The file, or the folder of a SavedModel.
    kind
        ``keras``: a .keras archive; ``hdf5``: a whole model in HDF5; ``weights``: weights alone, in HDF5;
        ``saved_model``: a folder.
    sha256
        Digest of the file; of a SavedModel, of its files' digests.
    config
        The model's configuration; empty where the format has none.
    loss
        What it was trained with, as configured; None when unknown.
    version
        The Keras it was saved with, such as ``2.13.1``; empty when unknown.
    edited
        Whether the configuration is another than that in the file, and to be read in its place.
    """

    path: Path
    kind: Kind
    sha256: str
    config: dict[str, Any]
    loss: Any = None
    version: str = ""
    edited: bool = False

    @property
    def is_legacy(self) -> bool:
        """Whether it was saved by Keras 2 or earlier."""
        if self.kind == "hdf5" and not self.version:
            return not _names_a_dtype_policy(self.config)
        return self.version[:2] in ("1.", "2.", "0.")


def _names_a_dtype_policy(config: Any) -> bool:
    """Whether any layer has its number type as a table, as only Keras 3 writes it."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "DTypePolicy":
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def examine_model(path: Path, *, memory: int, trusted: bool = False) -> ModelFile:
    """Find out what a model file is.

    Parameters
    ----------
    path
        File or folder.
    memory
        Bytes that its content may take.
    trusted
        Whether it's the program's own model, which is not damaged.

    Raises
    ------
    ModelError
        When it's missing, no model, damaged, or made to harm.
    """
    if path.is_dir():
        return _examine_folder(path, memory)
    head, digest = _head_and_digest(path)
    if head.startswith(_HDF5):
        return _examine_hdf5(path, digest, memory)
    if head.startswith(_ZIP):
        return _examine_zip(path, digest, memory, trusted=trusted)
    if path.name == "saved_model.pb":
        raise ModelError(f"{path} is the program of a SavedModel alone", "give the folder that it lies in")
    found = looks_like(head) or ("a file of 1 byte" if len(head) == 1 else "not a Keras model")
    raise ModelError(f"{path} is {found}", _KINDS)


def _head_and_digest(path: Path) -> tuple[bytes, str]:
    try:
        if not path.is_file():
            raise ModelError(
                f"model not found: {path}" if not path.exists() else f"{path} is no file", "check the path"
            )
        with path.open("rb") as file:
            head = file.read(4096)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise ModelError(f"model can't be read: {path} ({reason})", "check its permissions") from None
    if not head:
        raise ModelError(f"{path} is empty (0 bytes), not a model", "copy or download it again")
    return head, digest


def check_links(group: Any, path: Path, memory: int) -> int:
    """Refuse HDF5 content that lies outside the file or takes more than memory; return the bytes it takes.

    Raises
    ------
    ModelError
        Naming the item.
    """
    import h5py

    total = 0
    for name, item in _items(group, path):
        if isinstance(item, h5py.ExternalLink):
            raise ModelError(f"{path} links to another file ({name})", "a model file must hold its own weights")
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ModelError(f"{path} takes '{name}' from another file", "a model file must hold its own weights")
            total += int(item.size or 0) * int(item.dtype.itemsize)
            if total > memory:
                raise too_much(path, "its weights alone", total, memory)
    return total


def too_much(path: Path | str, what: str, needed: int, memory: int) -> ModelError:
    """Return the error for a model that needs more memory than it may have."""
    return ModelError(
        f"{path} needs {_gib(needed)} ({what}), the limit is {_gib(memory)}",
        "raise it with --max-memory if you mean it",
    )


def _gib(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):,.0f} MiB"


def _items(group: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Walk HDF5 groups without following links; each group once, however it's linked."""
    import h5py

    waiting, seen = [("", group)], set()
    while waiting:
        prefix, current = waiting.pop()
        for key in current:
            name = f"{prefix}/{key}".lstrip("/")
            link = current.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                yield name, link
            if not isinstance(link, h5py.HardLink):
                continue
            item = current.get(key)
            yield name, item
            if isinstance(item, h5py.Group) and item.id not in seen:
                seen.add(item.id)
                if len(seen) > 100_000:
                    raise ModelError(f"{path} has more than 100,000 groups", "it is no Keras model")
                waiting.append((name, item))


def _examine_hdf5(path: Path, digest: str, memory: int) -> ModelFile:
    import h5py

    if not survives(path, memory):
        raise damaged_hdf5(path)
    try:
        with h5py.File(path, "r") as file:
            check_links(file, path, memory)
            version = _text(file.attrs.get("keras_version", ""))
            names = set(file)
            if "model_config" in file.attrs:
                config = _json(_text(file.attrs["model_config"]), path)
                training = _text(file.attrs.get("training_config", ""))
                loss = _json(training, path).get("loss") if training else None
                return ModelFile(path, "hdf5", digest, config, loss, version)
            if "layer_names" in file.attrs or names & {"layers", "_layer_checkpoint_dependencies", "_functional"}:
                return ModelFile(path, "weights", digest, {}, None, version)
    except ModelError:
        raise
    except Exception as problem:
        raise damaged_hdf5(path, problem) from problem
    raise ModelError(f"{path} is an HDF5 file without a Keras model in it", _KINDS)


def damaged_hdf5(path: Path | str, problem: Exception | None = None) -> ModelError:
    """Return the error for an HDF5 file that can't be read; such come as OSError, KeyError, RuntimeError and more."""
    found = "an HDF5 file that was cut off" if "truncated" in str(problem) else "a damaged HDF5 file"
    return ModelError(f"{path} is {found}", "copy or download it again")


def _examine_zip(path: Path, digest: str, memory: int, *, trusted: bool) -> ModelFile:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if "config.json" not in entries:
                raise ModelError(f"{path} is {_other_archive(list(entries))}", _KINDS)
            for entry in archive.infolist():
                _check_entry(entry, path)
            if len(entries) < len(archive.infolist()):
                raise ModelError(f"{path} holds two files of one name", "a .keras file never does")
            total = sum(entry.file_size for entry in entries.values())
            if total > memory:
                raise too_much(path, "unpacked", total, memory)
            config = _json(_member(archive, "config.json", path), path)
            metadata = _json(_member(archive, "metadata.json", path), path) if "metadata.json" in entries else {}
            if not trusted:
                _check_inner_weights(archive, path, memory)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error):
        raise ModelError(f"{path} is a damaged .keras file", "copy or download it again") from None
    compiled = config.get("compile_config")
    loss = compiled.get("loss") if isinstance(compiled, dict) else None
    version = metadata.get("keras_version")
    return ModelFile(path, "keras", digest, config, loss, version if isinstance(version, str) else "")


def _check_entry(entry: zipfile.ZipInfo, path: Path) -> None:
    name = PurePosixPath(entry.filename)
    mode = entry.external_attr >> 16
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in name.parts[0] or stat.S_ISLNK(mode):
        raise ModelError(f"{path} holds a file that leads out of it ({entry.filename!r:.80})", "do not use it")


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    if archive.getinfo(name).file_size > LONGEST_CONFIG:
        raise ModelError(f"{name} in {path} is larger than {LONGEST_CONFIG >> 20} MiB", "it is no Keras model")
    return archive.read(name).decode("utf-8", "replace")


def _check_inner_weights(archive: zipfile.ZipFile, path: Path, memory: int) -> None:
    import h5py

    total = 0
    for name in archive.namelist():
        if not name.endswith(".h5"):
            continue
        if not survives(path, memory, name):
            raise damaged_hdf5(f"{name} in {path}")
        try:
            with open_hdf5(str(path), name) as stream, h5py.File(stream, "r") as file:
                total += check_links(file, path, memory - total)
        except ModelError:
            raise
        except Exception as problem:
            raise damaged_hdf5(f"{name} in {path}", problem) from problem


def _other_archive(names: list[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file, not a Keras model"
    if any(name.endswith("saved_model.pb") for name in names):
        return "a zip file of a SavedModel (unpack it and give the folder)"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive, not a Keras model"
    if any(name.endswith((".keras", ".h5")) for name in names):
        return "a zip file with a model file inside (unpack it and give that)"
    return "a zip file without a Keras model in it"


def _examine_folder(path: Path, memory: int) -> ModelFile:
    if not (path / "saved_model.pb").is_file():
        if (path / "saved_model.pbtxt").is_file():
            raise ModelError(f"{path} is a SavedModel in text form", "save it again as saved_model.pb")
        if (path / "config.json").is_file() and (path / "metadata.json").is_file():
            raise ModelError(f"{path} is an unpacked .keras file", "zip its content again as model.keras")
        raise ModelError(f"{path} is a folder without a saved_model.pb, not a model", _KINDS)
    size = sum(file.stat().st_size for file in _content(path))
    if size > memory:
        raise too_much(path, "its files", size, memory)
    return ModelFile(path, "saved_model", model_digest(path), {})


def model_digest(path: Path) -> str:
    """Return the SHA-256 digest that a model is known by: of its file, or of the digests of a SavedModel's files.

    Raises
    ------
    ModelError
        When it's missing, empty or can't be read.
    """
    if not path.is_dir():
        return _head_and_digest(path)[1]
    digest = hashlib.sha256()
    metadata = path / "keras_metadata.pb"
    for file in [*_content(path), *([metadata] if metadata.is_file() else [])]:
        digest.update(bytes.fromhex(_head_and_digest(file)[1]))
    return digest.hexdigest()


def _content(folder: Path) -> list[Path]:
    return [folder / "saved_model.pb", *sorted((folder / "variables").glob("*"))]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError(f"{path} has a configuration that is no JSON", "copy or download it again") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path} has a configuration that is no table", "save the model again")
    if _tables_in(found) > MOST_TABLES:
        raise ModelError(f"{path} has a configuration of more than {MOST_TABLES:,} tables", "it is no Keras model")
    return found


def _tables_in(value: Any) -> int:
    waiting, count = [value], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            count += 1
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return count
