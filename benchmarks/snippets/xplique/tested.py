"""Deletion and insertion of the map: how the score goes when its pixels go or come back."""

import keras
import numpy as np
from xplique.attributions import Occlusion
from xplique.metrics import Deletion, Insertion

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
images, targets = image[None], np.ones((1, 1), np.float32)
found = Occlusion(model, patch_size=15, patch_stride=5)(images, targets)
print(Deletion(model, images, targets)(found), Insertion(model, images, targets)(found))
