"""A small model and labelled images whose scores can be worked out by hand, for the tests of evaluations."""

import numpy as np
from PIL import Image

# eleven bright and dark images; the ones at 90 and 160 are on the wrong side
BRIGHT, DARK = (200, 180, 220, 90, 150, 170), (40, 60, 160, 80, 100)


def brightness_model(path, outputs=1, names=("NORMAL", "PNEUMONIA"), activation="sigmoid", more=""):
    """Save a model whose scores follow from the mean brightness of an image; each further output is less steep."""
    import keras
    from keras import layers

    model = keras.Sequential([
        layers.Input((8, 12, 1)), layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D(),
        layers.Dense(outputs, activation=activation),
    ])  # fmt: skip
    steep = np.array([[10.0 / (number + 1) * (-1) ** number for number in range(outputs)]], np.float32)
    model.set_weights([steep, -steep[0] / 2])
    model.save(path)
    path.with_suffix(".toml").write_text(f"class_names = {list(names)}\n{more}", encoding="utf-8")
    return path


def write_folders(folder):
    """Write folders with a test part, images not square, two of each patient."""
    for label, values in (("PNEUMONIA", BRIGHT), ("NORMAL", DARK)):
        inner = folder / "test" / label
        inner.mkdir(parents=True)
        for number, value in enumerate(values):
            pixels = np.full((16, 24), value, np.uint8)
            pixels[0, number] = 0  # no two files are the same
            Image.fromarray(pixels).save(inner / f"person{number // 2}_{label}_{number}.png")
        (folder / "train" / label).mkdir(parents=True)
        Image.fromarray(pixels).save(folder / "train" / label / "person90_1.png")
    return folder


def write_table(folder):
    """Write a table of findings with two columns for subgroups, and its images."""
    rows = ["file,findings,patient,sex"]
    for number, value in enumerate((*BRIGHT, *DARK) * 2):
        pixels = np.full((16, 24), value, np.uint8)
        pixels[0, number] = 0
        Image.fromarray(pixels).save(folder / f"{number}.png")
        label = "Mass|Nodule" if value > 160 else "Mass" if value > 120 else "No Finding" if value < 70 else "Nodule"
        rows.append(f"{number}.png,{label},p{number // 2},{'FM'[number // 2 % 2]}")
    (folder / "list.csv").write_text("\n".join(rows))
    return folder / "list.csv"
