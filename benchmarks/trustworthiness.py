"""The four tests of N. Arun et al. (Radiology: Artificial Intelligence 3(6), 2021), on phantoms with known opacities.

``trustworthiness.py MODELS [--count N]``: MODELS is a folder where three networks of the small architecture are kept,
trained on phantoms from three seeds; those that aren't there are trained first, each in some minutes. The second
architecture is the built-in model's. What is printed are tables in Markdown; docs/evidence.md says how to read them.

Utility: the area under the precision-recall curve (AUPRC) of a map's pixels against the opacities', beside that of one
map for all images: the share of the other phantoms that have an opacity at a place. Randomisation: how alike the maps
of a model and of a copy with random weights are. Repeatability: of networks from different seeds. Reproducibility: of
different architectures. Alike is meant by the structural similarity (SSIM) of maps stretched to 0 to 1, at 128 x 128;
each is set beside that of 50 random pairs of maps of different phantoms by the same model.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from faithfulness import Subject, Tool, our_map, our_views, phantoms
from PIL import Image
from sklearn.metrics import average_precision_score

from reportgen.analysis.sanity import randomise
from reportgen.training.plan import TrainingPlan
from reportgen.training.recipe import AUGMENTATIONS, Recipe
from reportgen.training.run import train

SIDE, PAIRS, ILL = 128, 50, 1
SEEDS = (1, 2, 3)
BUILT_IN = "built-in model"
Maps = dict[str, list[np.ndarray]]  # by the way they are made, one for each phantom


def trained(folder: Path, seed: int, count: int, epochs: int) -> Path:
    """Return the file of a network of the small architecture, trained on phantoms from a seed."""
    path = folder / f"chest_xray_gray-{seed}.keras"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        recipe = Recipe(
            seed=seed, epochs=epochs, learning_rate=1e-3, leak=0.3, precision="bfloat16",
            augmentation=AUGMENTATIONS["covered"],
        )  # fmt: skip
        plan = TrainingPlan(output=path, phantoms=count, coverings=True, architecture="chest_xray_gray", recipe=recipe)
        train(plan, print, progress=True)
    return path


def with_random_weights(subject: Subject, folder: Path) -> Subject:
    """Return the same network, all of whose weights are random."""
    import keras

    path, random = folder / "random.keras", np.random.default_rng(11)
    subject.loaded.keras_model.save(path)
    model = keras.models.load_model(path)
    for layer in model.layers:
        randomise(layer, random)
    model.save(path)
    return Subject(str(path))


def maps_of(subject: Subject, count: int) -> Maps:
    """Return the maps of all phantoms, in each way that a report knows, for pneumonia."""
    tools = [Tool("occlusion (the default map)", our_map(subject, [])), *our_views(subject)]
    found: Maps = {tool.name: [] for tool in tools}
    for given in phantoms(subject, count):
        for tool in tools:
            found[tool.name].append(tool.map_of(given, ILL))
    return found


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the SSIM of two maps, each stretched to 0 to 1, of the same size."""
    import tensorflow as tf

    pair = []
    for values in (one, other):
        sized = Image.fromarray(values.astype(np.float32)).resize((SIDE, SIDE), Image.BILINEAR)
        stretched = np.asarray(sized, np.float32) - np.float32(np.min(sized))
        pair.append(stretched[..., None] / max(float(stretched.max()), 1e-12))
    return float(tf.image.ssim(*pair, max_val=1.0))


def across(maps: Sequence[np.ndarray]) -> list[float]:
    """Return how alike the maps of random pairs of different phantoms are."""
    random = np.random.default_rng(3)
    pairs = [random.choice(len(maps), 2, replace=False) for _ in range(PAIRS)]
    return [alike(maps[one], maps[other]) for one, other in pairs]


def together(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> list[float]:
    """Return how alike the maps of the same phantoms are."""
    return [alike(*pair) for pair in zip(one, other, strict=True)]


def utility(maps: Sequence[np.ndarray], opacities: Sequence[np.ndarray]) -> list[float]:
    """Return the AUPRC of each map against the opacities of its phantom."""
    return [average_precision_score(mask.ravel(), found.ravel()) for found, mask in zip(maps, opacities, strict=True)]


def mean_of_others(opacities: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return for each phantom the share of the others that have an opacity at a place."""
    total = np.sum(opacities, axis=0, dtype=np.float64)
    return [(total - mask) / (len(opacities) - 1) for mask in opacities]


def row(*cells: object) -> None:
    """Print a line of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="a folder for the networks that are trained")
    parser.add_argument("--count", type=int, default=24, help="how many phantoms")
    parser.add_argument("--train", type=int, default=4000, help="how many phantoms the networks are trained on")
    parser.add_argument("--epochs", type=int, default=12)
    given = parser.parse_args(arguments)
    names = [f"{SIDE} x {SIDE} gray, seed {seed}" for seed in SEEDS]
    files = [str(trained(given.models, seed, given.train, given.epochs)) for seed in SEEDS]
    subjects = dict(zip((BUILT_IN, *names), map(Subject, (None, *files)), strict=True))
    masks = {name: [one.opacities for one in phantoms(subject, given.count)] for name, subject in subjects.items()}
    maps = {name: maps_of(subject, given.count) for name, subject in subjects.items()}
    with tempfile.TemporaryDirectory() as folder:
        random = {name: maps_of(with_random_weights(subjects[name], Path(folder)), given.count) for name in
                  (BUILT_IN, names[0])}  # fmt: skip
    report_utility(maps, masks)
    report_likeness(maps, random, names)


def report_utility(maps: dict[str, Maps], masks: dict[str, list[np.ndarray]]) -> None:
    """Print the AUPRC of each model and way."""
    row("utility (AUPRC)", *(name for name in maps[BUILT_IN]), "mean of the other phantoms", "share of the area")
    print(f"|{'---|' * (len(maps[BUILT_IN]) + 3)}")
    for name, found in maps.items():
        own = [spread(utility(one, masks[name])) for one in found.values()]
        others = spread(utility(mean_of_others(masks[name]), masks[name]))
        row(name, *own, others, spread([mask.mean() for mask in masks[name]]))


def report_likeness(maps: dict[str, Maps], random: dict[str, Maps], names: Sequence[str]) -> None:
    """Print how alike maps are: after randomisation, over seeds, over architectures, and of different phantoms."""
    print()
    row("likeness (SSIM)", *(f"{way}; different phantoms" for way in maps[BUILT_IN]))
    print(f"|{'---|' * (len(maps[BUILT_IN]) + 1)}")
    for name, found in random.items():
        row(f"randomisation: {name}", *(
            f"{spread(together(maps[name][way], found[way]))}; {spread(across(maps[name][way]))}" for way in found
        ))  # fmt: skip
    pairs: dict[str, list[tuple[str, str]]] = {
        "repeatability: three seeds": list(itertools.combinations(names, 2)),
        "reproducibility: two architectures": [(BUILT_IN, name) for name in names],
    }
    for title, those in pairs.items():
        cells = []
        for way in maps[BUILT_IN]:
            same = [value for one, other in those for value in together(maps[one][way], maps[other][way])]
            cells.append(f"{spread(same)}; {spread([v for one, _ in those for v in across(maps[one][way])])}")
        row(title, *cells)


if __name__ == "__main__":
    main()
