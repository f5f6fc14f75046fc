"""Pictures at a model's size: all of them in one array, or batch by batch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled, LocatedPictures
from reportgen.datasets.pictures import StackedPictures
from reportgen.images.fitting import fit_mask, prepare
from reportgen.settings.report import PreprocessingSettings

MEMORY = 2 << 30  # bytes
_BATCHES_AHEAD = 2


def prepare_all(
    data: Labelled,
    shape: tuple[int, int, int],
    settings: PreprocessingSettings,
    on_progress: Callable[[int], object] | None = None,
    *,
    folder: Path | None = None,
    memory: int = MEMORY,
) -> NDArray[np.uint8]:
    """Prepare every picture as a report does, in whole numbers.

    Parameters
    ----------
    data
        N images.
    shape
        (height, width, channels) of the model's input.
    settings
        For the resampling filter, and what to do with an image of another aspect.
    on_progress
        Told after each step how many images it was.
    folder
        Where a result that is larger than ``memory`` bytes is kept, as ``prepared.npy``; None: it stays in memory.
    memory
        See ``folder``.

    Returns
    -------
    ndarray
        ``(N, H, W, C)`` uint8, in the order of the data. Not to be written to: it may be the data's own.

    Raises
    ------
    ImageError
        When an image can't be read.
    """
    tell = on_progress or (lambda _: None)
    stacked = _of_shape(data, shape)
    if stacked is not None:
        pixels = stacked.stacked().reshape(len(data), *shape)
        tell(len(data))
        return pixels
    result = _allocate((len(data), *shape), folder, memory)

    def fill(index: int) -> None:
        result[index] = _whole(prepare(data.pictures.read(index), shape, settings))

    _fill_all(fill, len(data), tell)
    return result


def prepare_located(
    data: Labelled,
    shape: tuple[int, int, int],
    settings: PreprocessingSettings,
    on_progress: Callable[[int], object] | None = None,
    *,
    folder: Path | None = None,
    memory: int = MEMORY,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Prepare every picture, and with it where what its label rests on is to be seen.

    Parameters
    ----------
    data
        N images whose pictures are :class:`LocatedPictures`.
    shape, settings, on_progress, folder, memory
        As in :func:`prepare_all`.

    Returns
    -------
    tuple
        ``(N, H, W, C)`` uint8 and ``(N, H, W)`` bool.
    """
    tell = on_progress or (lambda _: None)
    images, regions = _allocate((len(data), *shape), folder, memory), np.empty((len(data), *shape[:2]), bool)
    pictures = data.pictures
    assert isinstance(pictures, LocatedPictures)  # noqa: S101 - nothing else is asked for it

    def fill(index: int) -> None:
        image, region = pictures.read_located(index)
        images[index] = _whole(prepare(image, shape, settings))
        regions[index] = fit_mask(region, shape[:2], settings.aspect)

    _fill_all(fill, len(data), tell)
    return images, regions


def _whole(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return np.rint(pixels.astype(np.float32)).astype(np.uint8)


def _fill_all(fill: Callable[[int], None], count: int, tell: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(_threads()) as pool:
        for _ in pool.map(fill, range(count)):
            tell(1)


def iterate(
    data: Labelled, shape: tuple[int, int, int], settings: PreprocessingSettings, batch: int
) -> Iterator[NDArray[np.uint8] | NDArray[np.float32]]:
    """Yield prepared pictures batch by batch, in order; the next two batches are read meanwhile.

    Parameters
    ----------
    data
        N images.
    shape, settings
        As in :func:`prepare_all`.
    batch
        Images a batch; the last may have fewer.

    Yields
    ------
    ndarray
        ``(batch, H, W, C)``, 0 to 255, just as :func:`reportgen.images.fitting.prepare` gives them: uint8 where all of
        a batch have 8 bits, else float32.

    Raises
    ------
    ImageError
        When an image can't be read.
    """
    stacked = _of_shape(data, shape)
    if stacked is not None:
        for start in range(0, len(data), batch):
            yield stacked.stacked(start, start + batch).reshape(-1, *shape)
        return
    pool = ThreadPoolExecutor(_threads())
    ahead: deque[Future[NDArray[np.generic]]] = deque()
    try:
        order = iter(range(len(data)))
        while True:
            for index in islice(order, (1 + _BATCHES_AHEAD) * batch - len(ahead)):
                ahead.append(pool.submit(lambda at: prepare(data.pictures.read(at), shape, settings), index))
            if not ahead:
                return
            yield _stack([ahead.popleft().result() for _ in range(min(batch, len(ahead)))])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _of_shape(data: Labelled, shape: tuple[int, int, int]) -> StackedPictures | None:
    """Return pictures that are one array of the wanted shape already: preparing them would change nothing."""
    pictures = data.pictures
    if not isinstance(pictures, StackedPictures):
        return None
    own = pictures.pixels.shape[1:]
    return pictures if shape in (own, (*own, 1)) else None


def _allocate(shape: tuple[int, ...], folder: Path | None, memory: int) -> NDArray[np.uint8]:
    if folder is None or int(np.prod(shape)) <= memory:
        return np.empty(shape, np.uint8)
    return np.lib.format.open_memmap(folder / "prepared.npy", "w+", np.uint8, shape)


def _stack(pictures: list[NDArray[np.generic]]) -> NDArray[np.uint8] | NDArray[np.float32]:
    if all(pixels.dtype == np.uint8 for pixels in pictures):
        return np.stack(pictures).astype(np.uint8, copy=False)
    return np.stack([pixels.astype(np.float32) for pixels in pictures])


def _threads() -> int:
    return os.cpu_count() or 1
