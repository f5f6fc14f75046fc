"""The archives of CIFAR-10 and CIFAR-100 with 60,000 generated images, against the plain way of reading them.

The plain way is what Keras's loader and most notebooks do: unpack the archive to a folder, ``pickle.load`` (or
``np.fromfile``) batch after batch, ``np.concatenate``, and turn colours last. Each run is a process of its own; printed
are the seconds of the reading alone and by how much it raised the process's peak memory. Images are smooth with noise,
so that they pack about as badly as photographs do.
"""

from __future__ import annotations

import io
import pickle
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

from reportgen.datasets.cifar import LAYOUTS, Layout

RUNS = 3
BATCH = 10_000


def main() -> None:
    """Write the four archives, read each in both ways in turn, print medians."""
    with tempfile.TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            # in a process of its own: the next ones would inherit its peak memory
            command = [sys.executable, __file__, "write", str(path_of(layout, Path(folder)))]
            subprocess.run(command, check=True)
            path = path_of(layout, Path(folder))
            print(f"{layout.title}, {layout.version} version: {path.stat().st_size / 1e6:.0f} MB packed")
            results: dict[str, list[tuple[float, float]]] = {"reportgen": [], "plain": []}
            for _ in range(RUNS):
                for way, measured in results.items():
                    command = [sys.executable, __file__, way, str(path)]
                    seconds, megabytes = subprocess.run(
                        command, check=True, capture_output=True, text=True
                    ).stdout.split()
                    measured.append((float(seconds), float(megabytes)))
            for way, measured in results.items():
                seconds, megabytes = sorted(s for s, _ in measured)[RUNS // 2], max(m for _, m in measured)
                print(f"  {way:10} {seconds:6.2f} s   {megabytes:6.0f} MB above the start (median, largest of {RUNS})")
            path.unlink()


def path_of(layout: Layout, folder: Path) -> Path:
    """Return where an archive is written to."""
    return folder / f"{layout.folder}-{layout.version}.tar.gz"


def write_archive(layout: Layout, path: Path) -> None:
    """Write an archive in the published layout: as many images, in batches as large."""
    random = np.random.default_rng(5)
    classes = {
        key: [f"{key[:4]}{n}" for n in range(count)] for key, count in zip(layout.keys, counts(layout), strict=True)
    }
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name in (*layout.train, *layout.test):
            count = (50_000 if name in layout.train else 10_000) // len(layout.train if name in layout.train else "1")
            pixels = draw(random, count)
            labels = [random.integers(0, most, count) for most in reversed(counts(layout))]
            add(tar, f"{layout.folder}/{name}", pack(layout, name, pixels, labels))
        for name, key in zip(layout.names, layout.keys, strict=False):
            text = "\n".join(classes[key]).encode() if layout.version == "binary" else pickle.dumps(classes, 2)
            add(tar, f"{layout.folder}/{name}", text)


def counts(layout: Layout) -> tuple[int, ...]:
    """Return how many fine and coarse classes there are."""
    return (10,) if layout.title == "CIFAR-10" else (100, 20)


def draw(random: np.random.Generator, count: int) -> np.ndarray:
    """Draw images ``(N, 3072)``: 8 x 8 random tiles enlarged, and noise."""
    tiles = random.integers(40, 200, (count, 3, 8, 8), np.uint8).repeat(4, 2).repeat(4, 3)
    return (tiles + random.integers(0, 40, tiles.shape, np.uint8)).reshape(count, -1)


def pack(layout: Layout, name: str, pixels: np.ndarray, labels: list[np.ndarray]) -> bytes:
    """Return a file with images: records, or a pickle with all that the published ones hold."""
    if layout.version == "binary":
        return np.column_stack([*(row.astype(np.uint8) for row in labels), pixels]).tobytes()
    content = {key: row.tolist() for key, row in zip(layout.labels, labels, strict=True)}
    files = [f"leptodactylus_pentadactylus_s_{number:06}.png" for number in range(len(pixels))]
    return pickle.dumps({**content, "data": pixels, "filenames": files, "batch_label": f"batch {name}"}, 4)


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file to an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def plain(path: Path, layout: Layout) -> int:
    """Read an archive as Keras does; return how many images there were."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
        read = 0
        for files in (layout.train, layout.test):
            pixels, labels = [], []
            for name in files:
                found = plain_batch(Path(folder) / layout.folder / name, layout)
                pixels.append(found[0])
                labels.extend(found[1])
            images = np.concatenate(pixels).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            read += len(np.ascontiguousarray(images)) * (len(labels) == len(images))
    return read


def plain_batch(path: Path, layout: Layout) -> tuple[np.ndarray, list[int]]:
    """Return the images ``(N, 3072)`` and labels of one file."""
    if layout.version == "binary":
        records = np.fromfile(path, np.uint8).reshape(-1, 3072 + len(layout.labels))
        return records[:, len(layout.labels) :], records[:, len(layout.labels) - 1].tolist()
    with path.open("rb") as file:
        content = pickle.load(file, encoding="bytes")
    return content["data"], content[layout.labels[-1]]


def measure(way: str, path: Path) -> None:
    """Write an archive, or read it in one of the two ways and print seconds and MB."""
    from reportgen.datasets.reader import read_data

    layout = next(layout for layout in LAYOUTS if path_of(layout, path.parent) == path)
    if way == "write":
        write_archive(layout, path)
        return
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    if way == "plain":
        read = plain(path, layout)
    else:
        parts = read_data(path)
        read = len(parts.train) + len(parts.test)
    seconds = time.perf_counter() - start
    if read != 60_000:
        raise SystemExit(f"{read} images were read")
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
